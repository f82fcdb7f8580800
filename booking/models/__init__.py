"""Models of the booking half, one file a noun. Import them from here; they send nothing and know of no request."""

from revival.base.mail import Mail

from .access import AccessLog, Look
from .affected_visits import UNSETTLED, AffectedVisit, Bucket, OutageContact, phone_notice
from .alternatives import Alternative, FirstChoice, Proposal, propose
from .appointments import Appointment
from .before_you_come import at_a_glance, before_you_come
from .changes import CHANGES
from .clinic import Clinic, OpeningHours, quiet_hours, reading_clinic_once
from .clinic_calendar import clinic_calendar
from .contact import ContactRequest
from .day_sheets import DaySheet, Edition
from .email_changes import EmailChange
from .facts import Fact, WithExamples
from .found_people import FoundPerson, Lookup
from .free import Answer, Audience, FreeTimes, Terms, WhyNot, ask, free_times
from .freed_times import FreedTime
from .hours import FAR_FUTURE, Absence, HowOften, Override, Shift, Weekday
from .limits import Counted, DailyCount
from .messages import REMINDERS, TO_STAFF, Delivery, Kind, LostLink, Message
from .openings import working_time
from .origins import ArticleCount
from .outages import Outage
from .owned_rows import SEE_EVERY_PATIENT, OwnOnly, group_by_therapist
from .parts_of_day import PartOfDay
from .people import WithPeople, clinic_country, phone_key, phone_of
from .place import Insurance, Place, Treated
from .recurring import LONGEST, RecurringAbsence
from .safety import Caution, UrgentHelp
from .series import MOST_A_WEEK, MOST_VISITS, MOST_WEEKS, Series
from .states import COMING, OCCUPYING, HeldFor, State
from .therapists import Service, Therapist
from .waitlist import Offer, WaitlistEntry, rules_of_the_list

__all__ = [
    "CHANGES",
    "COMING",
    "FAR_FUTURE",
    "LONGEST",
    "MOST_A_WEEK",
    "MOST_VISITS",
    "MOST_WEEKS",
    "OCCUPYING",
    "REMINDERS",
    "SEE_EVERY_PATIENT",
    "TO_STAFF",
    "UNSETTLED",
    "Absence",
    "AccessLog",
    "AffectedVisit",
    "Alternative",
    "Answer",
    "Appointment",
    "ArticleCount",
    "Audience",
    "Bucket",
    "Caution",
    "Clinic",
    "ContactRequest",
    "Counted",
    "DailyCount",
    "DaySheet",
    "Delivery",
    "Edition",
    "EmailChange",
    "Fact",
    "FirstChoice",
    "FoundPerson",
    "FreeTimes",
    "FreedTime",
    "HeldFor",
    "HowOften",
    "Insurance",
    "Kind",
    "Look",
    "Lookup",
    "LostLink",
    "Mail",
    "Message",
    "Offer",
    "OpeningHours",
    "Outage",
    "OutageContact",
    "Override",
    "OwnOnly",
    "PartOfDay",
    "Place",
    "Proposal",
    "RecurringAbsence",
    "Series",
    "Service",
    "Shift",
    "State",
    "Terms",
    "Therapist",
    "Treated",
    "UrgentHelp",
    "WaitlistEntry",
    "Weekday",
    "WhyNot",
    "WithExamples",
    "WithPeople",
    "ask",
    "at_a_glance",
    "before_you_come",
    "clinic_calendar",
    "clinic_country",
    "free_times",
    "group_by_therapist",
    "phone_key",
    "phone_notice",
    "phone_of",
    "propose",
    "quiet_hours",
    "reading_clinic_once",
    "rules_of_the_list",
    "working_time",
]
