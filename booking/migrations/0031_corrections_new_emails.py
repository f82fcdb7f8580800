"""New e-mail addresses that patients asked for, with their change log; when they changed their own phone or note."""

import django.db.models.deletion
import django.utils.timezone
import pghistory.utils
import pgtrigger.compiler
import pgtrigger.migrations
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('booking', '0030_mail_organizer'),
    ]

    operations = [
        migrations.CreateModel(
            name='EmailChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('link_version', models.PositiveSmallIntegerField(db_default=1, default=1)),
                ('link_digest', models.CharField(max_length=64, unique=True)),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='new e-mail')),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('settled_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ['asked_at'],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='EmailChangeChange',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_context', pghistory.utils.JSONField(null=True)),
                ('link_version', models.PositiveSmallIntegerField(db_default=1, default=1)),
                ('settled_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'abstract': False,
                'default_permissions': (),
            },
        ),
        migrations.RemoveConstraint(
            model_name='message',
            name='booking_message_kind_is_known',
        ),
        migrations.AddField(
            model_name='appointment',
            name='details_changed_at',
            field=models.DateTimeField(blank=True, help_text='When the patient last changed their own phone or note.', null=True),
        ),
        migrations.AlterField(
            model_name='message',
            name='kind',
            field=models.CharField(choices=[('requested', 'Request received'), ('confirmed', 'Visit confirmed'), ('declined', 'Request declined'), ('moved', 'Visit moved'), ('expired', 'Request not answered in time'), ('cancelled', 'Visit cancelled'), ('reminder-day', 'Reminder, a day ahead'), ('reminder-hours', 'Reminder, two hours ahead'), ('lost-link', 'Private link again'), ('series', 'Series of visits confirmed'), ('series-cancel', 'Rest of a series cancelled'), ('joined', 'On the waiting list'), ('offer', 'A freed time offered'), ('out', 'Therapist is out'), ('stands', 'Visit stands after all'), ('email-change', 'New e-mail address to confirm'), ('staff-notice', 'Notice to staff'), ('staff-reminder', 'Staff reminded of a request')], max_length=14),
        ),
        migrations.AlterField(
            model_name='messagechange',
            name='kind',
            field=models.CharField(choices=[('requested', 'Request received'), ('confirmed', 'Visit confirmed'), ('declined', 'Request declined'), ('moved', 'Visit moved'), ('expired', 'Request not answered in time'), ('cancelled', 'Visit cancelled'), ('reminder-day', 'Reminder, a day ahead'), ('reminder-hours', 'Reminder, two hours ahead'), ('lost-link', 'Private link again'), ('series', 'Series of visits confirmed'), ('series-cancel', 'Rest of a series cancelled'), ('joined', 'On the waiting list'), ('offer', 'A freed time offered'), ('out', 'Therapist is out'), ('stands', 'Visit stands after all'), ('email-change', 'New e-mail address to confirm'), ('staff-notice', 'Notice to staff'), ('staff-reminder', 'Staff reminded of a request')], max_length=14),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['requested', 'confirmed', 'declined', 'moved', 'expired', 'cancelled', 'reminder-day', 'reminder-hours', 'lost-link', 'series', 'series-cancel', 'joined', 'offer', 'out', 'stands', 'email-change', 'staff-notice', 'staff-reminder'])), name='booking_message_kind_is_known', violation_error_message='Choose one of the kinds.'),
        ),
        migrations.AddField(
            model_name='emailchange',
            name='visit',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='email_change', to='booking.appointment'),
        ),
        migrations.AddField(
            model_name='emailchangechange',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='booking.emailchange'),
        ),
        migrations.AddField(
            model_name='emailchangechange',
            name='visit',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='booking.appointment'),
        ),
        migrations.AddConstraint(
            model_name='emailchange',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('settled_at__isnull', True), models.Q(('email', ''), _negated=True)), models.Q(('email', ''), ('settled_at__isnull', False)), _connector='OR'), name='booking_email_change_is_to_an_address_until_settled', violation_error_message='It keeps the new address until it is settled, and no longer.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='emailchange',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "booking_emailchangechange" ("link_version", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "settled_at", "visit_id") VALUES (NEW."link_version", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'insert\', NEW."id", NEW."settled_at", NEW."visit_id"); RETURN NULL;', hash='998e56c56cc314ea7ca80d3018664fd8504f4b21', operation='INSERT', pgid='pgtrigger_insert_insert_f89f2', table='booking_emailchange', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='emailchange',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "booking_emailchangechange" ("link_version", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "settled_at", "visit_id") VALUES (NEW."link_version", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'update\', NEW."id", NEW."settled_at", NEW."visit_id"); RETURN NULL;', hash='346babc4f4b1894365378aa56505552f8a131b52', operation='UPDATE', pgid='pgtrigger_update_update_b2e9f', table='booking_emailchange', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='emailchange',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "booking_emailchangechange" ("link_version", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "settled_at", "visit_id") VALUES (OLD."link_version", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'delete\', OLD."id", OLD."settled_at", OLD."visit_id"); RETURN NULL;', hash='d330e39bca3ccacbb8525ded37e5dc72377e6ed0', operation='DELETE', pgid='pgtrigger_delete_delete_4afaf', table='booking_emailchange', when='AFTER')),
        ),
        migrations.AddIndex(
            model_name='emailchangechange',
            index=models.Index(fields=['pgh_created_at'], name='booking_ema_pgh_cre_774831_idx'),
        ),
        # Rows of a log are added and never changed (see 0008).
        migrations.RunSQL(
            "CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON booking_emailchangechange "
            "FOR EACH STATEMENT EXECUTE FUNCTION booking_log_only_grows('pgh_created_at');",
            "DROP TRIGGER only_grows ON booking_emailchangechange;",
        ),
    ]
