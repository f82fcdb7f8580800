"""What no page can be quicker than: a bare WSGI function, and a Django view through the site's own middleware.

The last part of the path says how many bytes the answer has: `/constant/9000/`. gunicorn serves
`tests.bench.floor:bare` and `tests.bench.floor:django_view` with the site's own configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path


@cache
def body(size: int) -> bytes:
    return b"x" * size


def bare(environ: dict, start_response: Callable) -> Iterable[bytes]:
    answer = body(int(environ["PATH_INFO"].split("/")[2]))
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(answer)))])
    return [answer]


def constant(request: HttpRequest, size: int) -> HttpResponse:
    return HttpResponse(body(size))


urlpatterns = [path("constant/<int:size>/", constant)]


def django_view(environ: dict, start_response: Callable) -> Iterable[bytes]:
    return _application()(environ, start_response)


def _application() -> Callable:
    from revival.wsgi import application

    settings.ROOT_URLCONF = __name__
    return application
