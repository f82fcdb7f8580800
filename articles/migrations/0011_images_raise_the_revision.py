"""Images are on readers' pages, so their tables raise the site's revision like the others."""

from django.db import migrations

TRIGGER = """
CREATE TRIGGER raise_site_revision AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION articles_raise_site_revision();
"""


class Migration(migrations.Migration):
    dependencies = [("articles", "0010_images_outside_links_review_reminders")]
    operations = [
        migrations.RunSQL(TRIGGER.format(table=table), f"DROP TRIGGER raise_site_revision ON {table};")
        for table in ("articles_image", "articles_rendition")
    ]
