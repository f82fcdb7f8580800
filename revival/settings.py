"""One settings module, driven by the environment (docs/configuration.md).

REVIVAL_MODE is `production` (when unset), `trial` (a copy to try out, and for the tests) or `dev`
(reloads, debug pages). Importing this module starts nothing.
"""

import re
import secrets
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import environ
import pghistory
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from revival.base import host_names, secret_keys
from revival.base.network import is_network
from revival.database.watchdog import TimedConnection
from revival.server.logs import LOGGING as LOGGING  # without personal data

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

MODE = env.str("REVIVAL_MODE", "production")  # `trial` (`make run`, tests), `dev` (`make dev`) or `production`
if MODE not in {"trial", "dev", "production"}:
    raise ImproperlyConfigured(f"REVIVAL_MODE is {MODE!r}; it must be trial, dev or production.")
IS_PRODUCTION = MODE == "production"
DEBUG = MODE == "dev"

_missing = [name for name in ("DATABASE_URL", "SECRET_KEY", "LINK_KEY", "ALLOWED_HOSTS") if not env.str(name, "")]
if IS_PRODUCTION and _missing:
    raise ImproperlyConfigured(
        f"production needs {', '.join(_missing)} in the environment; for a trial copy run `make run` instead."
    )
if "DATABASE_URL" in _missing:
    raise ImproperlyConfigured(
        "DATABASE_URL is not set; `make run` and `make test` bring a database of their own, "
        "and `python -m deploy.local.postgres COMMAND` runs any command with it."
    )

# Signs cookies and recovery codes; required in production. A trial copy has keys of its own (deploy/local/keys.py)
SECRET_KEY = env.str("SECRET_KEY", "") or secrets.token_urlsafe(50)
# Derives patients' private links; required in production
LINK_KEY = env.str("LINK_KEY", "") or secrets.token_urlsafe(50)
# Names the site answers to, separated by commas; required in production
ALLOWED_HOSTS = [host.strip() for host in env.list("ALLOWED_HOSTS", default=["*"])]
if IS_PRODUCTION and (_weak := secret_keys.what_is_weak({"SECRET_KEY": SECRET_KEY, "LINK_KEY": LINK_KEY})):
    raise ImproperlyConfigured(_weak)
if IS_PRODUCTION and (not ALLOWED_HOSTS or host_names.unfit(ALLOWED_HOSTS)):
    raise ImproperlyConfigured(
        f"ALLOWED_HOSTS has {', '.join(map(repr, host_names.unfit(ALLOWED_HOSTS))) or 'no name'}, which is no name of a"
        " host; set it to the names of this site alone, without ports, such as www.example.com,example.com."
    )
SITE_URL = env.str("SITE_URL", "http://localhost:8000").rstrip("/")  # how links in e-mails begin

INSTALLED_APPS = [
    "revival.desk.site.DeskConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.sitemaps",
    "crispy_forms",
    "csp",
    "django_prose_editor",
    "procrastinate.contrib.django",
    "axes",
    "pgtrigger",
    "pghistory",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "booking",
    "articles",
    "revival.apps.RevivalConfig",  # last: its desk pages replace those of the packages above
]

MIDDLEWARE = [
    "revival.server.guard.answer_probes",
    "revival.page_cache.middleware.keep_pages",  # outside all that add headers: they are kept with the page
    "django.middleware.security.SecurityMiddleware",
    "revival.server.guard.set_browser_policies",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "revival.page_cache.image_cache.keep_images",
    "revival.server.guard.guard_answers",
    "revival.site.clinic_time.clinic_time",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "revival.staff.sessions.ignore_incomplete_sign_ins",
    "revival.staff.sessions.end_idle_sessions",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "revival.desk.change_author.record_change_author",
    "axes.middleware.AxesMiddleware",
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "revival.staff.roles.RolesOnly"]

ROOT_URLCONF = "revival.urls"
WSGI_APPLICATION = "revival.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["revival.base.bidi"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "revival.site.context.site",
            ],
        },
    },
]
CRISPY_ALLOWED_TEMPLATE_PACKS = "clinic"
CRISPY_TEMPLATE_PACK = "clinic"
CRISPY_CLASS_CONVERTERS = {
    "textinput": "field__box",
    "emailinput": "field__box",
    "telinput": "field__box field__box--short",
    "passwordinput": "field__box",
    "textarea": "field__box",
    "dateinput": "field__box field__box--short",
}


def _database() -> dict[str, Any]:  # Any: text, numbers and dictionaries, as Django's settings are
    """DATABASE_URL as Django's settings, for one server or several: postgresql://…@one:5432,two:5432/name.

    An error never quotes the address, since it holds a password. Raises ImproperlyConfigured.
    """
    # Address of the database; required in production. `make` brings a server of its own when it is unset.
    url = env.str("DATABASE_URL")
    try:
        parameters = conninfo_to_dict(url) if url.startswith(("postgresql://", "postgres://")) else {}
    except ProgrammingError:
        parameters = {}
    if not parameters.get("dbname") or not re.fullmatch(r"[\d,]*", str(parameters.get("port", ""))):
        raise ImproperlyConfigured(
            "DATABASE_URL is not a PostgreSQL address like postgresql://user:password@host:5432/name "
            "(special characters in the password must be percent-encoded)."
        ) from None
    if IS_PRODUCTION and parameters.get("password") == "password":
        raise ImproperlyConfigured(
            "DATABASE_URL has the password of .env.example, which everybody has; give the role another one."
        )
    if "," in str(parameters.get("host", "")):
        parameters.setdefault("target_session_attrs", "read-write")  # only the leader; standbys are read-only
        parameters.setdefault("load_balance_hosts", "random")  # so that a hung server does not delay every attempt
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    return {name: str(parameters.pop(parameter, "")) for name, parameter in names.items()} | {"OPTIONS": parameters}


DATABASES = {"default": _database()}
DATABASES["default"].update(
    ENGINE="revival.database.backend",  # Django's, refusing at once while the database is known to hang
    CONN_MAX_AGE=0,  # the pool keeps connections, Django must not
    CONN_HEALTH_CHECKS=True,  # tested before use: the site recovers after a database restart
    # PgBouncer would look for a cursor that outlives its statement at another server; our lists are short.
    DISABLE_SERVER_SIDE_CURSORS=True,
)
DATABASES["default"]["OPTIONS"].update(
    connect_timeout=2,  # seconds for each server; the shortest that libpq allows
    # A server that vanishes is detected over TCP after 30 s at the latest, also by a connection that only listens.
    keepalives_idle=15,
    keepalives_interval=5,
    keepalives_count=3,
    tcp_user_timeout=30_000,
    pool={
        "connection_class": TimedConnection,
        "min_size": 1,
        "max_size": env.int("DATABASE_POOL_SIZE", 10),  # connections of each process
        "timeout": 1.5,  # seconds a request waits for a connection before it is answered with "busy"
        "reconnect_timeout": 0.5,  # seconds; then the next request tries again, instead of after waits that double
    },
)
DATABASE_ANSWER_SECONDS = 0.0
# Time limit in ms of one statement: gunicorn sets 4000, the worker's service 60000, commands have none. Our side gives
# up half a second later, for a server that stands still (revival/database/watchdog.py).
if _statement_timeout := env.int("DATABASE_STATEMENT_TIMEOUT_MS", 0):
    DATABASE_ANSWER_SECONDS = _statement_timeout / 1000 + 0.5
    _options = DATABASES["default"]["OPTIONS"]
    _options["options"] = f"{_options.get('options', '')} -c statement_timeout={_statement_timeout}".strip()
    _options["tcp_user_timeout"] = _statement_timeout
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en-us"
USE_I18N = False
DATE_FORMAT, TIME_FORMAT = "M j, Y", "g:i A"  # for desk dates that Django formats; its default would say "noon"
DATETIME_FORMAT = "D, M j, Y, g:i A"
USE_TZ = True
TIME_ZONE = "UTC"  # the clinic's own zone is a column of Clinic

STATIC_URL = "/static/"
WHITENOISE_KEEP_ONLY_HASHED_FILES = True  # each web process keeps a table of all files
# Folder of the collected static files
STATIC_ROOT = Path(env.str("STATIC_ROOT", str(BASE_DIR / ".static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "revival.server.static_files.StyleSheetFinder",
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "revival.server.storage.StaticFiles"},
}

PAGE_CACHE = env.bool("PAGE_CACHE", not DEBUG)  # keep readers' pages (revival/page_cache); unset, not in dev
# Folder for the newest pages as files, which nginx shows while gunicorn is gone (revival/page_cache/last_pages.py)
LAST_PAGES_DIR = env.str("LAST_PAGES_DIR", "")

# Mail server, such as smtp+tls://user:password@host:587; unset, e-mails are files under .mail/
if env.str("EMAIL_URL", ""):
    vars().update(env.email("EMAIL_URL"))
    EMAIL_TIMEOUT = 15
else:
    EMAIL_BACKEND = "revival.base.mail_files.EmailBackend"
    # Folder for e-mails of a trial copy
    EMAIL_FILE_PATH = env.str("EMAIL_FILE_PATH", str(BASE_DIR / ".mail"))
# Sender of all e-mails
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "Revival Physical Therapy and Wellness <no-reply@localhost>")

# Address that mail servers return undeliverable e-mails to, such as bounces@clinic.example; each e-mail has one of its
# own, bounces+…@clinic.example, and the mail server pipes what comes there into `manage.py receive_bounce`. Unset, they
# are returned to the sender's address, and the desk does not learn of it
BOUNCE_ADDRESS = env.str("BOUNCE_ADDRESS", "")

# Guard
# The only inline script: as a file of its own it would be requested before the first paint, and delay it.
NEXT_TIMES = (BASE_DIR / "templates/includes/_next_times.js").read_bytes()
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, f"'sha256-{b64encode(sha256(NEXT_TIMES).digest()).decode()}'"],
        "style-src": [SELF],
        "img-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
SECURE_REFERRER_POLICY = "strict-origin"  # same-origin would put visit links into nginx's log
SECURE_CONTENT_TYPE_NOSNIFF = True
# What no page needs, so that no script could ask for it either
PERMISSIONS_POLICY = (
    "camera=(), display-capture=(), geolocation=(), microphone=(), midi=(), payment=(), serial=(), usb=()"
)
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
HOLD_COOKIE_NAME, FORM_COOKIE_NAME = "hold", "form"
if IS_PRODUCTION:
    SECURE_SSL_REDIRECT = True
    # That a request came by https is said by gunicorn, which believes it of TRUSTED_PROXIES alone.
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    HOLD_COOKIE_NAME, FORM_COOKIE_NAME = "__Host-hold", "__Host-form"
# Signing in to the desk
LOGIN_URL = "admin:login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "revival.staff.password_strength.NotEasilyGuessedValidator"},
]
TWO_FACTOR_REQUIRED = env.bool("TWO_FACTOR_REQUIRED", IS_PRODUCTION)  # all staff need a code (unset: in production)
# Hours within which a colleague replaces a password that somebody else chose for them
FIRST_PASSWORD_HOURS = env.int("FIRST_PASSWORD_HOURS", 72)
DESK_IDLE_MINUTES = env.int("DESK_IDLE_MINUTES", 15)  # staff are signed out after this long without a request
DESK_LONGEST_HOURS = env.int("DESK_LONGEST_HOURS", 8)  # staff are signed out this long after signing in
SESSION_COOKIE_AGE = 24 * 60 * 60  # longer than any session is valid, so that the sign-in page can say why it ended
KNOWN_BROWSER_COOKIE_NAME = "__Secure-known-browser" if IS_PRODUCTION else "known-browser"
# Wrong passwords lock a user name for one network only, so nobody can lock out the whole clinic.
AXES_HANDLER = "revival.staff.lockout.Lockout"
AXES_FAILURE_LIMIT = 10
SIGN_IN_FAILURES_A_NETWORK = env.int("SIGN_IN_FAILURES_A_NETWORK", 50)  # failures in 15 minutes, whatever the name
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # else further failures would prolong a lock for ever
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True  # we keep no record of who signed in when
AXES_ENABLE_ADMIN = False
AXES_CLIENT_IP_CALLABLE = "revival.staff.lockout.client_address"
AXES_LOCKOUT_CALLABLE = "revival.staff.lockout.locked_out"
AXES_VERBOSE = False
CSRF_FAILURE_VIEW = "revival.site.errors.csrf_failure"

# Logs of the desk: the change log (booking/models/changes.py) and the access log (booking/models/access.py)
PGHISTORY_FOREIGN_KEY_FIELD = pghistory.ForeignKey(db_index=False)
PGHISTORY_OBJ_FIELD = pghistory.ObjForeignKey(db_index=True)
PGHISTORY_CREATED_AT_FUNCTION = "clock_timestamp()"  # so that entries of one transaction have an order
LOG_KEEP_DAYS = env.int("LOG_KEEP_DAYS", 730)  # how long the desk's logs are kept; at least 365

# Booking
BOOKING_HOLD_MINUTES = env.int("BOOKING_HOLD_MINUTES", 10)  # how long a time is held while a patient types
# Working days within which staff answer a request
BOOKING_ANSWER_WORKING_DAYS = env.int("BOOKING_ANSWER_WORKING_DAYS", 2)
BOOKING_ANSWER_HOURS_BEFORE = env.int("BOOKING_ANSWER_HOURS_BEFORE", 2)  # hours before the visit by which they answer
# Hours before a visit until which patients change it
BOOKING_CHANGE_CUT_OFF_HOURS = env.int("BOOKING_CHANGE_CUT_OFF_HOURS", 24)
# How long an action waits for a lock, then says "busy"
BOOKING_LOCK_TIMEOUT_MS = env.int("BOOKING_LOCK_TIMEOUT_MS", 4000)
PROCRASTINATE_WORKER_DEFAULTS = {"delete_jobs": "successful"}  # the result is kept in the messages' own rows
BOOKING_KEEP_DAYS = env.int("BOOKING_KEEP_DAYS", 30)  # days after a visit until the person is taken out of it
# Days until an open contact request is deleted
BOOKING_KEEP_UNANSWERED_DAYS = env.int("BOOKING_KEEP_UNANSWERED_DAYS", 90)
BOOKING_IS_ARTICLE = "articles.publishing.is_public"  # booking cannot import articles, and counts which led to visits
# Country or region (ISO 3166) whose public holidays the desk proposes; empty proposes none.
CLINIC_HOLIDAYS = env.str("CLINIC_HOLIDAYS", "US-MN")
# Limits on online booking: visits ahead for one person; bookings, holds and questions a day for one network
BOOKING_COMING_VISITS = env.int("BOOKING_COMING_VISITS", 2)  # online visits ahead for one person
BOOKING_BOOKINGS_A_DAY = env.int("BOOKING_BOOKINGS_A_DAY", 20)  # bookings a day from one network
# Holds a day from one network that led to no booking
BOOKING_OPEN_HOLDS_A_DAY = env.int("BOOKING_OPEN_HOLDS_A_DAY", 10)
BOOKING_ASKS_A_DAY = env.int("BOOKING_ASKS_A_DAY", 20)  # other forms a day from one network
# E-mails a day to an address typed online before staff phone instead; a family needs fewer
BOOKING_MAILS_A_DAY = env.int("BOOKING_MAILS_A_DAY", 20)
BOOKING_LEAST_SECONDS = env.int(
    "BOOKING_LEAST_SECONDS", 2
)  # who sends a form sooner is asked whether they are a person
# The content report checks links to other sites, never addresses inside our own network. Only tests set this.
LINK_CHECK_MAY_LOOK_INSIDE = False
# Waiting list
BOOKING_OFFER_MINUTES = env.int("BOOKING_OFFER_MINUTES", 120)  # how long a freed time is held for a person on the list
# Clinic-local hour, 0 to 24, from which no offers are sent; the same hour as BOOKING_QUIET_UNTIL_HOUR, or 24 with 0,
# means that no hour is quiet, and 0 with 24 (the whole day) is refused by `manage.py check`
BOOKING_QUIET_FROM_HOUR = env.int("BOOKING_QUIET_FROM_HOUR", 21)
# Clinic-local hour, 0 to 24, from which offers are sent again; smaller than the other, it is one of the next day
BOOKING_QUIET_UNTIL_HOUR = env.int("BOOKING_QUIET_UNTIL_HOUR", 7)
# A therapist is out
BOOKING_OUTAGE_ANSWER_HOURS = env.int("BOOKING_OUTAGE_ANSWER_HOURS", 24)  # how long another time is held by default
BOOKING_OUTAGE_NEAR_HOURS = env.int("BOOKING_OUTAGE_NEAR_HOURS", 4)  # patients with a visit sooner than this are phoned
# Addresses or networks of the proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=["127.0.0.1", "::1"])
if _wrong := [proxy for proxy in TRUSTED_PROXIES if not is_network(proxy)]:
    raise ImproperlyConfigured(
        f"TRUSTED_PROXIES holds {_wrong[0]!r}, which is neither an address nor a network like 10.0.0.0/24."
    )
