"""Visits from before are taken as agreed by the rules of the time zone as they are now."""

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

from django.db import migrations
from django.db.models import Max, Min

ONE_DAY = timedelta(days=1)
# No line in the change log for each visit there ever was: nothing about them changes.
QUIET, LOUD = (f"ALTER TABLE booking_appointment {verb} TRIGGER USER;" for verb in ("DISABLE", "ENABLE"))


def offset_at(moment, zone):
    return round(moment.astimezone(zone).utcoffset() / timedelta(minutes=1))


def stretches(first, last, zone):
    """Begin, end and offset of each stretch of time without a change of clocks; a day with one is cut by the minute."""
    begin = moment = first
    offset = offset_at(first, zone)
    while moment <= last:
        step = timedelta(minutes=1) if offset_at(moment + ONE_DAY, zone) != offset else ONE_DAY
        moment += step
        if offset_at(moment, zone) != offset:
            yield begin, moment, offset
            begin, offset = moment, offset_at(moment, zone)
    yield begin, moment, offset


def fill(apps, schema_editor):
    Appointment, Clinic = apps.get_model("booking", "Appointment"), apps.get_model("booking", "Clinic")
    ends = Appointment.objects.aggregate(first=Min("starts_at"), last=Max("starts_at"))
    clinic = Clinic.objects.first()
    if clinic is None or ends["first"] is None:
        return
    first = ends["first"].astimezone(UTC).replace(second=0, microsecond=0)
    for begin, end, offset in stretches(first, ends["last"], ZoneInfo(clinic.time_zone)):
        rows = Appointment.objects.filter(agreed_offset=None, starts_at__gte=begin, starts_at__lt=end)
        rows.update(agreed_offset=offset)


class Migration(migrations.Migration):
    dependencies = [("booking", "0023_calendar_agreed_offset")]
    operations = [
        migrations.RunSQL(QUIET, LOUD),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunSQL(LOUD, QUIET),
    ]
