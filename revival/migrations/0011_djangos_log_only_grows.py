"""Django's log of the desk: the database sets the moment of each line, and lines stay as they are.

Thinned with the other logs, since `booking_thin_logs` finds every table with the trigger `only_grows`. For each row and
not for each statement: Django asks for the lines of an account that is deleted, also when there are none.
"""

from django.db import migrations

CREATE = """
CREATE FUNCTION revival_admin_log_only_grows() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('revival.thins_logs', true) IS DISTINCT FROM 'yes' THEN
        RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME USING ERRCODE = '42501';
    END IF;
    RETURN OLD;
END $$;

CREATE FUNCTION revival_moment_is_now() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.action_time := clock_timestamp();
    RETURN NEW;
END $$;

CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON django_admin_log
FOR EACH ROW EXECUTE FUNCTION revival_admin_log_only_grows('action_time');
CREATE TRIGGER moment_is_now BEFORE INSERT ON django_admin_log
FOR EACH ROW EXECUTE FUNCTION revival_moment_is_now();
"""
DROP = """
DROP TRIGGER moment_is_now ON django_admin_log;
DROP TRIGGER only_grows ON django_admin_log;
DROP FUNCTION revival_moment_is_now();
DROP FUNCTION revival_admin_log_only_grows();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("revival", "0010_corrections_new_emails_in_the_change_log"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("booking", "0032_looks_by_function"),
    ]
    operations = [migrations.RunSQL(CREATE, DROP)]
