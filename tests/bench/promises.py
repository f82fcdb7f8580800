"""What a measurement promised, and whether it was so."""

from __future__ import annotations


def said(promises: dict[str, bool]) -> bool:
    """Print each promise and whether it is kept; whether all are."""
    for promise, is_kept in promises.items():
        print(f"  {promise:<52} {'yes' if is_kept else 'NO'}")
    return all(promises.values())
