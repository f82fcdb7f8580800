"""Home page and therapists' pages, which show data of both apps."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from articles import structured_data
from articles.models import Article, Question, with_portraits
from articles.structured_data import breadcrumbs_node, clinic_node, graph
from booking.models import Clinic, Service, Therapist, Treated, at_a_glance, before_you_come
from revival.base.django_types import Context

FEW = 5


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    clinic, services = Clinic.objects.current_if_any(), list(Service.objects.on_offer())
    glance = at_a_glance(clinic, services) if clinic else []
    context: Context = {
        "treated": _with_articles(clinic.treated) if clinic else [],
        "glance": glance,
        "before": [fact for fact in before_you_come(clinic, services) if fact not in glance] if clinic else [],
        "therapists": with_portraits(Therapist.objects.taking_patients()),
        "articles": Article.objects.published().select_related("author")[:FEW],
        "questions": Question.objects.filter(article__isnull=True)[:3],
        "cupping_questions": Question.objects.filter(article__in=Article.objects.published())[:2],
        "hold_minutes": settings.BOOKING_HOLD_MINUTES,
        "data": graph(structured_data.website_node(), clinic_node(clinic)),
    }
    return render(request, "site/home.html", context)


def _with_articles(treated: list[Treated]) -> list[Treated]:
    """What the clinic treats; an article that nobody can read now is not led to."""
    named = {row.article for row in treated if row.article}
    there = set(Article.objects.published().filter(slug__in=named).values_list("slug", flat=True)) if named else set()
    return [row if row.article in there else Treated(row.name) for row in treated]


@require_safe
def therapist_list(request: HttpRequest) -> HttpResponse:
    trail = breadcrumbs_node(("Therapists", request.path))
    context = {"therapists": with_portraits(Therapist.objects.all()), "data": graph(trail), "section": "therapists"}
    return render(request, "site/therapists/list.html", context)


@require_safe
def therapist_detail(request: HttpRequest, slug: str) -> HttpResponse:
    therapist = get_object_or_404(with_portraits(Therapist.objects.all()), slug=slug)
    trail = breadcrumbs_node(("Therapists", reverse("therapists:list")), (therapist.name, request.path))
    clinic = Clinic.objects.current_if_any()
    services = list(therapist.services.on_offer()) if therapist.is_taking_patients else []
    context = {
        "therapist": therapist,
        "before": before_you_come(clinic, services) if clinic else [],
        "written": Article.objects.published().filter(author=therapist),
        "inviting": Article.objects.published().filter(book_with=therapist),
        "questions": Question.objects.filter(article__isnull=True)[:2],
        "data": graph(structured_data.person_node(therapist), trail, clinic_node(clinic)),
        "section": "therapists",
    }
    return render(request, "site/therapists/detail.html", context)
