from django.db import migrations


class Migration(migrations.Migration):
    """What real ones do to the busiest table: each statement needs it alone for a moment."""

    operations = [
        migrations.RunSQL("ALTER TABLE booking_appointment ADD COLUMN later_note varchar(80) NOT NULL DEFAULT ''"),
        migrations.RunSQL(
            "ALTER TABLE booking_appointment ADD CONSTRAINT later_check CHECK (later_note <> 'x') NOT VALID"
        ),
    ]
