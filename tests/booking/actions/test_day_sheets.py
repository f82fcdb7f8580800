"""The day sheet by e-mail: off until the owner turns it on, once for each edition, and no more in it than it says."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from booking import actions, tasks
from booking.models import AccessLog, Clinic, DaySheet, Look, State
from tests.factories import CHICAGO, an_appointment, in_days
from tests.staff import OWNER, signed_in_as

NOTICES = "desk@clinic.example"


def turned_on(**facts):
    Clinic.objects.update(**{"notices_to": NOTICES, "mails_day_sheet": True} | facts)


def looks(start, hours):
    """Look every quarter of an hour, as the worker's clock does each minute."""
    with time_machine.travel(start, tick=False) as clock:
        for _ in range(hours * 4):
            tasks.write_day_sheets(None, 0)
            clock.shift(timedelta(minutes=15))


def test_nothing_is_written_until_it_is_turned_on(therapist):
    Clinic.objects.update(notices_to=NOTICES)

    looks(datetime(2026, 12, 7, 0, 0, tzinfo=CHICAGO), 48)

    assert not DaySheet.objects.exists()


@pytest.mark.parametrize("day", [date(2026, 12, 8), date(2027, 3, 14), date(2027, 11, 7)])
def test_each_edition_is_written_once_also_when_clocks_change(therapist, day):
    turned_on()

    looks(datetime(day.year, day.month, day.day, tzinfo=CHICAGO).astimezone(UTC) - timedelta(hours=24), 50)

    written = [(one.edition, one.leaves_at(CHICAGO).hour) for one in DaySheet.objects.filter(day=day)]
    assert written == [("evening", 18), ("morning", 6)]
    jobs = ProcrastinateJob.objects.filter(task_name="booking.tasks.send_day_sheet")
    assert jobs.count() == DaySheet.objects.count()


def test_after_an_outage_a_sheet_that_is_of_no_use_any_more_is_not_written(therapist):
    turned_on()

    with time_machine.travel(datetime(2026, 12, 8, 12, 0, tzinfo=CHICAGO), tick=False):
        assert actions.write_day_sheets() == []
    with time_machine.travel(datetime(2026, 12, 8, 11, 59, tzinfo=CHICAGO), tick=False):
        assert [one.edition for one in actions.write_day_sheets()] == ["morning"]


def test_it_names_first_names_and_phones_and_no_more(therapist, service, mailbox):
    turned_on()
    morning = datetime(2026, 12, 8, 6, 0, tzinfo=CHICAGO)
    with time_machine.travel(morning, tick=False):
        first = an_appointment(
            therapist, service, in_days(0, 9), name="Ada Secretname", email="ada@private.example", note="left knee"
        )
        an_appointment(therapist, service, in_days(0, 10), State.CANCELLED, name="Gone Elsewhere")
        an_appointment(therapist, service, in_days(1, 9), name="Tomorrow Person")
        [sheet] = actions.write_day_sheets()
        actions.deliver_day_sheet(day_sheet_id=sheet.pk)
        actions.deliver_day_sheet(day_sheet_id=sheet.pk)

    [mail] = mailbox.mails
    assert mail["To"] == NOTICES
    for part in mail.walk():
        if part.get_content_maintype() == "text":
            text = part.get_content()
            assert "9:00 am to 9:30 am" in text
            assert "Ada" in text
            assert first.phone in text
            for hidden in ("Secretname", "private.example", "knee", "Gone", "Tomorrow", service.name):
                assert hidden not in text
    sheet.refresh_from_db()
    assert (sheet.delivery, sheet.attempts) == ("sent", 1)
    assert AccessLog.objects.get(what=Look.DAY_SHEET).reason == "Sent by e-mail"


@pytest.mark.parametrize("facts", [{"mails_day_sheet": False}, {"notices_to": "other@clinic.example"}])
def test_it_goes_by_what_the_owner_says_when_it_leaves(therapist, mailbox, facts):
    turned_on()
    with time_machine.travel(datetime(2026, 12, 8, 6, 0, tzinfo=CHICAGO), tick=False):
        [sheet] = actions.write_day_sheets()
        Clinic.objects.update(**facts)
        actions.deliver_day_sheet(day_sheet_id=sheet.pk)

    assert [mail["To"] for mail in mailbox.mails] == ([] if "mails_day_sheet" in facts else ["other@clinic.example"])


def test_a_mail_server_that_is_away_gets_it_later_and_one_that_refuses_is_named_at_the_desk(therapist, mailbox):
    turned_on()
    [sheet] = [DaySheet.objects.create(day=in_days(0).astimezone(CHICAGO).date(), edition="morning", recipient=NOTICES)]
    with time_machine.travel(sheet.leaves_at(CHICAGO), tick=False):
        mailbox.refused[NOTICES] = "550 no such mailbox"
        actions.deliver_day_sheet(day_sheet_id=sheet.pk)
        mailbox.stop()
    sheet.refresh_from_db()
    assert sheet.delivery == "refused"
    assert "Day sheet by e-mail" in signed_in_as(OWNER).get("/admin/").text

    DaySheet.objects.update(delivery="queued")
    with time_machine.travel(sheet.leaves_at(CHICAGO), tick=False), pytest.raises(actions.NotDeliveredError):
        actions.deliver_day_sheet(day_sheet_id=sheet.pk)


def test_it_cannot_be_turned_on_without_an_address_whoever_writes_the_row(therapist):
    clinic = Clinic.objects.get()
    clinic.notices_to = ""
    clinic.mails_day_sheet = True
    with pytest.raises(ValidationError, match="the day sheet goes there"):
        clinic.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        Clinic.objects.update(notices_to="", mails_day_sheet=True)


def test_the_privacy_page_says_so_only_while_it_is_on(client, therapist):
    assert "sent by e-mail to the clinic’s own address" not in client.get("/privacy/").text
    turned_on()
    assert "sent by e-mail to the clinic’s own address" in client.get("/privacy/").text
