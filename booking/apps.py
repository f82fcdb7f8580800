from django.apps import AppConfig
from django.forms import Field

# In place of Django's words, in every form. A field copies them when it is made, so before any form is read.
Field.default_error_messages["required"] = "Please fill this in."


class BookingConfig(AppConfig):
    name = "booking"
    verbose_name = "Booking"
