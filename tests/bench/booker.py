"""A guest who books, over real HTTP: the page of free times, a time taken, the details."""

from __future__ import annotations

from tests.guest import Guest, free_starts, hidden_fields


def books(url: str, path: str, number: int) -> str:
    """The address of the visit that guest `number` books at the page of free times, the first of them."""
    guest = Guest(url)
    page = guest.get(path)
    answer, _ = guest.post(path, page, start=free_starts(page)[0])
    assert answer.status == 302, (path, answer.status)
    place = answer.headers["Location"]
    page = guest.get(place)
    answer, _ = guest.post(place, page, **hidden_fields(page), **details_of(number))
    assert answer.status == 302, (place, answer.status)
    return answer.headers["Location"]


def details_of(number: int) -> dict[str, str]:
    contact = {"name": f"Guest {number}", "email": f"guest-{number}@example.com", "phone": f"612-555-{number:04d}"}
    return contact | {"is_new_patient": "yes", "note": "", "consent": "on"}
