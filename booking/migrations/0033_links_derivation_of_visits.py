"""How each visit's private link is derived: rows of before, and of code from before, as they were.

Each busy table in a migration of its own, so that none waits for another while it is locked.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("booking", "0032_looks_by_function")]
    operations = [
        migrations.AddField(
            model_name="appointment",
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
