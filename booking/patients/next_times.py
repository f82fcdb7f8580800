"""The next free times of a therapist as a piece of HTML that a script puts into cached pages."""

from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from booking.models import Clinic, Service, Therapist, free_times

HOW_MANY = 3


@never_cache
@require_safe
def next_times(request: HttpRequest, slug: str) -> HttpResponse:
    therapist = get_object_or_404(Therapist.objects.bookable(), slug=slug)
    service = Service.objects.on_offer().filter(therapists=therapist).first()
    starts = _next_starts(therapist, service)[:HOW_MANY] if service else []
    context = {"therapist": therapist, "service": service, "starts": starts}
    return render(request, "booking/patients/_next_times.html", context)


def _next_starts(therapist: Therapist, service: Service) -> list[datetime]:
    now, zone = timezone.now(), Clinic.objects.current().zone
    today = now.astimezone(zone).date()
    last = today + timedelta(days=service.horizon_days)
    free = free_times(therapists=[therapist], service=service, first=today, last=last, now=now, zone=zone)
    return free[therapist.pk]
