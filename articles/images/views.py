"""The bytes of one rendition. Its address is the hash of what it shows, so it is kept for ever.

An image of a draft is as public as one of a published page: nobody can guess 256 bits, and a preview
has to show it to someone without an account.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from articles.models import Rendition

FOR_EVER = "public, max-age=31536000, immutable"


@require_safe
def rendition(request: HttpRequest, digest: str, form: str) -> HttpResponse:
    found = get_object_or_404(Rendition.objects.defer(None), sha256=digest, format=form)
    return answer(request, bytes(found.content), digest=digest, form=form)


def answer(request: HttpRequest, content: bytes, *, digest: str, form: str) -> HttpResponse:
    """The bytes, or 304 for who has them."""
    response = HttpResponse(b"" if request.method == "HEAD" else content, content_type=f"image/{form}")
    response["Content-Length"] = str(len(content))
    response["Cache-Control"] = FOR_EVER
    response["ETag"] = etag = f'"{digest}"'
    return get_conditional_response(request, etag=etag, response=response) or response
