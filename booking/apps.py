from django.apps import AppConfig
from django.forms import Field


class BookingConfig(AppConfig):
    name = "booking"
    verbose_name = "Booking"

    def ready(self) -> None:
        Field.default_error_messages["required"] = "Please fill this in."  # in place of Django’s, in every form
