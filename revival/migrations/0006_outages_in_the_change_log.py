"""The changes of outages in the change log's view, made anew of every table of changes there is."""

from importlib import import_module

from django.db import migrations

VIEW = import_module("revival.migrations.0005_change_log_by_itself").VIEW
NEW = "('booking_outagechange', 'booking_outagecontactchange', 'booking_affectedvisitchange')"


class Migration(migrations.Migration):
    dependencies = [("revival", "0005_change_log_by_itself"), ("booking", "0013_out")]
    operations = [migrations.RunSQL(VIEW.format(without=""), VIEW.format(without="-").replace("<> '-'", f"NOT IN {NEW}"))]
