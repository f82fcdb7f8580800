import re

import pytest

from articles.models import Section
from articles.rich_text import Citations, cited_keys, clean, unknown_keys


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("<p>plain</p>", "<p>plain</p>"),
        ("<script>alert(1)</script><p>x</p>", "<p>x</p>"),
        ('<p onclick="steal()">x</p>', "<p>x</p>"),
        ('<a href="javascript:alert(1)">x</a>', "<a>x</a>"),
        ('<a href="#work">x</a>', '<a href="#work">x</a>'),
        ('<p style="color:red">x</p>', "<p>x</p>"),
        ('<img src="https://elsewhere.example/x.gif">', ""),
        ("<h1>Big</h1><p>x</p>", "<p><strong>Big</strong></p><p>x</p>"),
        ("one<h4 class=x>Big</h4>two", "one<p><strong>Big</strong></p>two"),
        ("<h2><b>Big</b></h2>x", "<p><strong>Big</strong></p>x"),
        ("<b>x</b> <i>y</i> <iframe></iframe>", "<strong>x</strong> <em>y</em> "),
        ('<div class="note"><b>Correction</b> x</div>', '<p class="note"><strong>Correction</strong> x</p>'),
        ("<div><p>one</p><div>two</div></div>", "<p>one</p><p>two</p>"),
        (
            '<b style="font-weight:normal;" id="docs-x"><p>one</p><p><b>two</b></p></b>',
            "<p>one</p><p><strong>two</strong></p>",
        ),
        ("<p>one</p><p>&nbsp;</p><p><br></p><p>two</p>", "<p>one</p><p>two</p>"),
        (
            "<ul><li><p>one</p></li><li><p>two</p><ul><li><p>three</p></li></ul></li></ul>",
            "<ul><li>one</li><li>two<ul><li>three</li></ul></li></ul>",
        ),
        ("<ul><li><p>one</p><p>two</p></li></ul>", "<ul><li><p>one</p><p>two</p></li></ul>"),
        ('<p class="note other">x</p><p class="MsoNormal">y</p>', '<p class="note">x</p><p>y</p>'),
        ('<ol class="steps other"><li>x</li></ol>', '<ol class="steps"><li>x</li></ol>'),
        ("<iframe src=//x></iframe>text", "text"),
    ],
)
def test_clean_keeps_only_what_our_pages_are_drawn_with(typed, kept):
    assert clean(typed) == kept


def test_citations_are_numbered_in_order_of_first_use_and_remember_their_places():
    citations = Citations({"b": 1, "a": 1})

    html = citations.link("<p>One [@b] two [@a] three [@b]</p>")

    assert html.count('href="#ref-b"') == 2
    assert citations.uses == {"b": ["cite-b", "cite-b-2"], "a": ["cite-a"]}
    assert (citations.number("b"), citations.number("a")) == (1, 2)


def test_ids_never_meet_even_when_one_key_looks_like_another_used_twice():
    citations = Citations(dict.fromkeys(["wang-2020", "wang-2020-2"]))

    html = citations.link("<p>[@wang-2020] [@wang-2020] [@wang-2020-2] [@wang-2020] [@wang-2020-2]</p>")

    ids = re.findall(r'id="([^"]+)"', html)
    assert len(ids) == len(set(ids)) == 5
    assert citations.uses == {
        "wang-2020": ["cite-wang-2020", "cite-wang-2020-3", "cite-wang-2020-4"],
        "wang-2020-2": ["cite-wang-2020-2", "cite-wang-2020-2-2"],
    }


def test_a_citation_never_stands_in_a_tag_nor_in_another_link():
    citations = Citations({"a": 1})

    html = citations.link('<p title="[@a]">x <a href="https://clinic.example/[@a]">y [@a]</a></p>')

    assert html == (
        '<p>x <a href="https://clinic.example/[@a]">y</a>'
        '<a class="cite" id="cite-a" href="#ref-a"><span class="unseen">Reference </span>[1]</a></p>'
    )
    assert cited_keys(clean('<p title="[@a]">x</p>')) == []


def test_an_unknown_key_is_named_to_the_editor_and_left_out_for_the_reader():
    assert unknown_keys(["[@a] [@b]"], ["a"]) == ["b"]
    assert Citations({}).link("<p>x [@b]</p>") == "<p>x</p>"
    assert cited_keys("[@b] [@a] [@b]") == ["b", "a"]


def test_rows_are_cleaned_when_saved_and_again_when_shown(article, client):
    section = article.sections.first()
    section.body = "<p>ok</p><script>alert(1)</script>"
    section.save()
    assert "script" not in Section.objects.get(pk=section.pk).body

    Section.objects.filter(pk=section.pk).update(body='<p onclick="x()">seen</p><script>alert(2)</script>')
    page = client.get(article.get_absolute_url()).text
    assert "alert(2)" not in page
    assert "onclick" not in page
    assert "<p>seen</p>" in page
