"""The clinic's opening hours are on every readers' page, so their table raises the site's revision like the others."""

from importlib import import_module

from django.db import migrations

TRIGGER = import_module("articles.migrations.0002_site_revision").TRIGGER


class Migration(migrations.Migration):
    dependencies = [("articles", "0015_plain_words"), ("booking", "0022_calendar_opening_hours")]
    operations = [
        migrations.RunSQL(
            TRIGGER.format(table="booking_openinghours"), "DROP TRIGGER raise_site_revision ON booking_openinghours;"
        )
    ]
