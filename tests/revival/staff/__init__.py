"""Tests of revival/staff. Builders of rows are in tests/factories.py, accounts and roles in tests/staff.py."""
