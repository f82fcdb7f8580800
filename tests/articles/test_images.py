"""Pictures: what is let in, what is made of it, how it is served, where it is shown."""

from __future__ import annotations

import io
import json
import random
import re
import struct
import zipfile
import zlib
from contextlib import suppress
from functools import cache
from hashlib import sha256
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.http import HttpResponse
from django.test import RequestFactory
from PIL import Image as Pillow
from PIL import ImageCms, ImageDraw, features

from articles import revisions
from articles.images import pictures, store
from articles.images.pictures import NotAPictureError, read
from articles.images.views import rendition
from articles.models import MAX_RENDITION_BYTES, Image, Rendition
from articles.publishing import NotReadyError, find_faults, publish
from revival.page_cache import image_cache
from tests.exhaustive import EXHAUSTIVE
from tests.revival.page_cache.test_page_cache import answers_of_both_processes, get
from tests.waiting import wait_for

ADD = "/admin/articles/image/add/"
ARTICLE = "/articles/cupping-for-back-pain/"
HALF = 0x0112  # Exif: orientation


# ---- files, drawn here ----


def a_drawing(width=1600, height=1000, mode="RGB", seed=1):
    """Left half red, right half blue, with dots that tell pictures apart."""
    picture = Pillow.new(mode, (width, height), (200, 30, 30, 255)[: len(mode)] if mode != "L" else 90)
    if mode != "L":
        draw = ImageDraw.Draw(picture)
        draw.rectangle([width // 2, 0, width, height], fill=(30, 30, 200, 255)[: len(mode)])
        dots = random.Random(seed)
        for _ in range(40):
            x, y = dots.randrange(width), dots.randrange(height)
            draw.ellipse([x, y, x + 20, y + 20], fill=(250, 250, 250, 255)[: len(mode)])
    return picture


def saved(picture, form="JPEG", **options):
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def exif(**tags):
    found = Pillow.Exif()
    found[0x010F] = "Camera of Ada Example"
    found[HALF] = tags.get("orientation", 1)
    found.get_ifd(0x8825)[1] = "N"
    found.get_ifd(0x8825)[2] = (44.0, 58.0, 41.0)
    return found


def opened(encoded):
    return Pillow.open(io.BytesIO(encoded.content))


def noise(width, height):
    return Pillow.frombytes("RGB", (width, height), random.Random(3).randbytes(width * height * 3))


def a_png_header(width, height):
    """A PNG that says it is so large, and holds nothing."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def a_zip():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("run.js", "alert(1)")
    return file.getvalue()


# ---- what is made ----


def test_three_widths_in_each_format_each_small_and_named_by_its_content():
    picture = read(saved(a_drawing(3000, 2000)), "photo.JPG", MAX_RENDITION_BYTES)

    assert (picture.width, picture.height) == (3000, 2000)
    assert [one.width for one in picture.renditions if one.format == "webp"] == [480, 960, 1440]
    assert {one.format for one in picture.renditions} == {"webp", "avif"} & set(pictures.formats())
    for one in picture.renditions:
        assert opened(one).size == (one.width, one.height) == (one.width, round(one.width * 2 / 3))
        assert opened(one).format.lower() == one.format
        assert len(one.content) <= MAX_RENDITION_BYTES
        assert one.sha256 == sha256(one.content).hexdigest()


@pytest.mark.parametrize(("width", "made"), [(1000, [480, 960, 1000]), (700, [480, 700]), (300, [300])])
def test_nothing_is_enlarged(width, made):
    picture = read(saved(a_drawing(width, 400)), "a.jpg", MAX_RENDITION_BYTES)

    assert [one.width for one in picture.renditions if one.format == "webp"] == made


def test_formats_this_pillow_cannot_write_are_left_out(monkeypatch):
    monkeypatch.setattr(features, "check", lambda name: name == "webp")
    pictures.formats.cache_clear()
    try:
        assert {one.format for one in read(saved(a_drawing()), "a.jpg", MAX_RENDITION_BYTES).renditions} == {"webp"}
    finally:
        pictures.formats.cache_clear()


def test_the_quality_is_lowered_until_it_is_small_enough():
    loud = saved(noise(700, 700), quality=60)  # at the best quality a WebP of 700 pixels takes 317 kB

    made = read(loud, "a.jpg", MAX_RENDITION_BYTES).renditions

    assert max(len(one.content) for one in made) <= MAX_RENDITION_BYTES
    assert [one.width for one in made if one.format == "webp"] == [480, 700]


def test_a_width_that_stays_too_large_is_left_out():
    made = read(saved(noise(700, 700), quality=60), "a.jpg", 200_000).renditions

    assert max(len(one.content) for one in made) <= 200_000
    assert [one.width for one in made if one.format == "webp"] == [480]


def test_what_cannot_be_made_small_is_refused():
    with pytest.raises(NotAPictureError, match="cannot be made smaller than 2 kB"):
        read(saved(noise(500, 300), quality=60), "a.jpg", 2000)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_nothing_of_the_camera_gets_through(form):
    camera = {"exif": exif(), "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()}
    if form == "JPEG":
        camera["comment"] = b"taken at Ada's home"
    content = saved(a_drawing(500, 400), form, **camera)
    assert b"Ada" in content

    for one in read(content, f"a.{form.lower().replace('jpeg', 'jpg')}", MAX_RENDITION_BYTES).renditions:
        found = opened(one)
        assert not dict(found.getexif())
        assert not {"exif", "icc_profile", "comment", "xmp"} & {key for key, value in found.info.items() if value}
        assert b"Ada" not in one.content
        assert b"EXIF" not in one.content
        assert b"Exif" not in one.content


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_stands_as_the_camera_was_held(orientation):
    shown = a_drawing(600, 300)
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # what turns an upright picture into how the sensor saw it
    sensor = shown.transpose(Pillow.Transpose(undo[orientation])) if orientation > 1 else shown

    picture = read(saved(sensor, exif=exif(orientation=orientation), quality=95), "a.jpg", MAX_RENDITION_BYTES)

    assert (picture.width, picture.height) == (600, 300)
    small = next(opened(one).convert("RGB") for one in picture.renditions if one.format == "webp")
    left, right = small.getpixel((60, 30)), small.getpixel((420, 210))
    assert left[0] > left[2]
    assert right[2] > right[0]


def test_a_large_one_without_loss_stands_upright_too():
    """Averaged down before it is turned: what the camera said must not get lost in between."""
    sensor = a_drawing(6800, 5600, "L")
    sensor.paste(250, (0, 0, 6800, 700))

    picture = read(saved(sensor, "PNG", exif=exif(orientation=6), compress_level=1), "a.png", MAX_RENDITION_BYTES)

    small = opened(picture.renditions[-1]).convert("L")
    assert (picture.width, picture.height) == (5600, 6800)
    assert small.getpixel((small.width - 20, 500)) > 200 > 120 > small.getpixel((20, 500))  # its top is right now


def test_colors_of_another_profile_become_those_of_the_web():
    """In this profile green and red stand swapped: whoever ignores it shows green for red."""
    lab = ImageCms.createProfile("sRGB")
    srgb = ImageCms.ImageCmsProfile(lab).tobytes()
    swapped = bytearray(srgb)
    table = {srgb[i : i + 4]: i for i in range(132, 132 + 12 * struct.unpack(">I", srgb[128:132])[0], 12)}
    red, green = table[b"rXYZ"], table[b"gXYZ"]
    swapped[red + 4 : red + 12], swapped[green + 4 : green + 12] = (
        srgb[green + 4 : green + 12],
        srgb[red + 4 : red + 12],
    )
    content = saved(Pillow.new("RGB", (600, 600), (250, 10, 10)), "PNG", icc_profile=bytes(swapped))

    shown = opened(read(content, "a.png", MAX_RENDITION_BYTES).renditions[0]).convert("RGB").getpixel((9, 9))

    assert shown[1] > 200 > 80 > shown[0]


@pytest.mark.parametrize(
    ("mode", "form"), [("RGBA", "PNG"), ("L", "PNG"), ("L", "JPEG"), ("P", "PNG"), ("LA", "PNG"), ("1", "PNG")]
)
def test_other_kinds_of_pixels_work(mode, form):
    content = saved(a_drawing(300, 300, "RGBA").convert("RGB").convert(mode), form)

    assert read(content, f"a.{'jpg' if form == 'JPEG' else 'png'}", MAX_RENDITION_BYTES).renditions


def test_clear_stays_clear():
    content = saved(Pillow.new("RGBA", (500, 500), (0, 0, 0, 0)), "PNG")

    for one in read(content, "a.png", MAX_RENDITION_BYTES).renditions:
        assert opened(one).convert("RGBA").getpixel((5, 5))[3] == 0


def test_print_colors_and_16_bits_of_grey_are_read():
    printed = saved(Pillow.new("CMYK", (500, 500), (0, 255, 255, 0)), "JPEG")
    gray = saved(Pillow.new("I;16", (500, 500), 32768), "PNG")

    red = opened(read(printed, "a.jpg", MAX_RENDITION_BYTES).renditions[0]).convert("RGB").getpixel((9, 9))
    middle = opened(read(gray, "a.png", MAX_RENDITION_BYTES).renditions[0]).convert("L").getpixel((9, 9))

    assert red[0] > 200 > 60 > red[2]
    assert 120 < middle < 136


def test_a_phones_second_picture_is_left_behind():
    """MPO: a JPEG with another one behind it. It is no animation."""
    file = io.BytesIO()
    a_drawing(600, 400).save(file, "MPO", save_all=True, append_images=[a_drawing(600, 400, seed=2)])

    assert read(file.getvalue(), "a.jpg", MAX_RENDITION_BYTES).width == 600


# ---- what is refused ----


def moving(form):
    return saved(a_drawing(400, 400), form, save_all=True, append_images=[a_drawing(400, 400, seed=2)], duration=100)


GOOD = saved(a_drawing(600, 400))
REFUSED = {
    "nothing": (b"", "a.jpg", "The file is empty"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "a.svg", "This is a"),
    "svg called jpg": (b'<?xml version="1.0"?><svg onload="x"/>', "a.jpg", "This is an SVG drawing"),
    "gif": (saved(a_drawing(400, 400), "GIF"), "a.gif", "This is a GIF"),
    "tiff": (saved(a_drawing(400, 400), "TIFF"), "a.tiff", "This is a TIFF"),
    "bmp": (saved(a_drawing(400, 400), "BMP"), "a.bmp", "This is a bitmap"),
    "html": (b"<!doctype html><script>alert(1)</script>", "a.html", "This is a script"),
    "html called png": (b"<html><body>hello", "a.png", "This is a web page"),
    "pdf": (b"%PDF-1.7 ...", "a.pdf", "This is a PDF"),
    "heic": (b"\0\0\0\x18ftypheic" + b"\0" * 99, "IMG_1.HEIC", "most compatible"),
    "words": (b"only words", "a.jpg", "no picture that we know"),
    "half a jpeg": (GOOD[: len(GOOD) // 2], "a.jpg", "damaged"),
    "a beginning": (GOOD[:30], "a.jpg", "damaged"),
    "half a png": (saved(a_drawing(400, 400), "PNG")[:900], "a.png", "damaged"),
    "half a webp": (saved(a_drawing(400, 400), "WEBP")[:900], "a.webp", "damaged"),
    "wrong ending": (GOOD, "a.png", "The file is a JPEG, but its name ends in “.png”"),
    "two endings": (GOOD, "a.jpg.html", "its name ends in “.html”"),
    "no ending": (GOOD, "photo", "its name ends in “”"),
    "a jpeg and a zip": (GOOD + a_zip(), "a.jpg", "a picture and an archive at once"),
    "a jpeg and a page": (GOOD + b"<HTML><script>alert(1)</script>", "a.jpg", "a picture and a script at once"),
    "a png and php": (saved(a_drawing(400, 400), "PNG") + b"<?php x", "a.png", "a picture and a program at once"),
    "a script in a comment": (saved(a_drawing(), comment=b"<script>x</script>"), "a.jpg", "and a script at once"),
    "moving webp": (moving("WEBP"), "a.webp", "The picture moves"),
    "moving png": (moving("PNG"), "a.png", "The picture moves"),
    "a bomb": (a_png_header(60_000, 60_000), "a.png", "more than 40 million pixels"),
    "a bit too many": (a_png_header(6400, 6251), "a.png", "more than 40 million pixels"),
    "a bar": (saved(a_drawing(2000, 300)), "a.jpg", "more than 4 times as long as wide"),
    "tiny": (saved(a_drawing(150, 150)), "a.jpg", "only 150 × 150 pixels"),
    "heavy": (GOOD + b"\0" * pictures.MAX_UPLOAD_BYTES, "a.jpg", "larger than 10 MB"),
}


# Pillow only warns up to twice its limit, and the tests turn warnings into errors: a running site does not.
AS_ON_A_RUNNING_SITE = pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")


@AS_ON_A_RUNNING_SITE
@pytest.mark.parametrize("which", REFUSED)
def test_what_is_refused_is_refused_in_words(which):
    content, name, words = REFUSED[which]

    with pytest.raises(NotAPictureError) as refused:
        read(content, name, MAX_RENDITION_BYTES)

    assert words in str(refused.value)


def test_a_bomb_is_never_decoded(monkeypatch):
    def explode(*args, **kwargs):
        raise AssertionError("decoded")

    bomb = a_png_header(60_000, 60_000)
    monkeypatch.setattr(Pillow.Image, "load", explode)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", explode)

    with pytest.raises(NotAPictureError, match="million pixels"):
        read(bomb, "a.png", MAX_RENDITION_BYTES)


@pytest.mark.parametrize("seed", range(40 if EXHAUSTIVE else 12))
def test_flipped_bytes_give_a_picture_or_a_sentence(seed):
    dice, form = random.Random(seed), ("JPEG", "PNG", "WEBP")[seed % 3]
    content = bytearray(saved(a_drawing(300, 300), form))
    for _ in range(dice.randrange(1, 30)):
        content[dice.randrange(20, len(content))] = dice.randrange(256)

    with suppress(NotAPictureError):  # anything else is a fault of ours
        assert read(bytes(content), f"a.{form.lower().replace('jpeg', 'jpg')}", MAX_RENDITION_BYTES).renditions


# ---- at the desk ----


def upload(client, content=GOOD, name="photo.jpg", **typed):
    file = SimpleUploadedFile(name, content, content_type="image/jpeg")
    given = {"title": "Cups", "alternative_text": "Cups on a back", "caption": "", "credit": ""} | typed
    return client.post(ADD, {"file": file, **given}, follow=True)


@pytest.fixture
def image(db):
    return an_image()


@cache
def a_picture(width=1600, height=1000, seed=7):
    """Drawn once: most tests are about where a picture goes, not about how it is made."""
    return read(saved(a_drawing(width, height, seed=seed)), "a.jpg", MAX_RENDITION_BYTES)


def an_image(picture=None, **facts):
    words = {"title": "Cups", "alternative_text": "Six cups along a spine"} | facts
    return store.add_image(image=Image(**words), picture=picture or a_picture(), by=None)


def a_small_image(seed):
    return an_image(a_picture(300, 200, seed))


def test_an_editor_uploads_and_sees_what_was_made(client, loaded, django_user_model):
    editor = django_user_model.objects.create_user("ed", password="x", is_staff=True)
    editor.groups.add(Group.objects.get(name="Editor"))
    client.force_login(editor)

    done = upload(client, saved(a_drawing(3000, 2000, seed=5)))

    image = Image.objects.get()
    assert done.status_code == 200
    assert (image.title, image.uploaded_by, image.width) == ("Cups", editor, 3000)
    page = client.get(f"/admin/articles/image/{image.pk}/change/").text
    assert "1440 × 960, WebP" in page
    assert "Nowhere yet." in page
    assert f'src="{image.smallest.get_absolute_url()}"' in page
    assert 'type="file"' not in page
    assert f'src="{image.smallest.get_absolute_url()}"' in client.get("/admin/articles/image/").text


@AS_ON_A_RUNNING_SITE
@pytest.mark.parametrize("which", REFUSED)
def test_a_refused_file_is_explained_at_the_field_and_nothing_is_stored(admin_client, which):
    content, name, words = REFUSED[which]

    refused = upload(admin_client, content, name)

    at_the_field = refused.text.split("field-file")[1].split("field-title")[0]
    assert (words if content else "The submitted file is empty") in at_the_field
    assert not Image.objects.exists()
    assert not Rendition.objects.exists()


def test_the_same_picture_twice_is_pointed_to(admin_client):
    upload(admin_client)

    again = upload(admin_client, title="Again")

    assert "This picture is here already: “Cups”. Use that one." in again.text
    assert Image.objects.count() == 1


def test_a_double_click_that_slips_past_the_form_is_told_the_same(admin_client, monkeypatch):
    upload(admin_client)
    demand, looks = store.refuse_duplicate, iter([True])
    monkeypatch.setattr(store, "refuse_duplicate", lambda picture: None if next(looks, False) else demand(picture))

    again = upload(admin_client, title="Again")

    assert again.status_code == 200
    assert "This picture is here already" in again.text
    assert Image.objects.count() == 1


def test_pictures_are_drawn_before_any_transaction_is_open(admin_client, monkeypatch):
    """The test itself runs in one; the desk must not add its own."""
    depth, seen, draw = len(connection.savepoint_ids), [], pictures.read
    monkeypatch.setattr(pictures, "read", lambda *a: (seen.append(len(connection.savepoint_ids)), draw(*a))[1])

    upload(admin_client)

    assert seen == [depth]
    assert Image.objects.exists()


@pytest.mark.parametrize("role", ["Front desk", "Therapist"])
def test_others_upload_nothing(client, loaded, django_user_model, role):
    person = django_user_model.objects.create_user("p", password="x", is_staff=True)
    person.groups.add(Group.objects.get(name=role))
    client.force_login(person)

    assert upload(client).status_code == 403
    assert not Image.objects.exists()


def test_deleting_one_that_is_shown_is_refused_in_words(admin_client, article, image):
    article.sections.filter(anchor="what").update(image=image)
    address = f"/admin/articles/image/{image.pk}/delete/"

    refused = admin_client.post(address, {"post": "yes"}, follow=True)

    assert "is still shown. Take it out there first" in refused.text
    assert "What cupping is" in refused.text
    assert Image.objects.exists()
    article.sections.update(image=None)
    admin_client.post(address, {"post": "yes"})
    assert not Image.objects.exists()
    assert not Rendition.objects.exists()


def test_words_are_not_taken_from_a_picture_that_readers_see(admin_client, article, image):
    type(article).objects.update(image=image)
    address = f"/admin/articles/image/{image.pk}/change/"
    typed = {"title": "Cups", "alternative_text": " ", "caption": "", "credit": ""}

    refused = admin_client.post(address, typed)

    assert "A published page shows it: describe it, or tick “decorative”." in refused.text
    assert "At the top of “" in refused.text
    assert admin_client.post(address, {**typed, "is_decorative": "on"}).status_code == 302


def test_a_list_of_pictures_reads_no_bytes_and_asks_little(admin_client, django_assert_max_num_queries):
    for seed in range(3):
        a_small_image(seed)
    admin_client.get("/admin/")  # that somebody is there is written once a minute

    with django_assert_max_num_queries(12) as asked:
        admin_client.get("/admin/articles/image/")

    assert not any('"articles_rendition"."content"' in one["sql"] for one in asked.captured_queries)


# ---- the database keeps it true ----


def refused_by(constraint, write):
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        write()
    assert caught.value.__cause__.diag.constraint_name == constraint


def test_the_database_refuses_what_makes_no_sense(image):
    row, small = Image.objects.filter(pk=image.pk), Rendition.objects.filter(pk=image.smallest.pk)
    large = bytes(MAX_RENDITION_BYTES + 1)

    refused_by("articles_image_decorative_has_no_words", lambda: row.update(is_decorative=True))
    refused_by("articles_image_has_a_size", lambda: row.update(width=0))
    refused_by("articles_rendition_format_is_known", lambda: small.update(format="gif"))
    refused_by("articles_rendition_is_named_by_its_content", lambda: small.update(content=b"something else"))
    refused_by(
        "articles_rendition_holds_300_kb_at_most",
        lambda: small.update(content=large, sha256=sha256(large).hexdigest()),
    )
    refused_by("articles_rendition_is_the_only_one_of_its_width", lambda: small.update(width=image.largest.width))
    twin = Rendition.objects.defer(None).get(pk=image.largest.pk)
    twin.pk, twin.width = None, 77
    refused_by("articles_rendition_sha256_key", twin.save)


# ---- how it is served ----


def test_an_image_is_served_for_ever_and_to_everyone(client, image):
    for one in image.renditions.defer(None):
        answer = client.get(one.get_absolute_url())

        assert answer.content == bytes(one.content)
        assert answer["Content-Type"] == f"image/{one.format}"
        assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Length"] == str(len(one.content))
        assert answer["ETag"] == f'"{one.sha256}"'
        assert not answer.cookies
        assert "Vary" not in answer


def test_who_has_it_gets_304_and_head_no_body(client, image):
    address = image.largest.get_absolute_url()

    known = client.get(address, headers={"if-none-match": f'"{image.largest.sha256}"'})
    head = client.head(address)

    assert (known.status_code, known.content, known["ETag"]) == (304, b"", f'"{image.largest.sha256}"')
    assert (head.status_code, head.content) == (200, b"")
    assert int(head["Content-Length"]) > 0


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch", "options"])
def test_nothing_else_is_answered(client, image, method):
    assert getattr(client, method)(image.largest.get_absolute_url()).status_code == 405


@pytest.mark.parametrize("made_up", ["0" * 64 + ".webp", "x.webp", "0" * 64 + ".html", "0" * 63 + ".webp", ""])
def test_a_made_up_address_is_a_page_not_found(client, loaded, made_up):
    answer = client.get(f"/images/{made_up}")

    assert answer.status_code == 404
    assert "612-605-7594" in answer.text


def test_the_right_hash_with_the_wrong_ending_is_not_found(client, image):
    assert client.get(image.largest.get_absolute_url().replace(".webp", ".avif")).status_code == 404


# ---- kept in memory ----


@pytest.fixture
def kept(monkeypatch, settings, image):
    """The middleware around the real view, with a stamp the test sets and a database it can take away."""
    settings.PAGE_CACHE, settings.ALLOWED_HOSTS = True, ["testserver"]
    monkeypatch.setattr(image_cache, "images", image_cache.Images())
    monkeypatch.setattr(image_cache, "revision", SimpleNamespace(stamp="1", watch=lambda: None))
    made = SimpleNamespace(revision=image_cache.revision, asked=0, is_away=False)
    one = image.largest

    def view(request):
        made.asked += 1
        return HttpResponse(status=503) if made.is_away else rendition(request, one.sha256, one.format)

    middleware = image_cache.keep_images(view)

    def get(method="get", **headers):
        request = getattr(RequestFactory(), method)(one.get_absolute_url(), headers=headers)
        request.user = AnonymousUser()
        return middleware(request)

    made.get, made.one = get, one
    return made


def test_it_is_asked_for_once_and_given_from_memory(kept):
    first, second, known = kept.get(), kept.get(), kept.get(if_none_match=f'"{kept.one.sha256}"')

    assert kept.asked == 1
    assert first.content == second.content
    assert dict(first.items()) == dict(second.items())
    assert known.status_code == 304
    assert kept.get("head").content == b""


def test_without_the_database_what_was_seen_still_shows(kept):
    kept.get()
    kept.is_away = True
    kept.revision.stamp = "2"

    assert kept.get().status_code == 200
    assert kept.get().content == kept.get().content != b""


def test_without_the_database_what_was_never_seen_does_not(kept):
    kept.is_away = True

    assert kept.get().status_code == 503


def test_a_deleted_image_is_gone_with_the_next_stamp(kept, image):
    from django.http import Http404

    kept.get()
    image.delete()
    kept.revision.stamp = "2"

    with pytest.raises(Http404):
        kept.get()


def test_another_process_gives_what_this_one_never_had(kept, monkeypatch, tmp_path):
    monkeypatch.setenv("REVIVAL_PAGES_DIR", str(tmp_path))
    content = kept.get().content
    monkeypatch.setattr(image_cache, "images", image_cache.Images())  # as in another process
    kept.is_away = True

    assert kept.get().content == content


def test_memory_and_folder_have_a_bound_in_bytes(monkeypatch, tmp_path):
    monkeypatch.setenv("REVIVAL_PAGES_DIR", str(tmp_path))
    monkeypatch.setattr(image_cache, "MOST_BYTES", 25)
    monkeypatch.setattr(image_cache, "MOST_SHARED_BYTES", 25)
    here = image_cache.Images()

    for name in "abc":
        here.keep(f"/images/{name}.webp", image_cache.Kept(b"0123456789", "1"))
        image_cache._share(f"/images/{name}.webp", b"0123456789")

    assert here.get("/images/a.webp") is None
    assert here.get("/images/c.webp").content == b"0123456789"
    assert len(list(tmp_path.iterdir())) == 2


# ---- on pages ----


def put_at_the_top(article, image):
    type(article).objects.filter(pk=article.pk).update(image=image)


def test_the_picture_stands_at_the_top_with_its_words(article, image, client):
    Image.objects.update(credit="Photo: Ada Example")
    put_at_the_top(article, image)

    top = client.get(ARTICLE).text.split('class="opening"')[1].split('class="wrap page article"')[0]

    assert "opening__art" not in top
    assert re.search(r'<source type="image/avif" srcset="/images/[0-9a-f]{64}\.avif 480w, [^"]+ 1440w" sizes=', top)
    assert top.index("image/avif") < top.index("image/webp")
    img = re.search(r"<img [^>]+>", top)[0]
    assert 'alt="Six cups along a spine"' in img
    assert 'width="1440" height="900"' in img
    assert 'fetchpriority="high"' in img
    assert "lazy" not in img
    assert "Photo: Ada Example" in top
    assert "data:" not in top


def test_without_one_the_drawing_stands_there(article, client):
    page = client.get(ARTICLE).text

    assert "opening__art" in page
    assert "<picture>" not in page


def test_a_decorative_one_is_passed_by(article, client):
    put_at_the_top(article, an_image(alternative_text="", is_decorative=True))

    page = client.get(ARTICLE).text

    assert 'alt=""' in page
    assert "og:image:alt" not in page


def test_a_section_shows_its_own_below_its_text_and_late(article, image, client):
    Image.objects.update(caption="Where cups are set")
    article.sections.filter(anchor="what").update(image=image)
    article.sections.filter(level=3).update(image=image)

    page = client.get(ARTICLE).text

    part = page.split('id="what"')[1].split("</section>")[0]
    assert part.index("does not break the skin") < part.index("<figure") < part.index("Where cups are set")
    assert 'loading="lazy"' in part
    assert "fetchpriority" not in page
    assert page.count("<figure") == 1 + article.sections.filter(level=3).count()
    assert "opening__art" in page


def test_shared_links_and_structured_data_name_it(article, image, client, settings):
    settings.SITE_URL = "https://clinic.example"
    before = client.get(ARTICLE).text
    put_at_the_top(article, image)

    page = client.get(ARTICLE).text

    address = f"https://clinic.example{image.largest.get_absolute_url()}"
    assert f'<meta property="og:image" content="{address}">' in page
    assert '<meta property="og:image:alt" content="Six cups along a spine">' in page
    assert page.count('property="og:image"') == before.count('property="og:image"') == 1
    graph = json.loads(re.search(r"ld\+json\">(.*?)</script>", page)[1])["@graph"]
    found = next(one for one in graph if one["@type"] == "Article")["image"]
    assert (found["url"], found["width"], found["height"]) == (address, 1440, 900)
    assert '"image"' not in re.search(r"ld\+json\">(.*?)</script>", before)[1]


def test_words_of_a_picture_stay_words(article, client):
    hostile = '"><script>alert(1)</script>'
    put_at_the_top(article, an_image(alternative_text=hostile, caption=hostile, credit=hostile))

    assert "<script>alert" not in client.get(ARTICLE).text


def test_pictures_cost_two_queries_however_many(article, client, django_assert_max_num_queries):
    put_at_the_top(article, a_small_image(1))
    for number, section in enumerate(article.sections.all()[:4], start=2):
        type(section).objects.filter(pk=section.pk).update(image=a_small_image(number))

    with django_assert_max_num_queries(14) as asked:
        client.get(ARTICLE)

    assert not any('"articles_rendition"."content"' in one["sql"] for one in asked.captured_queries)


def test_the_page_stays_small(article, image, client):
    import brotli

    put_at_the_top(article, image)

    assert len(brotli.compress(client.get(ARTICLE).content, quality=9)) < 20_000  # the sheet takes five more


# ---- publishing and revisions ----


def test_a_picture_without_words_keeps_an_article_from_being_published(article):
    silent = an_image(title="Silent", alternative_text=" ")
    put_at_the_top(article, silent)
    article.sections.filter(anchor="what").update(image=silent)
    article.refresh_from_db()

    reasons = [str(fault) for fault in find_faults(article)]

    assert "The image at the top, “Silent”, has no alternative text and is not ticked as decorative." in reasons
    assert any(one.startswith("The image of the section “What cupping is”, “Silent”, has no") for one in reasons)
    with pytest.raises(NotReadyError):
        publish(article)
    Image.objects.update(alternative_text="", is_decorative=True)
    article.refresh_from_db()
    assert find_faults(article) == []


def test_a_revision_brings_pictures_back(article, image):
    put_at_the_top(article, image)
    article.sections.filter(anchor="what").update(image=image)
    article.refresh_from_db()
    kept = revisions.save_revision(article, by=None)
    put_at_the_top(article, None)
    article.sections.update(image=None)

    restored = revisions.restore(kept, by=None)

    assert restored.image == image
    assert restored.sections.get(anchor="what").image == image


def test_a_revision_whose_picture_was_deleted_comes_back_without_it(article, image):
    put_at_the_top(article, image)
    article.sections.filter(anchor="what").update(image=image)
    article.refresh_from_db()
    kept = revisions.save_revision(article, by=None)
    put_at_the_top(article, None)
    article.sections.update(image=None)
    image.delete()

    restored = revisions.restore(kept, by=None)

    assert restored.image is None
    assert restored.sections.get(anchor="what").image is None
    assert restored.sections.count() == article.sections.count() > 0


def test_a_revision_from_before_there_were_pictures_comes_back(article, image):
    kept = revisions.save_revision(article, by=None)
    content = {name: value for name, value in kept.content.items() if name not in ("image", "kept_by")}
    content["sections"] = [{k: v for k, v in one.items() if k != "image"} for one in content["sections"]]
    type(kept).objects.filter(pk=kept.pk).update(content=content)
    kept.refresh_from_db()
    put_at_the_top(article, image)

    assert revisions.restore(kept, by=None).image == image


def test_the_database_too_keeps_a_picture_that_is_shown(article, image):
    put_at_the_top(article, image)

    def delete_past_django():
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM articles_rendition; DELETE FROM articles_image; SET CONSTRAINTS ALL IMMEDIATE")

    with pytest.raises(DatabaseError), transaction.atomic():
        delete_past_django()


# ---- a running site ----

PUT_IN = """
import io, PIL.Image
from articles.images import pictures, store
from articles.models import Image
file = io.BytesIO()
PIL.Image.linear_gradient("L").resize((500, 400)).save(file, "PNG")
image = store.add_image(
    image=Image(title="Live", is_decorative=True), picture=pictures.read(file.getvalue(), "a.png", 300_000), by=None
)
print("address", image.largest.get_absolute_url())
"""


def looks(site, address):
    """Statuses and bodies of eight requests; each connection is closed before the next is made, as browsers do."""
    found = answers_of_both_processes(site, address)
    return {status for status, _ in found}, {body for _, body in found}


def test_images_seen_once_answer_with_the_database_gone_and_go_when_deleted(site):
    address = re.search(r"address (\S+)", site.run_python(PUT_IN))[1]
    answer = get(site, address)
    assert answer.status == 200
    content = answer.read()
    site.stop_database()
    try:
        assert looks(site, address) == ({200}, {content})
        assert get(site, "/images/" + "0" * 64 + ".webp").status == 503
    finally:
        site.start_database()

    site.run_python("from articles.models import Image; Image.objects.all().delete()")
    wait_for(lambda: looks(site, address)[0] == {404})
