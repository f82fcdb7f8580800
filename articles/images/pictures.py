"""Renditions of an uploaded image: validation, color conversion, resizing, encoding. Pure: bytes in, bytes out.

Every rendition is encoded from the pixels alone, so no EXIF data, location, comment or appended document of
the upload reaches a reader.

One picture is read at a time in a process, and none whose pixels would take more than MAX_MEMORY.
"""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import PurePath
from typing import TYPE_CHECKING

from .decoding import MAX_PIXELS, WIDEST, decode, memory_needed, opened

if TYPE_CHECKING:  # imported with the first upload: processes that only show pages save 4 MB
    import PIL.Image

MAX_UPLOAD_BYTES = 10_000_000
MAX_MEMORY = 160_000_000  # bytes of the decoded picture and of what is made of it, as estimated from its header
MOST_SCANS = 100  # of a JPEG, each of which goes over all pixels again; cameras and programs write ten
LONGEST_WAIT = 20  # seconds, for pictures before this one; each takes five at most
MAX_ASPECT_RATIO = 4  # longer side to shorter side
MIN_SIDE = 200  # pixels

WIDTHS = (480, 960, WIDEST)
QUALITIES = {"webp": (80, 68, 54, 40), "avif": (62, 52, 42, 32)}
"""Tried from the best on; instead of a quality below the last, the picture gets smaller."""

NAMES = {"JPEG": "a JPEG", "PNG": "a PNG", "WEBP": "a WebP"}
EXTENSIONS = {"JPEG": (".jpg", ".jpeg"), "PNG": (".png",), "WEBP": (".webp",)}
ADVICE = "Upload a JPEG, PNG or WebP."
EXPORT_AGAIN = "Export the picture again and upload the new file."
OTHER_DOCUMENTS = {
    b"<script": "a script",
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"<svg": "an SVG drawing",
    b"<?php": "a program",
    b"%pdf-": "a PDF",
}
"""Signs of other file types, in lower case: some program might open the picture as one of them."""


_one_at_a_time = threading.Lock()


class NotAPictureError(Exception):
    """The file cannot be used; the message tells the editor why."""


@dataclass(frozen=True)
class Encoded:
    """One rendition, with its size in pixels."""

    format: str
    width: int
    height: int
    content: bytes

    @property
    def sha256(self) -> str:
        return sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Picture:
    """An uploaded picture: its size in pixels when upright, and its renditions."""

    width: int
    height: int
    renditions: tuple[Encoded, ...]


def read(content: bytes, name: str, max_bytes: int) -> Picture:
    """Renditions of an uploaded file with that file name, at most `max_bytes` each. Raises NotAPictureError."""
    kind = _validate(content, name)
    if not _one_at_a_time.acquire(timeout=LONGEST_WAIT):
        raise NotAPictureError("Other pictures are being prepared. Upload this one again in a minute.")
    try:
        try:
            size, image = decode(content, kind)
        except Exception as error:  # decoders raise exceptions of many types on damaged files
            raise NotAPictureError(f"The file is damaged or incomplete. {EXPORT_AGAIN}") from error
        return Picture(*size, tuple(_renditions(image, max_bytes)))
    finally:
        _one_at_a_time.release()


# ---- validation -----------------------------------------------------------------------------


def _validate(content: bytes, name: str) -> str:
    """JPEG, PNG or WEBP, from the file's first bytes and header; decodes nothing. Raises NotAPictureError."""
    if not content:
        raise NotAPictureError(f"The file is empty. {ADVICE}")
    if len(content) > MAX_UPLOAD_BYTES:
        raise too_large()
    kind = _detect_format(content)
    _check_extension(kind, name)
    _check_no_other_type(content)
    _check_dimensions(content, kind)
    return kind


def too_large() -> NotAPictureError:
    return NotAPictureError(f"The file is larger than {MAX_UPLOAD_BYTES // 1_000_000} MB. Make the picture smaller.")


def _detect_format(content: bytes) -> str:
    signatures = {"JPEG": content[:3] == b"\xff\xd8\xff", "PNG": content[:8] == b"\x89PNG\r\n\x1a\n"}
    signatures["WEBP"] = content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    kind = next((kind for kind, is_match in signatures.items() if is_match), None)
    if kind is None:
        raise NotAPictureError(f"This is {_other_type(content)}. {ADVICE}")
    return kind


def _other_type(content: bytes) -> str:
    """The type of a file that we do not accept, in words."""
    signatures = {b"GIF8": "a GIF", b"II*\x00": "a TIFF", b"MM\x00*": "a TIFF", b"BM": "a bitmap", b"%PDF": "a PDF"}
    for signature, words in signatures.items():
        if content.startswith(signature):
            return words
    if content[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1"):
        return "a HEIC photo (on the phone choose “most compatible” under Camera, Formats)"
    text = content[:2000].lower()
    return next((words for sign, words in OTHER_DOCUMENTS.items() if sign in text), "no picture that we know")


def _check_extension(kind: str, name: str) -> None:
    extension = PurePath(name).suffix.lower()
    if extension not in EXTENSIONS[kind]:
        raise NotAPictureError(
            f"The file is {NAMES[kind]}, but its name ends in “{extension}”. Let the name end in {EXTENSIONS[kind][0]}."
        )


def _check_no_other_type(content: bytes) -> None:
    """Refuse polyglots: files that are a picture and, for example, a script or an archive at once."""
    lower = content.lower()
    other = next((words for sign, words in OTHER_DOCUMENTS.items() if sign in lower), None)
    if other is None and zipfile.is_zipfile(io.BytesIO(content)):
        other = "an archive"
    if other:
        raise NotAPictureError(f"The file is a picture and {other} at once. {EXPORT_AGAIN}")


def _check_dimensions(content: bytes, kind: str) -> None:
    import PIL.Image

    try:
        with opened(content, kind) as image:
            (width, height), is_animated, memory = image.size, _is_animated(image), memory_needed(image, content, kind)
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    except Exception as error:  # see `read`
        raise NotAPictureError(f"The file is damaged. {EXPORT_AGAIN}") from error
    if width * height > MAX_PIXELS:
        raise _too_many_pixels()
    if is_animated:
        raise NotAPictureError("The picture moves, which distracts from reading. Upload a still one.")
    if max(width, height) > MAX_ASPECT_RATIO * min(width, height):
        raise NotAPictureError(f"The picture is more than {MAX_ASPECT_RATIO} times as long as wide. Crop it first.")
    has_many_scans = kind == "JPEG" and content.count(b"\xff\xda") > MOST_SCANS  # the marker that each begins with
    if memory > MAX_MEMORY or has_many_scans:
        raise NotAPictureError(
            "The picture is too large to be read in this form. Make it half as wide, or save it as a plain JPEG."
        )
    if min(width, height) < MIN_SIDE:
        raise NotAPictureError(f"The picture is only {width} × {height} pixels. Each side needs at least {MIN_SIDE}.")


def _is_animated(image: PIL.Image.Image) -> bool:
    """Whether it is an animation; MPO, a phone's JPEG with a second picture behind the first, is none."""
    return image.format != "MPO" and bool(getattr(image, "is_animated", False))


def _too_many_pixels() -> NotAPictureError:
    return NotAPictureError(f"The picture has more than {MAX_PIXELS // 1_000_000} million pixels. Make it smaller.")


# ---- renditions -----------------------------------------------------------------------------


@cache
def formats() -> tuple[str, ...]:
    """Formats that this build of Pillow can write; some lack AVIF."""
    from PIL import features

    return tuple(form for form in ("avif", "webp") if features.check(form))


def _renditions(image: PIL.Image.Image, max_bytes: int) -> Iterator[Encoded]:
    """Renditions that fit into `max_bytes`. Raises NotAPictureError if not even the narrowest does."""
    from PIL.Image import Resampling

    widths = sorted({min(width, image.width) for width in WIDTHS})
    for width in widths:
        height = max(1, round(image.height * width / image.width))
        small = image.resize((width, height), Resampling.LANCZOS, reducing_gap=3.0)
        for form in formats():
            if content := _encode(small, form, max_bytes):
                yield Encoded(form, width, height, content)
            elif width == widths[0]:
                raise NotAPictureError(f"It cannot be made smaller than {max_bytes // 1000} kB. Crop the picture.")


def _encode(image: PIL.Image.Image, form: str, max_bytes: int) -> bytes | None:
    """The image at the best quality that fits into `max_bytes`; None if none does."""
    for quality in QUALITIES[form]:
        file = io.BytesIO()
        image.save(file, form.upper(), quality=quality)
        if file.tell() <= max_bytes:
            return file.getvalue()
    return None
