"""The things people do: one durable transaction each, messages included. Import them from here.

The exclusion constraint guarantees that two visits never meet; the therapist's row lock decides
who comes first, so that the loser gets an answer instead of a deadlock.
"""

from .delivery import NotDeliveredError, deliver_message
from .holds import ANYONE, delete_dead_holds, take_hold
from .hours import remove_hours, save_absence, save_hours
from .limits import count_booking, count_hold, uncount_booking, uncount_hold
from .links import ask_for_links, send_lost_links
from .refusals import (
    BusyError,
    NotOfferedError,
    RefusalError,
    SlotTakenError,
    StateChangedError,
    SubmissionReusedError,
    TooLateToChangeError,
    TooManyError,
    action,
)
from .retention import forget_past_visits
from .visits import (
    Actor,
    Details,
    book_appointment,
    cancel_appointment,
    confirm_appointment,
    decline_appointment,
    expire_request,
    move_appointment,
)

__all__ = [
    "ANYONE",
    "Actor",
    "BusyError",
    "Details",
    "NotDeliveredError",
    "NotOfferedError",
    "RefusalError",
    "SlotTakenError",
    "StateChangedError",
    "SubmissionReusedError",
    "TooLateToChangeError",
    "TooManyError",
    "action",
    "ask_for_links",
    "book_appointment",
    "cancel_appointment",
    "confirm_appointment",
    "count_booking",
    "count_hold",
    "decline_appointment",
    "delete_dead_holds",
    "deliver_message",
    "expire_request",
    "forget_past_visits",
    "move_appointment",
    "remove_hours",
    "save_absence",
    "save_hours",
    "send_lost_links",
    "take_hold",
    "uncount_booking",
    "uncount_hold",
]
