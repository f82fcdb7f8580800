"""Rows from before get the normal forms of their names, e-mail addresses and phones."""

from django.db import connection, migrations, transaction

from booking.people.addresses import address_key
from booking.people.names import name_key
from booking.people.phones import PhoneError, read_phone

AT_A_TIME = 2000
"""Rows of one transaction: a few tenths of a second, so that nobody waits for these rows for longer."""

TABLES = {
    "booking_appointment": ("name", "email", "phone", "patient_name"),
    "booking_waitlistentry": ("name", "email", "phone"),
    "booking_contactrequest": ("name", "email", "phone"),
}
NO_LINE_IN_THE_CHANGE_LOG = """
    SELECT set_config('pgtrigger.ignore', array_agg(tgname)::text, true)
    FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal
"""


def keys_of(row, country):
    number, name, email, phone, *patient_name = row
    try:
        e164, extension = read_phone(phone, country)
    except PhoneError:
        e164, extension = "", ""
    return number, name, email, phone, name_key(name), address_key(email), e164, extension, *map(name_key, patient_name)


def statements(table, columns):
    """The statement that reads the next rows after an id, and the one that writes their keys.

    A row that somebody changed in between has its keys already, and is left.
    """
    keys = ["name_key", "email_key", "phone_e164", "phone_extension", "patient_name_key"][: len(columns) + 1]
    typed = ["name", "email", "phone"]
    is_somebody = " OR ".join(f"{column} <> ''" for column in columns)
    read = f"SELECT id, {', '.join(columns)} FROM {table} WHERE id > %s AND ({is_somebody}) ORDER BY id LIMIT {AT_A_TIME}"
    new = ["id", *typed, *keys]
    arrays = ["%s::bigint[]", *["%s::text[]"] * (len(new) - 1)]
    is_unchanged = " AND ".join(f"row.{column} = new.{column}" for column in ["id", *typed])
    write = (
        f"UPDATE {table} AS row SET {', '.join(f'{key} = new.{key}' for key in keys)}"
        f" FROM unnest({', '.join(arrays)}) AS new({', '.join(new)}) WHERE {is_unchanged}"
    )
    return read, write


def fill(apps, schema_editor):
    clinic = apps.get_model("booking", "Clinic").objects.first()
    country = clinic.country if clinic else "US"
    for table, columns in TABLES.items():
        read, write = statements(table, columns)
        last = 0
        while True:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(read, [last])
                rows = [keys_of(row, country) for row in cursor.fetchall()]
                if not rows:
                    break
                cursor.execute(NO_LINE_IN_THE_CHANGE_LOG, [table])
                cursor.execute(write, [list(column) for column in zip(*rows)])
                last = rows[-1][0]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("booking", "0027_people_keys")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
