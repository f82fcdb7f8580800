"""Who is signed in at the desk: only after everything that was asked, and only while they are there.

`request.user` is somebody once the second factor was given; until then they are half signed in, which the
session says and nobody else. So no page anywhere can take half a sign-in for a whole one.
"""

from __future__ import annotations

from typing import Any, Literal

from django.conf import settings
from django.contrib.auth import SESSION_KEY, load_backend, login, logout
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.models import Device

from revival.server.guard import DESK, Handler

from . import two_factor

HALF = "half_signed_in"
HALF_SECONDS = 10 * 60  # between the password and the last step
BEGAN, SEEN = "signed_in_at", "seen_at"  # seconds since 1970
RENEW_SECONDS = 60  # how exact `seen_at` is kept: one write a minute, however many requests

Reason = Literal["idle", "long"]


def only_whole_sign_ins(get_response: Handler) -> Handler:
    """Looks at the session only when a page asks who is there, so readers' pages stay as they are."""

    def middleware(request: HttpRequest) -> HttpResponse:
        claimed = request.user
        request.user = SimpleLazyObject(lambda: _whole(request, claimed))  # type: ignore[assignment]
        return get_response(request)

    return middleware


def _whole(request: HttpRequest, user: Any) -> Any:
    if not user.is_authenticated:
        return user
    opened_with = request.session.get(DEVICE_ID_SESSION_KEY)
    user.otp_device = two_factor.device_of(user, opened_with)
    if why_over(request.session) or (user.otp_device is None and _needs_device(user, opened_with)):
        return AnonymousUser()
    return user


def _needs_device(user: Any, opened_with: str | None) -> bool:
    """Also when the session was opened with one that is gone since: it was reset, or replaced."""
    return two_factor.is_required() or opened_with is not None or two_factor.is_set_up(user)


def end_idle_sessions(get_response: Handler) -> Handler:
    """At the desk alone: whoever is there stays signed in, whoever was away is signed out and told why."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(DESK) or SESSION_KEY not in request.session:
            return get_response(request)
        if reason := why_over(request.session):
            back = request.get_full_path()
            logout(request)
            return _signed_out(request, reason, back)
        if request.user.is_authenticated:
            _stamp(request.session)
        return get_response(request)

    return middleware


def why_over(session: SessionBase) -> Reason | None:
    """A session without the moments began with this request."""
    now = _now()
    if now - session.get(SEEN, now) >= settings.DESK_IDLE_MINUTES * 60:
        return "idle"
    return "long" if now - session.get(BEGAN, now) >= settings.DESK_LONGEST_HOURS * 3600 else None


def _stamp(session: SessionBase) -> None:
    now = _now()
    session.setdefault(BEGAN, now)
    if now - session.get(SEEN, 0) >= RENEW_SECONDS:
        session[SEEN] = now


def _signed_out(request: HttpRequest, reason: Reason, back: str) -> HttpResponse:
    if request.path_info == reverse("admin:still_here"):
        return HttpResponse(status=401)  # a script asks; it has nowhere to go
    own = (reverse("admin:login"), reverse("admin:logout"))
    query = {"why": reason} | ({} if request.path_info in own else {"next": back})
    return redirect(reverse("admin:login", query=query))


def _now() -> int:
    return int(timezone.now().timestamp())


# Half signed in: the password was right, something is still to come.


def begin(request: HttpRequest, user: Any, next_page: str) -> None:
    """In a new, empty session: one that someone planted before the password is worth nothing after it."""
    request.session.flush()
    request.session[HALF] = {
        "user": user.pk,
        "backend": user.backend,
        "password": user.get_session_auth_hash(),  # changes with it
        "at": _now(),
        "next": next_page,
    }


def half_signed_in(request: HttpRequest) -> Any:
    """The person whose password was right, for ten minutes; None for nobody."""
    half = request.session.get(HALF)
    if not half or _now() - half["at"] >= HALF_SECONDS:
        return None
    user: Any = load_backend(half["backend"]).get_user(half["user"])  # None for one deactivated meanwhile
    if not user or not constant_time_compare(half["password"], user.get_session_auth_hash()):
        return None
    user.backend = half["backend"]
    user.otp_device = two_factor.device_of(user, half.get("device"))
    return user


def note(request: HttpRequest, **steps: Any) -> None:
    """Another step is done. The session's key changes, as it does with every gain in trust."""
    request.session.cycle_key()
    request.session[HALF] = {**request.session[HALF], **steps}


def finish(request: HttpRequest, user: Any) -> str:
    """Sign the person in; where they wanted to go. `login` changes the session's key once more, and has
    django-otp keep `user.otp_device` in it."""
    next_page: str = request.session.pop(HALF)["next"]
    login(request, user, backend=user.backend)
    _stamp(request.session)
    return next_page


def keep_device(request: HttpRequest, device: Device) -> None:
    """The session goes on with another device."""
    request.session.cycle_key()
    request.session[DEVICE_ID_SESSION_KEY] = device.persistent_id
