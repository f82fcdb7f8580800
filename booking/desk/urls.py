"""URL patterns of booking's own pages at the desk, below `/admin/`."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponseBase
from django.urls import URLPattern, path, re_path

from .hours.block import block_page
from .hours.holidays import holidays_page
from .hours.overview import hours_page
from .hours.recurring import change_recurring_absence, new_recurring_absence, remove_recurring_absence
from .hours.weekly import week_page
from .outages.board import outage_board, outage_list
from .outages.end import end_outage
from .outages.settle import settle_outage
from .outages.start import start_outage
from .people.correct import correct
from .people.new_email import new_email
from .people.one_person import one_person
from .people.search import find_patients
from .reports.page import report_table, reports_page
from .visits.calendar import calendar
from .visits.caller import book_for_caller
from .visits.day_sheet import day_sheet
from .visits.series.book import book_series
from .visits.series.rest import cancel_rest
from .visits.why_not import why_page

View = Callable[..., HttpResponseBase]


def desk_urls(admin_view: Callable[[View], View], *, article_titles: Callable[[], dict[str, str]]) -> list[URLPattern]:
    """URL patterns, each view wrapped by the site's `admin_view`, which lets only signed-in staff in.

    `article_titles` gives the titles of articles by slug, for the reports: booking does not import the articles.
    """
    titles = {"titles": article_titles}
    return [
        path("calendar/", admin_view(calendar), name="calendar"),
        path("calendar/book/", admin_view(book_for_caller), name="book_for_caller"),
        path("calendar/series/", admin_view(book_series), name="book_series"),
        re_path(
            r"^calendar/series/(?P<pk>\d{1,18})/cancel-rest/$", admin_view(cancel_rest), name="cancel_rest_of_series"
        ),
        path("calendar/day-sheet/", admin_view(day_sheet), name="day_sheet"),
        path("calendar/block/", admin_view(block_page), name="block_time"),
        path("calendar/out/", admin_view(outage_list), name="outages"),
        path("calendar/out/new/", admin_view(start_outage), name="start_outage"),
        path("calendar/out/<int:pk>/", admin_view(outage_board), name="outage"),
        path("calendar/out/<int:pk>/end/", admin_view(end_outage), name="end_outage"),
        path("calendar/out/<int:pk>/<int:line>/", admin_view(settle_outage), name="settle_outage"),
        path("calendar/why/", admin_view(why_page), name="why_not"),
        path("hours/", admin_view(hours_page), name="hours"),
        path("hours/holidays/", admin_view(holidays_page), name="holidays"),
        path("hours/recurring/new/", admin_view(new_recurring_absence), name="new_recurring_absence"),
        re_path(r"^hours/recurring/(?P<pk>\d{1,18})/$", admin_view(change_recurring_absence), name="recurring_absence"),
        re_path(
            r"^hours/recurring/(?P<pk>\d{1,18})/remove/$",
            admin_view(remove_recurring_absence),
            name="remove_recurring_absence",
        ),
        path("hours/week/<slug:slug>/", admin_view(week_page), name="week_hours"),
        path("patients/", admin_view(find_patients), name="patients"),
        re_path(
            r"^patients/correct/(?P<kind>appointment|waitlistentry|contactrequest)/(?P<pk>\d{1,18})/$",
            admin_view(correct),
            name="correct_person",
        ),
        re_path(r"^patients/new-email/(?P<pk>\d{1,18})/$", admin_view(new_email), name="new_email"),
        path("patients/one/", admin_view(one_person), name="one_person"),
        path("reports/", admin_view(reports_page), titles, name="reports"),
        path("reports/<slug:key>.csv", admin_view(report_table), titles, name="report_table"),
    ]
