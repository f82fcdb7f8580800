"""What was promised to guests, held against what is in the database and what the mail server got."""

from __future__ import annotations

from dataclasses import dataclass

from tests.drills.guests import Promise
from tests.drills.stage import MailServer, Stage

JOBS = "FROM procrastinate_jobs WHERE task_name = 'booking.tasks.send_message' AND status IN ('todo', 'doing')"
"""As the database has them: nothing here asks the code that is drilled."""
OVERLAPS = """
SELECT count(*) FROM booking_appointment AS one JOIN booking_appointment AS other
ON one.therapist_id = other.therapist_id AND one.id < other.id AND one.starts_at < other.ends_at
AND other.starts_at < one.ends_at AND one.state IN ('requested', 'confirmed', 'arrived')
AND other.state IN ('requested', 'confirmed', 'arrived')
"""
"""Plain arithmetic on the times: asks nothing of the constraint it checks."""
KNOWN = """
SELECT visit.submission_key::text, visit.email, therapist.slug, visit.state,
    (SELECT count(*) FROM booking_message WHERE appointment_id = visit.id AND kind = 'requested')
FROM booking_appointment AS visit JOIN booking_therapist AS therapist ON therapist.id = visit.therapist_id
WHERE visit.submission_key IS NOT NULL
"""
MESSAGES = "SELECT public_id::text, recipient, delivery FROM booking_message WHERE recipient <> ''"


@dataclass(frozen=True)
class Account:
    promised: int
    lost: int
    overlapping: int
    messages: int
    messages_lost: int
    doubles: int

    def __str__(self) -> str:
        return (
            f"{self.promised} bookings promised, {self.lost} lost, {self.overlapping} overlapping; "
            f"{self.messages} messages, {self.messages_lost} lost, {self.doubles} came twice"
        )


def let_time_pass(stage: Stage, seconds: float) -> None:
    """Due times move back, instead of waiting; killed workers' heartbeats grow older."""
    stage.ask(f"UPDATE procrastinate_jobs SET scheduled_at = scheduled_at - make_interval(secs => {seconds})")


def wait_for_the_mail(stage: Stage, seconds: float = 180) -> float:
    """Until no job waits. A job of a killed worker waits for the sweep after a minute of silence: time is moved."""
    ago = "UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '2 minutes' WHERE id < %s"
    newest = stage.ask("SELECT coalesce(max(id), 0) FROM procrastinate_workers")[0][0]
    stage.ask(ago, newest)
    stage.ask(
        "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW('default', 'booking.tasks.take_up_stalled_jobs', 1, NULL, NULL,"
        " '{\"timestamp\": 0}', NULL)::procrastinate_job_to_defer_v1])"
    )

    def is_over() -> bool:
        let_time_pass(stage, 10)
        return stage.ask(f"SELECT count(*) {JOBS}")[0][0] == 0

    return stage.wait_for("the messages", is_over, seconds)


def account(stage: Stage, promises: list[Promise]) -> Account:
    known = {row[0]: row[1:] for row in stage.ask(KNOWN)}
    lost = sum(
        known.get(one.key, ())[:2] != (one.email, one.therapist) or known[one.key][2] != "requested" for one in promises
    )
    untold = sum(one.key in known and known[one.key][3] != 1 for one in promises)
    messages = stage.ask(MESSAGES)
    return Account(
        promised=len(promises),
        lost=lost,
        overlapping=stage.ask(OVERLAPS)[0][0],
        messages=len(messages),
        messages_lost=untold + sum(not has_arrived(stage.mail, public_id) for public_id, _, _ in messages),
        doubles=stage.mail.doubles_since_last_asked(),
    )


def has_arrived(mail: MailServer, public_id: str) -> bool:
    return bool(mail.arrived[f"<{public_id}@clinic.example>"])
