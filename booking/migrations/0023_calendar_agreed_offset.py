from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("booking", "0022_calendar_opening_hours")]

    operations = [
        migrations.AddField(
            "appointment",
            "agreed_offset",
            models.SmallIntegerField(
                help_text="Minutes that the clinic’s clock is ahead of UTC at the start, by the rules when it was set.",
                null=True,
            ),
        )
    ]
