"""Text that people typed cannot change the order of the text around it, on pages, in mails and in sentences."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.template import engines
from django.utils.safestring import mark_safe
from hypothesis import given
from hypothesis import strategies as st

from deploy.typed_text import bare_fields
from revival.base.bidi import TYPED, bdi, isolate

FSI, PDI, OPENS = "\u2068", "\u2069", "\u2066\u2067\u2068"
ARABIC, HEBREW = "ليلى حداد", "נעמה לוי"
MARKS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

TURNING = f"{ARABIC}{HEBREW}٦{MARKS}".replace(" ", "").replace("\u200e", "")
"""What turns the direction of a line that runs from left to right; U+200E runs that way itself."""
SIGNS = f"Zoë 612-555 (ab)\n\r\u2028\t\x1c{ARABIC}{HEBREW}٦" + 4 * MARKS
typed = st.lists(st.sampled_from(SIGNS), max_size=40).map("".join) | st.text(max_size=40)


def depths(line: str) -> list[int]:
    """How many isolates are open after each character."""
    depth, found = 0, [0]
    for sign in line:
        depth += (sign in OPENS) - (sign == PDI)
        found.append(depth)
    return found


def visible(text: str) -> str:
    return re.sub(f"[{OPENS}{PDI}]", "", text)


# ---- the two functions ----


@given(typed)
def test_each_line_is_balanced_so_that_nothing_reaches_past_it(text):
    for line in isolate(text).splitlines():
        assert min(depths(line)) == 0 == depths(line)[-1]


@given(typed)
def test_isolating_changes_nothing_that_can_be_seen_and_nothing_more_when_done_again(text):
    isolated = isolate(text)

    assert visible(isolated) == visible(text)
    assert isolate(isolated) == isolated


@given(typed)
def test_every_character_that_runs_from_right_to_left_is_inside(text):
    """The property of UAX 9 that the rest relies on: outside of isolates nothing turns the direction."""
    for line in isolate(text).splitlines():
        for sign, depth in zip(line, depths(line), strict=False):
            assert depth or sign not in TURNING or sign in OPENS


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_text_stays_as_it_is(text):
    assert isolate(text) == text


@pytest.mark.parametrize(
    ("text", "isolated"),
    [
        (ARABIC, f"{FSI}{ARABIC}{PDI}"),
        ("ل", f"{FSI}ل{PDI}"),
        ("Zoë Müller-Łukasz, 3rd", "Zoë Müller-Łukasz, 3rd"),
        ("李小龙", "李小龙"),
        (f"{HEBREW}\nsecond line\n{ARABIC}", f"{FSI}{HEBREW}{PDI}\nsecond line\n{FSI}{ARABIC}{PDI}"),
        (f"{FSI}{ARABIC}", f"{FSI}{ARABIC}{PDI}"),
        (f"{PDI}{ARABIC}", f"{FSI}{ARABIC}{PDI}"),
        (f"Ada{PDI}", "Ada"),
        ("", ""),
        (None, "None"),
        ("\u202eAda", f"{FSI}\u202eAda{PDI}"),
    ],
)
def test_examples(text, isolated):
    assert isolate(text) == isolated


@pytest.mark.parametrize(
    ("text", "html"),
    [
        (ARABIC, f"<bdi>{ARABIC}</bdi>"),
        (f"<b>{HEBREW}", f"<bdi>&lt;b&gt;{HEBREW}</bdi>"),
        ("<b>Ada", "&lt;b&gt;Ada"),
        (f"{FSI}{ARABIC}", f"<bdi>{FSI}{ARABIC}{PDI}</bdi>"),
        (mark_safe(f"<i>{ARABIC}</i>"), f"<i>{ARABIC}</i>"),  # noqa: S308 - HTML of our own
    ],
)
def test_html_is_escaped_and_isolated_once(text, html):
    assert bdi(text) == html
    assert bdi(bdi(text)) == html


def test_both_are_filters_of_every_template():
    template = engines["django"].from_string(
        "{% load i18n %}<title>{{ name|isolate }}</title>{{ note|bdi|linebreaksbr }}"
        "{% blocktranslate with who=name|bdi %}For {{ who }}{% endblocktranslate %}"
    )

    page = template.render({"name": f"<{HEBREW}>", "note": f"<{ARABIC}>\n612"})

    assert page == (
        f"<title>{FSI}&lt;{HEBREW}&gt;{PDI}</title><bdi>&lt;{ARABIC}&gt;<br>612</bdi>For <bdi>&lt;{HEBREW}&gt;</bdi>"
    )


# ---- no template prints it bare ----


@pytest.mark.parametrize(
    ("source", "faults"),
    [
        ("<p>{{ visit.name }}</p>", ["|bdi"]),
        ("<p>{{ visit.name|bdi }}</p>", []),
        ("<p>{{ visit.name|isolate }}</p>", ["|bdi"]),
        ('<p title="{{ visit.name|bdi }}">', ["|isolate"]),
        ('<p aria-label="Of {{ visit.name|isolate }}">{{ visit.phone|bdi }}', []),
        ('<input value="{{ visit.name }}">', []),
        ('<input value="{{ visit.name|isolate }}">', ["neither"]),
        ('<p class="{% if a %}b{% endif %}">{{ visit.note|linebreaksbr }}</p>', ["|bdi"]),
        ("<option>{{ therapist }}</option>{{ therapist }}", ["|isolate", "|bdi"]),
        ("{% block title %}{{ visit.name }}{% endblock %}{{ visit.name }}", ["|isolate", "|bdi"]),
        ("{% firstof visit.email visit.phone|bdi %}", ["|bdi"]),
        (
            "{% blocktranslate with a=visit.name|bdi b=therapist.name %}{{ a }}, {{ b }}{% endblocktranslate %}",
            ["|bdi"],
        ),
        ("{% blocktranslate %}{{ therapist }}{% endblocktranslate %}", ["|bdi"]),
        ('{% include "a.html" with name=visit.name %}{% if visit.name %}{% endif %}', []),
        ('{% with "Of "|add:visit.name as label %}{% endwith %}', ["|isolate"]),
        ("{{ form.name }} {{ field.name }} {{ clinic.phone }}", []),
    ],
)
def test_a_template_that_prints_what_was_typed_bare_is_found(tmp_path, source, faults):
    template = tmp_path / "page.html"
    template.write_text(source)

    found = bare_fields(template)

    assert len(found) == len(faults)
    assert all(fault in reason for fault, reason in zip(faults, found, strict=True))


def test_in_a_mail_as_text_it_is_isolated_by_characters(tmp_path):
    mail = tmp_path / "body.txt"
    mail.write_text("{{ therapist|isolate }}\n{{ clinic.name|bdi }}\n{{ clinic.address }}")

    assert [fault[:2] for fault in bare_fields(mail)] == ["2:", "3:"]


# ---- no sentence of ours joins it bare ----

OTHER_NAMES = {"name", "note", "role"}  # variables: of fields, notes of our own, roles of a database
KEEPING = {"str", "sorted", "list", "filter", "reversed", "capfirst"}
JOINING = {"format", "format_html", "format_html_join", "join"}
BARE = {
    ("booking/mail/calendar_files.py", "clinic.phone"),  # digits and dashes
    ("booking/models/messages.py", "recipient"),  # a digest
    ("booking/models/versions.py", "self.therapist"),  # ids
    ("booking/models/versions.py", "self.service"),
    ("revival/base/verp.py", "mail.recipient"),  # a digest
    ("revival/server/logs.py", "frame.name"),  # of functions
    ("revival/staff/admin.py", "role.name"),  # of roles, named in the code
    ("revival/staff/forms.py", "role.name"),
    ("articles/management/commands/content_report.py", "part.note"),  # sentences of our own
    ("articles/management/commands/content_report.py", "line.reason"),
    ("articles/admin/prose.py", "reason"),
    ("articles/rich_text/cleaning.py", "reason"),
    ("articles/rich_text/tree.py", "node.name"),  # of elements
}
"""What has such a name but was not typed by a person, or does not stand in a line that people read."""


def called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def typed_in(node: ast.AST) -> Iterator[str]:
    """What people typed in an expression, unless a call makes something else of it; isolated text is one such call."""
    if isinstance(node, ast.Attribute) and node.attr in TYPED:
        yield ast.unparse(node)
    elif isinstance(node, ast.Name) and node.id in TYPED - OTHER_NAMES:
        yield node.id
    elif isinstance(node, ast.Call):
        for part in node.args if called(node) in KEEPING else []:
            yield from typed_in(part)
    elif not isinstance(node, (ast.Attribute, ast.Compare, ast.Subscript)):
        tests = {node.test} if isinstance(node, ast.IfExp) else set()
        tests |= {test for part in ast.walk(node) if isinstance(part, ast.comprehension) for test in part.ifs}
        for part in ast.iter_child_nodes(node):
            if part not in tests:
                yield from typed_in(part)


def bare_in(source: str) -> list[str]:
    """What people typed that an f-string, `%`, `format`, `join` or `format_html` joins with other text as it is."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FormattedValue):
            found += typed_in(node.value)
        elif isinstance(node, ast.Call) and called(node) in JOINING:
            for part in [*node.args, *(keyword.value for keyword in node.keywords)]:
                found += typed_in(part)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant):
            found += typed_in(node.right)
    return found


@pytest.mark.parametrize("app", ["revival", "articles", "booking"])
def test_no_sentence_joins_what_was_typed_bare(app):
    root: Path = settings.BASE_DIR
    files = [path for path in (root / app).rglob("*.py") if "migrations" not in path.parts]

    found = {(str(path.relative_to(root)), bare) for path in files for bare in bare_in(path.read_text())}

    assert files
    assert found - BARE == set()
    assert {place for place in BARE if place[0].startswith(app)} <= found  # none that is no longer needed


@pytest.mark.parametrize(
    ("source", "bare"),
    [
        ('f"{visit.name}, {isolate(visit.phone)}"', ["visit.name"]),
        ("f\"{self.therapist or 'Whole clinic'} away\"", ["self.therapist"]),
        ('f"{visit.name.upper()} {visit.pk}"', []),
        ('f"{therapist.slug}"', []),
        ('format_html("<b>{}</b> {}", visit.name, bdi(visit.phone))', ["visit.name"]),
        ('", ".join(sorted(str(row.name) for row in rows))', ["row.name"]),
        ('", ".join(part for part in (row.name, isolate(row.phone)) if row.email)', ["row.name"]),
        ('"%s, %s" % (visit.note, isolate(visit.name))', ["visit.note"]),
        ('"{name}".format(name=visit.name if visit.name else "–")', ["visit.name"]),
    ],
)
def test_a_sentence_that_joins_what_was_typed_bare_is_found(source, bare):
    assert bare_in(source) == bare
