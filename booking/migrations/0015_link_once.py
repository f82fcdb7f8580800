from django.db import migrations, models

# At once, however many visits there are: the constraint gets another name and keeps its index; the other index goes.
FORWARDS = """
ALTER TABLE booking_appointment RENAME CONSTRAINT booking_appointment_link_digest_key TO booking_appointment_link_once;
DROP INDEX booking_appointment_link_digest_0bb3d659_like;
"""
BACKWARDS = """
ALTER TABLE booking_appointment RENAME CONSTRAINT booking_appointment_link_once TO booking_appointment_link_digest_key;
CREATE INDEX booking_appointment_link_digest_0bb3d659_like ON booking_appointment (link_digest varchar_pattern_ops);
"""


class Migration(migrations.Migration):
    dependencies = [("booking", "0014_held")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(FORWARDS, BACKWARDS)],
            state_operations=[
                migrations.AlterField("appointment", "link_digest", models.CharField(max_length=64)),
                migrations.AddConstraint(
                    "appointment",
                    models.UniqueConstraint(fields=["link_digest"], name="booking_appointment_link_once"),
                ),
            ],
        ),
    ]
