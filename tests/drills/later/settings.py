"""The site's own settings, and the later version's migrations."""

from revival.settings import *  # noqa: F403
from revival.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.drills.later"]
