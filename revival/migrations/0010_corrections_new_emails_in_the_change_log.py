"""The changes of new e-mail addresses in the change log's view, made anew of every table of changes there is."""

from importlib import import_module

from django.db import migrations

VIEW = import_module("revival.migrations.0005_change_log_by_itself").VIEW


class Migration(migrations.Migration):
    dependencies = [("revival", "0009_calendar_rights_to_opening_hours"), ("booking", "0031_corrections_new_emails")]
    operations = [migrations.RunSQL(VIEW.format(without=""), VIEW.format(without="booking_emailchangechange"))]
