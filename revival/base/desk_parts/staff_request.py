"""Types of the desk's views: a request whose user has signed in, and the user."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest

StaffUser = User
"""A colleague's account. Patients have none."""


class StaffRequest(HttpRequest):
    """A request that `AdminSite.admin_view` let through: its user is a colleague, never anonymous."""

    user: StaffUser
