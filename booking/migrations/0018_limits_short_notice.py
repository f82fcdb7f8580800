"""Whether somebody on the waiting list takes a time at short notice; until they say so, they do not."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("booking", "0017_limits_mails_a_day")]

    operations = [
        migrations.AddField(
            model_name="waitlistentry",
            name="suits_short_notice",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Offers may begin sooner than a visit can be booked online.",
                verbose_name="short notice suits",
            ),
        ),
    ]
