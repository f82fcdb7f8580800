"""Whom a visit was with before, so that the message about a move to another therapist says so."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("booking", "0025_calendar_zone_stays")]

    operations = [
        migrations.AddField(
            model_name="message",
            name="former_therapist",
            field=models.ForeignKey(
                blank=True,
                help_text="Whom the visit was with before, when this message tells of a move to another therapist.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="booking.therapist",
            ),
        ),
    ]
