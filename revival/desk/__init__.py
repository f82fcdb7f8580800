"""The desk's frame: Django's admin site, its first page, the change log and the system checks. The desk's pages about
visits and patients live in booking.desk, and those about articles in articles.admin."""
