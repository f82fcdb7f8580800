"""Actions: each changes rows and writes the messages about it, in one durable transaction. Import them from here.

The exclusion constraint guarantees that two visits never meet; the therapist's row lock decides
who comes first, so that the loser gets an answer instead of a deadlock. What never is here: requests, forms, templates.
"""

from booking.mail.delivery import deliver_message
from revival.base.mail import NotDeliveredError
from revival.base.refusals import BusyError, RefusalError

from .book import Details, book_appointment
from .contact import ask_for_contact, finish_contact, take_up_contact
from .corrections import correct_person
from .day_sheets import deliver_day_sheet, visits_by_therapist, write_day_sheets
from .desk import (
    book_for_caller,
    has_begun,
    is_today_or_past,
    mark_arrived,
    mark_completed,
    mark_no_show,
    take_back,
)
from .holds import ANYONE, delete_dead_holds, take_hold
from .hours import (
    block_time,
    close_clinic,
    hours_stamp,
    remove_hours,
    save_absence,
    save_hours,
    set_weekly_hours,
    visits_outside_week,
)
from .in_the_way import visits_within
from .limits import count_ask, count_feedback, counting_booking, counting_hold
from .links import ask_for_links, send_lost_links
from .new_address import present_state
from .offers import accept_offer, decline_offer, expire_offer, offer_freed_time
from .outages.answer import cancel_affected, expire_alternative, take_other_time
from .outages.end import end_outage
from .outages.settle import keep_affected, note_reached
from .outages.start import OutagePlan, affected_by, start_outage, usual_answer_by, why_by_phone
from .own_details import ask_for_new_email, change_phone_or_note, confirm_new_email, drop_new_email
from .people import Chosen, erase_people, export_people
from .recurring import (
    RecurrencePlan,
    plan_recurring_absence,
    recurrence_stamp,
    remove_recurring_absence,
    save_recurring_absence,
)
from .refusals import (
    AddressNeededError,
    AlreadyOutError,
    AlternativesGoneError,
    ChangedMeanwhileError,
    NamesThePersonError,
    NotAllFreeError,
    NotOfferedError,
    OutageOpenError,
    SlotTakenError,
    StateChangedError,
    StillComingError,
    SubmissionReusedError,
    TooLateToChangeError,
    TooManyError,
    UnknownPersonError,
    VisitsInTheWayError,
    action,
)
from .reminders import remind_patient, remind_staff, visits_to_remind
from .restored import KeptBack, keep_back_messages
from .retention import forget_past_visits
from .series import book_series, cancel_rest
from .undelivered import mark_as_phoned, resend_message
from .visits import (
    Actor,
    cancel_appointment,
    confirm_appointment,
    decline_appointment,
    expire_request,
    move_appointment,
)
from .waitlist import end_waiting, join_waitlist, leave_waitlist, take_off_waitlist
from .zone import check_zone

__all__ = [
    "ANYONE",
    "Actor",
    "AddressNeededError",
    "AlreadyOutError",
    "AlternativesGoneError",
    "BusyError",
    "ChangedMeanwhileError",
    "Chosen",
    "Details",
    "KeptBack",
    "NamesThePersonError",
    "NotAllFreeError",
    "NotDeliveredError",
    "NotOfferedError",
    "OutageOpenError",
    "OutagePlan",
    "RecurrencePlan",
    "RefusalError",
    "SlotTakenError",
    "StateChangedError",
    "StillComingError",
    "SubmissionReusedError",
    "TooLateToChangeError",
    "TooManyError",
    "UnknownPersonError",
    "VisitsInTheWayError",
    "accept_offer",
    "action",
    "affected_by",
    "ask_for_contact",
    "ask_for_links",
    "ask_for_new_email",
    "block_time",
    "book_appointment",
    "book_for_caller",
    "book_series",
    "cancel_affected",
    "cancel_appointment",
    "cancel_rest",
    "change_phone_or_note",
    "check_zone",
    "close_clinic",
    "confirm_appointment",
    "confirm_new_email",
    "correct_person",
    "count_ask",
    "count_feedback",
    "counting_booking",
    "counting_hold",
    "decline_appointment",
    "decline_offer",
    "delete_dead_holds",
    "deliver_day_sheet",
    "deliver_message",
    "drop_new_email",
    "end_outage",
    "end_waiting",
    "erase_people",
    "expire_alternative",
    "expire_offer",
    "expire_request",
    "export_people",
    "finish_contact",
    "forget_past_visits",
    "has_begun",
    "hours_stamp",
    "is_today_or_past",
    "join_waitlist",
    "keep_affected",
    "keep_back_messages",
    "leave_waitlist",
    "mark_arrived",
    "mark_as_phoned",
    "mark_completed",
    "mark_no_show",
    "move_appointment",
    "note_reached",
    "offer_freed_time",
    "plan_recurring_absence",
    "present_state",
    "recurrence_stamp",
    "remind_patient",
    "remind_staff",
    "remove_hours",
    "remove_recurring_absence",
    "resend_message",
    "save_absence",
    "save_hours",
    "save_recurring_absence",
    "send_lost_links",
    "set_weekly_hours",
    "start_outage",
    "take_back",
    "take_hold",
    "take_off_waitlist",
    "take_other_time",
    "take_up_contact",
    "usual_answer_by",
    "visits_by_therapist",
    "visits_outside_week",
    "visits_to_remind",
    "visits_within",
    "why_by_phone",
    "write_day_sheets",
]
