from django.db import migrations

GUARD = """
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON articles_articlechange
FOR EACH STATEMENT EXECUTE FUNCTION booking_log_only_grows('pgh_created_at');
"""


class Migration(migrations.Migration):
    dependencies = [("articles", "0012_change_log"), ("booking", "0008_logs_only_grow")]
    operations = [migrations.RunSQL(GUARD, "DROP TRIGGER only_grows ON articles_articlechange;")]
