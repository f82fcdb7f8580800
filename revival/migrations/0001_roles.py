from django.db import migrations

from revival.staff import roles


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("booking", "0005_accounts_and_rights"),
        ("articles", "0009_rights_to_review_and_publish"),
    ]

    operations = [migrations.RunPython(roles.write, migrations.RunPython.noop, elidable=False)]
