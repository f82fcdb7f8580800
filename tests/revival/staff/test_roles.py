"""Roles: what the migration wrote is what `revival/staff/roles.py` says."""

import pytest
from django.contrib.auth.models import Group, Permission

from revival.staff.roles import ROLES


@pytest.mark.django_db
def test_each_role_has_exactly_its_rights():
    written = {
        role.name: {f"{right.content_type.app_label}.{right.codename}" for right in role.permissions.all()}
        for role in Group.objects.prefetch_related("permissions__content_type")
    }

    assert written == ROLES


@pytest.mark.django_db
def test_each_right_of_a_role_exists():
    known = {f"{right.content_type.app_label}.{right.codename}" for right in Permission.objects.all()}

    assert set().union(*ROLES.values()) <= known
