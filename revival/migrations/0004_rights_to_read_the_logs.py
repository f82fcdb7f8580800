from django.db import migrations

from revival.staff import roles


class Migration(migrations.Migration):
    dependencies = [("revival", "0003_logs_only_grow"), ("booking", "0008_logs_only_grow"), ("articles", "0013_log_only_grows")]
    operations = [migrations.RunPython(roles.write, migrations.RunPython.noop, elidable=False)]
