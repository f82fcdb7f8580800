"""Renditions of an uploaded image: validation, color conversion, resizing, encoding. Pure: bytes in, bytes out.

Every rendition is encoded from the pixels alone, so no EXIF data, location, comment or appended document of
the upload reaches a reader.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported with the first upload: processes that only show pages save 4 MB
    import PIL.Image

MAX_UPLOAD_BYTES = 10_000_000
MAX_PIXELS = 40_000_000  # what a phone takes; 120 MB when decoded
MAX_ASPECT_RATIO = 4  # longer side to shorter side
MIN_SIDE = 200  # pixels

WIDTHS = (480, 960, 1440)
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
    try:
        size, image = _upright(content, kind)
    except NotAPictureError:
        raise
    except Exception as error:  # decoders raise exceptions of many types on damaged files
        raise NotAPictureError(f"The file is damaged or incomplete. {EXPORT_AGAIN}") from error
    return Picture(*size, tuple(_renditions(image, max_bytes)))


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
        with _opened(content, kind) as image:
            (width, height), is_animated = image.size, _is_animated(image)
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
    if min(width, height) < MIN_SIDE:
        raise NotAPictureError(f"The picture is only {width} × {height} pixels. Each side needs at least {MIN_SIDE}.")


def _opened(content: bytes, kind: str) -> PIL.Image.Image:
    import PIL.Image

    PIL.Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow's own check
    return PIL.Image.open(io.BytesIO(content), formats=[kind])


def _is_animated(image: PIL.Image.Image) -> bool:
    """Whether it is an animation; MPO, a phone's JPEG with a second picture behind the first, is none."""
    return image.format != "MPO" and bool(getattr(image, "is_animated", False))


def _too_many_pixels() -> NotAPictureError:
    return NotAPictureError(f"The picture has more than {MAX_PIXELS // 1_000_000} million pixels. Make it smaller.")


# ---- orientation and colors -----------------------------------------------------------------


def _upright(content: bytes, kind: str) -> tuple[tuple[int, int], PIL.Image.Image]:
    """Size when upright, and the pixels in that orientation in sRGB, reduced if the picture is very large."""
    from PIL import ImageOps

    with _opened(content, kind) as image:
        size = image.size
        image.draft(None, (max(WIDTHS), max(WIDTHS)))  # a large JPEG is decoded at a half, a quarter, an eighth
        image.load()
        orientation = image.getexif().get(0x0112, 1)  # Exif 2.32, table 4: 5 to 8 lie on their side
        upright = ImageOps.exif_transpose(_reduce(image))
        size = size[::-1] if orientation in (5, 6, 7, 8) else size
        return size, _convert_to_srgb(upright, image.info.get("icc_profile"))


def _reduce(image: PIL.Image.Image) -> PIL.Image.Image:
    """Shrink by a whole factor towards the widest rendition, so that later steps need megabytes, not hundreds."""
    factor = min(image.size) // max(WIDTHS)
    return image.reduce(factor) if factor > 1 and image.mode in ("L", "RGB", "RGBA", "CMYK") else image


def _convert_to_srgb(image: PIL.Image.Image, profile: bytes | None) -> PIL.Image.Image:
    if image.mode.startswith("I"):  # 16-bit gray; the upper eight bits remain
        image = image.point(lambda value: value / 256).convert("L")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    if image.mode in ("P", "LA", "PA", "1") or (mode == "RGBA" and image.mode != "RGBA"):
        image = image.convert(mode)
    if profile:
        image = _apply_profile(image, profile, mode)
    return _without_metadata(image.convert(mode))


def _apply_profile(image: PIL.Image.Image, profile: bytes, mode: str) -> PIL.Image.Image:
    """Convert from the ICC profile to sRGB; a profile that is damaged or does not fit the pixels is ignored."""
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return image
    return converted or image


def _without_metadata(image: PIL.Image.Image) -> PIL.Image.Image:
    """Copy the pixels, and nothing else of the file, to a new image."""
    import PIL.Image

    copy = PIL.Image.new(image.mode, image.size)
    copy.paste(image)
    return copy


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
