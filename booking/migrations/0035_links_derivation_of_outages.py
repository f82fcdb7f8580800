"""How the private links of outages and of new e-mail addresses are derived."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("booking", "0034_links_derivation_of_the_waiting_list")]
    operations = [
        migrations.AddField(
            model_name="outagecontact",
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
        migrations.AddField(
            model_name="emailchange",
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
