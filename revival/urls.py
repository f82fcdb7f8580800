"""Every address of the site."""

from django.conf import settings
from django.contrib import admin
from django.contrib.sitemaps.views import sitemap
from django.urls import include, path

from booking.views.next_times import next_times
from revival import pages, views
from revival.sitemaps import SITEMAPS

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
    path("robots.txt", views.robots, name="robots"),
    path("favicon.ico", views.favicon, name="favicon"),
]

if settings.DEBUG:
    from revival.style import style

    urlpatterns.append(path("style/", style, name="style"))

handler400 = views.bad_request
handler403 = views.permission_denied
handler404 = views.page_not_found
handler500 = views.server_error
