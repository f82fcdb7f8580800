"""Facts that pages and mails state: of the clinic, its services and its therapists. All of them begin empty."""

import booking.models.clinic
import booking.models.place
import booking.models.therapists
import django.contrib.postgres.fields
import django.core.validators
import revival.base.plain_text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('booking', '0035_links_derivation_of_outages'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # What was the whole address stays in its column, and is the address' first lines from now on.
        migrations.AlterField(
            model_name='clinic',
            name='address',
            field=models.TextField(blank=True, db_column='address'),
        ),
        migrations.RenameField(model_name='clinic', old_name='address', new_name='address_line'),
        migrations.AlterField(
            model_name='clinic',
            name='address_line',
            field=models.TextField(blank=True, db_column='address', help_text='Street and number, on a second line the suite. Shown in the footer and on visits when set.', max_length=500, validators=[revival.base.plain_text.refuse_hidden_characters, django.core.validators.MaxLengthValidator(500)], verbose_name='address'),
        ),
        migrations.AddField(
            model_name='clinic',
            name='arrival',
            field=models.TextField(blank=True, help_text='Which door, which floor, how early, what to fill in first.', max_length=600, validators=[revival.base.plain_text.refuse_hidden_characters, django.core.validators.MaxLengthValidator(600)], verbose_name='when you arrive'),
        ),
        migrations.AddField(
            model_name='clinic',
            name='building_access',
            field=models.TextField(blank=True, help_text='Steps, elevator, wide doors, restroom, help at the door.', max_length=600, validators=[revival.base.plain_text.refuse_hidden_characters, django.core.validators.MaxLengthValidator(600)], verbose_name='getting into the building'),
        ),
        migrations.AddField(
            model_name='clinic',
            name='city',
            field=models.CharField(blank=True, max_length=80, validators=[revival.base.plain_text.refuse_hidden_characters, revival.base.plain_text.refuse_line_breaks]),
        ),
        migrations.AddField(
            model_name='clinic',
            name='directions',
            field=models.TextField(blank=True, help_text='The way here, by bus, train or car.', max_length=600, validators=[revival.base.plain_text.refuse_hidden_characters, django.core.validators.MaxLengthValidator(600)]),
        ),
        migrations.AddField(
            model_name='clinic',
            name='example_facts',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, editable=False, help_text='Fields that hold an example made for a trial copy.', size=None),
        ),
        migrations.AddField(
            model_name='clinic',
            name='insurance',
            field=models.CharField(blank=True, choices=[('', 'Not said: left out of every page'), ('listed', 'We take these'), ('ask', 'Ask us'), ('none', 'We take none')], default='', max_length=6),
        ),
        migrations.AddField(
            model_name='clinic',
            name='insurance_names',
            field=models.TextField(blank=True, help_text='One per line.', max_length=600, validators=[revival.base.plain_text.refuse_hidden_characters, django.core.validators.MaxLengthValidator(600)], verbose_name='insurance you take'),
        ),
        migrations.AddField(
            model_name='clinic',
            name='languages',
            field=models.CharField(blank=True, help_text='Spoken at the clinic, such as “English and Spanish”.', max_length=200, validators=[revival.base.plain_text.refuse_hidden_characters, revival.base.plain_text.refuse_line_breaks]),
        ),
        migrations.AddField(
            model_name='clinic',
            name='parking',
            field=models.TextField(blank=True, help_text='Where to leave the car, and what it costs.', max_length=600, validators=[revival.base.plain_text.refuse_hidden_characters, django.core.validators.MaxLengthValidator(600)]),
        ),
        migrations.AddField(
            model_name='clinic',
            name='postal_code',
            field=models.CharField(blank=True, max_length=20, validators=[revival.base.plain_text.refuse_hidden_characters, revival.base.plain_text.refuse_line_breaks], verbose_name='ZIP code'),
        ),
        migrations.AddField(
            model_name='clinic',
            name='state',
            field=models.CharField(blank=True, help_text='Such as MN.', max_length=40, validators=[revival.base.plain_text.refuse_hidden_characters, revival.base.plain_text.refuse_line_breaks]),
        ),
        migrations.AddField(
            model_name='clinic',
            name='treats',
            field=models.TextField(blank=True, help_text='One per line, the most common first. To lead to an article, paste its address after the words.', max_length=2000, validators=[revival.base.plain_text.refuse_hidden_characters, django.core.validators.MaxLengthValidator(2000), booking.models.place.check_treated], verbose_name='what you treat'),
        ),
        migrations.AddField(
            model_name='clinic',
            name='what_to_bring',
            field=models.TextField(blank=True, max_length=600, validators=[revival.base.plain_text.refuse_hidden_characters, django.core.validators.MaxLengthValidator(600)]),
        ),
        migrations.AddField(
            model_name='clinic',
            name='what_to_wear',
            field=models.TextField(blank=True, max_length=600, validators=[revival.base.plain_text.refuse_hidden_characters, django.core.validators.MaxLengthValidator(600)]),
        ),
        migrations.AddField(
            model_name='service',
            name='example_facts',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, editable=False, help_text='Fields that hold an example made for a trial copy.', size=None),
        ),
        migrations.AddField(
            model_name='service',
            name='description',
            field=models.TextField(blank=True, help_text='In patients’ words: what it is for and what happens.', max_length=600, validators=[revival.base.plain_text.refuse_hidden_characters, django.core.validators.MaxLengthValidator(600)]),
        ),
        migrations.AddField(
            model_name='service',
            name='fee',
            field=models.CharField(blank=True, help_text='For patients who pay themselves, as you write it, such as $95.', max_length=60, validators=[revival.base.plain_text.refuse_hidden_characters, revival.base.plain_text.refuse_line_breaks]),
        ),
        migrations.AddField(
            model_name='service',
            name='includes',
            field=models.TextField(blank=True, help_text='One or two sentences.', max_length=600, validators=[revival.base.plain_text.refuse_hidden_characters, django.core.validators.MaxLengthValidator(600)], verbose_name='what it includes'),
        ),
        migrations.AddField(
            model_name='service',
            name='may_include_cupping',
            field=models.BooleanField(default=False, help_text='Pages say so when this is ticked.', verbose_name='cupping can be part of it'),
        ),
        migrations.AddField(
            model_name='therapist',
            name='degree',
            field=models.CharField(blank=True, help_text='Such as Doctor of Physical Therapy, and where from.', max_length=120, validators=[revival.base.plain_text.refuse_hidden_characters, revival.base.plain_text.refuse_line_breaks]),
        ),
        migrations.AddField(
            model_name='therapist',
            name='example_facts',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, editable=False, help_text='Fields that hold an example made for a trial copy.', size=None),
        ),
        migrations.AddField(
            model_name='therapist',
            name='focus',
            field=models.CharField(blank=True, help_text='What they see most, such as “Backs, knees, runners”.', max_length=200, validators=[revival.base.plain_text.refuse_hidden_characters, revival.base.plain_text.refuse_line_breaks]),
        ),
        migrations.AddField(
            model_name='therapist',
            name='languages',
            field=models.CharField(blank=True, help_text='Such as “English and Spanish”.', max_length=200, validators=[revival.base.plain_text.refuse_hidden_characters, revival.base.plain_text.refuse_line_breaks]),
        ),
        migrations.AddField(
            model_name='therapist',
            name='license_number',
            field=models.CharField(blank=True, max_length=40, validators=[revival.base.plain_text.refuse_hidden_characters, revival.base.plain_text.refuse_line_breaks]),
        ),
        migrations.AddField(
            model_name='therapist',
            name='license_url',
            field=models.URLField(blank=True, help_text='Of the state board. It begins with https://.', validators=[django.core.validators.URLValidator(['https'], message='Give an address that begins with https://.')], verbose_name='page where the license can be looked up'),
        ),
        migrations.AddField(
            model_name='therapist',
            name='practicing_since',
            field=models.PositiveSmallIntegerField(blank=True, help_text='The year, such as 2009.', null=True, validators=[booking.models.therapists.check_year]),
        ),
        migrations.AlterField(
            model_name='clinic',
            name='country',
            field=models.CharField(db_default='US', default='US', help_text='Of the address. Phone numbers that patients type without a country code are numbers of it, too.', max_length=2, validators=[booking.models.clinic.validate_country]),
        ),
        migrations.AddConstraint(
            model_name='clinic',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('insurance', 'listed'), _negated=True), models.Q(('insurance_names', ''), _negated=True), _connector='OR'), name='booking_clinic_names_the_insurance_it_takes', violation_error_message='Name the insurance you take, one per line, or choose another answer.'),
        ),
        migrations.AddConstraint(
            model_name='therapist',
            constraint=models.CheckConstraint(condition=models.Q(('license_url', ''), models.Q(('license_url__startswith', 'https://'), models.Q(('license_number', ''), _negated=True)), _connector='OR'), name='booking_therapist_license_is_looked_up_by_its_number', violation_error_message='Give the license number, too, and an address that begins with https://.'),
        ),
    ]
