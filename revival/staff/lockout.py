"""Lockout for a quarter of an hour after too many wrong passwords, for a name or for a whole network.

Ten wrong passwords for one name lock that name from that network. Fifty for any names lock the network, because
someone may try one common password on many names. But a clinic is one network, too, and one infected computer in it
must not keep everybody out. So a browser in which a person has signed in before may still try that person's
password, ten times at most. A signed cookie marks such a browser; a guesser does not have it.

Alternatives weighed on 2026-11-24: no limit for a network, where trying one password on all names costs nothing; a
list of who signed in from where, which is personal data that nothing else needs.
"""

from __future__ import annotations

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import User
from django.core.signing import BadSignature
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse

from revival.base.network import UNKNOWN, visitors_network
from revival.server.guard import DESK
from revival.site import errors

SALT = "revival.staff.lockout.known_browser"
KNOWN_SECONDS = 90 * 24 * 60 * 60
MOST_PEOPLE = 20  # in one cookie: people who share a browser, at the front desk for instance


class Lockout(AxesDatabaseHandler):
    """django-axes handler with a second limit, for a whole network; axes itself has one limit for all
    combinations."""

    def is_locked(self, request: HttpRequest, credentials: dict[str, str] | None = None) -> bool:
        if super().is_locked(request, credentials):
            return True
        name = (credentials or {}).get("username") or ""
        return network_is_locked(request) and not is_known_browser(request, name)


def network_is_locked(request: HttpRequest) -> bool:
    """Count wrong passwords from the network in the last quarter of an hour, without those that met a lock."""
    since = get_cool_off_threshold(request)
    attempts = AccessAttempt.objects.filter(ip_address=client_address(request), attempt_time__gte=since)
    failures = attempts.aggregate(sum=Sum("failures_since_start"))["sum"] or 0
    return bool(failures >= settings.SIGN_IN_FAILURES_A_NETWORK)


def client_address(request: HttpRequest) -> str:
    """The network that the limits on booking count, too; of an IPv6 network its first address."""
    network = visitors_network(request)
    # S104: stands for an unknown network; nothing listens on it.
    return "0.0.0.0" if network == UNKNOWN else network.partition("/")[0]  # noqa: S104


def locked_out(
    request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, str] | None = None
) -> HttpResponse:
    """429 page, the same whether or not there is such a name."""
    page = errors.error_page(429)
    page["Retry-After"] = str(15 * 60)
    return page


def is_known_browser(request: HttpRequest, name: str) -> bool:
    user_ids = known_user_ids(request)
    return bool(user_ids) and User.objects.filter(username=name, pk__in=user_ids).exists()


def known_user_ids(request: HttpRequest) -> list[int]:
    """Ids of the people who have signed in with this browser. The cookie holds no names."""
    try:
        text = request.get_signed_cookie(settings.KNOWN_BROWSER_COOKIE_NAME, "", salt=SALT, max_age=KNOWN_SECONDS)
    except BadSignature:  # forged, or too old
        return []
    return [int(number) for number in (text or "").split(".") if number]


def remember_browser(request: HttpRequest, response: HttpResponse, user: User) -> None:
    user_ids = [user.pk, *(pk for pk in known_user_ids(request) if pk != user.pk)][:MOST_PEOPLE]
    response.set_signed_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME,
        ".".join(map(str, user_ids)),
        salt=SALT,
        max_age=KNOWN_SECONDS,
        path=DESK,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
