from django.db import migrations

from revival import roles


class Migration(migrations.Migration):
    dependencies = [
        ("revival", "0001_roles"),
        ("articles", "0011_images_raise_the_revision"),
    ]

    operations = [migrations.RunPython(roles.write, migrations.RunPython.noop, elidable=False)]
