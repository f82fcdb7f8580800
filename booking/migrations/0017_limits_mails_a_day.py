"""Counts of an address's mails beside those of networks: the column keeps its name, so nothing is rewritten."""

from django.db import migrations, models

DELIVERIES = [
    ("queued", "Waiting to be sent"),
    ("sent", "Sent"),
    ("refused", "Refused by the mail server"),
    ("overtaken", "Overtaken by a later message"),
    ("please-phone", "Please phone"),
    ("phoned", "Told by phone"),
]


class Migration(migrations.Migration):
    dependencies = [("booking", "0016_say_phone")]

    operations = [
        migrations.AlterField(
            model_name="dailycount",
            name="network_digest",
            field=models.CharField(db_column="network_digest", max_length=64),
        ),
        migrations.RenameField(model_name="dailycount", old_name="network_digest", new_name="digest"),
        migrations.SeparateDatabaseAndState(
            state_operations=[  # the constraint names the field, whose column is the same
                migrations.RemoveConstraint(model_name="dailycount", name="booking_daily_count_is_one_row"),
                migrations.AddConstraint(
                    model_name="dailycount",
                    constraint=models.UniqueConstraint(
                        fields=["kind", "digest", "day"], name="booking_daily_count_is_one_row"
                    ),
                ),
            ]
        ),
        migrations.AlterField(
            model_name="dailycount",
            name="kind",
            field=models.CharField(
                choices=[
                    ("booking", "Bookings"),
                    ("hold", "Open holds"),
                    ("ask", "Contact requests and waiting-list entries"),
                    ("clear", "Answers to “Was this clear?”"),
                    ("mail", "E-mails to an address that nobody has proved to be theirs"),
                ],
                max_length=7,
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="delivery",
            field=models.CharField(choices=DELIVERIES, default="queued", max_length=12),
        ),
        migrations.AlterField(
            model_name="messagechange",
            name="delivery",
            field=models.CharField(choices=DELIVERIES, default="queued", max_length=12),
        ),
    ]
