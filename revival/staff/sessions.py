"""Sessions of staff: `request.user` is anonymous until the second factor is given, and again after idle time.

Between the password and the last step the session only notes which steps are done. No page reads that note except
the sign-in steps, so none can mistake an incomplete sign-in for a complete one.

The session holds the moments when it began and when it was last used (written once a minute at most). Its row outlives
both limits, so a colleague who comes back is told why they were signed out, and returns to the same page after signing
in. The alternative weighed on 2026-11-24 was the age of the cookie: the browser drops it, and nobody can say why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from django.conf import settings
from django.contrib.auth import SESSION_KEY, load_backend, login, logout
from django.contrib.auth.models import AnonymousUser, User
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
RENEW_SECONDS = 60  # precision of `seen_at`: one write a minute, however many requests

Reason = Literal["idle", "long"]


def ignore_incomplete_sign_ins(get_response: Handler) -> Handler:
    """Middleware: `request.user` is anonymous unless the sign-in is complete and the session still valid.

    It reads the session only when a page uses `request.user`, so pages for readers stay without a cookie."""

    def middleware(request: HttpRequest) -> HttpResponse:
        user = request.user
        request.user = SimpleLazyObject(lambda: _user_if_complete(request, user))  # type: ignore[assignment]
        return get_response(request)

    return middleware


def _user_if_complete(request: HttpRequest, user: User | AnonymousUser) -> User | AnonymousUser:
    if not user.is_authenticated:
        return user
    device_id = request.session.get(DEVICE_ID_SESSION_KEY)
    device = two_factor.find_device(user, device_id)
    user.otp_device = device  # type: ignore[attr-defined] # as django-otp's own middleware does
    if reason_to_end(request.session) or (device is None and _needs_device(user, device_id)):
        return AnonymousUser()
    return user


def _needs_device(user: User, device_id: str | None) -> bool:
    """True also when the session began with a device that has been reset or replaced since."""
    return two_factor.is_required() or device_id is not None or two_factor.is_set_up(user)


def end_idle_sessions(get_response: Handler) -> Handler:
    """Middleware: at the desk, sign out staff who were idle or signed in too long, and tell them why."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(DESK) or SESSION_KEY not in request.session:
            return get_response(request)
        if reason := reason_to_end(request.session):
            address = request.get_full_path()
            logout(request)
            return _send_to_sign_in(request, reason, next_page=address)
        if request.user.is_authenticated:
            _note_activity(request.session)
        return get_response(request)

    return middleware


def reason_to_end(session: SessionBase) -> Reason | None:
    """A session without times began with this request, and goes on."""
    now = _now()
    if now - session.get(SEEN, now) >= settings.DESK_IDLE_MINUTES * 60:
        return "idle"
    return "long" if now - session.get(BEGAN, now) >= settings.DESK_LONGEST_HOURS * 3600 else None


def _note_activity(session: SessionBase) -> None:
    now = _now()
    session.setdefault(BEGAN, now)
    if now - session.get(SEEN, 0) >= RENEW_SECONDS:
        session[SEEN] = now


def _send_to_sign_in(request: HttpRequest, reason: Reason, next_page: str) -> HttpResponse:
    if request.path_info == reverse("admin:still_here"):
        return HttpResponse(status=401)  # asked by a script, which follows no redirect
    sign_in_pages = (reverse("admin:login"), reverse("admin:logout"))
    query = {"why": reason} | ({} if request.path_info in sign_in_pages else {"next": next_page})
    return redirect(reverse("admin:login", query=query))


def _now() -> int:
    return int(timezone.now().timestamp())


@dataclass(frozen=True)
class HalfSignIn:
    """A sign-in whose password was right and which has steps to come. `device` is set once a code was given."""

    user: User
    backend: str
    device: Device | None


def begin_sign_in(request: HttpRequest, user: User, next_page: str) -> None:
    """Note in a new, empty session that the password was right. A session that someone planted in the browser
    before is worth nothing after it."""
    request.session.flush()
    request.session[HALF] = {
        "user": user.pk,
        "backend": user.backend,
        "password": user.get_session_auth_hash(),  # changes with the password
        "at": _now(),
        "next": next_page,
    }


def find_half_sign_in(request: HttpRequest) -> HalfSignIn | None:
    """None when there is none, ten minutes are over, or the account was closed or its password changed."""
    note = request.session.get(HALF)
    if not note or _now() - note["at"] >= HALF_SECONDS:
        return None
    user = load_backend(note["backend"]).get_user(note["user"])  # None for a closed account
    if not user or not constant_time_compare(note["password"], user.get_session_auth_hash()):
        return None
    return HalfSignIn(user, note["backend"], two_factor.find_device(user, note.get("device")))


def note_step(request: HttpRequest, **results: str) -> None:
    """Add the result of a step. The session's key changes, as with every gain in trust (session fixation)."""
    request.session.cycle_key()
    request.session[HALF] = {**request.session[HALF], **results}


def finish_sign_in(request: HttpRequest, half: HalfSignIn) -> str:
    """Sign the person in, and return the address they asked for. `login` changes the session's key once more,
    and django-otp then keeps `user.otp_device` in the session."""
    next_page: str = request.session.pop(HALF)["next"]
    half.user.otp_device = half.device  # type: ignore[attr-defined]
    login(request, half.user, backend=half.backend)
    _note_activity(request.session)
    return next_page


def device_of(request: HttpRequest) -> Device | None:
    """The device that this session was opened with."""
    return getattr(request.user, "otp_device", None)


def replace_device(request: HttpRequest, device: Device) -> None:
    """Keep the session after its device was replaced by this one."""
    request.session.cycle_key()
    request.session[DEVICE_ID_SESSION_KEY] = device.persistent_id
