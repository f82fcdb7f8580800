"""Guards on the change log's last tables, and all of it as one view for the owner to read.

The view names only columns that every table of changes has, and the whole row; so a table may get
more columns without the view being in the way.
"""

from django.db import migrations

OWN = ("account", "accountright", "membership", "roleright")
TABLES = {
    **{f"revival_{one}change": one for one in OWN},
    "articles_articlechange": "article",
    **{
        f"booking_{one}change": one
        for one in (
            *("absence", "appointment", "caution", "clinic", "contactrequest", "message", "override"),
            *("service", "shift", "therapist", "urgenthelp", "waitlistentry"),
        )
    },
}

GUARD = """
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON {log}
FOR EACH STATEMENT EXECUTE FUNCTION booking_log_only_grows('pgh_created_at');
"""
LINE = """
SELECT '{about} ' || pgh_id AS key, pgh_created_at AS at, '{about}' AS about, pgh_obj_id::bigint AS number,
    pgh_label AS what, (pgh_context ->> 'user')::bigint AS user_id, pgh_context ->> 'url' AS place,
    to_jsonb(log) - ARRAY['pgh_id', 'pgh_created_at', 'pgh_obj_id', 'pgh_label', 'pgh_context'] AS facts
FROM {table} AS log
"""
VIEW = "CREATE VIEW revival_change AS" + "UNION ALL".join(
    LINE.format(table=table, about=about) for table, about in TABLES.items()
)


class Migration(migrations.Migration):
    dependencies = [("revival", "0002_change_log"), ("articles", "0013_log_only_grows")]
    operations = [
        *(
            migrations.RunSQL(GUARD.format(log=f"revival_{one}change"), f"DROP TRIGGER only_grows ON revival_{one}change;")
            for one in OWN
        ),
        migrations.RunSQL(VIEW, "DROP VIEW revival_change;"),
    ]
