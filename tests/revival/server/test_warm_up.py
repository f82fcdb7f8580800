"""A new process is ready for its first guests: after a reload all of them come to it at once."""

import os
import subprocess
import sys

from tests.waiting import PATIENCE

LOADED = """
import revival.wsgi
import sys
from django.template import engines
[loader] = engines["django"].engine.template_loaders
print(*loader.get_template_cache, "booking.patients.book" in sys.modules)
"""


def test_views_and_templates_of_guests_are_loaded_before_the_first_request_and_the_desks_are_not():
    env = {**os.environ, "REVIVAL_MODE": "trial", "DJANGO_SETTINGS_MODULE": "revival.settings"}
    done = subprocess.run([sys.executable, "-c", LOADED], env=env, capture_output=True, text=True, timeout=PATIENCE)

    *templates, has_views = done.stdout.split()
    assert has_views == "True", done.stderr
    assert {"site/home.html", "articles/detail.html", "booking/patients/slots.html", "503.html"} <= set(templates)
    desk = ("admin/", "booking/desk/", "staff/")  # a process has 90 MB
    assert not [name for name in templates if name.startswith(desk)]
