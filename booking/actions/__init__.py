"""The things people do: one durable transaction each, messages included. Import them from here.

The exclusion constraint guarantees that two visits never meet; the therapist's row lock decides
who comes first, so that the loser gets an answer instead of a deadlock.
"""

from .contact import ask_for_contact, finish_contact, take_up_contact
from .delivery import Answer, NotDeliveredError, deliver_message, hand_over, mark_as_phoned, resend_message
from .desk import (
    book_for_caller,
    has_begun,
    its_day_has_come,
    mark_arrived,
    mark_completed,
    mark_no_show,
    take_back,
)
from .holds import ANYONE, delete_dead_holds, take_hold
from .hours import remove_hours, save_absence, save_hours
from .limits import count_ask, count_booking, count_feedback, count_hold, uncount_booking, uncount_hold
from .links import ask_for_links, send_lost_links
from .people import Person, erase_person, export_person
from .refusals import (
    BusyError,
    NamesThePersonError,
    NotOfferedError,
    RefusalError,
    SlotTakenError,
    StateChangedError,
    StillComingError,
    SubmissionReusedError,
    TooLateToChangeError,
    TooManyError,
    UnknownPersonError,
    action,
)
from .reminders import remind_patient, remind_staff, who_is_to_be_reminded
from .restored import KeptBack, keep_back_what_may_have_gone_out
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
from .waitlist import (
    accept_offer,
    decline_offer,
    end_waiting,
    expire_offer,
    join_waitlist,
    leave_waitlist,
    offer_freed_time,
)

__all__ = [
    "ANYONE",
    "Actor",
    "Answer",
    "BusyError",
    "Details",
    "KeptBack",
    "NamesThePersonError",
    "NotDeliveredError",
    "NotOfferedError",
    "Person",
    "RefusalError",
    "SlotTakenError",
    "StateChangedError",
    "StillComingError",
    "SubmissionReusedError",
    "TooLateToChangeError",
    "TooManyError",
    "UnknownPersonError",
    "accept_offer",
    "action",
    "ask_for_contact",
    "ask_for_links",
    "book_appointment",
    "book_for_caller",
    "cancel_appointment",
    "confirm_appointment",
    "count_ask",
    "count_booking",
    "count_feedback",
    "count_hold",
    "decline_appointment",
    "decline_offer",
    "delete_dead_holds",
    "deliver_message",
    "end_waiting",
    "erase_person",
    "expire_offer",
    "expire_request",
    "export_person",
    "finish_contact",
    "forget_past_visits",
    "hand_over",
    "has_begun",
    "its_day_has_come",
    "join_waitlist",
    "keep_back_what_may_have_gone_out",
    "leave_waitlist",
    "mark_arrived",
    "mark_as_phoned",
    "mark_completed",
    "mark_no_show",
    "move_appointment",
    "offer_freed_time",
    "remind_patient",
    "remind_staff",
    "remove_hours",
    "resend_message",
    "save_absence",
    "save_hours",
    "send_lost_links",
    "take_back",
    "take_hold",
    "take_up_contact",
    "uncount_booking",
    "uncount_hold",
    "who_is_to_be_reminded",
]
