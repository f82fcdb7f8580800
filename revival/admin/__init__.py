"""The desk's pages of the whole house: colleagues' accounts, and what was changed."""

from revival.desk import change_log_admin
from revival.staff import admin

__all__ = ["accounts", "changes"]
