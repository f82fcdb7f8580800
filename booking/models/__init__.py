"""The nouns of the booking half. Import them from here."""

from .appointments import OCCUPYING, Appointment, HeldFor, State
from .contact import ContactRequest
from .hours import FAR_FUTURE, Absence, Override, Shift, Weekday
from .limits import Counted, DailyCount
from .messages import REMINDERS, TO_STAFF, Delivery, Kind, LostLink, Message
from .openings import free_times, working_time
from .safety import Caution, UrgentHelp
from .therapists import Clinic, Service, Therapist
from .waitlist import FreedTime, Offer, PartOfDay, WaitlistEntry, rules_of_the_list

__all__ = [
    "FAR_FUTURE",
    "OCCUPYING",
    "REMINDERS",
    "TO_STAFF",
    "Absence",
    "Appointment",
    "Caution",
    "Clinic",
    "ContactRequest",
    "Counted",
    "DailyCount",
    "Delivery",
    "FreedTime",
    "HeldFor",
    "Kind",
    "LostLink",
    "Message",
    "Offer",
    "Override",
    "PartOfDay",
    "Service",
    "Shift",
    "State",
    "Therapist",
    "UrgentHelp",
    "WaitlistEntry",
    "Weekday",
    "free_times",
    "rules_of_the_list",
    "working_time",
]
