"""Rows of a log are added and never changed; old ones go by one function, which runs as the tables' owner.

The web role has no right to change or delete them (`manage.py grant_web_role`). The trigger is there for
everyone else: a slip at a prompt, or a site whose one role owns the tables. It leaves TRUNCATE to the
grants, since tests empty all tables with it.
"""

from django.db import migrations

LOGS = {
    "booking_accesslog": "at",
    **{
        f"booking_{tracked}change": "pgh_created_at"
        for tracked in (
            *("absence", "appointment", "caution", "clinic", "contactrequest", "message", "override"),
            *("service", "shift", "therapist", "urgenthelp", "waitlistentry"),
        )
    },
}

FUNCTIONS = """
CREATE FUNCTION booking_log_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('revival.thins_logs', true) IS DISTINCT FROM 'yes' THEN
        RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME USING ERRCODE = '42501';
    END IF;
    RETURN NULL;
END $$;

-- Old lines of every table that has the trigger, whose argument is the column that says when.
CREATE FUNCTION booking_thin_logs(keep_days integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    one record;
    deleted bigint := 0;
    gone bigint;
BEGIN
    IF keep_days IS NULL OR keep_days < 365 THEN
        RAISE EXCEPTION 'logs are kept for at least 365 days' USING ERRCODE = '22023';
    END IF;
    PERFORM set_config('revival.thins_logs', 'yes', true);
    FOR one IN
        SELECT log.tgrelid::regclass AS log_table, split_part(encode(log.tgargs, 'escape'), chr(92) || '000', 1) AS moment
        FROM pg_trigger AS log WHERE log.tgname = 'only_grows' ORDER BY 1
    LOOP
        EXECUTE format('DELETE FROM %s WHERE %I < now() - make_interval(days => $1)', one.log_table, one.moment)
            USING keep_days;
        GET DIAGNOSTICS gone = ROW_COUNT;
        deleted := deleted + gone;
    END LOOP;
    PERFORM set_config('revival.thins_logs', '', true);
    RETURN deleted;
END $$;
REVOKE ALL ON FUNCTION booking_thin_logs(integer) FROM PUBLIC;
"""
UNDO = "DROP FUNCTION booking_thin_logs(integer); DROP FUNCTION booking_log_only_grows();"

GUARD = """
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON {log}
FOR EACH STATEMENT EXECUTE FUNCTION booking_log_only_grows('{moment}');
"""


class Migration(migrations.Migration):
    dependencies = [("booking", "0007_change_log")]
    operations = [
        migrations.RunSQL(FUNCTIONS, UNDO),
        *(
            migrations.RunSQL(GUARD.format(log=log, moment=moment), f"DROP TRIGGER only_grows ON {log};")
            for log, moment in LOGS.items()
        ),
    ]
