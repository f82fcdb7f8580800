from django.urls import path

from .patients import ask, book, open_now, outages, own_details, privacy, visits, waitlist

app_name = "booking"

urlpatterns = [
    path("privacy/", privacy.privacy, name="privacy"),
    path("book/open-now/", open_now.open_now, name="open_now"),
    path("book/", book.choose, name="choose"),
    path("book/hold/<str:token>/", book.details, name="details"),
    path("book/<slug:therapist>/ask/", ask.ask, name="ask"),
    path("book/<slug:therapist>/ask/sent/", ask.asked, name="asked"),
    path("book/<slug:therapist>/<slug:service>/", book.slots, name="slots"),
    path("visits/find/", visits.find, name="find"),
    path("visits/instead/<str:token>/", outages.outage, name="instead"),
    path("visits/new-email/<str:token>/", own_details.confirm_email, name="confirm_email"),
    path("visits/<str:token>/", visits.visit, name="visit"),
    path("visits/<str:token>/move/", visits.move, name="move"),
    path("visits/<str:token>/cancel/", visits.cancel, name="cancel"),
    path("visits/<str:token>/details/", own_details.own_details, name="own_details"),
    path("visits/<str:token>/email/", own_details.new_email, name="new_email"),
    path("visits/<str:token>/visit.ics", visits.calendar, name="calendar"),
    path("visits/<str:token>/earlier/", waitlist.earlier, name="earlier"),
    path("waitlist/join/<slug:therapist>/<slug:service>/", waitlist.join, name="join"),
    path("waitlist/<str:token>/", waitlist.waitlist, name="waitlist"),
    path("waitlist/<str:token>/accept/", waitlist.accept, name="accept"),
    path("waitlist/<str:token>/decline/", waitlist.decline, name="decline"),
    path("waitlist/<str:token>/leave/", waitlist.leave, name="leave"),
]
