"""Decoding of an image file within a bound of memory: pixels upright, in sRGB, no larger than the site needs.

Pure: bytes in, pixels out. Pillow is imported with the first upload: processes that only show pages save 4 MB.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import PIL.Image

MAX_PIXELS = 40_000_000  # what a phone takes
WIDEST = 1440  # pixels of the widest rendition
STRIP = 64  # rows of the reduced picture that are made at once


def opened(content: bytes, kind: str) -> PIL.Image.Image:
    import PIL.Image

    PIL.Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow's own check
    return PIL.Image.open(io.BytesIO(content), formats=[kind])


# ---- memory ---------------------------------------------------------------------------------

BYTES_A_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2}
"""As Pillow keeps them; four in every other mode."""


def memory_needed(image: PIL.Image.Image, content: bytes, kind: str) -> int:
    """Bytes that decoding takes at most, as the header has it: the decoder's own, the pixels, and the reduced picture
    twice (one before and one after a step)."""
    pixels, own = image.width * image.height, 0
    if kind == "JPEG":
        own = round(pixels * _coefficient_bytes(content))
        image.draft(None, (WIDEST, WIDEST))  # as `_decode_reduced` does
    elif kind == "WEBP":
        own = pixels * 4  # a frame of libwebp's
    decoded = image.width * image.height * BYTES_A_PIXEL.get(image.mode, 4)
    reduced = image.width * image.height // _factor(image) ** 2 * 4
    return own + decoded + 2 * reduced


def _coefficient_bytes(content: bytes) -> float:
    """Bytes a pixel that a JPEG in several scans takes beside its pixels; none in one scan (ITU-T T.81, B.2)."""
    position, components, bytes_a_pixel = 2, 0, 8.0
    while content[position : position + 1] == b"\xff":
        marker, length = content[position + 1], int.from_bytes(content[position + 2 : position + 4], "big")
        if marker == 0xFF:  # a byte to fill up
            position += 1
            continue
        if marker in range(0xC0, 0xD0) and marker not in (0xC4, 0xC8, 0xCC):  # the frame
            components = content[position + 9]
            samplings = [divmod(content[position + 11 + 3 * number], 16) for number in range(components)]
            samples = sum(across * down for across, down in samplings)
            bytes_a_pixel = 2 * samples / (max(samplings)[0] * max(down for _, down in samplings))
            if marker not in (0xC0, 0xC1):
                return bytes_a_pixel
        if marker == 0xDA:  # the first scan
            return bytes_a_pixel if content[position + 4] < components else 0
        position += 2 + length
    return bytes_a_pixel


# ---- orientation and colors -----------------------------------------------------------------


def decode(content: bytes, kind: str) -> tuple[tuple[int, int], PIL.Image.Image]:
    """Size when upright, and the pixels in that orientation in sRGB, reduced if the picture is very large.

    Raises exceptions of many types on damaged files."""
    from PIL import ImageOps

    size, image = _decode_reduced(content, kind)
    profile = image.info.get("icc_profile")
    return size, _convert_to_srgb(ImageOps.exif_transpose(image), profile)


def _decode_reduced(content: bytes, kind: str) -> tuple[tuple[int, int], PIL.Image.Image]:
    """Size when upright, and the pixels as they lie in the file, reduced if the picture is very large."""
    with opened(content, kind) as image:
        size = image.size
        image.draft(None, (WIDEST, WIDEST))  # a large JPEG is decoded at a half, a quarter, an eighth
        image.load()
        orientation = image.getexif().get(0x0112, 1)  # Exif 2.32, table 4: 5 to 8 lie on their side
        return size[::-1] if orientation in (5, 6, 7, 8) else size, _reduce(image)


def _factor(image: PIL.Image.Image) -> int:
    """The whole number by which a picture is shrunk towards the widest rendition."""
    return max(1, min(image.size) // WIDEST)


def _reduce(image: PIL.Image.Image) -> PIL.Image.Image:
    """Shrink a picture, strip by strip, so that there is never a second one of its full size."""
    import PIL.Image

    factor, mode = _factor(image), _with_plain_pixels(image.crop((0, 0, 1, 1))).mode
    reduced = PIL.Image.new(mode, (-(-image.width // factor), -(-image.height // factor)))
    for top in range(0, image.height, factor * STRIP):
        strip = image.crop((0, top, image.width, min(top + factor * STRIP, image.height)))
        reduced.paste(_with_plain_pixels(strip).reduce(factor), (0, top // factor))
    reduced.info = {name: value for name, value in image.info.items() if name != "transparency"}
    return reduced


def _with_plain_pixels(image: PIL.Image.Image) -> PIL.Image.Image:
    """In a mode whose pixels can be averaged."""
    mode = "RGBA" if image.has_transparency_data else "RGB"
    if image.mode.startswith("I"):  # 16-bit gray; the upper eight bits remain
        image = image.point(lambda value: value / 256).convert("L")
    if image.mode in ("P", "LA", "PA", "1") or (mode == "RGBA" and image.mode != "RGBA"):
        image = image.convert(mode)
    return image


def _convert_to_srgb(image: PIL.Image.Image, profile: bytes | None) -> PIL.Image.Image:
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
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
