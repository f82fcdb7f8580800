"""The nouns of the booking half. Import them from here."""

from .access import AccessLog, Look
from .alternatives import Alternative, FirstChoice, Proposal, propose, rules_for
from .appointments import OCCUPYING, Appointment, HeldFor, State
from .changes import CHANGES
from .contact import ContactRequest
from .hours import FAR_FUTURE, Absence, Override, Shift, Weekday
from .limits import Counted, DailyCount
from .messages import REMINDERS, TO_STAFF, Delivery, Kind, LostLink, Message
from .openings import free_times, working_time
from .outages import UNSETTLED, AffectedVisit, Bucket, Outage, OutageContact, near
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
    "UNSETTLED",
    "Absence",
    "AccessLog",
    "AffectedVisit",
    "Alternative",
    "Appointment",
    "Bucket",
    "Caution",
    "Clinic",
    "ContactRequest",
    "Counted",
    "DailyCount",
    "Delivery",
    "FirstChoice",
    "FreedTime",
    "HeldFor",
    "Kind",
    "Look",
    "LostLink",
    "Message",
    "Offer",
    "Outage",
    "OutageContact",
    "Override",
    "OwnOnly",
    "PartOfDay",
    "Proposal",
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
    "near",
    "propose",
    "rules_for",
    "rules_of_the_list",
    "working_time",
]
