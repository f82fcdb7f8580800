"""Home page and therapists' pages, which show data of both apps."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from articles import structured_data
from articles.models import Article, Question, with_portraits
from articles.structured_data import breadcrumbs_node, clinic_node, graph
from booking.models import Clinic, Therapist
from revival.base.django_types import Context

FEW = 5


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    context: Context = {
        "therapists": with_portraits(Therapist.objects.taking_patients()),
        "articles": Article.objects.published().select_related("author")[:FEW],
        "questions": Question.objects.filter(article__isnull=True)[:3],
        "cupping_questions": Question.objects.filter(article__in=Article.objects.published())[:2],
        "hold_minutes": settings.BOOKING_HOLD_MINUTES,
        "data": graph(structured_data.website_node(), clinic_node(Clinic.objects.with_hours().first())),
    }
    return render(request, "site/home.html", context)


@require_safe
def therapist_list(request: HttpRequest) -> HttpResponse:
    trail = breadcrumbs_node(("Therapists", request.path))
    context = {"therapists": with_portraits(Therapist.objects.all()), "data": graph(trail), "section": "therapists"}
    return render(request, "site/therapists/list.html", context)


@require_safe
def therapist_detail(request: HttpRequest, slug: str) -> HttpResponse:
    therapist = get_object_or_404(with_portraits(Therapist.objects.all()), slug=slug)
    trail = breadcrumbs_node(("Therapists", reverse("therapists:list")), (therapist.name, request.path))
    context = {
        "therapist": therapist,
        "written": Article.objects.published().filter(author=therapist),
        "inviting": Article.objects.published().filter(book_with=therapist),
        "questions": Question.objects.filter(article__isnull=True)[:2],
        "data": graph(structured_data.person_node(therapist), trail, clinic_node(Clinic.objects.with_hours().first())),
        "section": "therapists",
    }
    return render(request, "site/therapists/detail.html", context)
