"""URL configuration of the site."""

from django.conf import settings
from django.contrib import admin
from django.contrib.sitemaps.views import sitemap
from django.urls import include, path

from booking.patients.next_times import next_times
from revival.site import errors, pages
from revival.site.sitemaps import SITEMAPS

therapists = (
    [
        path("", pages.therapist_list, name="list"),
        path("<slug:slug>/", pages.therapist_detail, name="detail"),
        path("<slug:slug>/next/", next_times, name="next"),
    ],
    "therapists",
)

urlpatterns = [
    path("", pages.home, name="home"),
    path("therapists/", include(therapists)),
    path("", include("articles.urls")),
    path("", include("booking.urls")),
    path("admin/", admin.site.urls),
    path("sitemap.xml", sitemap, {"sitemaps": SITEMAPS}, name="sitemap"),
    path("robots.txt", errors.robots, name="robots"),
    path("favicon.ico", errors.favicon, name="favicon"),
]

if settings.DEBUG:
    from revival.site.style import style

    urlpatterns.append(path("style/", style, name="style"))

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.page_not_found
handler500 = errors.server_error
