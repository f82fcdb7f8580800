"""The state of a visit in words for patients."""

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
    """Such as "Confirmed"; empty for states that only the desk needs, such as a no-show."""
    return WORDS.get(State(visit.state), "")
