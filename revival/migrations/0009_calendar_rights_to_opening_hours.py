from django.db import migrations

from revival.staff import roles


class Migration(migrations.Migration):
    dependencies = [
        ("revival", "0008_calendar_opening_hours_in_the_change_log"),
        ("booking", "0022_calendar_opening_hours"),
    ]
    operations = [migrations.RunPython(roles.write, migrations.RunPython.noop, elidable=False)]
