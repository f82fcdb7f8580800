"""From an uploaded file to the small files that readers get. Pure: bytes in, bytes out, no database.

Nothing of the upload itself survives: every rendition is drawn anew from its pixels, so no EXIF, place,
comment or appended document can reach a reader.
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

if TYPE_CHECKING:  # loaded with the first picture: it is 4 MB in each process that only shows pages
    import PIL.Image

MOST_UPLOADED = 10_000_000  # bytes
MOST_PIXELS = 40_000_000  # a phone's; decoded they take 120 MB
MOST_STRETCHED = 4  # times as long as wide, or the other way round: beyond that it is a bar, not a picture
LEAST_WIDTH = 200  # pixels

WIDTHS = (480, 960, 1440)
QUALITIES = {"webp": (80, 68, 54, 40), "avif": (62, 52, 42, 32)}
"""Tried from the best on; below the last, a smaller picture looks better than a larger one."""

NAMES = {"JPEG": "a JPEG", "PNG": "a PNG", "WEBP": "a WebP"}
ENDINGS = {"JPEG": (".jpg", ".jpeg"), "PNG": (".png",), "WEBP": (".webp",)}
WANTED = "Upload a JPEG, PNG or WebP."
OTHER_DOCUMENTS = {
    b"<script": "a script",
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"<svg": "an SVG drawing",
    b"<?php": "a program",
    b"%pdf-": "a PDF",
}
"""What some program might take a file for that also opens as a picture. Compared in lower case."""


class NotAPictureError(Exception):
    """The file cannot be used; the text is a sentence for whoever uploaded it."""


@dataclass(frozen=True)
class Encoded:
    format: str
    width: int
    height: int
    content: bytes

    @property
    def sha256(self) -> str:
        return sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Picture:
    """Upright size in pixels as it was uploaded, and the renditions made from it."""

    width: int
    height: int
    renditions: tuple[Encoded, ...]


def read(content: bytes, name: str, most_bytes: int) -> Picture:
    """Renditions of at most `most_bytes` each. Raises NotAPictureError."""
    kind = _checked(content, name)
    try:
        picture = _upright(content, kind)
    except NotAPictureError:
        raise
    except Exception as error:  # decoders raise all kinds of things on what was made to break them
        raise NotAPictureError("The file is damaged or not whole. Export the picture anew and upload that.") from error
    size, image = picture
    return Picture(*size, tuple(_renditions(image, most_bytes)))


# ---- what is let in -------------------------------------------------------------------------


def _checked(content: bytes, name: str) -> str:
    """JPEG, PNG or WEBP; decided from the first bytes and the header alone, before anything is decoded."""
    if not content:
        raise NotAPictureError(f"The file is empty. {WANTED}")
    if len(content) > MOST_UPLOADED:
        raise too_large()
    kind = _kind(content)
    _demand_its_ending(kind, name)
    _demand_a_picture_only(content)
    _demand_a_size(content, kind)
    return kind


def too_large() -> NotAPictureError:
    return NotAPictureError(f"The file is larger than {MOST_UPLOADED // 1_000_000} MB. Make the picture smaller.")


def _kind(content: bytes) -> str:
    starts = {"JPEG": content[:3] == b"\xff\xd8\xff", "PNG": content[:8] == b"\x89PNG\r\n\x1a\n"}
    starts["WEBP"] = content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    found = next((kind for kind, is_it in starts.items() if is_it), None)
    if found is None:
        raise NotAPictureError(f"This is {_what_it_is(content)}. {WANTED}")
    return found


def _what_it_is(content: bytes) -> str:
    beginnings = {b"GIF8": "a GIF", b"II*\x00": "a TIFF", b"MM\x00*": "a TIFF", b"BM": "a bitmap", b"%PDF": "a PDF"}
    for beginning, words in beginnings.items():
        if content.startswith(beginning):
            return words
    if content[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1"):
        return "a HEIC photo (on the phone choose “most compatible” under Camera, Formats)"
    text = content[:2000].lower()
    return next((words for sign, words in OTHER_DOCUMENTS.items() if sign in text), "no picture that we know")


def _demand_its_ending(kind: str, name: str) -> None:
    ending = PurePath(name).suffix.lower()
    if ending not in ENDINGS[kind]:
        raise NotAPictureError(
            f"The file is {NAMES[kind]}, but its name ends in “{ending}”. Let the name end in {ENDINGS[kind][0]}."
        )


def _demand_a_picture_only(content: bytes) -> None:
    """A file can be a picture and something else at once; nobody's camera makes those."""
    lower = content.lower()
    found = next((words for sign, words in OTHER_DOCUMENTS.items() if sign in lower), None)
    if found is None and zipfile.is_zipfile(io.BytesIO(content)):
        found = "an archive"
    if found:
        raise NotAPictureError(f"The file is a picture and {found} at once. Export the picture anew and upload that.")


def _demand_a_size(content: bytes, kind: str) -> None:
    import PIL.Image

    try:
        with _opened(content, kind) as image:
            (width, height), is_moving = image.size, _is_moving(image)
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    except Exception as error:  # see `read`
        raise NotAPictureError("The file is damaged. Export the picture anew and upload that.") from error
    if width * height > MOST_PIXELS:
        raise _too_many_pixels()
    if is_moving:
        raise NotAPictureError("The picture moves, which distracts from reading. Upload a still one.")
    if max(width, height) > MOST_STRETCHED * min(width, height):
        raise NotAPictureError(f"The picture is more than {MOST_STRETCHED} times as long as wide. Cut it first.")
    if min(width, height) < LEAST_WIDTH:
        raise NotAPictureError(f"The picture is only {width} × {height} pixels; at least {LEAST_WIDTH} each way.")


def _opened(content: bytes, kind: str) -> PIL.Image.Image:
    import PIL.Image

    PIL.Image.MAX_IMAGE_PIXELS = MOST_PIXELS  # Pillow's own check
    return PIL.Image.open(io.BytesIO(content), formats=[kind])


def _is_moving(image: PIL.Image.Image) -> bool:
    """MPO is a JPEG with a second picture behind the first: phones write those, and nothing moves."""
    return image.format != "MPO" and bool(getattr(image, "is_animated", False))


def _too_many_pixels() -> NotAPictureError:
    return NotAPictureError(f"The picture has more than {MOST_PIXELS // 1_000_000} million pixels. Make it smaller.")


# ---- upright, in sRGB, without anything else ------------------------------------------------


def _upright(content: bytes, kind: str) -> tuple[tuple[int, int], PIL.Image.Image]:
    """The size as uploaded, and the pixels turned as the camera was held, in sRGB."""
    from PIL import ImageOps

    with _opened(content, kind) as image:
        size = image.size
        image.draft(None, (max(WIDTHS), max(WIDTHS)))  # a large JPEG is decoded at a half, a quarter, an eighth
        image.load()
        turned = image.getexif().get(0x0112, 1)  # Exif 2.32, table 4: orientation; 5 to 8 lie on their side
        upright = ImageOps.exif_transpose(_not_larger_than_useful(image))
        return (size[::-1] if turned in (5, 6, 7, 8) else size), _in_srgb(upright, image.info.get("icc_profile"))


def _not_larger_than_useful(image: PIL.Image.Image) -> PIL.Image.Image:
    """Averaged down towards the widest rendition, so that each later step takes megabytes, not hundreds."""
    times = min(image.size) // max(WIDTHS)
    return image.reduce(times) if times > 1 and image.mode in ("L", "RGB", "RGBA", "CMYK") else image


def _in_srgb(image: PIL.Image.Image, profile: bytes | None) -> PIL.Image.Image:
    if image.mode.startswith("I"):  # 16 bits of gray, of which the upper eight are kept
        image = image.point(lambda value: value / 256).convert("L")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    if image.mode in ("P", "LA", "PA", "1") or (mode == "RGBA" and image.mode != "RGBA"):
        image = image.convert(mode)
    if profile:
        image = _with_profile(image, profile, mode)
    return _bare(image.convert(mode))


def _with_profile(image: PIL.Image.Image, profile: bytes, mode: str) -> PIL.Image.Image:
    """Colors as they were meant. A profile that cannot be read, or is for other pixels, is left out."""
    from PIL import ImageCms

    try:
        meant = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, meant, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return image
    return converted or image


def _bare(image: PIL.Image.Image) -> PIL.Image.Image:
    """The pixels in a new image, which knows nothing of the file they came from."""
    import PIL.Image

    bare = PIL.Image.new(image.mode, image.size)
    bare.paste(image)
    return bare


# ---- renditions -----------------------------------------------------------------------------


@cache
def formats() -> tuple[str, ...]:
    """What this Pillow can write; AVIF is not in every build."""
    from PIL import features

    return tuple(form for form in ("avif", "webp") if features.check(form))


def _renditions(image: PIL.Image.Image, most_bytes: int) -> Iterator[Encoded]:
    """Raises NotAPictureError when not even the narrowest is small enough; wider ones that are not are left out."""
    from PIL.Image import Resampling

    widths = sorted({min(width, image.width) for width in WIDTHS})
    for width in widths:
        height = max(1, round(image.height * width / image.width))
        small = image.resize((width, height), Resampling.LANCZOS, reducing_gap=3.0)
        for form in formats():
            if content := _encode(small, form, most_bytes):
                yield Encoded(form, width, height, content)
            elif width == widths[0]:
                raise NotAPictureError(f"It cannot be made smaller than {most_bytes // 1000} kB. Cut out a part of it.")


def _encode(image: PIL.Image.Image, form: str, most_bytes: int) -> bytes | None:
    """At the best quality that keeps within `most_bytes`, if one does."""
    for quality in QUALITIES[form]:
        file = io.BytesIO()
        image.save(file, form.upper(), quality=quality)
        if file.tell() <= most_bytes:
            return file.getvalue()
    return None
