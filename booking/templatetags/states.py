"""How a visit stands, in a patient's words."""

from django import template

from booking.models import Appointment, State

register = template.Library()

WORDS = {
    State.REQUESTED: "Waiting for our answer",
    State.CONFIRMED: "Confirmed",
    State.DECLINED: "Not possible",
    State.EXPIRED: "Not booked",
    State.CANCELLED: "Cancelled",
}


@register.filter
def state_words(visit: Appointment) -> str:
    """Waiting for our answer; nothing for what only the desk needs to know, such as who did not come."""
    return WORDS.get(State(visit.state), "")
