"""Pages that show both halves of the house: home and the therapists."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from articles.models import Article, Question
from booking.models import Therapist

FEW = 5


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    context = {
        "therapists": Therapist.objects.taking_patients(),
        "articles": Article.objects.published().select_related("author")[:FEW],
        "questions": Question.objects.filter(article__isnull=True)[:3],
        "cupping_questions": Question.objects.filter(article__in=Article.objects.published())[:2],
    }
    return render(request, "home.html", context)


@require_safe
def therapist_list(request: HttpRequest) -> HttpResponse:
    context = {"therapists": Therapist.objects.all(), "section": "therapists"}
    return render(request, "therapists/list.html", context)


@require_safe
def therapist_detail(request: HttpRequest, slug: str) -> HttpResponse:
    therapist = get_object_or_404(Therapist, slug=slug)
    context = {
        "therapist": therapist,
        "written": Article.objects.published().filter(author=therapist),
        "inviting": Article.objects.published().filter(book_with=therapist),
        "questions": Question.objects.filter(article__isnull=True)[:2],
        "section": "therapists",
    }
    return render(request, "therapists/detail.html", context)
