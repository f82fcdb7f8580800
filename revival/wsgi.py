"""WSGI application for gunicorn, with the page cache running and templates loaded before the first request."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

APP_LOAD_ERROR = 4  # makes gunicorn stop instead of starting new workers for ever

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "revival.settings")
try:
    application = get_wsgi_application()
except ImproperlyConfigured as error:
    sys.stderr.write(f"revival: {error}\n")
    sys.exit(APP_LOAD_ERROR)

from revival.page_cache.revision import revision  # noqa: E402 - needs the apps
from revival.server.warm_up import warm_up  # noqa: E402

revision.watch()  # before the first request: a page is kept only once a stamp is known
warm_up()
