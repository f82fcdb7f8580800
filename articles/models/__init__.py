"""The models of the articles half; import them from here, never from the modules inside.

What changes several rows together, or turns them into pages, lives in the modules beside this folder.
"""

from .article import PREVIEW_DAYS, PREVIEW_SALT, Article, ArticleQuerySet, Stage, Topic
from .images import MAX_RENDITION_BYTES, Format, Image, Rendition, with_portraits
from .links import MAX_ADDRESS_LENGTH, Outcome, OutsideLink
from .parts import (
    EVIDENCE_MEANING,
    STUDIED,
    Evidence,
    Question,
    QuestionQuerySet,
    Reference,
    Section,
    SectionKind,
)
from .reminders import ReminderStep, ReviewReminder, reminder_step
from .tracking import Feedback, LoadedContent, OldSlug, Revision, SiteRevision
from .words import Word

__all__ = [
    "EVIDENCE_MEANING",
    "MAX_ADDRESS_LENGTH",
    "MAX_RENDITION_BYTES",
    "PREVIEW_DAYS",
    "PREVIEW_SALT",
    "STUDIED",
    "Article",
    "ArticleQuerySet",
    "Evidence",
    "Feedback",
    "Format",
    "Image",
    "LoadedContent",
    "OldSlug",
    "Outcome",
    "OutsideLink",
    "Question",
    "QuestionQuerySet",
    "Reference",
    "ReminderStep",
    "Rendition",
    "ReviewReminder",
    "Revision",
    "Section",
    "SectionKind",
    "SiteRevision",
    "Stage",
    "Topic",
    "Word",
    "reminder_step",
    "with_portraits",
]
