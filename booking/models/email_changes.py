"""EmailChange: a new e-mail address that a patient typed on the page of their visit, and nobody has confirmed yet."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from .appointments import Appointment
from .links import PrivateLink, WithPrivateLink
from .owned_rows import OwnOnly

LASTS = timedelta(hours=24)


class EmailChangeQuerySet(WithPrivateLink, OwnOnly["EmailChange"]):
    owners = ("visit__therapist__account",)

    def open(self, now: datetime) -> EmailChangeQuerySet:
        """Those that can still be confirmed."""
        return self.filter(settled_at=None, asked_at__gt=now - LASTS, visit__ends_at__gt=now)

    def over(self, now: datetime) -> EmailChangeQuerySet:
        return self.filter(asked_at__lte=now - LASTS)


class EmailChange(PrivateLink):
    """One for each visit: asking for another address replaces it, and closes the link that was mailed to confirm it.

    Once it is settled the row stays until the day is over, without the address: the link says that it is confirmed, or
    is closed when staff dropped it.
    """

    link_purpose = "new-email"

    visit = models.OneToOneField(Appointment, on_delete=models.CASCADE, related_name="email_change")
    email = models.EmailField("new e-mail", max_length=254, blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True, blank=True)

    objects = EmailChangeQuerySet.as_manager()

    class Meta:
        ordering = ["asked_at"]
        default_permissions = ()  # staff see it with its visit
        constraints = [
            models.CheckConstraint(
                name="booking_email_change_is_to_an_address_until_settled",
                condition=(Q(settled_at__isnull=True) & ~Q(email="")) | Q(settled_at__isnull=False, email=""),
                violation_error_message="It keeps the new address until it is settled, and no longer.",
            ),
        ]

    def __str__(self) -> str:
        return f"New e-mail address {str(self.public_id)[:8]}"  # no address: this text reaches logs and titles

    def get_absolute_url(self) -> str:
        return reverse("booking:confirm_email", args=[self.token])

    @property
    def version(self) -> str:
        """Which address was asked for, without saying it."""
        return f"{'settled' if self.settled_at else 'asked'}.{self.pk}.{self.link_version}"
