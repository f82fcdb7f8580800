"""One settings module, driven by the environment (README, "Configuration").

REVIVAL_MODE says how the site runs: `production` (when unset), `trial` (a copy to try out and
for the tests) or `dev` (reloads, debug pages). Importing this module starts nothing.
"""

import re
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import environ
import pghistory
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from revival.database.watchdog import WatchedConnection
from revival.server.logs import LOGGING as LOGGING  # JSON lines without personal data

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

MODE = env.str("REVIVAL_MODE", "production")
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

# Keys of a trial copy are no secret: nothing real is kept there.
SECRET_KEY = env.str("SECRET_KEY", "trial-copy-only-" + "0" * 48)
LINK_KEY = env.str("LINK_KEY", "trial-copy-only-" + "1" * 48)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"])
SITE_URL = env.str("SITE_URL", "http://localhost:8000").rstrip("/")

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
    "revival.apps.RevivalConfig",  # last: its pages at the desk take the place of those of the packages above
]

MIDDLEWARE = [
    "revival.server.guard.health",
    "revival.page_cache.middleware.keep_pages",  # outside of all that add headers: a page is kept with them
    "django.middleware.security.SecurityMiddleware",
    "revival.server.guard.say_who_may_embed",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "revival.page_cache.image_cache.keep_images",
    "revival.server.guard.guard_answers",
    "revival.site.clinic_time.clinic_time",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "revival.staff.sessions.only_whole_sign_ins",
    "revival.staff.sessions.end_idle_sessions",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "revival.desk.say_who.say_who",
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


def _database() -> dict:
    """DATABASE_URL as libpq reads it, of one server or of several: postgresql://…@one:5432,two:5432/name.

    Never quotes it: it holds a password.
    """
    url = env.str("DATABASE_URL")
    try:
        given = conninfo_to_dict(url) if url.startswith(("postgresql://", "postgres://")) else {}
    except ProgrammingError:
        given = {}
    if not given.get("dbname") or not re.fullmatch(r"[\d,]*", str(given.get("port", ""))):
        raise ImproperlyConfigured(
            "DATABASE_URL is not a PostgreSQL address like postgresql://user:password@host:5432/name "
            "(special characters in the password must be percent-encoded)."
        ) from None
    if "," in str(given.get("host", "")):
        given.setdefault("target_session_attrs", "read-write")  # the one that leads now; the others only follow
        given.setdefault("load_balance_hosts", "random")  # one that hangs does not hold up every attempt
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    return {name: str(given.pop(its, "")) for name, its in names.items()} | {"OPTIONS": given}


DATABASES = {"default": _database()}
DATABASES["default"].update(
    ENGINE="revival.database.backend",  # Django's, which does not wait for a database known to be silent
    CONN_MAX_AGE=0,  # the pool keeps connections, Django must not
    CONN_HEALTH_CHECKS=True,  # the pool looks at one before it gives it out: heals after a restart
    # Behind PgBouncer a cursor that outlives its statement is asked for at another server; our lists are short.
    DISABLE_SERVER_SIDE_CURSORS=True,
)
DATABASES["default"]["OPTIONS"].update(
    connect_timeout=2,  # seconds for each server; the least that libpq knows
    # A server that is gone without a word, over TCP: found out after 30 s at the latest, also by who only listens.
    keepalives_idle=15,
    keepalives_interval=5,
    keepalives_count=3,
    tcp_user_timeout=30_000,
    pool={
        "connection_class": WatchedConnection,
        "min_size": 1,
        "max_size": env.int("DATABASE_POOL_SIZE", 10),
        "timeout": 1.5,  # seconds a request waits for a connection before it says "busy"
        "reconnect_timeout": 0.5,  # seconds; then the next request tries, and not after a wait that doubles each time
    },
)
# A web process waits no longer than this for one statement (deploy/gunicorn.conf.py), and half a second more for
# a server that stands still and cannot count (revival/database/watchdog.py); commands and the worker wait as long as it takes.
DATABASE_ANSWER_SECONDS = 0.0
if _statement_timeout := env.int("DATABASE_STATEMENT_TIMEOUT_MS", 0):
    DATABASE_ANSWER_SECONDS = _statement_timeout / 1000 + 0.5
    _options = DATABASES["default"]["OPTIONS"]
    _options["options"] = f"{_options.get('options', '')} -c statement_timeout={_statement_timeout}".strip()
    _options["tcp_user_timeout"] = _statement_timeout
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en-us"
USE_I18N = False
DATE_FORMAT, TIME_FORMAT = "M j, Y", "g:i A"  # where the desk leaves it to Django, which says "noon" otherwise
DATETIME_FORMAT = "D, M j, Y, g:i A"
USE_TZ = True
TIME_ZONE = "UTC"  # the clinic's own zone is a column of Clinic

STATIC_URL = "/static/"
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

PAGE_CACHE = env.bool("PAGE_CACHE", not DEBUG)  # revival/page_cache/middleware.py
LAST_PAGES_DIR = env.str("LAST_PAGES_DIR", "")  # revival/page_cache/last_pages.py

# Mail: real SMTP when EMAIL_URL is set, files under .mail/ otherwise.
if env.str("EMAIL_URL", ""):
    vars().update(env.email("EMAIL_URL"))
    EMAIL_TIMEOUT = 15
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = env.str("EMAIL_FILE_PATH", str(BASE_DIR / ".mail"))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "Revival Physical Therapy and Wellness <no-reply@localhost>")

# Guard
# The one script that stands in the page itself: a file beside it is asked for before the first paint, and holds it up.
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
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
HOLD_COOKIE_NAME = "hold"
if IS_PRODUCTION:
    SECURE_SSL_REDIRECT = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    HOLD_COOKIE_NAME = "__Host-hold"
# Signing in to the desk
LOGIN_URL = "admin:login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
TWO_FACTOR_REQUIRED = env.bool("TWO_FACTOR_REQUIRED", IS_PRODUCTION)  # a trial copy offers it
DESK_IDLE_MINUTES = env.int("DESK_IDLE_MINUTES", 15)
DESK_LONGEST_HOURS = env.int("DESK_LONGEST_HOURS", 8)
SESSION_COOKIE_AGE = 24 * 60 * 60  # longer than any session counts, so that whoever comes back is told why it ended
KNOWN_BROWSER_COOKIE_NAME = "__Secure-known-browser" if IS_PRODUCTION else "known-browser"
# Wrong passwords: a name is locked from one network, so nobody can lock out the whole clinic.
AXES_HANDLER = "revival.staff.lockout.Lockout"
AXES_FAILURE_LIMIT = 10
SIGN_IN_FAILURES_A_NETWORK = env.int("SIGN_IN_FAILURES_A_NETWORK", 50)  # whatever the names, in the same time
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # so that a lock has an end
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True  # who signed in when is not kept here
AXES_ENABLE_ADMIN = False
AXES_CLIENT_IP_CALLABLE = "revival.staff.lockout.client_address"
AXES_LOCKOUT_CALLABLE = "revival.staff.lockout.locked_out"
AXES_VERBOSE = False
CSRF_FAILURE_VIEW = "revival.site.errors.csrf_failure"

# Logs of the desk: of changes (booking/models/changes.py) and of looks (booking/models/access.py)
PGHISTORY_FOREIGN_KEY_FIELD = pghistory.ForeignKey(db_index=False)
PGHISTORY_OBJ_FIELD = pghistory.ObjForeignKey(db_index=True)
PGHISTORY_CREATED_AT_FUNCTION = "clock_timestamp()"  # so that lines of one transaction have an order
LOG_KEEP_DAYS = env.int("LOG_KEEP_DAYS", 730)

# Booking
BOOKING_HOLD_MINUTES = env.int("BOOKING_HOLD_MINUTES", 10)
BOOKING_ANSWER_WORKING_DAYS = env.int("BOOKING_ANSWER_WORKING_DAYS", 2)
BOOKING_ANSWER_HOURS_BEFORE = env.int("BOOKING_ANSWER_HOURS_BEFORE", 2)
BOOKING_CHANGE_CUT_OFF_HOURS = env.int("BOOKING_CHANGE_CUT_OFF_HOURS", 24)
BOOKING_LOCK_TIMEOUT_MS = env.int("BOOKING_LOCK_TIMEOUT_MS", 4000)
PROCRASTINATE_WORKER_DEFAULTS = {"delete_jobs": "successful"}  # the messages' own rows say what became of them
BOOKING_KEEP_DAYS = env.int("BOOKING_KEEP_DAYS", 30)  # personal data, after the visit
BOOKING_KEEP_UNANSWERED_DAYS = env.int("BOOKING_KEEP_UNANSWERED_DAYS", 90)  # a contact request nobody finished
BOOKING_IS_ARTICLE = "articles.publishing.is_public"  # booking counts what led to it, and knows no articles itself
# Whose public holidays the desk proposes, by ISO 3166: a country or a part of one; empty proposes none.
CLINIC_HOLIDAYS = env.str("CLINIC_HOLIDAYS", "US-MN")
# Limits: what one person, and one network a day, can do online
BOOKING_COMING_VISITS = env.int("BOOKING_COMING_VISITS", 2)
BOOKING_BOOKINGS_A_DAY = env.int("BOOKING_BOOKINGS_A_DAY", 20)
BOOKING_OPEN_HOLDS_A_DAY = env.int("BOOKING_OPEN_HOLDS_A_DAY", 10)
BOOKING_ASKS_A_DAY = env.int("BOOKING_ASKS_A_DAY", 20)
BOOKING_LEAST_SECONDS = env.int("BOOKING_LEAST_SECONDS", 2)  # between drawing a form and sending it; robots are quicker
# The content report looks at links to other sites, never at addresses inside our own network; tests do.
LINK_CHECK_MAY_LOOK_INSIDE = False
# Waiting list
BOOKING_OFFER_MINUTES = env.int("BOOKING_OFFER_MINUTES", 120)
BOOKING_QUIET_FROM_HOUR = env.int("BOOKING_QUIET_FROM_HOUR", 21)  # o'clock at the clinic; no offers in between
BOOKING_QUIET_UNTIL_HOUR = env.int("BOOKING_QUIET_UNTIL_HOUR", 7)
# A therapist is out
BOOKING_OUTAGE_ANSWER_HOURS = env.int(
    "BOOKING_OUTAGE_ANSWER_HOURS", 24
)  # how long another time is held, unless staff say
BOOKING_OUTAGE_NEAR_HOURS = env.int("BOOKING_OUTAGE_NEAR_HOURS", 4)  # whose visit is sooner is phoned
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=["127.0.0.1", "::1"])
