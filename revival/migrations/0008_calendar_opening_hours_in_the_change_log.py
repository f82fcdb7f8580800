"""The changes of the clinic's opening hours in the change log's view, made anew of every table of changes there is."""

from importlib import import_module

from django.db import migrations

VIEW = import_module("revival.migrations.0005_change_log_by_itself").VIEW


class Migration(migrations.Migration):
    dependencies = [("revival", "0007_hours_recurring_absences_in_the_change_log"), ("booking", "0022_calendar_opening_hours")]
    operations = [migrations.RunSQL(VIEW.format(without=""), VIEW.format(without="booking_openinghourschange"))]
