"""Reminders of reviews that fall due: which to write, whom to send them to, and their delivery.

Nothing is scheduled ahead: an hourly task finds the step that each published article has reached. A unique
constraint allows one reminder per article, due date and step; a new due date starts over. A step that was missed is
not made up for once the next one is reached. The alternative weighed on 2026-11-24 was a yearly entry in somebody's
calendar, which depends on that one colleague.
"""

from __future__ import annotations

from datetime import UTC, date, timedelta, tzinfo

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from articles.models import Article, ArticleQuerySet, ReminderStep, ReviewReminder, reminder_step
from booking.models import Clinic
from revival.base.desk_parts.staff_request import StaffUser
from revival.base.django_types import Context
from revival.base.jobs import BEHIND_PERIODIC_JOBS, jobs
from revival.base.mail import deliver as deliver_row
from revival.base.mail import try_once
from revival.base.words import whole_day

SEND_TASK = "articles.tasks.send_review_reminder"  # deferred by name, since tasks import this module
SOON = timedelta(days=30)
FOLDER = "articles/mail/review"

Delivery = ReviewReminder.Delivery


def today() -> date:
    return timezone.now().astimezone(clinic_zone()).date()


def clinic_zone() -> tzinfo:
    clinic = Clinic.objects.first()
    return clinic.zone if clinic else UTC  # before the clinic is set up


def articles_due(day: date) -> ArticleQuerySet:
    """Published articles whose review is overdue or due within 30 days of `day`, the most urgent first."""
    due = Article.objects.published().filter(next_review_on__lte=day + SOON)
    return due.select_related("kept_by", "kept_by_backup").order_by("next_review_on", "title")


def recipient_address(article: Article) -> str:
    """E-mail address of the keeper, else of the backup, else the clinic's for notices, else empty."""
    return keeper_address(article) or clinic_address()


def keeper_address(article: Article) -> str:
    """E-mail address of the keeper or the backup, the first who still works here and has one; else empty."""
    return next(filter(None, map(_staff_address, (article.kept_by, article.kept_by_backup))), "")


def _staff_address(user: StaffUser | None) -> str:
    return user.email if user is not None and user.is_active else ""


def clinic_address() -> str:
    """The clinic's e-mail address for notices; empty if it is not set."""
    clinic = Clinic.objects.first()
    return clinic.notices_to if clinic else ""


# ---- write ----------------------------------------------------------------------------------


def queue_reminders() -> list[ReviewReminder]:
    """Write the reminders that are due now, each with its job in one transaction; returns the new ones.

    Without an address to send it to, a reminder is not written until there is one; the desk's first page shows
    the article.
    """
    day = today()
    reminders = [
        _write(article, due_on, step)
        for article in articles_due(day)
        if (due_on := article.next_review_on) and (step := reminder_step(day, due_on)) and recipient_address(article)
    ]
    return [reminder for reminder in reminders if reminder is not None]


def _write(article: Article, due_on: date, step: ReminderStep) -> ReviewReminder | None:
    with transaction.atomic():
        reminder, is_new = ReviewReminder.objects.get_or_create(
            article=article, due_on=due_on, step=step, defaults={"recipient": recipient_address(article)}
        )
        if is_new:
            jobs.configure_task(SEND_TASK, priority=BEHIND_PERIODIC_JOBS).defer(reminder_id=reminder.pk)
    return reminder if is_new else None


# ---- send -----------------------------------------------------------------------------------


def deliver(*, reminder_id: int) -> None:
    """Send a reminder and record the result; see `revival.base.mail.deliver`."""
    people = ("article__kept_by", "article__kept_by_backup")
    deliver_row(ReviewReminder.objects.select_related("article", *people), reminder_id, _try)


def _try(reminder: ReviewReminder) -> bool:
    """Try to send it once; True if no further try is needed."""
    if _is_overtaken(reminder):
        reminder.delivery = Delivery.OVERTAKEN
        return True
    recipient = recipient_address(reminder.article)
    if not recipient:
        reminder.last_answer = "nobody to send it to"
        return False
    reminder.recipient = recipient  # the keeper may have changed since the reminder was written
    return try_once(reminder, lambda: compose(reminder))


def _is_overtaken(reminder: ReviewReminder) -> bool:
    """Whether the article was reviewed, rescheduled or withdrawn since, or has reached the next step."""
    article = Article.objects.published().filter(pk=reminder.article_id, next_review_on=reminder.due_on)
    return not article.exists() or reminder_step(today(), reminder.due_on) != reminder.step


def compose(reminder: ReviewReminder) -> EmailMultiAlternatives:
    article, clinic = reminder.article, Clinic.objects.current()
    keeper = article.kept_by
    context: Context = {
        "clinic": clinic,
        "article": article,
        "reminder": reminder,
        "is_overdue": reminder.step == ReminderStep.OVERDUE,
        "due_day": whole_day(reminder.due_on),
        "days": abs((reminder.due_on - today()).days),
        "is_keeper": keeper is not None and _staff_address(keeper) == reminder.recipient,
        "desk_url": settings.SITE_URL + reverse("admin:articles_article_change", args=[article.pk]),
        "page_url": settings.SITE_URL + article.get_absolute_url(),
    }
    context["subject"] = " ".join(render_to_string(f"{FOLDER}/subject.txt", context).split())
    mail = EmailMultiAlternatives(
        subject=context["subject"],
        body=render_to_string(f"{FOLDER}/body.txt", context),
        to=[reminder.recipient],
    )
    mail.attach_alternative(render_to_string(f"{FOLDER}/body.html", context), "text/html")
    return mail
