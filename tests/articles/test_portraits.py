"""A therapist's photo: asked for at the desk, put in there, shown where the drawing stood."""

from booking.models import Therapist
from tests.articles.test_images import a_picture, an_image, upload

PAGES = ("/", "/therapists/", "/therapists/peter-stanley/", "/articles/cupping-for-back-pain/")
DRAWN, PHOTO = "drawings.svg#face", "/images/"


def test_the_desk_asks_for_photos_until_they_are_there(admin_client, loaded):
    peter = Therapist.objects.get(slug="peter-stanley")
    address = f"/admin/articles/image/add/?portrait_of={peter.pk}"
    assert f"Photo of {peter}" in admin_client.get("/admin/").text
    assert address in admin_client.get("/admin/").text
    assert f'value="{peter.pk}" selected' in admin_client.get(address).text

    upload(admin_client, title="Peter", portrait_of=peter.pk)

    assert f"Photo of {peter}" not in admin_client.get("/admin/").text
    assert "Photo of Dr. Benjamin Britton" in admin_client.get("/admin/").text


def test_it_stands_where_the_drawing_stood(client, loaded):
    assert all(PHOTO not in client.get(path).text for path in PAGES)

    small = an_image(portrait_of=Therapist.objects.get(slug="peter-stanley")).smallest

    for path in PAGES:
        assert small.get_absolute_url() in client.get(path).text
    assert DRAWN not in client.get("/therapists/peter-stanley/").text


def test_photos_cost_the_same_for_two_as_for_one(client, loaded, django_assert_num_queries):
    peter, benjamin = Therapist.objects.order_by("-slug")
    an_image(portrait_of=peter)
    with django_assert_num_queries(3):
        client.get("/therapists/")
    an_image(a_picture(seed=8), portrait_of=benjamin)

    with django_assert_num_queries(3):
        client.get("/therapists/")


def test_the_desk_says_where_it_is_shown(admin_client, loaded):
    image = an_image(portrait_of=Therapist.objects.get(slug="peter-stanley"))

    assert "Beside the name of Dr. Peter Stanley" in admin_client.get(f"/admin/articles/image/{image.pk}/change/").text
