"""Hostile rich text as Chromium's own parser reads it: only our elements, attributes and schemes, however often."""

from articles.rich_text import Citations, clean
from tests.articles.hostile import PAYLOADS, SHAPES

FACTS = {"phone": "612-555-0100", "hostile": '<img src=x onerror="x"> [@a]'}
READ = """
(texts) => texts.map((html) => {
  const body = new DOMParser().parseFromString(html, "text/html").body;
  const found = [];
  for (const element of body.querySelectorAll("*")) {
    found.push(`${element.namespaceURI.split("/").pop()} ${element.localName}`);
    for (const { name, value } of element.attributes) {
      found.push(name === "href" ? element.protocol : name + "=" + value);
    }
  }
  const again = new DOMParser().parseFromString(body.innerHTML, "text/html").body;
  return [found, again.innerHTML === body.innerHTML, window.hacked === undefined];
})
"""
ELEMENTS = {f"xhtml {name}" for name in ("a", "br", "em", "li", "ol", "p", "strong", "ul")}
ATTRIBUTES = {"https:", "http:", "mailto:", "tel:", "class=note", "class=steps"}
OF_CITATIONS = {"xhtml span", "class=cite", "class=unseen"}


def found_by(page, texts):
    """What the browser finds in the texts; `about:` is the scheme of a page without address, as this one is."""
    read = page.evaluate(READ, texts)
    assert all(stays and is_unharmed for _, stays, is_unharmed in read)
    return {one for found, _, _ in read for one in found} - {"about:", ":"}


def test_the_browser_finds_nothing_in_hostile_texts_but_what_is_ours(page):
    texts = [*PAYLOADS, *((shape * 4_000)[:4_000] for shape in SHAPES.values())]
    texts += [f"<ul><li><p>{html}" for html in PAYLOADS]

    cleaned = found_by(page, [clean(html) for html in texts])
    shown = found_by(page, [Citations({"a": 1}, FACTS).link(html) for html in texts])

    assert cleaned <= ELEMENTS | ATTRIBUTES
    assert {one for one in shown if not one.startswith("id=cite-a")} <= ELEMENTS | ATTRIBUTES | OF_CITATIONS
    assert shown > {"xhtml a", "xhtml strong", "class=cite"}


def test_control_the_browser_finds_a_script_in_a_link(page):
    assert "javascript:" in found_by(page, ['<a href="java\nscript:alert(1)">x</a>'])
