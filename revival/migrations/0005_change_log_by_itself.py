"""The change log's view over every table of changes there is, found by the trigger that guards each.

A migration that adds such a table runs `VIEW` again. A replaced view keeps the rights given on it.
"""

from django.db import migrations

VIEW = """
DO $$
DECLARE
    one record;
    lines text[] := ARRAY[]::text[];
BEGIN
    FOR one IN
        SELECT log.relname AS log_table, regexp_replace(log.relname, '^[a-z]+_(.*)change$', '\\1') AS about
        FROM pg_trigger AS guard JOIN pg_class AS log ON log.oid = guard.tgrelid
        WHERE guard.tgname = 'only_grows' AND log.relname LIKE '%change' AND log.relname <> '{without}'
        ORDER BY 1
    LOOP
        lines := lines || format(
            'SELECT %L || pgh_id AS key, pgh_created_at AS at, %L::text AS about, pgh_obj_id::bigint AS number,'
            ' pgh_label AS what, (pgh_context ->> ''user'')::bigint AS user_id, pgh_context ->> ''url'' AS place,'
            ' to_jsonb(log) - ARRAY[''pgh_id'', ''pgh_created_at'', ''pgh_obj_id'', ''pgh_label'', ''pgh_context'']'
            ' AS facts FROM %I AS log',
            one.about || ' ', one.about, one.log_table
        );
    END LOOP;
    EXECUTE 'CREATE OR REPLACE VIEW revival_change AS ' || array_to_string(lines, ' UNION ALL ');
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("revival", "0004_rights_to_read_the_logs"), ("booking", "0011_series")]
    operations = [migrations.RunSQL(VIEW.format(without=""), VIEW.format(without="booking_serieschange"))]
