"""Public holidays, as the `holidays` package knows them: proposed to staff, never closed by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date


def public_days(place: str, years: Iterable[int]) -> list[tuple[date, str]]:
    """The public holidays of these years, in order, each with its English name where there is one.

    `place` is an ISO 3166 code, of a country (`US`) or of one of its parts (`US-MN`); empty proposes none.
    Raises LookupError for a place the package does not know.
    """
    if not place:
        return []
    from holidays import country_holidays  # 3 MB that only the desk's page of holidays needs

    country, _, part = place.partition("-")
    try:
        found = country_holidays(country, subdiv=part or None, years=list(years))
    except (NotImplementedError, ValueError, AttributeError) as error:
        raise LookupError(place) from error
    return sorted(found.items())
