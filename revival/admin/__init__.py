"""The desk's pages of the whole house: colleagues' accounts, and what was changed."""

from . import accounts, changes

__all__ = ["accounts", "changes"]
