from django.urls import path

from .views import book, visits
from .views.privacy import privacy

app_name = "booking"

urlpatterns = [
    path("privacy/", privacy, name="privacy"),
    path("book/", book.choose, name="choose"),
    path("book/hold/<str:token>/", book.details, name="details"),
    path("book/<slug:therapist>/<slug:service>/", book.slots, name="slots"),
    path("visits/find/", visits.find, name="find"),
    path("visits/<str:token>/", visits.visit, name="visit"),
    path("visits/<str:token>/move/", visits.move, name="move"),
    path("visits/<str:token>/cancel/", visits.cancel, name="cancel"),
]
