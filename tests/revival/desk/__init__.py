"""Tests of revival/desk. Builders of rows are in tests/factories.py, accounts and roles in tests/staff.py."""
