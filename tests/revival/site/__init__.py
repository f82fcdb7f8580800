"""Tests of revival/site. Builders of rows are in tests/factories.py, accounts and roles in tests/staff.py."""
