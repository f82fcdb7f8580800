"""How each waiting-list entry's private link is derived."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("booking", "0033_links_derivation_of_visits")]
    operations = [
        migrations.AddField(
            model_name="waitlistentry",
            name="link_derivation",
            field=models.PositiveSmallIntegerField(
                choices=[
                    (1, "id and version, alike for rows of every kind"),
                    (2, "purpose, id and version"),
                ],
                db_default=1,
                default=2,
                editable=False,
            ),
        ),
    ]
