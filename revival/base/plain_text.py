"""Validators of plain text that people type: no hidden characters, and where it belongs on one line, no line breaks."""

from __future__ import annotations

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

UNREADABLE = _("This has characters we can’t read. Please delete it and type it again instead of pasting.")

BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def refuse_hidden_characters(text: str) -> None:
    """Refuse control and bidi characters: they can make a name read as something else (Unicode TR 36)."""
    for character in text:
        if character in BIDI or (unicodedata.category(character) == "Cc" and character not in "\r\n\t"):
            raise ValidationError(UNREADABLE)


def refuse_line_breaks(text: str) -> None:
    if any(character in text for character in "\r\n\t\u2028\u2029"):
        raise ValidationError(_("Type this on one line."))


ONE_LINE = [refuse_hidden_characters, refuse_line_breaks]
