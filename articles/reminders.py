"""Reviews that fall due: who is asked, when, and what became of the e-mail.

Reminders are found, not scheduled: each look asks which step a published article has reached for its present
date. A unique constraint says once, whoever looks; another date has steps of its own.
"""

from __future__ import annotations

from datetime import UTC, date, timedelta, tzinfo
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from articles.models import Article, ArticleQuerySet, ReminderStep, ReviewReminder, reminder_step
from booking.models import Clinic
from revival.base.jobs import BEHIND_THE_CLOCK, jobs
from revival.base.mail import deliver as deliver_row
from revival.base.mail import try_once

SEND_TASK = "articles.tasks.send_review_reminder"  # deferred by name: tasks import this module
SOON = timedelta(days=30)
FOLDER = "articles/mail/review"

Delivery = ReviewReminder.Delivery


def today() -> date:
    return timezone.now().astimezone(clinic_zone()).date()


def clinic_zone() -> tzinfo:
    clinic = Clinic.objects.first()
    return clinic.zone if clinic else UTC  # before the clinic is set up


def falling_due(day: date) -> ArticleQuerySet:
    """Published articles whose review is overdue or due soon, the most urgent first."""
    due = Article.objects.published().filter(next_review_on__lte=day + SOON)
    return due.select_related("kept_by", "kept_by_backup").order_by("next_review_on", "title")


def recipient_of(article: Article) -> str:
    """Its keeper; else the backup; else the clinic's address for notices; else nobody."""
    return keeper_of(article) or notices_to()


def keeper_of(article: Article) -> str:
    """The address of whoever keeps it and can be reached."""
    return next(filter(None, map(_address_of, (article.kept_by, article.kept_by_backup))), "")


def _address_of(user: Any) -> str:
    return user.email if user is not None and user.is_active else ""


def notices_to() -> str:
    clinic = Clinic.objects.first()
    return clinic.notices_to if clinic else ""


# ---- write ----------------------------------------------------------------------------------


def remind() -> list[ReviewReminder]:
    """Write the reminders that are to be sent now, each with its job in one transaction.

    For an article that nobody keeps none is written: it stands on the desk's first page, and the step is
    taken up once someone can be told.
    """
    day = today()
    written = [
        _write(article, due_on, step)
        for article in falling_due(day)
        if (due_on := article.next_review_on) and (step := reminder_step(day, due_on)) and recipient_of(article)
    ]
    return [one for one in written if one is not None]


def _write(article: Article, due_on: date, step: ReminderStep) -> ReviewReminder | None:
    with transaction.atomic():
        reminder, is_new = ReviewReminder.objects.get_or_create(
            article=article, due_on=due_on, step=step, defaults={"recipient": recipient_of(article)}
        )
        if is_new:
            jobs.configure_task(SEND_TASK, priority=BEHIND_THE_CLOCK).defer(reminder_id=reminder.pk)
    return reminder if is_new else None


# ---- send -----------------------------------------------------------------------------------


def deliver(*, reminder_id: int) -> None:
    """Send one, and write down what became of it; see `revival.base.mail.deliver`."""
    people = ("article__kept_by", "article__kept_by_backup")
    deliver_row(ReviewReminder.objects.select_related("article", *people), reminder_id, _try)


def _try(reminder: ReviewReminder) -> bool:
    """Once; True when there is nothing left to try."""
    if _is_overtaken(reminder):
        reminder.delivery = Delivery.OVERTAKEN
        return True
    recipient = recipient_of(reminder.article)
    if not recipient:
        reminder.last_answer = "nobody to send it to"
        return False
    reminder.recipient = recipient  # whoever keeps the page now, not when the reminder was written
    return try_once(reminder, lambda: compose(reminder))


def _is_overtaken(reminder: ReviewReminder) -> bool:
    """Reviewed, moved, taken down or a step further meanwhile."""
    article = Article.objects.published().filter(pk=reminder.article_id, next_review_on=reminder.due_on)
    return not article.exists() or reminder_step(today(), reminder.due_on) != reminder.step


def compose(reminder: ReviewReminder) -> EmailMultiAlternatives:
    article, clinic = reminder.article, Clinic.objects.current()
    keeper = article.kept_by
    context = {
        "clinic": clinic,
        "article": article,
        "reminder": reminder,
        "days": abs((reminder.due_on - today()).days),
        "is_keeper": keeper is not None and _address_of(keeper) == reminder.recipient,
        "desk_url": settings.SITE_URL + reverse("admin:articles_article_change", args=[article.pk]),
        "page_url": settings.SITE_URL + article.get_absolute_url(),
    }
    mail = EmailMultiAlternatives(
        subject=" ".join(render_to_string(f"{FOLDER}/subject.txt", context).split()),
        body=render_to_string(f"{FOLDER}/body.txt", context),
        to=[reminder.recipient],
        headers={"Message-ID": reminder.message_id, "Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(render_to_string(f"{FOLDER}/body.html", context), "text/html")
    return mail
