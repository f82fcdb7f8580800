"""The desk: Django's admin with the clinic's face."""

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig


class Desk(AdminSite):
    site_title = "Revival desk"
    site_header = "Revival desk"
    index_title = "Today"


class DeskConfig(AdminConfig):
    default_site = "revival.desk.Desk"
