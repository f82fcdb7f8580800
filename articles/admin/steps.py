"""Buttons beside "Save" on the article's page: send to review, record a review, publish, withdraw."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest
from django.utils import timezone

from articles import publishing
from articles.models import Article, Stage
from booking.models import Therapist

from .forms import form_choices


@dataclass(frozen=True)
class Step:
    """One button; the text is saved first, even if the step is then refused."""

    verb: str
    label: str
    from_stages: tuple[Stage, ...]
    permission: str
    success_message: str
    is_stop: bool = False


STEPS = (
    Step("review", "Send to review", (Stage.DRAFT,), "articles.change_article", "Sent to review."),
    Step(
        "sign",
        "I reviewed it today",
        (Stage.IN_REVIEW, Stage.PUBLISHED),
        "articles.review_article",
        "The page now says that you reviewed it today.",
    ),
    Step("publish", "Publish", (Stage.IN_REVIEW,), "articles.publish_article", "Published."),
    Step("draft", "Back to draft", (Stage.IN_REVIEW,), "articles.change_article", "Moved back to the drafts."),
    Step(
        "withdraw",
        "Take off the site",
        (Stage.PUBLISHED,),
        "articles.publish_article",
        "Taken off the site and moved back to review.",
        is_stop=True,
    ),
)


def available_steps(request: HttpRequest, article: Article) -> list[Step]:
    """Steps that are open to this user at the article's present stage."""
    return [
        step
        for step in STEPS
        if article.stage in step.from_stages
        and request.user.has_perm(step.permission)
        and (step.verb != "sign" or is_therapist(request))
    ]


def is_therapist(request: HttpRequest) -> bool:
    """Whether the user's account is linked to a therapist, whom a review can name."""
    return bool(form_choices(request).selected["therapists"])


def take_step(request: HttpRequest, article: Article) -> None:
    """Do what the pressed button says, if it is open to this user, and tell them the result."""
    verb = request.POST.get("_step")
    step = next((step for step in available_steps(request, article) if step.verb == verb), None)
    if step is None:
        return
    try:
        _act(step, request, article)
    except publishing.NotReadyError as error:
        text = f"Not published yet. To fix first, marked below: {len(error.faults)}. The text is saved."
        messages.error(request, text)
    except publishing.WrongStageError:
        messages.warning(request, "A colleague has changed its stage already; see below. The text is saved.")
    else:
        messages.success(request, step.success_message)


def _act(step: Step, request: HttpRequest, article: Article) -> None:
    if step.verb == "publish":
        publishing.publish(article)
    elif step.verb == "sign":
        reviewer = Therapist.objects.get(account=request.user.pk)
        publishing.record_review(article, reviewer=reviewer, on=timezone.localdate())
    else:
        stage = Stage.DRAFT if step.verb == "draft" else Stage.IN_REVIEW
        publishing.change_stage(article, to=stage, from_stages=step.from_stages)
