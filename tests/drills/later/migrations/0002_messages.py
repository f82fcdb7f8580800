from django.db import migrations


class Migration(migrations.Migration):
    """Another busy table has a migration of its own: see apply_migrations."""

    dependencies = [("later", "0001_visits")]

    operations = [
        migrations.RunSQL("ALTER TABLE booking_message ADD COLUMN later_note varchar(80) NOT NULL DEFAULT ''"),
    ]
