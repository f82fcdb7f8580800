"""Rich text: HTML read into a tree of our elements, cleaned, with citations as links and the clinic's facts. Pure.

`tree` reads and writes HTML, `cleaning` says what may stay and why a text is refused, `citations` sets the links and
facts of a page. Nothing here knows of requests, forms or the database.
"""

from .citations import Citations, cited_keys, fill, tokens_in, unknown_keys
from .cleaning import clean, links_in, reasons_to_refuse
from .tree import MAX_ADDRESS_LENGTH, MAX_LENGTH

__all__ = [
    "MAX_ADDRESS_LENGTH",
    "MAX_LENGTH",
    "Citations",
    "cited_keys",
    "clean",
    "fill",
    "links_in",
    "reasons_to_refuse",
    "tokens_in",
    "unknown_keys",
]
