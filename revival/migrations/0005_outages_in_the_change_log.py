"""The changes of outages in the owner's list of changes. The view is made anew of every table of changes there is."""

from django.db import migrations

OLD = {
    **{f"revival_{one}change": one for one in ("account", "accountright", "membership", "roleright")},
    "articles_articlechange": "article",
    **{
        f"booking_{one}change": one
        for one in (
            *("absence", "appointment", "caution", "clinic", "contactrequest", "message", "override"),
            *("service", "shift", "therapist", "urgenthelp", "waitlistentry"),
        )
    },
}
NEW = OLD | {f"booking_{one}change": one for one in ("outage", "outagecontact", "affectedvisit")}

LINE = """
SELECT '{about} ' || pgh_id AS key, pgh_created_at AS at, '{about}' AS about, pgh_obj_id::bigint AS number,
    pgh_label AS what, (pgh_context ->> 'user')::bigint AS user_id, pgh_context ->> 'url' AS place,
    to_jsonb(log) - ARRAY['pgh_id', 'pgh_created_at', 'pgh_obj_id', 'pgh_label', 'pgh_context'] AS facts
FROM {table} AS log
"""


def view(tables: dict[str, str]) -> str:
    return "CREATE OR REPLACE VIEW revival_change AS" + "UNION ALL".join(
        LINE.format(table=table, about=about) for table, about in tables.items()
    )


class Migration(migrations.Migration):
    dependencies = [("revival", "0004_rights_to_read_the_logs"), ("booking", "0010_out")]
    operations = [migrations.RunSQL(view(NEW), view(OLD))]
