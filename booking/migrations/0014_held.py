from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # built beside the bookings that go on meanwhile

    dependencies = [("booking", "0013_out")]

    operations = [
        AddIndexConcurrently(
            model_name="appointment",
            index=models.Index(
                fields=["therapist", "held_until"],
                condition=models.Q(state="held"),
                name="booking_appointment_held",
            ),
        ),
    ]
