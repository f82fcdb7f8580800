"""Lines of the access log are written by a function of the tables' owner, which sets the moment.

The web role may call it and has no right to insert (`manage.py grant_web_role`), so it cannot write a look at a time of
its own choosing.
"""

from django.db import migrations

CREATE = """
CREATE FUNCTION booking_note_look(
    look_user integer, look_username text, look_what text, look_about text, look_number bigint, look_reason text
) RETURNS booking_accesslog
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO public.booking_accesslog (at, user_id, username, what, about, number, reason)
    VALUES (clock_timestamp(), look_user, look_username, look_what, look_about, look_number, look_reason)
    RETURNING *
$$;
REVOKE ALL ON FUNCTION booking_note_look(integer, text, text, text, bigint, text) FROM PUBLIC;
"""
DROP = "DROP FUNCTION booking_note_look(integer, text, text, text, bigint, text);"


class Migration(migrations.Migration):
    dependencies = [("booking", "0031_corrections_new_emails")]
    operations = [migrations.RunSQL(CREATE, DROP)]
