from django.db import migrations

from revival.staff import roles


class Migration(migrations.Migration):
    dependencies = [
        ("revival", "0007_calendar_opening_hours_in_the_change_log"),
        ("booking", "0017_calendar_opening_hours"),
    ]
    operations = [migrations.RunPython(roles.write, migrations.RunPython.noop, elidable=False)]
