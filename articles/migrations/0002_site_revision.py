"""Raise the site's revision with every write to what readers see, whoever writes it."""

from django.db import migrations

CONTENT_TABLES = [
    "articles_article",
    "articles_article_cautions",
    "articles_question",
    "articles_reference",
    "articles_section",
    "booking_caution",
    "booking_clinic",
    "booking_service",
    "booking_service_cautions",
    "booking_service_therapists",
    "booking_therapist",
    "booking_urgenthelp",
]

FUNCTION = """
CREATE FUNCTION articles_raise_site_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO articles_siterevision (id, number) VALUES (1, 1)
    ON CONFLICT (id) DO UPDATE SET number = articles_siterevision.number + 1;
    RETURN NULL;
END $$;
INSERT INTO articles_siterevision (id, number) VALUES (1, 1) ON CONFLICT DO NOTHING;
"""

TRIGGER = """
CREATE TRIGGER raise_site_revision AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION articles_raise_site_revision();
"""


class Migration(migrations.Migration):
    dependencies = [("articles", "0001_initial"), ("booking", "0001_initial")]

    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION articles_raise_site_revision();"),
        *(
            migrations.RunSQL(TRIGGER.format(table=table), f"DROP TRIGGER raise_site_revision ON {table};")
            for table in CONTENT_TABLES
        ),
    ]
