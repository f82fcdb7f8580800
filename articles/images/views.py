"""Image files for browsers. An address is the SHA-256 of the file, so browsers may cache it forever.

A draft's image is protected only by its unguessable address, since the preview link must work without an account.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from articles.models import Rendition

CACHE_FOREVER = "public, max-age=31536000, immutable"


@require_safe
def rendition(request: HttpRequest, digest: str, form: str) -> HttpResponse:
    image = get_object_or_404(Rendition.objects.defer(None), sha256=digest, format=form)
    return image_response(request, bytes(image.content), digest=digest, form=form)


def image_response(request: HttpRequest, content: bytes, *, digest: str, form: str) -> HttpResponse:
    """The image, or 304 if the browser has it (RFC 9110, If-None-Match)."""
    response = HttpResponse(b"" if request.method == "HEAD" else content, content_type=f"image/{form}")
    response["Content-Length"] = str(len(content))
    response["Cache-Control"] = CACHE_FOREVER
    response["ETag"] = etag = f'"{digest}"'
    return get_conditional_response(request, etag=etag, response=response) or response
