"""The next free times of a therapist as a piece of HTML that a script puts into cached pages."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from booking.models import Clinic, Service, Terms, Therapist, free_times

HOW_MANY = 3


@never_cache
@require_safe
def next_times(request: HttpRequest, slug: str) -> HttpResponse:
    service = Service.objects.on_offer().filter(therapists__slug=slug).first()
    bookable = Therapist.objects.bookable()
    therapist = get_object_or_404(bookable.for_service(service) if service else bookable, slug=slug)
    starts = _next_starts(therapist, service)[:HOW_MANY] if service else []
    context = {"therapist": therapist, "service": service, "starts": starts}
    return render(request, "booking/patients/_next_times.html", context)


def _next_starts(therapist: Therapist, service: Service) -> list[datetime]:
    now, zone, terms = timezone.now(), Clinic.objects.current().zone, Terms.anew(service)
    first, last = now.astimezone(zone).date(), terms.last_day(now, zone)
    return free_times(terms, [therapist], first=first, last=last, now=now, zone=zone)[therapist]
