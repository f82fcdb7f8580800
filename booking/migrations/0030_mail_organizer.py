"""Who invites to a visit, in its calendar files: from now on the clinic's mailbox as it was when the visit was agreed.

Visits from before keep the organizer that they were sent with, the address of DEFAULT_FROM_EMAIL, since calendars take
changes from nobody else. It is the new column's default for a moment: so PostgreSQL writes no row anew.
"""

from email.utils import parseaddr

from django.conf import settings
from django.db import migrations, models

WHO_INVITES = "Who invites, in its calendar files: the clinic’s address when the visit was agreed, from then on."


def organizer(db_default: str) -> models.EmailField:
    return models.EmailField(blank=True, db_default=db_default, default="", help_text=WHO_INVITES, max_length=254)


class Migration(migrations.Migration):
    dependencies = [("booking", "0029_people_indexes")]

    operations = [
        migrations.AddField("appointment", "organizer", organizer(parseaddr(settings.DEFAULT_FROM_EMAIL)[1])),
        migrations.AlterField("appointment", "organizer", organizer("")),
        migrations.AlterField(
            "clinic",
            "email",
            models.EmailField(
                blank=True,
                help_text="Shown in the footer. Patients’ replies to our e-mails and answers of their calendars "
                "go here.",
                max_length=254,
                verbose_name="e-mail",
            ),
        ),
    ]
