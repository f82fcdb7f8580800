"""The nouns of the booking half. Import them from here."""

from .access import AccessLog, Look
from .appointments import OCCUPYING, Appointment, HeldFor, State
from .changes import CHANGES
from .contact import ContactRequest
from .hours import FAR_FUTURE, Absence, Override, Shift, Weekday
from .limits import Counted, DailyCount
from .messages import REMINDERS, TO_STAFF, Delivery, Kind, LostLink, Message
from .openings import free_times, working_time
from .origins import ArticleCount
from .people import SEE_EVERY_PATIENT, OwnOnly, WithPeople, digits_of
from .safety import Caution, UrgentHelp
from .therapists import Clinic, Service, Therapist
from .waitlist import FreedTime, Offer, PartOfDay, WaitlistEntry, rules_of_the_list

__all__ = [
    "CHANGES",
    "FAR_FUTURE",
    "OCCUPYING",
    "REMINDERS",
    "SEE_EVERY_PATIENT",
    "TO_STAFF",
    "Absence",
    "AccessLog",
    "Appointment",
    "ArticleCount",
    "Caution",
    "Clinic",
    "ContactRequest",
    "Counted",
    "DailyCount",
    "Delivery",
    "FreedTime",
    "HeldFor",
    "Kind",
    "Look",
    "LostLink",
    "Message",
    "Offer",
    "Override",
    "OwnOnly",
    "PartOfDay",
    "Service",
    "Shift",
    "State",
    "Therapist",
    "UrgentHelp",
    "WaitlistEntry",
    "Weekday",
    "WithPeople",
    "digits_of",
    "free_times",
    "rules_of_the_list",
    "working_time",
]
