"""Names from right to left beside phone numbers and times: a browser draws each number from left to right, in place."""

from __future__ import annotations

import json

import pytest
from django.utils.html import escape

from tests.browser.test_desk import clerk, desk  # noqa: F401 - fixtures
from tests.waiting import wait_for

NAMES = {"Arabic": "ليلى", "Hebrew": "נעמה"}
PHONE = "612-555-0142"
# Two visits of one day, the outage that one of them is in, and the day sheet's mail as HTML and as text.
FILL = f"""
import json
from django.utils import timezone
from booking.mail import compose
from booking.models import Appointment, Clinic, DaySheet, Service, State, Therapist
from tests.factories import an_appointment, asks, in_days
therapist, service = Therapist.objects.get(slug="peter-stanley"), Service.objects.get(slug="consultation")
days = 49 - in_days(0).weekday()
facts = {{"email": "", "phone": {PHONE!r}, "state": State.REQUESTED}}
visits = [
    an_appointment(therapist, service, in_days(days, 9 + hour), name=name, **facts)
    for hour, name in enumerate({list(NAMES.values())!r})
]
asked = asks(name={NAMES["Arabic"]!r}, phone={PHONE!r})
sheet = DaySheet(day=in_days(days).date(), recipient="desk@example.com")
mail = compose.compose_day_sheet(sheet, Clinic.objects.get(), [(therapist, visits)], timezone.now())
print(json.dumps({{
    "visits": [visit.pk for visit in visits], "day": sheet.day.isoformat(), "asked": asked.pk,
    "html": mail.alternatives[0].content, "text": mail.body,
}}))
"""
TIDY = f"""
from booking.models import Appointment, ContactRequest, State
Appointment.objects.filter(name__in={list(NAMES.values())!r}).update(state=State.CANCELLED)
ContactRequest.objects.filter(phone={PHONE!r}).update(state=ContactRequest.State.DONE)
"""
# Names, numbers and times in the order in which they were written, each with its line and place in it; of numbers and
# times the first part and the last.
PIECES = """names => {
    const found = [], nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const sought = new RegExp(`${names.join("|")}|612(?=-555-0142)|0142|\\\\d{1,2}:\\\\d\\\\d|[ap]m\\\\b`, "g");
    for (let node; (node = nodes.nextNode());) {
        if (!node.parentElement.checkVisibility()) continue;
        let block = node.parentElement;
        while (getComputedStyle(block).display === "inline") block = block.parentElement;
        window.blocks ??= [];
        if (!window.blocks.includes(block)) window.blocks.push(block);
        for (const match of node.data.matchAll(sought)) {
            const range = document.createRange();
            range.setStart(node, match.index);
            range.setEnd(node, match.index + match[0].length);
            const [box] = range.getClientRects();
            if (box) found.push([`${window.blocks.indexOf(block)} ${Math.round(box.bottom / 8)}`, box.x, match[0]]);
        }
    }
    return found;
}"""
# As if nobody had isolated anything.
UNISOLATE = """() => {
    document.querySelectorAll("bdi").forEach(one => one.replaceWith(...one.childNodes));
    const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node; (node = nodes.nextNode());) node.data = node.data.replace(/[\\u2066-\\u2069]/g, "");
    document.body.normalize();
}"""


# In a flex box or grid each element is a box of its own, and the space between the words and the name is gone.
TORN_OFF = """() => [...document.querySelectorAll("bdi")].map(one => one.parentElement)
    .filter(one => /flex|grid/.test(getComputedStyle(one).display))
    .filter(one => [...one.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim()))
    .map(one => one.outerHTML)
"""
RENAME = """
from booking.models import Therapist
Therapist.objects.filter(slug="peter-stanley").update(name={0!r}, short_name={0!r})
"""


@pytest.fixture(scope="module")
def rows(site):
    yield json.loads(site.run_python(FILL))
    site.run_python(TIDY)


@pytest.fixture
def therapist(site):
    """Dr. Stanley under an Arabic name."""
    site.run_python(RENAME.format(NAMES["Arabic"]))
    yield NAMES["Arabic"]
    site.run_python(
        "from booking.models import Therapist as T\nT.objects.filter(slug='peter-stanley').update("
        "name='Dr. Peter Stanley', short_name='Dr. Stanley')"
    )


def in_order(page):
    """Whether on each line of the page all is drawn from left to right as it was written."""
    pieces = page.evaluate(PIECES, list(NAMES.values()))
    assert {"612", "0142"} <= {text for _, _, text in pieces}
    lines = {}
    for line, place, _ in pieces:
        lines.setdefault(line, []).append(place)
    return all(places == sorted(places) for places in lines.values())


@pytest.mark.parametrize(
    ("path", "breaks"),
    [
        ("/admin/booking/appointment/", False),  # a cell each
        ("/admin/booking/appointment/{visits[0]}/confirm/", True),
        ("/admin/booking/appointment/{visits[1]}/confirm/", True),
        ("/admin/booking/contactrequest/{asked}/done/", False),
        ("/admin/calendar/day-sheet/?day={day}", False),
    ],
)
def test_at_the_desk_numbers_keep_their_order(site, desk, complaints, rows, path, breaks):  # noqa: F811
    page = desk(viewport={"width": 1280, "height": 900})
    page.goto(site.url + path.format(**rows))
    assert in_order(page)
    assert page.evaluate(TORN_OFF) == []

    page.evaluate(UNISOLATE)  # a control: where they stand in one line, a name without isolation turns them around

    assert in_order(page) != breaks


def test_a_found_patients_numbers_keep_their_order(site, desk, complaints, rows):  # noqa: F811
    page = desk(viewport={"width": 390, "height": 844})
    page.goto(f"{site.url}/admin/patients/")
    page.get_by_label("Phone").fill(PHONE)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("heading", name="Patients").wait_for()

    assert in_order(page)
    assert page.get_by_role("button", name="All visits of").count() >= 1
    assert page.evaluate(TORN_OFF) == []


@pytest.mark.parametrize("path", ["/", "/book/", "/therapists/peter-stanley/", "/articles/cupping-for-back-pain/"])
def test_on_pages_that_readers_open_a_name_stands_in_its_sentence(site, page, therapist, path):
    def is_renamed():  # pages for readers are kept, and made anew within a second; the next times never are
        page.goto(site.url + path)
        return page.get_by_role("link", name=f"See {therapist}’s free times").count()

    wait_for(is_renamed)

    assert page.locator("bdi", has_text=therapist).count()
    assert page.evaluate(TORN_OFF) == []


@pytest.mark.parametrize("part", ["html", "text"])
def test_in_a_mail_numbers_keep_their_order(page, rows, part):
    """As text each line is drawn by its own direction, as mail readers do."""
    text = f'<pre style="unicode-bidi: plaintext">{escape(rows["text"])}</pre>'
    page.set_content(rows["html"] if part == "html" else text)
    assert in_order(page)

    page.evaluate(UNISOLATE)

    assert in_order(page) == (part == "html")  # there each stands in a cell of its own
