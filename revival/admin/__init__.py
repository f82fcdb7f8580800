"""The desk's pages of the whole house: colleagues' accounts, and what was changed."""

from revival.staff import admin

from . import changes

__all__ = ["accounts", "changes"]
