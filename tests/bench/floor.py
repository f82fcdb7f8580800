"""What no page can be quicker than: a bare WSGI function, and a Django view through the site's own middleware.

`FLOOR_BYTES` says how large their answer is. gunicorn serves `tests.bench.floor:bare` and
`tests.bench.floor:django_view` with the site's own configuration.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path

BODY = b"x" * int(os.environ.get("FLOOR_BYTES", "1000"))


def bare(environ: dict, start_response: Callable) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(BODY)))])
    return [BODY]


def constant(request: HttpRequest) -> HttpResponse:
    return HttpResponse(BODY)


urlpatterns = [path("constant/", constant)]


def django_view(environ: dict, start_response: Callable) -> Iterable[bytes]:
    return _application()(environ, start_response)


def _application() -> Callable:
    from revival.wsgi import application

    settings.ROOT_URLCONF = __name__
    return application
