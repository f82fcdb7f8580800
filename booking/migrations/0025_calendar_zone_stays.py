"""The clinic's time zone stays while visits are to come, whoever writes it: each would move to another hour."""

from django.db import migrations

GUARD = """
CREATE FUNCTION booking_clinic_zone_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM booking_appointment WHERE state IN ('requested', 'confirmed') AND starts_at > now()
    ) THEN
        RAISE EXCEPTION 'the time zone stays while visits are to come'
        USING ERRCODE = '23514', CONSTRAINT = 'booking_clinic_zone_stays_while_visits_come';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER zone_stays BEFORE UPDATE ON booking_clinic FOR EACH ROW
WHEN (NEW.time_zone IS DISTINCT FROM OLD.time_zone) EXECUTE FUNCTION booking_clinic_zone_stays();
"""
UNDO = "DROP TRIGGER zone_stays ON booking_clinic; DROP FUNCTION booking_clinic_zone_stays();"


class Migration(migrations.Migration):
    dependencies = [("booking", "0024_calendar_fill_agreed_offset")]
    operations = [migrations.RunSQL(GUARD, UNDO)]
