"""A visitor without a browser: real HTTP, cookies kept, forms posted as the page wrote them."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.test import Client

from tests.attacks.sweep import read
from tests.waiting import PATIENCE


@dataclass
class Guest:
    """A browser without scripts: keeps its cookies and posts forms as the page wrote them."""

    base: str
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, fields: dict[str, str] | None = None):
        where = urlsplit(self.base)
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=PATIENCE)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if fields is not None:
            body = urlencode(fields)
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Referer": self.base + path}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        for header in answer.headers.get_all("Set-Cookie") or []:
            name, value = header.split(";")[0].split("=", 1)
            self.cookies[name] = value
        connection.close()
        return answer, text

    def get(self, path: str) -> str:
        return self.ask("GET", path)[1]

    def post(self, path: str, page: str, **fields: str):
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
        return self.ask("POST", path, {"csrfmiddlewaretoken": token, **fields})


def hidden_fields(page: str) -> dict[str, str]:
    """Names and values; of several with one name the first, as of forms of their own."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    return dict(reversed(found))


def form_fields(page: str) -> dict[str, list[str]]:
    """What a browser would send of the page's longest form as it stands, its buttons left out."""
    form = max(read(page).forms, key=lambda form: len(form.fields))
    return {name: values for name, values in form.fields.items() if values and not name.startswith(("_", "csrf"))}


def press(client: Client, address: str, typed: dict[str, Any] | None = None, *, follow: bool = False) -> Any:
    """Open a page and send its form, with the fields that the page hid in it and what is typed."""
    return client.post(address, hidden_fields(client.get(address).text) | (typed or {}), follow=follow)


def free_starts(page: str) -> list[str]:
    """The starts that a page offers as buttons or to choose from, in order and each once."""
    offered = re.findall(r'(?:type="radio"|class="start[^"]*") name="start" value="([^"]+)"', page)
    return list(dict.fromkeys(offered))
