"""Promises that only real processes can show: gunicorn, worker, mail and logs, over HTTP."""

from __future__ import annotations

import email
import email.policy
import re

from tests.factories import typed_details
from tests.guest import Guest, free_starts, hidden_fields
from tests.waiting import wait_for

SLOTS = "/book/peter-stanley/consultation/"
CANARY = {
    "name": "Canary Birdsong",
    "email": "canary.birdsong@example.com",
    "phone": "612-555-0199",
    "note": "canarynote",
    "patient_name": "Nestling Birdsong",
}


def book(guest: Guest, **typed: str) -> str:
    """Book the first free time; the address of the visit."""
    page = guest.get(SLOTS)
    answer, _ = guest.post(SLOTS, page, start=free_starts(page)[0])
    address = answer.headers["Location"]
    page = guest.get(address)
    answer, _ = guest.post(address, page, **{**hidden_fields(page), **typed_details(**typed)})
    assert answer.status == 302
    return answer.headers["Location"]


def count(site, table: str, where: str = "true") -> int:
    with site.connect() as database:
        return database.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0]  # type: ignore[arg-type]


def mails(site) -> list[email.message.EmailMessage]:
    found = []
    for path in sorted(site.mail_folder.glob("*.log")) if site.mail_folder.exists() else []:
        for raw in re.split(rb"\n-{79}\n", path.read_bytes()):
            if raw.strip():
                found.append(email.message_from_bytes(raw.lstrip(), policy=email.policy.default))
    return found


def test_a_message_reaches_the_patient_and_its_link_opens_the_visit(site):
    visit = book(Guest(site.url), email="reader@example.com")

    def letter():
        return next((mail for mail in mails(site) if mail["To"] == "reader@example.com"), None)

    mail = wait_for(letter)

    assert f"{site.url}{visit}" in mail.get_body(("plain",)).get_content()
    assert "Waiting for our answer" in Guest(site.url).get(visit)


def test_the_job_of_a_killed_worker_is_taken_up_by_the_next(site):
    """A worker dies by -9 with a job in hand; the sweep gives it back and the message leaves."""
    site.worker.kill()
    site.worker.wait()
    book(Guest(site.url), email="patient.of.a.dead.worker@example.com")
    with site.connect() as database:
        taken = "UPDATE procrastinate_jobs SET status = 'doing' WHERE status = 'todo' AND task_name LIKE %s"
        assert database.execute(taken, ["%send_message"]).rowcount == 2
    site.worker = site.launch_worker()
    site.run_python(SWEEP_NOW)

    wait_for(lambda: any("patient.of.a.dead.worker" in str(mail["To"]) for mail in mails(site)))


SWEEP_NOW = """
from procrastinate.contrib.django import app
app.configure_task('booking.tasks.take_up_stalled_jobs').defer(timestamp=0)
"""


def test_the_canary_is_in_no_log(site):
    """A patient books, loses a race, breaks a CHECK and a UNIQUE; no log says who."""
    guest = Guest(site.url)
    visit = book(guest, **CANARY)
    other = Guest(site.url)
    page = other.get(SLOTS)
    taken = free_starts(page)[0]
    other.post(SLOTS, page, start=taken)
    loser = Guest(site.url)
    answer, _ = loser.post(SLOTS, page := loser.get(SLOTS), start=taken)
    assert answer.status == 409
    loser.get(f"/visits/{visit.split('/')[2]}x/?q={CANARY['name'].replace(' ', '+')}")
    token = visit.split("/")[2]
    public = site.run_python(
        "from booking.models import Appointment as A; from django.db import DatabaseError, transaction\n"
        f"row = A.objects.with_token({token!r}); one = row.get()\n"
        "for change in ({'state': 'perhaps'}, {'blocked': (one.starts_at, None)}):\n"
        "    try:\n"
        "        with transaction.atomic(): row.update(**change)\n"
        "    except DatabaseError: print('refused')\n"
        "one.pk = None\n"
        "try:\n"
        "    with transaction.atomic(): one.save(force_insert=True)\n"
        "except DatabaseError: print('refused')\n",
    )
    assert public.count("refused") == 3
    wait_for(lambda: any(CANARY["email"] in str(mail["To"]) for mail in mails(site)))

    logs = site.log_text() + site.database_log_text()

    assert "booking:details" in logs  # the logs are there and were written
    if "host=" in site.database_url or "@/" in site.database_url:  # the embedded server, whose log we can read
        assert site.database_log_text()
    for secret in [*CANARY.values(), "Canary", "Birdsong", token]:
        assert secret not in logs


def test_without_its_database_the_site_says_so_and_heals(site):
    guest = Guest(site.url)
    page = guest.get(SLOTS)
    start = free_starts(page)[0]
    site.stop_database()
    try:
        answer, text = guest.post(SLOTS, page, start=start)
        assert answer.status == 503
        assert answer.headers["Retry-After"]
        assert "612-605-7594" in text
        assert f'name="start" value="{start}"' in text  # what was typed is kept
    finally:
        site.start_database()

    assert wait_for(lambda: all(guest.ask("GET", SLOTS)[0].status == 200 for _ in range(8)))  # in both processes
    assert guest.post(SLOTS, guest.get(SLOTS), start=start)[0].status == 302
