from django.urls import path

from .views import book, visits

app_name = "booking"

urlpatterns = [
    path("book/", book.choose, name="choose"),
    path("book/hold/<str:token>/", book.details, name="details"),
    path("book/<slug:therapist>/<slug:service>/", book.slots, name="slots"),
    path("visits/<str:token>/", visits.visit, name="visit"),
    path("visits/<str:token>/move/", visits.move, name="move"),
    path("visits/<str:token>/cancel/", visits.cancel, name="cancel"),
]
