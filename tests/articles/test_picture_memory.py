"""Decoding pictures one at a time and within a bound of memory, measured in a process of its own."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image as Pillow

from articles.images import pictures
from articles.images.pictures import MAX_MEMORY, NotAPictureError, read
from articles.models import MAX_RENDITION_BYTES
from tests.articles.test_images import GOOD
from tests.waiting import PATIENCE, wait_for

ROOT = Path(__file__).resolve().parents[2]
MEASURE = """
import sys, resource
from articles.images import pictures
import PIL.Image, PIL.ImageCms, PIL.ImageOps
content = open(sys.argv[1], "rb").read()
pictures.formats(), PIL.Image.init()
pictures._renditions = lambda image, max_bytes: iter(())  # writing the small ones is bounded by their width
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
picture = pictures.read(content, sys.argv[1], 300_000)
print(picture.width, peak() - before)
"""


def a_file(mode: str, width: int, height: int, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    Pillow.new(mode, (width, height), 3 if mode in ("P", "1", "L", "I;16") else None).save(file, form, **options)
    return file.getvalue()


LARGE = {
    "palette": ("P", 6300, 6300, "PNG"),
    "black and white": ("1", 6300, 6300, "PNG"),
    "gray": ("L", 6300, 6300, "PNG"),
    "gray of 16 bits": ("I;16", 6300, 6300, "PNG"),
    "colors": ("RGB", 5700, 3800, "PNG"),
    "colors and clear": ("RGBA", 5700, 3800, "PNG"),
    "gray and clear": ("LA", 5700, 3800, "PNG"),
    "long and narrow": ("RGBA", 2800, 4500, "PNG"),
    "a photo": ("RGB", 7300, 5400, "JPEG"),
    "a photo for print": ("CMYK", 7300, 5400, "JPEG"),
    "a photo in several scans": ("RGB", 4800, 3200, "JPEG"),
    "a webp": ("RGBA", 4400, 3000, "WEBP"),
}
OPTIONS = {
    "PNG": {"compress_level": 1},
    "JPEG": {"subsampling": 0},
    "WEBP": {"method": 0, "lossless": True},
}


def is_in_scans(name: str) -> dict[str, object]:
    return {"progressive": True} if "scans" in name else {}


@pytest.mark.parametrize("name", LARGE)
def test_the_largest_of_each_kind_takes_no_more_memory_than_was_estimated(tmp_path, name):
    mode, width, height, form = LARGE[name]
    path = tmp_path / f"a.{form.lower()}"
    path.write_bytes(a_file(mode, width, height, form, **OPTIONS[form], **is_in_scans(name)))
    command = [sys.executable, "-c", MEASURE, str(path)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)

    assert done.stdout, done.stderr
    read_width, peak = map(int, done.stdout.split())
    assert read_width == width
    assert peak < MAX_MEMORY + 30_000_000  # and the program's own


@pytest.mark.parametrize(
    ("mode", "width", "height", "form", "options"),
    [
        ("RGBA", 6300, 6300, "PNG", {}),
        ("LA", 6300, 6300, "PNG", {}),
        ("RGB", 2800, 11_000, "PNG", {}),
        ("RGB", 6300, 6300, "WEBP", {}),
        ("RGB", 7300, 5400, "JPEG", {"progressive": True}),
    ],
)
def test_a_larger_one_is_refused_in_words_and_never_decoded(monkeypatch, mode, width, height, form, options):
    content = a_file(mode, width, height, form, **OPTIONS[form], **options)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("decoded"))

    with pytest.raises(NotAPictureError, match="Make it half as wide, or save it as a plain JPEG"):
        read(content, f"a.{form.lower()}", MAX_RENDITION_BYTES)


def test_a_jpeg_that_goes_over_its_pixels_again_and_again_is_refused():
    content = a_file("RGB", 600, 400, "JPEG", progressive=True)
    last_scan = content[content.rindex(b"\xff\xda") : -2]

    assert read(content[:-2] + last_scan * 3 + content[-2:], "a.jpg", MAX_RENDITION_BYTES).width == 600
    with pytest.raises(NotAPictureError, match="save it as a plain JPEG"):
        read(content[:-2] + last_scan * 100 + content[-2:], "a.jpg", MAX_RENDITION_BYTES)


class Counted:
    """A lock that counts who came to it."""

    def __init__(self) -> None:
        self.lock, self.came = threading.Lock(), 0

    def acquire(self, timeout: float) -> bool:
        self.came += 1
        return self.lock.acquire(timeout=timeout)

    def release(self) -> None:
        self.lock.release()


def test_one_picture_is_decoded_at_a_time(monkeypatch):
    lock, decode, may_go_on = Counted(), pictures.decode, threading.Event()
    decoding, most, made = [0], [0], []

    def slow(content, kind):
        decoding[0] += 1
        most[0] = max(most[0], decoding[0])
        may_go_on.wait(PATIENCE)
        decoding[0] -= 1
        return decode(content, kind)

    monkeypatch.setattr(pictures, "_one_at_a_time", lock)
    monkeypatch.setattr(pictures, "decode", slow)
    threads = [threading.Thread(target=lambda: made.append(read(GOOD, "a.jpg", MAX_RENDITION_BYTES))) for _ in "abc"]
    for thread in threads:
        thread.start()
    wait_for(lambda: lock.came == len(threads) and decoding[0])
    may_go_on.set()
    for thread in threads:
        thread.join(PATIENCE)

    assert (most[0], len(made)) == (1, len(threads))


def test_who_waits_too_long_is_told_so_and_the_next_is_taken(monkeypatch):
    monkeypatch.setattr(pictures, "LONGEST_WAIT", 0.01)
    with pictures._one_at_a_time, pytest.raises(NotAPictureError, match="Upload this one again in a minute"):
        read(GOOD, "a.jpg", MAX_RENDITION_BYTES)

    assert read(GOOD, "a.jpg", MAX_RENDITION_BYTES).renditions


def test_a_damaged_one_does_not_keep_others_out():
    with pytest.raises(NotAPictureError, match="damaged"):
        read(GOOD[: len(GOOD) // 2], "a.jpg", MAX_RENDITION_BYTES)

    assert read(GOOD, "a.jpg", MAX_RENDITION_BYTES).renditions
