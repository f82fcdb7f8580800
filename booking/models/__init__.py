"""The nouns of the booking half. Import them from here."""

from revival.base.mail import Mail, message_id

from .access import AccessLog, Look
from .alternatives import Alternative, FirstChoice, Proposal, propose, rules_for
from .appointments import OCCUPYING, Appointment, HeldFor, State
from .changes import CHANGES
from .contact import ContactRequest
from .day_sheets import DaySheet, Edition
from .hours import FAR_FUTURE, Absence, Override, Shift, Weekday
from .limits import Counted, DailyCount
from .messages import REMINDERS, TO_STAFF, Delivery, Kind, LostLink, Message
from .openings import free_times, working_time
from .origins import ArticleCount
from .outages import UNSETTLED, AffectedVisit, Bucket, Outage, OutageContact, near
from .people import NATIONAL, SEE_EVERY_PATIENT, OwnOnly, WithPeople, digits_of, of_each
from .safety import Caution, UrgentHelp
from .series import MOST_A_WEEK, MOST_VISITS, MOST_WEEKS, Series
from .therapists import Clinic, Service, Therapist
from .waitlist import FreedTime, Offer, PartOfDay, WaitlistEntry, rules_of_the_list

__all__ = [
    "CHANGES",
    "FAR_FUTURE",
    "MOST_A_WEEK",
    "MOST_VISITS",
    "MOST_WEEKS",
    "NATIONAL",
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
    "ArticleCount",
    "Bucket",
    "Caution",
    "Clinic",
    "ContactRequest",
    "Counted",
    "DailyCount",
    "DaySheet",
    "Delivery",
    "Edition",
    "FirstChoice",
    "FreedTime",
    "HeldFor",
    "Kind",
    "Look",
    "LostLink",
    "Mail",
    "Message",
    "Offer",
    "Outage",
    "OutageContact",
    "Override",
    "OwnOnly",
    "PartOfDay",
    "Proposal",
    "Series",
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
    "message_id",
    "near",
    "of_each",
    "propose",
    "rules_for",
    "rules_of_the_list",
    "working_time",
]
