"""Addresses whose views fail on purpose, beside the site's own handlers."""

from django.db import InterfaceError, OperationalError
from django.urls import path

from booking.actions import BusyError
from revival.urls import *  # noqa: F403 - the site's own addresses and handlers


def raising(error):
    def view(request, **kwargs):
        raise error

    return view


urlpatterns = [
    path("book/gone/", raising(OperationalError("host 10.0.0.1 refused Jane Doe"))),
    path("book/closed/", raising(InterfaceError("the connection is closed"))),
    path("book/busy/", raising(BusyError())),
    path("book/bug/", raising(ValueError("Jane Doe"))),
    path("visits/<str:token>/bug/", raising(ValueError("Jane Doe")), name="bug"),
    *urlpatterns,  # noqa: F405
]
