"""ArticleCount: how many bookings came from which article, by day, with no data of any patient.

The article named in a visit is erased with the person, some weeks after the visit; these counts stay. They name
only articles that were public at that moment, and nothing else that a browser may have sent.
"""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.db import connection, models
from django.utils.module_loading import import_string

from .therapists import Therapist


class ArticleCountQuerySet(models.QuerySet["ArticleCount"]):
    def add(self, *, article: str, therapist: Therapist, day: date) -> None:
        """Count one more booking, in one statement; `day` is the clinic-local date on which it was made."""
        if not article or not import_string(settings.BOOKING_IS_ARTICLE)(article):
            return
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO booking_articlecount (day, therapist_id, article, bookings) VALUES (%s, %s, %s, 1)"
                " ON CONFLICT (day, therapist_id, article)"
                " DO UPDATE SET bookings = booking_articlecount.bookings + 1",
                [day, therapist.pk, article],
            )


class ArticleCount(models.Model):
    day = models.DateField()
    therapist = models.ForeignKey(Therapist, on_delete=models.CASCADE, related_name="+")
    article = models.SlugField(max_length=80, db_index=False)
    bookings = models.PositiveIntegerField()

    objects = ArticleCountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "therapist", "article"], name="booking_article_count_is_one_row"),
            models.CheckConstraint(
                name="booking_article_count_names_an_article",
                condition=models.Q(bookings__gte=1) & ~models.Q(article=""),
                violation_error_message="A count names its article, and begins at one.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.article} on {self.day}"
