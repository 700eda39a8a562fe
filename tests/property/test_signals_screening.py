import unicodedata
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from symbolon.signals.free_text import is_plain
from symbolon.signals.screening import Suspicion, excerpt, screen_column, screen_text
from symbolon.signals.screening_finding import MAX_FIELD_CHARS
from symbolon.signals.screening_text import fold

PIECES = (
    "unit price", "USD 4.20", "fee", "workers", "order", "300 pieces", "stop", "supplier", "should",
    "Mr. Karim", "01711000234", "a@example.org", "passport", "BX0234567", "born on 3 May 2001", "only woman",
    "单价32元", "两名工人", "คนงาน", "कीमत", "سعر", "@handle_1", "WhatsApp", ". ", "\n\n", "\u200b", "\u202e",
    "\x1b[31m", "\u0301", "İ", "ß", "ﬁ", "１２", "٣", "-", "%", "(", ",",
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=20).map(" ".join),
)
COUNTRIES = st.one_of(
    st.just(""), st.sampled_from(("BD", "VN", "CN", "TR", "US", "IN", "DE")), st.text(max_size=3)
)


@given(TEXTS, COUNTRIES)
def test_findings_of_any_text_lie_in_it_in_their_order(text: str, country: str) -> None:
    findings = screen_text(text, field="narrative", country=country)
    assert all(0 <= each.begin < each.end <= len(text) for each in findings)
    assert list(findings) == sorted(findings, key=lambda each: each.begin)


@given(TEXTS)
def test_findings_of_one_kind_never_overlap(text: str) -> None:
    findings = screen_text(text, field="narrative")
    for kind in Suspicion:
        spans = [(each.begin, each.end) for each in findings if each.suspicion is kind]
        assert all(before[1] <= after[0] for before, after in pairwise(spans))


@given(TEXTS)
def test_excerpt_of_any_finding_can_be_printed(text: str) -> None:
    for each in screen_text(text, field="narrative"):
        line = excerpt(text, each)
        assert "[" in line
        assert is_plain(line)
        assert "\n" not in line


@given(TEXTS)
def test_folding_keeps_one_origin_for_each_character(text: str) -> None:
    folded = fold(text)
    assert len(folded.folded) == len(folded.cased) == len(folded.origins)
    assert list(folded.origins) == sorted(folded.origins)
    assert all(0 <= each < max(1, len(text)) for each in folded.origins)


@given(st.text(alphabet=st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), max_size=80))
def test_folding_of_a_text_is_that_of_its_nfkc_form(text: str) -> None:
    composed = unicodedata.normalize("NFKC", text)
    # An Arabic ligature of more than eight characters is kept whole: see the module.
    if all(len(unicodedata.normalize("NFKD", each)) <= 8 for each in text):
        assert fold(text).folded == fold(composed).folded


@given(TEXTS)
def test_folding_a_folded_text_changes_nothing(text: str) -> None:
    once = fold(text).folded
    assert fold(once).folded.split() == once.split()


@given(TEXTS, st.sampled_from(("\u200b", "\u202e", "\u2060", "\u00ad", "\x00", "\ufe0f")))
def test_character_that_shows_nothing_changes_no_finding(text: str, hidden: str) -> None:
    dressed = "".join(hidden + each for each in text)
    # A command to a terminal is one only in one piece.
    if "\x1b" not in text:
        before = [(each.suspicion, each.begin) for each in screen_text(text, field="x")]
        after = [(each.suspicion, each.begin // 2) for each in screen_text(dressed, field="x")]
        assert before == after


@given(st.text(max_size=80))
def test_column_of_any_name_gives_at_most_a_finding_that_can_be_printed(name: str) -> None:
    found = screen_column(name)
    if found is not None:
        assert is_plain(found.field)
        assert len(found.field) <= MAX_FIELD_CHARS
        assert (found.begin, found.end) == (0, 0)
