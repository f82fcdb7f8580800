"""A site with one hole of each kind, made on purpose: what looks for holes has to find these."""

from django.db import connection
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils.safestring import mark_safe

from booking.models import LostLink
from revival.urls import *  # noqa: F403 - the site's own addresses and handlers

FORM = '<form method="post"><input name="name" value="x"><input type="hidden" name="number" value="1"></form>'


def sql_in_the_query(request):
    if word := request.GET.get("word"):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT 1 WHERE 'a' = '{word}'")
    return HttpResponse('<a href="?word=a">a</a>')


def number_in_the_form(request):
    if request.method == "POST":
        int(request.POST["number"])
    return HttpResponse(FORM)


def markup(request):
    return HttpResponse(mark_safe(f"<p>{request.GET['q']}"))  # noqa: S308 - the hole


def anywhere(request):
    return HttpResponseRedirect(request.GET["next"])


def changes_by_looking(request):
    LostLink.objects.create(email="someone@example.com")
    return HttpResponse("seen")


def believes_a_header(request):
    return HttpResponse(f'<a href="//{request.headers.get("X-Forwarded-Host", "")}/">home</a>')


urlpatterns = [
    path("hole/sql/", sql_in_the_query),
    path("hole/form/", number_in_the_form),
    path("hole/markup/", markup),
    path("hole/anywhere/", anywhere),
    path("hole/look/", changes_by_looking),
    path("hole/header/", believes_a_header),
    *urlpatterns,  # noqa: F405
]
