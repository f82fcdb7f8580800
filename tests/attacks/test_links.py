"""Private links, ways back, kept pages and limits: what is guessed, swapped, old, forged or repeated opens nothing."""

from __future__ import annotations

import base64
import random
import secrets
import string
import uuid
from urllib.parse import quote, urlsplit

import pytest
from django.core import signing
from django.test import Client

from booking.models import (
    Appointment,
    ContactRequest,
    Counted,
    DailyCount,
    LostLink,
    Message,
    State,
    WaitlistEntry,
)
from booking.models.links import link_token
from tests.attacks import sweep
from tests.attacks.conftest import CANARY
from tests.attacks.places import public_addresses
from tests.attacks.raw import request, send
from tests.attacks.test_fields import stored
from tests.factories import typed_details
from tests.revival.staff.test_permissions import addresses
from tests.staff import PASSWORD, SUPERUSER, a_colleague, one_of_each_kind, staff_user

DICE = random.Random(27)


@pytest.fixture
def rows(db):
    return one_of_each_kind.put_in()


@pytest.fixture
def guest(db):
    return Client()


@pytest.fixture
def paths(rows, guest):
    return public_addresses(rows, guest)


# ---- tokens -------------------------------------------------------------------------------------

KINDS = {
    "visit": ["/visits/{}/", "/visits/{}/move/", "/visits/{}/cancel/", "/visits/{}/visit.ics", "/visits/{}/earlier/"],
    "waiting": ["/waitlist/{}/", "/waitlist/{}/leave/", "/waitlist/{}/accept/", "/waitlist/{}/decline/"],
    "instead": ["/visits/instead/{}/"],
    "hold": ["/book/hold/{}/"],
    "preview": ["/articles/preview/{}/"],
}


@pytest.fixture
def tokens(paths):
    shown = {"visit": "visit", "waiting": "waitlist", "instead": "instead", "hold": "details"}
    found = {
        kind: paths[f"booking:{name}"].partition("?")[0].rstrip("/").rpartition("/")[2] for kind, name in shown.items()
    }
    return found | {"preview": paths["articles:preview"].rstrip("/").rpartition("/")[2]}


SENT = {"offer": "1", "start": "2026-12-01T09:00-06:00"}


def opens(client: Client, pattern: str, token: str) -> bool:
    """Whether anything but "there is no such page" comes back, whatever is asked."""
    path = pattern.format(quote(token, safe=""))
    answers = [
        client.get(path),
        client.head(path),
        client.post(path, {"offer": "1", "start": "2026-12-01T09:00-06:00"}),
    ]
    return any(answer.status_code not in (400, 404, 405) for answer in answers)


def test_control_each_kind_of_token_opens_its_own_pages(tokens, guest):
    for kind, patterns in KINDS.items():
        for pattern in patterns:
            assert guest.get(pattern.format(tokens[kind])).status_code in (200, 405), pattern


def test_no_token_opens_a_page_of_another_kind(tokens, guest):
    before = sweep.digests(stored())

    for kind, token in tokens.items():
        for other, patterns in KINDS.items():
            if kind == other or (kind, other) == ("visit", "hold"):
                continue  # what was held is the visit now: its old address leads on to it, for a form sent twice
            for pattern in patterns:
                assert not opens(guest, pattern, token), f"{kind} opens {pattern}"

    assert sweep.digests(stored()) == before


def alike(token: str) -> list[str]:
    """Nearly that token: cut, longer, in other letters, with another spelling of the same bits."""
    last = string.ascii_letters + string.digits + "-_"
    near = [token[:-1], token[1:], token[:20], token[:-1] + "=", token + "=", token + "A", "A" + token, token * 2]
    near += [
        token.swapcase(),
        token.lower(),
        token[::-1],
        token + "\n",
        token + "\0",
        " " + token,
        token + "/x",
        token + "%00",
    ]
    near += [token[:-1] + letter for letter in last[::5] if letter != token[-1]]
    return near


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_is_nearly_a_token_opens_anything(tokens, guest, kind):
    for token in alike(tokens[kind]):
        assert not opens(guest, KINDS[kind][0], token), token


@pytest.mark.parametrize("kind", KINDS)
def test_no_token_is_guessed(tokens, guest, kind, rows):
    visit = rows.appointment
    forged = [
        link_token("visit", uuid.uuid4(), 1),
        str(visit.public_id),
        visit.public_id.hex,
        visit.link_digest,
        str(visit.pk),
    ]
    forged += [base64.urlsafe_b64encode(visit.public_id.bytes).rstrip(b"=").decode(), signing.dumps(visit.pk)]
    forged += ["0", "1", "-1", "null", "undefined", "%", "*", "' OR '1'='1", "..", "../admin", "é" * 43, "\ud7ff"]
    forged += [secrets.token_urlsafe(32) for _ in range(5)]
    for token in forged:
        assert not opens(guest, KINDS[kind][0], token), token


def test_an_old_link_opens_nothing(rows, guest):
    visit = rows.appointment
    old = visit.get_absolute_url()
    assert guest.get(old).status_code == 200

    visit.close_link()
    visit.save()

    gone, nowhere = guest.get(old), guest.get("/visits/nobody/")
    assert (gone.status_code, gone.content) == (404, nowhere.content)  # and nobody learns that there was one
    assert guest.get(visit.get_absolute_url()).status_code == 200


def test_who_only_looks_changes_nothing(paths, guest):
    """Mail scanners follow every link of a mail, and browsers fetch ahead."""
    before, messages = sweep.digests(stored()), Message.objects.count()

    for path in paths.values():
        guest.get(path, headers={"Purpose": "prefetch", "Sec-Purpose": "prefetch;prerender", "X-Moz": "prefetch"})
        guest.head(path)
        guest.options(path)

    assert sweep.digests(stored()) == before
    assert Message.objects.count() == messages


def test_a_method_in_disguise_is_no_method(paths, guest):
    """Some frameworks let a header or a field say that a GET is a POST."""
    before = sweep.digests(stored())

    for name in ("booking:cancel", "booking:leave", "booking:accept", "booking:decline", "booking:instead"):
        for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
            guest.get(paths[name], {"_method": "POST"}, headers={header: "POST"})

    assert sweep.digests(stored()) == before


def test_a_form_of_another_site_does_nothing(paths):
    stranger = Client(enforce_csrf_checks=True)
    before = sweep.digests(stored())

    for name, path in paths.items():
        answer = stranger.post(path, {"start": "2026-12-01T09:00-06:00"}, headers={"origin": "https://evil.example"})
        # Leaving the waiting list is for mail readers (RFC 8058), who know no token but that of the address.
        assert answer.status_code in (403, 404, 405) or name == "booking:leave", name

    left = {"booking_waitlistentry", "booking_waitlistentrychange", "booking_offer", "booking_appointment"}
    left |= {"booking_appointmentchange", "booking_freedtime", "pghistory_context", "procrastinate_jobs"}
    left |= {"procrastinate_events", "booking_message", "booking_messagechange"}
    after = sweep.digests(stored())
    assert {table for table in after if after[table] != before[table]} <= left


# ---- ways back ----------------------------------------------------------------------------------

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "https:evil.example",
    "https:///evil.example",
    "//evil.example@testserver/",
    "https://testserver@evil.example/",
    "https://testserver.evil.example/",
    "javascript:alert(1)",
    "data:text/html,x",
    "/\t/evil.example/",
    "\t//evil.example/",
    " //evil.example/",
    "/admin/\r\nLocation: https://evil.example/",
    "//evil。example/",
    "%2f%2fevil.example/",
    "http://[::1",
    "//[evil.example",
]
NAMES = [
    "next",
    "url",
    "return",
    "return_to",
    "redirect",
    "redirect_uri",
    "continue",
    "back",
    "r",
    "to",
    "_to_field",
    "like",
]


SLASHES = [
    "//evil.example/..",
    "//evil.example/faq",
    "/%5cevil.example/",
    "//evil.example/%2e%2e",
    "/faq//evil.example",
]


def leads_away(location: str) -> bool:
    """As a browser reads it: a backslash is a slash, tabs and line ends are not there, blanks at the ends neither."""
    read = "".join(letter for letter in location.strip() if letter not in "\t\r\n").replace("\\", "/")
    where = urlsplit(read)
    return bool(where.scheme or where.netloc) and where.netloc != "testserver"


def test_control_a_way_elsewhere_is_found(db):
    assert all(leads_away(one) for one in ("//evil.example/", "/\\evil.example/", "/\t/evil.example/", "javascript:1"))
    assert not leads_away("/admin/?next=//evil.example/")


@pytest.mark.django_db
@pytest.mark.urls("tests.attacks.holes")
def test_control_a_page_that_sends_people_anywhere_is_found(guest):
    assert leads_away(guest.get("/hole/anywhere/", {"next": ELSEWHERE[0]})["Location"])


@pytest.mark.parametrize("where", ELSEWHERE)
def test_signing_in_leads_to_the_desk(db, where):
    a_colleague("robin", "Owner")
    client = Client()

    answer = client.post(
        f"/admin/login/?next={quote(where)}", {"username": "robin", "password": PASSWORD, "next": where}
    )

    assert answer.status_code == 302
    assert not leads_away(answer["Location"])
    signed_in = client.get(f"/admin/login/?next={quote(where)}")
    assert not leads_away(signed_in.get("Location", "/"))


def test_no_address_sends_anyone_elsewhere(rows, paths, guest):
    desk = Client()
    desk.force_login(staff_user(SUPERUSER))
    places = [(guest, path) for path in paths.values()] + [
        (client, path) for client in (guest, desk) for name, path in addresses(rows).items() if name != "logout"
    ]
    away = []
    for number, (client, path) in enumerate(places):
        where = ELSEWHERE[number % len(ELSEWHERE)]
        answer = client.get(path.partition("?")[0], dict.fromkeys(NAMES, where), headers={"referer": where.split()[0]})
        if leads_away(answer.get("Location", "/")):
            away.append((path, answer["Location"]))
    for path in (
        "//evil.example/..",
        "//evil.example/faq",
        "/%5cevil.example/",
        "//evil.example/%2e%2e",
        "/faq//evil.example",
    ):
        answer = guest.get(path)
        if leads_away(answer.get("Location", "/")):
            away.append((path, answer["Location"]))

    assert away == []


# ---- pages that are kept (on the running site) ---------------------------------------------------

FORGED = [
    ("X-Forwarded-Host", "evil.example"),
    ("X-Host", "evil.example"),
    ("X-Forwarded-Server", "evil.example"),
    ("Forwarded", "host=evil.example;proto=http"),
    ("X-Forwarded-Port", "1337"),
    ("X-Forwarded-Prefix", "/evil.example"),
    ("X-Original-URL", "/admin/evil.example"),
    ("X-Rewrite-URL", "/admin/evil.example"),
    ("X-Forwarded-For", "evil.example"),
    ("Origin", "https://evil.example"),
    ("Referer", "https://evil.example/"),
    ("User-Agent", "evil.example<x-agent>"),
    ("Accept-Language", "evil.example"),
    ("Cookie", "csrftoken=evil.example; hold=evil.example"),
    ("X-HTTP-Method-Override", "POST"),
    ("Range", "bytes=0-9"),
    ("If-None-Match", "*"),
    ("Authorization", "Basic ZXZpbDpldmls"),
]
KEPT = [
    "/",
    "/articles/",
    "/articles/cupping-for-back-pain/",
    "/faq/",
    "/therapists/",
    "/feeds/articles.atom",
    "/sitemap.xml",
]


def forget_pages(site) -> None:
    """As if something had been published: every page is rendered anew."""
    with site.connect() as database:
        database.execute("UPDATE articles_siterevision SET number = number + 1")


@pytest.mark.parametrize("path", KEPT)
def test_the_first_reader_writes_nothing_into_a_kept_page(target, path):
    clean = send(target.url, request(path))[0]
    assert clean.status == 200

    for start in range(0, len(FORGED), 6):
        forget_pages(target)
        for header in FORGED[start : start + 6]:
            send(target.url, request(path, headers=[header]))
        after = send(target.url, request(path))[0]

        assert after.status == 200
        assert "evil.example" not in after.text
        assert len(after.body) == len(clean.body)
        assert "Set-Cookie" not in after.headers
        assert "Set-Cookie" not in clean.headers


@pytest.mark.django_db
@pytest.mark.urls("tests.attacks.holes")
def test_control_a_page_that_believes_a_header_is_found(guest):
    assert "evil.example" in guest.get("/hole/header/", headers={"x-forwarded-host": "evil.example"}).text


PUBLIC = "public, max-age=60"
PRIVATE_DISGUISED = [
    "/admin/x.css",
    "/admin/login/x.css",
    "/visits/{}/x.css",
    "/visits/{}/;x.css",
    "/visits/{}/%0ax.css",
    "/visits/{}/%2e%2e/faq/",
    "/visits/{}/?x.css",
    "/book/x.png",
    "/book/;a.js",
    "/static/../visits/{}/",
    "/static/%2e%2e/visits/{}/",
    "/images/../admin/",
]


@pytest.mark.parametrize("path", PRIVATE_DISGUISED)
def test_a_private_page_in_disguise_is_not_for_caches(target, path):
    answer = send(target.url, request(path.format(CANARY)))[0]

    assert "public" not in answer.headers.get("Cache-Control", "")
    assert 300 <= answer.status < 500 or "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path", ["/%66aq/", "/f%61q/", "/faq/?", "/faq/#x", "/./faq/", "/faq//", "/FAQ/", "/faq/%20", "/faq;a/"]
)
def test_another_spelling_of_an_address_is_that_page_or_none(target, path):
    plain = send(target.url, request("/faq/"))[0]

    answer = send(target.url, request(path))[0]

    assert answer.status in (301, 400, 404) or answer.body == plain.body
    assert send(target.url, request("/faq/"))[0].body == plain.body


# ---- too much of everything ----------------------------------------------------------------------


@pytest.fixture
def limits(settings):
    """As they are in production; a test of this many requests needs them small."""
    settings.BOOKING_OPEN_HOLDS_A_DAY = 4
    settings.BOOKING_BOOKINGS_A_DAY = 5
    settings.BOOKING_ASKS_A_DAY = 6
    return settings


def counted(kind: Counted) -> int:
    return sum(DailyCount.objects.filter(kind=kind).values_list("count", flat=True))


def starts_of(client: Client, path: str) -> list[str]:
    page = client.get(path).text
    return [facts["value"] for tag, facts in sweep.read(page).tags if facts.get("name") == "start"]


def test_who_hoards_times_gets_so_many_and_no_more(rows, paths, limits):
    DailyCount.objects.all().delete()
    Appointment.objects.filter(state=State.HELD).delete()
    free = starts_of(Client(), "/book/peter-stanley/look/")
    assert len(free) > 20

    taken = [Client().post("/book/peter-stanley/look/", {"start": start}).status_code for start in free[::3]]

    assert taken.count(302) == limits.BOOKING_OPEN_HOLDS_A_DAY
    assert set(taken) <= {302, 409, 429}
    assert 429 in taken
    assert Appointment.objects.filter(state=State.HELD).count() == limits.BOOKING_OPEN_HOLDS_A_DAY
    assert set(starts_of(Client(), "/book/peter-stanley/look/")) >= {free[-1]}  # the others can still book


def test_one_browser_hoards_one_time(rows, paths, limits):
    Appointment.objects.filter(state=State.HELD).delete()
    browser = Client()

    for start in starts_of(browser, "/book/peter-stanley/look/")[::3]:
        assert browser.post("/book/peter-stanley/look/", {"start": start}).status_code == 302

    assert Appointment.objects.filter(state=State.HELD).count() == 1


def test_who_forges_addresses_is_still_one_network(rows, paths, limits, settings):
    settings.TRUSTED_PROXIES = []
    DailyCount.objects.all().delete()
    Appointment.objects.filter(state=State.HELD).delete()

    taken = [
        Client()
        .post("/book/peter-stanley/look/", {"start": start}, headers={"x-forwarded-for": f"198.51.100.{number}"})
        .status_code
        for number, start in enumerate(starts_of(Client(), "/book/peter-stanley/look/")[::3])
    ]

    assert taken.count(302) == limits.BOOKING_OPEN_HOLDS_A_DAY


def filled(client: Client, path: str, **facts: str) -> dict[str, str]:
    form = next(one for one in sweep.read(client.get(path).text).forms if one.method == "post")
    found = {name: values[0] for name, values in form.fields.items() if values}
    return found | typed_details(**facts)


def test_a_stranger_gets_so_many_mails_and_no_more(rows, paths, limits, mailbox):
    """Somebody's address is typed into every form, again and again, under ever other names."""
    DailyCount.objects.all().delete()
    Appointment.objects.filter(state=State.HELD).delete()
    victim, before = "victim@example.com", Message.objects.count()
    free = iter(starts_of(Client(), "/book/peter-stanley/look/")[::3])
    statuses = []
    for number in range(12):
        client, who = Client(), {"email": victim, "name": f"Someone {number}", "phone": f"612-555-01{number:02}"}
        taken = client.post("/book/peter-stanley/look/", {"start": next(free)})
        if taken.status_code == 302:
            form = filled(client, taken["Location"], **who)
            statuses.append(client.post(taken["Location"], form).status_code)
        for path in (paths["booking:join"], paths["booking:ask"]):
            extra = {"reach_by": "email"} if "ask" in path else {}
            statuses.append(client.post(path, filled(client, path, **who) | extra).status_code)
        statuses.append(client.post("/visits/find/", {"email": victim}).status_code)

    assert set(statuses) == {200, 302, 429}
    assert Appointment.objects.visits().filter(email=victim).count() == limits.BOOKING_BOOKINGS_A_DAY
    waiting, asking = (
        WaitlistEntry.objects.filter(email=victim).count(),
        ContactRequest.objects.filter(email=victim).count(),
    )
    assert waiting + asking + LostLink.objects.count() == limits.BOOKING_ASKS_A_DAY
    sent = Message.objects.filter(recipient=victim)
    assert sent.count() <= limits.BOOKING_BOOKINGS_A_DAY + limits.BOOKING_ASKS_A_DAY
    assert Message.objects.count() > before


def test_asking_for_a_lost_link_again_and_again_fills_no_queue(rows, guest, limits):
    DailyCount.objects.all().delete()

    statuses = [guest.post("/visits/find/", {"email": f"a{n}@example.com"}).status_code for n in range(10)]

    assert statuses == [200] * limits.BOOKING_ASKS_A_DAY + [429] * 4
    assert LostLink.objects.count() == limits.BOOKING_ASKS_A_DAY


def test_who_finds_a_lost_link_often_learns_nothing_by_it(rows, guest, limits):
    """The refusal is the same for an address that we know."""
    DailyCount.objects.all().delete()
    known = [guest.post("/visits/find/", {"email": rows.appointment.email}).status_code for _ in range(10)]
    DailyCount.objects.all().delete()
    unknown = [guest.post("/visits/find/", {"email": "nobody@example.com"}).status_code for _ in range(10)]

    assert known == unknown
