"""The nouns of the booking half. Import them from here."""

from .appointments import OCCUPYING, Appointment, HeldFor, State
from .hours import FAR_FUTURE, Absence, Override, Shift, Weekday
from .limits import Counted, DailyCount
from .messages import Delivery, Kind, LostLink, Message
from .openings import free_times, working_time
from .safety import Caution, UrgentHelp
from .therapists import Clinic, Service, Therapist

__all__ = [
    "FAR_FUTURE",
    "OCCUPYING",
    "Absence",
    "Appointment",
    "Caution",
    "Clinic",
    "Counted",
    "DailyCount",
    "Delivery",
    "HeldFor",
    "Kind",
    "LostLink",
    "Message",
    "Override",
    "Service",
    "Shift",
    "State",
    "Therapist",
    "UrgentHelp",
    "Weekday",
    "free_times",
    "working_time",
]
