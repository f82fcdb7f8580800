import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently, TrigramExtension
from django.db import migrations, models


class Migration(migrations.Migration):
    """Built without keeping anybody from writing."""

    atomic = False
    dependencies = [("booking", "0028_people_fill_keys")]
    operations = [
        TrigramExtension(),
        AddIndexConcurrently(
            model_name='appointment',
            index=models.Index(condition=models.Q(('email_key', ''), _negated=True), fields=['email_key'], name='booking_appointment_by_email'),
        ),
        AddIndexConcurrently(
            model_name='appointment',
            index=models.Index(condition=models.Q(('phone_e164', ''), _negated=True), fields=['phone_e164'], name='booking_appointment_by_phone'),
        ),
        AddIndexConcurrently(
            model_name='appointment',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass('name_key', 'gin_trgm_ops'), django.contrib.postgres.indexes.OpClass('patient_name_key', 'gin_trgm_ops'), django.contrib.postgres.indexes.OpClass('email_key', 'gin_trgm_ops'), django.contrib.postgres.indexes.OpClass('phone_e164', 'gin_trgm_ops'), name='booking_appointment_by_person'),
        ),
    ]
