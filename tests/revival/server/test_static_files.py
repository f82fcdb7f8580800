import re
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders

from revival.server.static_files import PARTS, SEPARATOR, join_parts, minify

STYLES = Path(settings.BASE_DIR) / "static" / "css"


def test_the_style_sheet_is_the_parts_in_order(tmp_path):
    for number, name in enumerate(PARTS):
        (tmp_path / f"{name}.css").write_text(f"/* {name} */\n\n.a {{\n  order: {number};\n}}\n")

    assert join_parts(tmp_path) == "".join(f".a{{order: {number}}}" for number in range(len(PARTS)))


def test_comments_and_spaces_go_and_nothing_else():
    css = '/* one\n two */\na::before { content: "→  b"; }\n\n  .b > p, .c { margin: calc(1px + 2px) 0 }'

    assert minify(css) == 'a::before{content: "→  b"}.b > p,.c{margin: calc(1px + 2px) 0}'


def test_no_text_in_quotes_has_a_sign_that_spaces_go_around():
    texts = re.findall(r'"([^"\n]*)"', "".join((STYLES / f"{name}.css").read_text() for name in PARTS))

    assert texts
    assert [text for text in texts if SEPARATOR.search(text) and text.strip() != ","] == []


def test_static_files_find_it():
    found = finders.find("css/site.css")

    assert found
    assert "css/site.css" in [path for finder in finders.get_finders() for path, _ in finder.list([])]
