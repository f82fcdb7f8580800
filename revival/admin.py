"""Registers the admin pages for staff accounts and the change log, where Django looks for them."""

from revival.desk import change_log_admin
from revival.staff import admin as staff_admin

__all__ = ["change_log_admin", "staff_admin"]
