"""Every point that the cupping article has to make is on its page, labeled and sourced."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise

from articles.models import Evidence

POINTS = {
    "opening: wears on body and life": "wears on body and daily life",
    "opening: beyond the usual treatment": "look beyond the usual treatment",
    "what: old technique": "old technique from traditional medicine",
    "what: suction": "suction gently lifts the skin",
    "what: dry does not break the skin": "does not break the skin",
    "what: wet does": "Wet cupping does",
    "what: several complaints": "several complaints, and back pain is one of them",
    "history: thousands of years": "thousands of years",
    "history: China, Egypt, the Middle East": "in China, in Egypt and across the Middle East",
    "history: energy": "energy back into balance",
    "history: does it help": "does it help a sore back",
    "how: blood flow, 12 people": "12 healthy people",
    "how: on the upper arm": "on the upper arm",
    "how: five minutes more than ten": "five minutes gave more than ten",
    "how: not shown to ease pain": "eases pain, brings nutrients to the tissue or clears waste has not been shown",
    "how: like a deep massage": "deep massage that lifts the tissue",
    "how: move more easily": "move more easily than without treatment",
    "how: nerves": "how nerves pass on pain",
    "how: painkillers of one's own": "release its own painkillers",
    "how: six theories": "lists six",
    "how: inflammation and lymph": "calms inflammation and helps lymph drain",
    "how: no clinical proof": "no clinical proof",
    "correction": "more people had 30 % less pain than with usual care. We could not find the study behind that figure",
    "correction: nearest, necks": "a small trial on necks",
    "correction: nearest, wet cupping": "a trial of wet cupping",
    "when: strains": "less pain, easier movement and faster healing",
    "when: no good trials": "no good trials",
    "when: no fresh injury": "A fresh injury should not be cupped",
    "when: knots": "Also called knots",
    "when: lack of proof": "lack of proof",
    "when: best-studied": "best-studied use",
    "when: no extra benefit": "found no extra benefit",
    "when: posture": "Posture alone has not been proven to cause back pain",
    "when: with posture work": "along with posture work and other treatment",
    "when: athletes": "sore muscles and to bear more before it hurts",
    "when: 11 trials, 498 athletes": "11 trials with 498 athletes",
    "when: none reported safety": "none of the trials reported on safety",
    "expect: talk": "your health history, and a plan of your own",
    "expect: prepare": "lubricant so that the cups glide",
    "expect: kept still or moved": "stay where they are, or we move them",
    "expect: our visits": "15 to 20 minutes",
    "expect: in trials": "for 5 to 15",
    "expect: tell us": "tell us if it hurts",
    "expect: advice for home": "advice to take home",
    "risks: mild and short": "mostly mild and short",
    "risks: small bleeds": "small bleeds under the skin",
    "risks: white skin": "On white skin",
    "risks: brown or black skin": "On brown or black skin",
    "risks: not healing": "not a sign of healing",
    "risks: also reported": "burns, blisters, infection, scars, dizziness or fainting, headache, nausea, itching",
    "risks: eczema or psoriasis": "a flare of eczema or psoriasis",
    "risks: skin disease": "that is a reason not to have cupping there",
    "risks: poorly reported": "Most trials report harm poorly",
    "911: numbness": "numbness or tingling around your genitals, buttocks or inner thighs",
    "911: urine and bowels": "lost control of your bladder or bowels",
    "911: legs": "weakness or numbness in both legs, or weakness that is getting worse fast",
    "911: sexual feeling": "new loss of sexual feeling or function",
    "911: chest pain": "chest pain",
    "911: fall": "serious fall or crash",
    "911: belly": "pulsing feeling or severe pain in your belly",
    "today: fever": "a fever, or you feel very unwell",
    "today: weight": "weight loss you can’t explain",
    "today: cancer": "you have had cancer",
    "today: night": "worse at night, or that no rest and no position eases",
    "today: cough": "when you cough, sneeze or use the toilet",
    "today: shoulders": "between your shoulders",
    "today: weak bones": "weak bones or long use of steroids, and a small injury",
    "today: immune": "a weak immune system, or you inject drugs",
    "today: lump": "a new lump, or your back has changed shape",
    "otherwise": "most back pain eases within weeks",
    "not: bleeding": "a bleeding disorder or low platelets",
    "not: blood thinners": "blood thinners to take, unless your doctor agrees",
    "not: clot": "a clot or an inflamed vein in your leg",
    "not: skin": "broken, infected, burned or inflamed, or has active eczema or psoriasis",
    "not: fracture": "a bone there that may be broken, or a fresh tear",
    "not: lump": "a lump nobody has explained",
    "not: cancer": "active cancer, or treatment for it",
    "not: organ failure": "organ failure, or a stroke that is not stable",
    "never over": "varicose veins, a pulse, lymph nodes, the eyes, the front of the neck or the groin",
    "ask: pregnant": "you are pregnant or have just given birth (never on the low back or belly)",
    "ask: aspirin and steroids": "aspirin every day, or steroids",
    "ask: anemia, diabetes, numb skin": "anemia, diabetes or numb skin",
    "ask: heart, kidney, pacemaker": "heart or kidney disease, or a pacemaker",
    "ask: thin skin, older": "your skin is thin or fragile, or you are older",
    "ask: bruising, keloid": "you bruise easily or form keloid scars",
    "ask: faint, fever": "you tend to faint, or you have a fever",
    "ask: child": "the visit is for a child",
    "afterwards: call for": "redness that spreads, pus, fever, blisters, fainting, or a mark that is still sore",
    "after: drink": "Drink if you are thirsty",
    "after: no hard training": "don’t train hard that day",
    "after: stop if not helping": "we stop if it isn’t helping",
    "after: own case": "your own case, ask a health professional",
    "work: bottom line": "less pain for some weeks after cupping",
    "work: against a pretend version": "most of that difference goes away",
    "work: three months": "beyond about three months are unknown",
    "work: guidelines name": "education, exercise and hands-on therapy",
    "work: themselves low": "low or very low too",
    "work: staying active": "Staying active is common advice",
    "work: WHO did not review": "did not review cupping",
    "work: ACP did not name and lapsed": "did not name cupping in 2017, and its guideline has lapsed since 2022",
    "work: older reviews": "Older ones rate the evidence as low or very low",
    "work: Zhang": "calls its evidence high quality",
    "work: 90 people": "One with 90 people found no difference",
    "work: 37 people": "One with 37 people found some",
    "book": "Talk it through with Dr. Peter Stanley",
    "question: how often": "No schedule has been proven",
    "question: avoid": "caffeine and alcohol for a few hours",
    "question: shower": "four to six hours",
    "question: glass cups": "above all after glass cups",
    "question: lukewarm": "lukewarm water and don’t scrub",
    "question: hurt": "Does cupping hurt?",
    "question: marks": "How long do the marks of cupping last?",
    "author": "Written by Dr. Benjamin Britton",
    "clinic": "Revival Physical Therapy and Wellness",
    "back to top": "Back to top",
    "call today": "Call today 612-605-7594",
}

LABELS = {
    "what": Evidence.HISTORY,
    "history": Evidence.HISTORY,
    "blood-flow": Evidence.IDEA,
    "muscles": Evidence.LOW,
    "nerves": Evidence.IDEA,
    "lymph": Evidence.IDEA,
    "strains": Evidence.IDEA,
    "trigger-points": Evidence.VERY_LOW,
    "lasting-pain": Evidence.LOW,
    "posture": Evidence.IDEA,
    "sports": Evidence.VERY_LOW,
    "expect": Evidence.ADVICE,
    "after": Evidence.ADVICE,
    "work": Evidence.LOW,
}

SOURCES = {
    "almeida-silva-2021": "10.1016/j.jphys.2021.02.013",
    "cramer-2020": "10.1016/j.jpain.2020.01.002",
    "teut-2018": "10.1186/s12906-018-2187-8",
    "wood-2020": "10.1016/j.jbmt.2020.06.024",
    "shen-2022": "10.1097/md.0000000000032325",
    "wang-l-2023": "10.3389/fneur.2023.1266712",
    "wang-x-2020": "10.3389/fbioe.2020.608509",
    "charles-2019": "10.1016/j.jbmt.2019.04.001",
    "swain-2020": "10.1016/j.jbiomech.2019.08.006",
    "bridgett-2018": "498 athletes",
    "al-bedah-2019": "PMC6435947",
    "cramer-2011": "10.1159/000335294",
    "farhadi-2009": "10.1016/j.ctim.2008.05.003",
    "acp-2017": "10.7326/M16-2367",
    "who-2023": "NBK599210",
    "finucane-2020": "10.2519/jospt.2020.9971",
    "zhang-2024": "10.1016/j.ctim.2024.103013",
    "xu-2025": "10.1186/s12998-025-00588-x",
    "jams-2021": "10.51507/j.jams.2021.14.6.219",
}


class Outline(HTMLParser):
    """Ids, links, headings and where they stand, as a browser would find them."""

    def __init__(self, html):
        super().__init__()
        self.ids, self.links, self.headings = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        for name in ("aria-labelledby", "aria-describedby", "for"):
            self.links += [f"#{one}" for one in given.get(name, "").split()]
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))


def words(html):
    """What a reader reads: no tags, and no marks of references."""
    without_marks = re.sub(r'<a class="cite".*?</a>', "", html)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", without_marks)).split())


def plain(text):
    """Without the spaces that taken-out tags leave before punctuation, and in one case."""
    return re.sub(r"\s+([.,;:)”])", r"\1", text).casefold()


def test_every_point_is_on_the_page(html):
    text = plain(words(html))

    assert [name for name, point in POINTS.items() if plain(point) not in text] == []


def test_every_claim_has_its_label_in_words(html):
    for anchor, label in LABELS.items():
        first_line = html.split(f'id="{anchor}">')[1].split("<p", 2)[1]
        assert f">{label.label}<" in first_line, anchor


def test_every_source_is_listed_and_cited(html):
    assert len(SOURCES) == html.count('<li id="ref-')
    for key, mark in SOURCES.items():
        entry = html.split(f'<li id="ref-{key}">')[1].split("</li>")[0]
        assert mark in entry
        assert f'href="#ref-{key}"' in html
        assert f'href="#cite-{key}"' in entry


def test_references_are_numbered_in_order_of_use_and_link_both_ways(html):
    numbers = [int(number) for number in re.findall(r'class="cite"[^>]*>.*?\[(\d+)\]', html)]
    first_uses = list(dict.fromkeys(numbers))
    listed = re.findall(r'<li id="ref-([a-z0-9-]+)"', html)

    assert first_uses == list(range(1, len(listed) + 1))
    for number, key in enumerate(listed, 1):
        places = re.findall(
            rf'id="(cite-{key}(?:-\d+)?)" href="#ref-{key}"><span class="unseen">Reference </span>\[{number}\]', html
        )
        assert places
        assert all(f'href="#{place}"' in html for place in places)


def test_no_id_dangles_or_stands_twice(html):
    outline = Outline(html)

    assert len(outline.ids) == len(set(outline.ids))
    assert {link[1:] for link in outline.links if link.startswith("#")} <= set(outline.ids)


def test_one_first_heading_and_no_level_is_skipped(html):
    levels = Outline(html).headings

    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_safety_stands_before_the_first_invitation_to_book(html):
    main = html.split('<main id="main"')[1]

    assert main.index('id="urgent-help"') < main.index("/book/")
    assert main.index('id="ask-first-cupping"') < main.index("/book/")


def test_safety_cards_are_never_folded_and_hold_no_link(html):
    for card in re.findall(r'<section class="care.*?</section>', html, re.DOTALL):
        assert "<a " not in card
        assert "<details" not in card


def test_in_short_is_short(article):
    assert len(article.in_short.split()) < 120


def test_nothing_is_promised_and_nobody_has_reviewed(html, article):
    assert "Reviewed by" not in html
    assert article.reviewer is None
    assert "Next review" in html
    assert "May 2027" in html
    for word in ("pain-free", "guarantee", "cure", "proven to help"):
        assert word not in words(html).lower()


def test_the_article_reads_at_grade_eight_or_lower(article):
    text = " ".join([article.lead, article.in_short, *(words(one.body) for one in article.sections.all())])
    text = re.sub(r"\[@[a-z0-9-]+\]", "", text)

    assert reading_grade(text) <= 8


def reading_grade(text):
    """Flesch-Kincaid grade level (Kincaid et al. 1975), syllables counted as groups of vowels."""
    sentences = max(1, len(re.findall(r"[.!?:](?:\s|$)", text)))
    found = re.findall(r"[A-Za-z’']+", text)
    syllables = sum(max(1, len(re.findall(r"[aeiouy]+", re.sub(r"e$", "", word.lower())))) for word in found)
    return 0.39 * len(found) / sentences + 11.8 * syllables / len(found) - 15.59
