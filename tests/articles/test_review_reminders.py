"""Reviews that fall due: one mail a step, once, to whoever keeps the page; real SMTP, a clock that is moved."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from procrastinate.contrib.django import app as shared_app
from procrastinate.contrib.django.models import ProcrastinateJob

from articles import reminders, tasks
from articles.models import Article, ReminderStep, ReviewReminder, Stage, reminder_step
from booking.actions import NotDeliveredError
from booking.models import Clinic
from tests.factories import a_therapist
from tests.waiting import wait_for

DUE = date(2027, 3, 20)
DAY = timedelta(days=1)
Delivery = ReviewReminder.Delivery


def nine_on(day):
    """Nine in the morning at the clinic, or an hour later; the same date there and in UTC."""
    return datetime(day.year, day.month, day.day, 15, tzinfo=UTC)


@pytest.fixture
def keeper(db, django_user_model):
    return django_user_model.objects.create_user("kim", "kim@example.com", "x", is_staff=True)


@pytest.fixture
def backup(db, django_user_model):
    return django_user_model.objects.create_user("bo", "bo@example.com", "x", is_staff=True)


@pytest.fixture
def kept(keeper, backup):
    return an_article(kept_by=keeper, kept_by_backup=backup)


def an_article(**facts):
    given = {
        "title": "Cupping for back pain",
        "slug": "cupping",
        "stage": Stage.PUBLISHED,
        "published_at": datetime(2026, 1, 1, tzinfo=UTC),
        "next_review_on": DUE,
    } | facts
    return Article.objects.create(author=a_therapist(), **given)


def a_look():
    """What the clock starts, and what the worker then does with the jobs it wrote."""
    tasks.remind_of_reviews(None, 0)
    for reminder in ReviewReminder.objects.filter(delivery=Delivery.QUEUED):
        tasks.send_review_reminder(reminder.pk)


def walk(first, last):
    """Look twice a day, from one day to another."""
    day = first
    while day <= last:
        for hours in (0, 5):
            with time_machine.travel(nine_on(day) + timedelta(hours=hours), tick=False):
                a_look()
        day += DAY


def jobs():
    return ProcrastinateJob.objects.filter(task_name=reminders.SEND_TASK).count()


def the_desk(client, user):
    """Its first page, to someone who has just signed in."""
    client.force_login(user)
    return client.get("/admin/").text


def sent():
    rows = ReviewReminder.objects.filter(delivery=Delivery.SENT).order_by("sent_at")
    return [(one.step, one.due_on, one.sent_at.date()) for one in rows]


# ---- when ----


@pytest.mark.parametrize(
    ("days_before", "step"),
    [
        (31, None),
        (30, ReminderStep.MONTH),
        (8, ReminderStep.MONTH),
        (7, ReminderStep.WEEK),
        (0, ReminderStep.WEEK),
        (-1, ReminderStep.OVERDUE),
    ],
)
def test_the_step_is_the_last_one_reached(days_before, step):
    assert reminder_step(DUE - days_before * DAY, DUE) == step


def test_exactly_three_mails_each_on_its_day(kept, mailbox):
    walk(DUE - 40 * DAY, DUE + 40 * DAY)

    assert sent() == [
        (ReminderStep.MONTH, DUE, DUE - 30 * DAY),
        (ReminderStep.WEEK, DUE, DUE - 7 * DAY),
        (ReminderStep.OVERDUE, DUE, DUE + DAY),
    ]
    assert [mail["To"] for mail in mailbox.mails] == ["kim@example.com"] * 3
    assert len({mail["Message-ID"] for mail in mailbox.mails}) == 3


def test_the_day_is_the_clinics(kept, mailbox):
    with time_machine.travel(datetime(2027, 2, 18, 5, 59, tzinfo=UTC), tick=False):  # 23:59 the evening before
        a_look()
    assert sent() == []

    with time_machine.travel(datetime(2027, 2, 18, 6, 0, tzinfo=UTC), tick=False):
        a_look()
    assert len(sent()) == 1


def test_a_worker_that_was_away_sends_the_present_step_only(kept, mailbox):
    walk(DUE - 3 * DAY, DUE - 2 * DAY)

    assert [step for step, _, _ in sent()] == [ReminderStep.WEEK]


def test_another_day_has_steps_of_its_own(kept, mailbox):
    later = DUE + 90 * DAY
    walk(DUE - 30 * DAY, DUE - 20 * DAY)
    Article.objects.update(next_review_on=later)
    walk(DUE - 19 * DAY, DUE + 10 * DAY)
    assert [(step, due) for step, due, _ in sent()] == [(ReminderStep.MONTH, DUE)]

    walk(later - 30 * DAY, later + 5 * DAY)

    assert [(step, due) for step, due, _ in sent()[1:]] == [(step, later) for step in ReminderStep]


@pytest.mark.parametrize(
    "hidden",
    [{"stage": Stage.DRAFT}, {"expires_at": nine_on(DUE - 60 * DAY)}, {"next_review_on": None}],
    ids=["draft", "expired", "no day"],
)
def test_nobody_is_asked_to_review_what_nobody_reads(kept, mailbox, hidden):
    Article.objects.update(**hidden)

    walk(DUE - 30 * DAY, DUE - 28 * DAY)

    assert mailbox.mails == []


# ---- once ----


def test_two_that_look_at_once_write_one(kept, mailbox):
    before = jobs()
    with time_machine.travel(nine_on(DUE - 30 * DAY), tick=False):
        first, second = reminders.queue_reminders(), reminders.queue_reminders()

    assert (len(first), second) == (1, [])
    assert jobs() == before + 1


def test_the_database_refuses_a_second_one(kept):
    facts = {"article": kept, "due_on": DUE, "step": ReminderStep.WEEK}
    ReviewReminder.objects.create(**facts)

    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        ReviewReminder.objects.create(**facts)
    assert caught.value.__cause__.diag.constraint_name == "articles_reviewreminder_is_written_once"


@pytest.mark.django_db(transaction=True)
def test_workers_that_race_send_three_mails(kept, mailbox):
    def work(start):
        start.wait()
        for _ in range(3):
            try:
                a_look()
            except NotDeliveredError:  # another has it in hand
                continue
        connection.close()

    before = jobs()
    for day in (DUE - 30 * DAY, DUE - 7 * DAY, DUE + DAY):
        with time_machine.travel(nine_on(day), tick=False):
            start = threading.Barrier(4)
            workers = [threading.Thread(target=work, args=[start]) for _ in range(4)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()

    assert [step for step, _, _ in sent()] == list(ReminderStep)
    assert len(mailbox.mails) == 3
    assert jobs() == before + 3


@pytest.mark.django_db(transaction=True)
def test_row_and_job_are_written_together_or_not_at_all(kept):
    """Also inside a worker, whose own app writes through a pool that commits at once."""
    before = jobs()
    with shared_app.replace_connector(shared_app.connector.get_worker_connector()):
        with time_machine.travel(nine_on(DUE - 30 * DAY), tick=False), transaction.atomic():
            reminders.queue_reminders()
            assert jobs() == before + 1
            transaction.set_rollback(True)

    assert not ReviewReminder.objects.exists()
    assert jobs() == before


# ---- what is sent ----


@pytest.mark.parametrize(
    ("day", "subject", "words"),
    [
        (DUE - 30 * DAY, "Review due March 20: Cupping for back pain", "in 30 days"),
        (DUE - DAY, "Review due March 20: Cupping for back pain", "in 1 day"),
        (DUE, "Review due March 20: Cupping for back pain", "due today"),
        (DUE + DAY, "Review overdue: Cupping for back pain", "overdue"),
    ],
)
def test_the_mail_says_what_by_when_and_where(kept, mailbox, day, subject, words):
    with time_machine.travel(nine_on(day), tick=False):
        a_look()

    (mail,) = mailbox.mails
    assert mail["Subject"] == subject
    assert mail["Auto-Submitted"] == "auto-generated"
    for kind in ("plain", "html"):
        text = mail.get_body((kind,)).get_content()
        assert words in text
        assert "Saturday, March 20, 2027" in text or day == DUE
        assert f"https://clinic.example/admin/articles/article/{kept.pk}/change/" in text
        assert "https://clinic.example/articles/cupping/" in text
        assert "You get this because you keep this page." in text
        assert "612-605-7594" in text


def test_a_title_is_shown_as_typed(kept, mailbox):
    Article.objects.update(title="Ice & heat <for> backs")

    with time_machine.travel(nine_on(DUE - 30 * DAY), tick=False):
        a_look()

    (mail,) = mailbox.mails
    assert mail["Subject"] == "Review due March 20: Ice & heat <for> backs"
    assert "“Ice & heat <for> backs”" in mail.get_body(("plain",)).get_content()
    assert "Ice &amp; heat &lt;for&gt; backs" in mail.get_body(("html",)).get_content()


def test_each_try_has_the_same_message_id(kept, mailbox):
    mailbox.answer = "451 try later"
    with time_machine.travel(nine_on(DUE - 30 * DAY), tick=False):
        with pytest.raises(NotDeliveredError):
            a_look()
        reminder = ReviewReminder.objects.get()
        assert (reminder.delivery, reminder.attempts, reminder.last_answer) == (Delivery.QUEUED, 1, "SMTP 451")
        mailbox.answer, mailbox.drops = "250 OK", True
        with pytest.raises(NotDeliveredError):
            reminders.deliver(reminder_id=reminder.pk)
        mailbox.drops = False
        reminders.deliver(reminder_id=reminder.pk)
        reminders.deliver(reminder_id=reminder.pk)

    assert [mail["Message-ID"] for mail in mailbox.mails] == [reminder.message_id] * 2
    assert len(sent()) == 1


def test_what_is_no_longer_true_is_not_sent(kept, mailbox):
    with time_machine.travel(nine_on(DUE - 30 * DAY), tick=False):
        (reminder,) = reminders.queue_reminders()
        Article.objects.update(next_review_on=DUE + 300 * DAY)
        reminders.deliver(reminder_id=reminder.pk)

    reminder.refresh_from_db()
    assert reminder.delivery == Delivery.OVERTAKEN
    assert mailbox.mails == []


# ---- to whom ----


def test_it_falls_to_the_backup_then_to_the_clinic(kept, keeper, backup, mailbox):
    Clinic.objects.update(notices_to="front-desk@example.com")
    assert reminders.recipient_address(kept) == "kim@example.com"
    keeper.is_active = False
    assert reminders.recipient_address(kept) == "bo@example.com"
    backup.email = ""
    assert reminders.recipient_address(kept) == "front-desk@example.com"
    kept.kept_by = kept.kept_by_backup = None
    assert reminders.recipient_address(kept) == "front-desk@example.com"
    Clinic.objects.update(notices_to="")
    assert reminders.recipient_address(kept) == ""


def test_whoever_left_after_it_was_written_gets_nothing(kept, keeper, mailbox):
    with time_machine.travel(nine_on(DUE - 30 * DAY), tick=False):
        (reminder,) = reminders.queue_reminders()
        keeper.delete()
        reminders.deliver(reminder_id=reminder.pk)

    (mail,) = mailbox.mails
    assert mail["To"] == "bo@example.com"
    assert "cannot be reached by e-mail, or nobody does" in mail.get_body(("plain",)).get_content()


def test_without_anyone_it_stands_on_the_desk_until_someone_can_be_told(kept, mailbox, client, admin_user):
    Clinic.objects.update(notices_to="")
    Article.objects.update(kept_by=None, kept_by_backup=None)
    with time_machine.travel(nine_on(DUE - 20 * DAY), tick=False):
        a_look()
        desk = the_desk(client, admin_user)
        assert not ReviewReminder.objects.exists()

        Clinic.objects.update(notices_to="front-desk@example.com")
        a_look()

    assert "Nobody gets an e-mail: choose who keeps the page." in desk
    assert [mail["To"] for mail in mailbox.mails] == ["front-desk@example.com"]


# ---- the desk ----


@pytest.mark.parametrize(
    ("day", "words"), [(DUE - 31 * DAY, "None overdue"), (DUE, "Due March 20"), (DUE + DAY, "Overdue since March 20")]
)
def test_the_desks_first_page_shows_reviews_due(kept, client, admin_user, day, words):
    with time_machine.travel(nine_on(day), tick=False):
        desk = the_desk(client, admin_user)

    panel = desk.split('id="reviews"')[1].split("</section>")[0]
    assert words in panel
    assert ("Kept by kim" in panel) is (day >= DUE)


def test_the_panel_asks_a_fixed_number_of_times(kept, django_assert_num_queries):
    from articles.panels import reviews

    for number in range(3):
        Article.objects.create(
            author=kept.author,
            title=f"Another {number}",
            slug=f"another-{number}",
            stage=Stage.PUBLISHED,
            published_at=kept.published_at,
            next_review_on=DUE,
        )

    with time_machine.travel(nine_on(DUE), tick=False), django_assert_num_queries(4):
        assert len(reviews()) == 4


def test_an_editor_who_sees_no_patients_sees_reviews(kept, client, django_user_model):
    from django.contrib.auth.models import Group

    editor = django_user_model.objects.create_user("ed", password="x", is_staff=True)
    editor.groups.add(Group.objects.get(name="Editor"))

    with time_machine.travel(nine_on(DUE), tick=False):
        desk = the_desk(client, editor)

    assert "Due March 20" in desk
    assert "Requests waiting" not in desk


def test_a_refused_address_is_told_at_the_desk(kept, mailbox, client, admin_user):
    mailbox.refused["kim@example.com"] = "550 no such mailbox"
    with time_machine.travel(nine_on(DUE - 30 * DAY), tick=False):
        a_look()
        desk = the_desk(client, admin_user)

    assert ReviewReminder.objects.get().delivery == Delivery.REFUSED
    assert "The mail server refused kim@example.com (SMTP 550)." in desk


def test_the_keeper_and_the_backup_are_two_people(kept, keeper):
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        Article.objects.update(kept_by_backup=keeper)
    assert caught.value.__cause__.diag.constraint_name == "articles_article_backup_is_someone_else"


def test_going_back_to_an_older_text_gives_the_page_to_nobody_else(kept, backup):
    from articles import revisions

    older = revisions.save_revision(kept, by=None)
    Article.objects.update(kept_by=None, kept_by_backup=backup)

    restored = revisions.restore(older, by=None)

    assert (restored.kept_by, restored.kept_by_backup) == (None, backup)


def test_before_the_clinic_is_set_up_nothing_fails(client, admin_user):
    tasks.remind_of_reviews(None, 0)

    assert "None overdue" in the_desk(client, admin_user)
    assert client.get("/admin/content-report/").status_code == 200


def test_the_clock_of_the_worker():
    crons = {one.task.name: one.cron for one in shared_app.periodic_registry.periodic_tasks.values()}

    assert crons["articles.tasks.remind_of_reviews"] == "5 14-23 * * *"


# ---- a running site ----

LOOK_NOW = """
from revival.base.jobs import jobs
jobs.configure_task("articles.tasks.remind_of_reviews").defer(timestamp=0)
"""


def arrived(site):
    mails = site.mail_folder.glob("*") if site.mail_folder.exists() else ()
    return [mail for mail in mails if "Subject: Review due" in mail.read_text()]


def nothing_to_do(site):
    with site.connect() as database:
        waiting = "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND scheduled_at IS NULL"
        return database.execute(waiting).fetchone() == (0,)


def test_a_real_worker_knows_the_tasks_and_sends_one_mail(site):
    with site.connect() as database:
        before = database.execute("SELECT next_review_on FROM articles_article").fetchone()
        database.execute("UPDATE articles_article SET next_review_on = current_date + 20")
    try:
        site.run_python(LOOK_NOW)
        wait_for(lambda: arrived(site))
        site.run_python(LOOK_NOW)
        wait_for(lambda: nothing_to_do(site))
        assert len(arrived(site)) == 1
    finally:
        with site.connect() as database:
            database.execute("UPDATE articles_article SET next_review_on = %s", before)
            database.execute("DELETE FROM articles_reviewreminder")
