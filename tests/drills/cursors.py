"""The site's own settings, but for cursors that outlive their statement: the control of `desk-lists`."""

from revival.settings import *  # noqa: F403
from revival.settings import DATABASES

DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = False
