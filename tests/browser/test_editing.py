"""Editor, reviewer and owner keep an article at the desk of a running site."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.barriers import barriers
from tests.exhaustive import EXHAUSTIVE
from tests.running import ROOT
from tests.waiting import wait_for

OURS = (ROOT / "templates/includes/_next_times.js").read_text()
"""The one script that may stand in a page."""
PEOPLE = """
from django.contrib.auth.models import Group, User
from django.utils import timezone
from booking.models import Therapist
for name in ("Editor", "Reviewer", "Owner"):
    user, _ = User.objects.get_or_create(username=f"the-{name.lower()}", is_staff=True)
    if name == "Editor":
        user.set_password("trial-desk")  # they sign in again by the form
    user.last_login = timezone.now()
    user.save()
    user.groups.set([Group.objects.get(name=name)])
Therapist.objects.filter(slug="benjamin-britton").update(account=User.objects.get(username="the-reviewer"))
"""
WORD = """
<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style>p.MsoNormal {margin:0in}</style></head><body>
<!--StartFragment--><h1 style='margin-top:12.0pt'>After your visit<o:p></o:p></h1>
<p class=MsoNormal style='margin-bottom:8pt'>Drink some <b style='mso-bidi-font-weight:normal'>water</b>.<o:p></o:p></p>
<p class=MsoListParagraphCxSpFirst style='text-indent:-.25in;mso-list:l0 level1 lfo1'><![if !supportLists]><span
style='font-family:Symbol'><span style='mso-list:Ignore'>·<span style='font:7.0pt "Times New Roman"'>&nbsp;&nbsp;
</span></span></span><![endif]>Rest<o:p></o:p></p>
<p class=MsoListParagraphCxSpLast style='text-indent:-.25in;mso-list:l0 level1 lfo1'><![if !supportLists]><span
style='font-family:Symbol'><span style='mso-list:Ignore'>·<span style='font:7.0pt "Times New Roman"'>&nbsp;&nbsp;
</span></span></span><![endif]>Move<o:p></o:p></p>
<h4 style='color:red'>Later</h4><p class=MsoNormal><i>Call</i> us.</p><!--EndFragment--></body></html>
"""
GOOGLE_DOCS = """
<meta charset='utf-8'><b style="font-weight:normal;" id="docs-internal-guid-1"><h2 dir="ltr" style="line-height:1.38">
<span style="font-size:16pt;font-weight:400;">After your visit</span></h2><p dir="ltr" style="margin-top:0pt">
<span style="font-weight:400">Drink some </span><span style="font-weight:700">water</span><span>.</span></p>
<ul style="padding-inline-start:48px"><li dir="ltr" style="list-style-type:disc"><p dir="ltr" role="presentation"><span
style="background-color:transparent">Rest</span></p></li><li dir="ltr"><p role="presentation"><span>Move</span></p></li>
</ul><p><span style="font-style:italic">Call</span><span> us.</span></p></b><br class="Apple-interchange-newline">
"""

HOSTILE = """
from django.db import connection
from django.utils import timezone
from articles import revisions
from articles.models import Article, Question, Reference, Section
from booking.models import Therapist
bad = (
    "'></textarea></title></script><script>window.hacked=1</script><img src=x onerror='window.hacked=1'>"
    "<a href='javascript:window.hacked=1'>x</a><svg onload='window.hacked=1'></svg><p style='color:red'>hostile</p>"
)
article = Article(title=bad[:120], slug="hostile", description=bad[:160], lead=bad, in_short=bad, safety_note=bad,
    author=Therapist.objects.first(), stage="published", published_at=timezone.now())
article = Article.objects.bulk_create([article])[0]
Section.objects.bulk_create([Section(article=article, heading=bad[:120], anchor="bad", body=bad)])
Question.objects.bulk_create([Question(article=article, topic=bad[:60], anchor="q-bad", question=bad[:160],
    answer=bad)])
Reference.objects.bulk_create([Reference(article=article, key="bad", year=2020, authors=bad[:300], title=bad,
    journal=bad[:160], doi=bad[:120], finding=bad[:300])])
revisions.save_revision(article, by=None)
with connection.cursor() as cursor:
    cursor.execute("UPDATE articles_section SET body = body || %s WHERE article_id = %s", [bad + "[@bad]", article.pk])
"""


@pytest.fixture(scope="module")
def people(site):
    """Three colleagues; what they wrote is taken away again, since other tests share the site."""
    site.run_python(PEOPLE)
    yield
    written = f"Article.objects.exclude(slug='{SHIPPED}')"
    site.run_python(f"from articles.models import Article; {written}.delete()")


@pytest.fixture
def desk(people, signed_in, complaints):
    """Sign in as someone, in a window of their own; nothing may complain in any of them."""
    yield signed_in
    assert [one for one in complaints if "404 (Not Found)" not in one] == []  # pages not public yet


def a_draft(page, site, title, sections=1):
    """Type a new article; its change page is open."""
    page.goto(f"{site.url}/admin/articles/article/add/")
    for field, text in {
        "title": title,
        "description": "About it.",
        "lead": "The lead.",
        "in_short": "In short.",
    }.items():
        page.fill(f"#id_{field}", text)
    page.select_option("#id_author", label="Dr. Peter Stanley")
    for number in range(sections):
        add_section(page, number, f"Part {number}")
    save(page)


def add_section(page, number, heading):
    page.get_by_role("link", name="Add another Section").or_(
        page.get_by_role("button", name="Add another Section")
    ).click()
    page.fill(f"#id_sections-{number}-heading", heading)
    page.fill(f"#id_sections-{number}-anchor", heading.lower().replace(" ", "-"))
    text_of(page, number).fill(f"Words of {heading}.")


def text_of(page, number):
    return page.locator(f"#id_sections-{number}-body").locator("xpath=..").locator("[role=textbox]")


def open_part(page, number):
    title = page.locator(f"#sections-{number} .row__title")
    if title.get_attribute("aria-expanded") == "false":
        title.click()


def save(page):
    press(page, "Save and stay here")


def press(page, button):
    """Until the next page is there, with its scripts."""
    page.locator(".messagelist").evaluate_all("all => all.forEach(one => one.remove())")
    page.get_by_role("button", name=button, exact=True).click()
    page.locator(".messagelist").wait_for()
    page.wait_for_load_state()


def text_with(words, page, address):
    """The text of a page for readers once these words are in it: a change shows within a second."""
    return wait_for(lambda: words in (text := page.goto(address).text()) and text)


def address_of(page):
    return page.locator("#id_slug").input_value()


def test_from_draft_to_page_and_back_by_three_people(site, desk):
    editor = desk("the-editor")
    reviewer = desk("the-reviewer")
    owner = desk("the-owner")
    a_draft(editor, site, "Stretching at a desk")
    change, public = editor.url, f"{site.url}/articles/{address_of(editor)}/"
    assert editor.get_by_role("button", name="Publish").count() == 0
    assert editor.goto(public).status == 404
    editor.goto(change)
    press(editor, "Send to review")
    assert editor.get_by_text("In review").first.is_visible()

    reviewer.goto(change)
    assert reviewer.get_by_role("button", name="Publish").count() == 0
    press(reviewer, "I reviewed it today")

    owner.goto(change)
    open_part(owner, 0)
    owner.select_option("#id_sections-0-label", "low")
    press(owner, "Publish")  # refused: nothing is cited
    assert owner.get_by_text("Not published yet").is_visible()
    assert owner.locator("#sections-0 .errorlist").inner_text().startswith("The section “Part 0” is labeled as studied")
    owner.select_option("#id_sections-0-label", "")
    press(owner, "Publish")
    assert owner.goto(public).status == 200

    reviewer.goto(change)
    press(reviewer, "I reviewed it today")
    text_with("Reviewed by Dr. Benjamin Britton", reviewer, public)

    editor.goto(change)
    open_part(editor, 0)
    text_of(editor, 0).fill("Stand up once an hour.")
    editor.fill("#id_what_changed", "Plainer words")
    save(editor)
    text = text_with("Stand up once an hour.", editor, public)
    assert "Reviewed by" not in text  # another text than the one that was reviewed

    editor.goto(f"{change.removesuffix('change/')}revisions/")
    editor.get_by_label("Revision 1, as before").check()
    editor.get_by_role("button", name="Compare").click()
    assert editor.locator("del", has_text="Words of Part").count() == 1
    assert editor.locator("ins", has_text="Stand up").count() == 1
    editor.get_by_role("button", name="Put revision 1 back").click()
    editor.locator(".messagelist").wait_for()
    text_with("Words of Part 0.", editor, public)

    owner.goto(change)
    press(owner, "Take off the site")
    wait_for(lambda: owner.goto(public).status == 404)


@pytest.mark.parametrize("pasted", [WORD, GOOGLE_DOCS], ids=["Word", "Google Docs"])
def test_what_is_pasted_comes_out_clean(site, desk, pasted):
    page = desk("the-editor")
    a_draft(page, site, f"Pasted {len(pasted)}")
    open_part(page, 0)
    text_of(page, 0).fill("")
    text_of(page, 0).evaluate(
        """(element, html) => {
            const data = new DataTransfer();
            data.setData("text/html", html);
            element.focus();
            const paste = { clipboardData: data, bubbles: true, cancelable: true };
            element.dispatchEvent(new ClipboardEvent("paste", paste));
        }""",
        pasted,
    )
    save(page)

    kept = page.locator("#id_sections-0-body").evaluate("area => area.defaultValue")
    expected = (
        "<p><strong>After your visit</strong></p><p>Drink some <strong>water</strong>.</p>"
        "<ul><li>Rest</li><li>Move</li></ul>"
        + ("<p><strong>Later</strong></p>" if pasted is WORD else "")
        + "<p><em>Call</em> us.</p>"
    )
    assert kept == expected


def test_parts_are_sorted_by_keyboard_and_stay_so(site, desk):
    page = desk("the-editor")
    a_draft(page, site, "Three parts", sections=3)

    page.get_by_role("button", name="Move up: Part 2").press("Enter")
    assert page.locator("[role=status]", has_text="Part 2 is now number 2 of 3.").count() == 1
    page.get_by_role("button", name="Move up: Part 2").press("Enter")
    save(page)

    titles = page.locator(".row__title").all_inner_texts()
    assert [title for title in titles if title.startswith("Part")] == ["Part 2", "Part 0", "Part 1"]


def test_the_editor_is_worked_by_keyboard(site, desk):
    page = desk("the-editor")
    a_draft(page, site, "Keys only")
    open_part(page, 0)
    text = text_of(page, 0)
    text.fill("Warm up.")
    text.press("Control+a")
    bar = page.locator("#sections-0").get_by_role("toolbar")
    text.press("Shift+Tab")
    bold, steps = (bar.get_by_role("button", name=name) for name in ("Bold", "Steps"))
    expect(bold).to_be_focused()
    page.keyboard.press("Enter")
    expect(bold).to_have_attribute("aria-pressed", "true")
    expect(text).to_be_focused()  # the editor takes the focus back with its next frame
    text.press("Shift+Tab")
    expect(bold).to_be_focused()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(steps).to_be_focused()
    page.keyboard.press("Enter")
    expect(steps).to_have_attribute("aria-pressed", "true")
    save(page)

    kept = page.locator("#id_sections-0-body").evaluate("area => area.defaultValue")
    assert kept == '<ol class="steps"><li><strong>Warm up.</strong></li></ol>'


def test_two_tabs_lose_nothing(site, desk):
    first = desk("the-editor")
    second = desk("the-owner")
    a_draft(first, site, "Two tabs")
    second.goto(first.url)
    first.fill("#id_lead", "The first one’s lead.")
    save(first)

    second.fill("#id_lead", "The second one’s lead.")
    second.get_by_role("button", name="Save and stay here").click()
    second.locator(".errornote").wait_for()

    assert "the-editor saved this article after you opened it" in second.locator("#content").inner_text()
    assert "now reads: The first one’s lead." in second.locator("#content").inner_text()
    assert second.locator("#id_lead").input_value() == "The second one’s lead."
    save(second)
    assert second.locator("#id_lead").input_value() == "The second one’s lead."


def test_leaving_with_unsaved_text_warns_and_keeps_it(site, desk):
    page = desk("the-editor")
    a_draft(page, site, "Half a thought")
    change = page.url
    open_part(page, 0)
    page.keyboard.press("Tab")
    text_of(page, 0).fill("Half a thought, typed.")
    add_section(page, 1, "New part")
    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.goto(f"{site.url}/admin/")
    assert asked == ["beforeunload"]

    page.goto(change)
    page.get_by_role("button", name="Put it back").click()
    assert text_of(page, 0).inner_text() == "Half a thought, typed."
    assert page.locator("#id_sections-1-heading").input_value() == "New part"
    assert text_of(page, 1).inner_text() == "Words of New part."
    save(page)
    page.goto(change)
    assert page.get_by_role("button", name="Put it back").count() == 0
    assert page.locator("#id_sections-0-body").input_value() == "<p>Half a thought, typed.</p>"


SHIPPED = "cupping-for-back-pain"
AWAY = """
from django.contrib.sessions.models import Session
from django.contrib.sessions.backends.db import SessionStore
for row in Session.objects.all():
    store = SessionStore(row.session_key)
    if "seen_at" in store:
        store["seen_at"] -= {minutes} * 60
        store.save()
"""


def test_typing_keeps_the_session_and_what_was_typed_outlives_it(site, desk, new_context):
    """Time passes in the session's own row: the site sees minutes go by without a request."""
    page = desk("the-editor", new_context().new_page())
    a_draft(page, site, "A long thought")
    change = page.url
    page.clock.install()
    open_part(page, 0)
    for words in ("Eight minutes.", "Sixteen minutes.", "Twenty-four minutes."):
        site.run_python(AWAY.format(minutes=8))
        page.clock.fast_forward(61_000)  # the script calls at most once a minute
        with page.expect_response("**/admin/still-here/") as call:
            text_of(page, 0).fill(words)
        assert call.value.status == 204
    save(page)
    assert page.locator("#id_sections-0-body").input_value() == "<p>Twenty-four minutes.</p>"

    open_part(page, 0)
    text_of(page, 0).fill("Typed, then away.")
    page.clock.fast_forward(3_000)
    site.run_python(AWAY.format(minutes=16))
    page.get_by_role("button", name="Save and stay here").click()
    page.wait_for_url("**/admin/login/**")
    page.fill("#id_username", "the-editor")
    page.fill("#id_password", "trial-desk")
    page.locator("#id_password").press("Enter")
    page.wait_for_url(change)
    page.get_by_role("button", name="Put it back").click()
    assert text_of(page, 0).inner_text() == "Typed, then away."
    save(page)
    assert page.locator("#id_sections-0-body").input_value() == "<p>Typed, then away.</p>"


def test_a_part_that_is_open_has_no_barriers(site, desk, complaints):
    """The rest of the page, and the list of revisions, is looked at by test_every_screen."""
    page = desk("the-owner")
    page.goto(f"{site.url}/admin/articles/article/1/change/")
    page.locator(".row__title").first.click()
    page.locator(".prose__bar").first.wait_for()

    assert barriers(page, within="html" if EXHAUSTIVE else "#sections-0") == []
    complaints.clear()  # axe itself writes styles


def test_without_scripts_the_form_is_all_there(site, desk):
    page = desk("the-editor", java_script_enabled=False)
    page.goto(f"{site.url}/admin/articles/article/1/change/")
    body = page.locator("#id_sections-0-body")
    assert body.is_visible()
    assert "<p>" in body.input_value()
    assert page.locator("#id_sections-0-order").is_visible()


def test_hostile_rows_of_an_import_or_a_shell_are_inert_everywhere(site, desk):
    """Nothing runs, and the browser has nothing to forbid: no complaint of the policy stands in the console."""
    site.run_python(HOSTILE)
    try:
        page = desk("the-owner")
        page.goto(f"{site.url}/admin/articles/article/?q=hostile")
        page.get_by_role("link", name="window.hacked").first.click()
        page.locator(".prose__text").first.wait_for(state="attached")
        change = page.url
        preview = page.get_by_role("link", name="Preview").get_attribute("href")
        pages = ["/articles/hostile/", "/articles/", "/faq/", "/search/?q=hostile", preview, "/"]
        pages += [
            f"{change.removesuffix('change/').removeprefix(site.url)}{view}" for view in ("revisions/1/", "history/")
        ]
        for address in [*pages, "/admin/articles/question/", "/admin/articles/reference/", "/admin/"]:
            assert page.goto(site.url + address).status == 200, address
            page.emulate_media(media="print")
            assert page.evaluate("window.hacked") is None, address
            scripts = page.locator("script:not([src]):not([type='application/ld+json'])").all_text_contents()
            assert set(scripts) <= {OURS}, address
            assert page.locator("[onerror], [onload], [href^='javascript']").count() == 0, address
            page.emulate_media(media="screen")
    finally:
        site.run_python("from articles.models import Article; Article.objects.filter(slug='hostile').delete()")
