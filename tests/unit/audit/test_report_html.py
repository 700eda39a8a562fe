"""The page of a transparency report: what it may not hold, and that its numbers are those of the JSON."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any, Final

import pytest

from report_logs import COORDINATOR, FEBRUARY, JANUARY, OWN, made, refused, row, sessions
from symbolon.audit.demand import Demand, DemandKind
from symbolon.audit.entry import Entry
from symbolon.audit.report import TransparencyReport
from symbolon.audit.report_html import report_html
from symbolon.audit.report_json import FORMAT, report_content, report_json
from symbolon.audit.report_scope import Budget
from symbolon.audit.small_counts import Shown
from symbolon.policy.canonical_json import decode_canonical

VOID: Final = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """What a page consists of."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.text = ""
        self.declared = ""
        self._open: list[str] = []
        self._caption = ""
        self._rows: list[list[str]] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_decl(self, decl: str) -> None:
        self.declared = decl

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self._caption, self._rows = "", []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("th", "td"):
            self._rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag == "table":
            self.tables[self._caption] = self._rows

    def handle_data(self, data: str) -> None:
        inside = self._open[-1] if self._open else ""
        if inside != "style":
            self.text += data
        if inside == "caption":
            self._caption += data
        elif inside in ("th", "td"):
            self._rows[-1][-1] += data

    def table(self, beginning: str) -> list[dict[str, str]]:
        """The rows of the table whose caption begins like this, by the heads of its columns."""
        (rows,) = [rows for caption, rows in self.tables.items() if caption.startswith(beginning)]
        return [dict(zip(rows[0], each, strict=True)) for each in rows[1:]]


@pytest.fixture(scope="module")
def report() -> TransparencyReport:
    """With something in every part."""
    demand = Demand(DemandKind.WARRANT, "DE").entry()
    rows = [
        *sessions(17, ends=[("ended", "no receipt")]),
        *sessions(6, event="asked", peer="elder", ends=[("failed", "unavailable")], month=FEBRUARY),
        *sessions(12, event="asked", peer=COORDINATOR, ends=[("failed", "peer.permission.agreement")]),
        *refused("budget.exhausted", number=11),
        *refused("permission.denied", number=5),
        *[row(Entry("policy", ""))] * 6,
        *[row(demand)] * 7,
        row(Demand(DemandKind.REQUEST, "KE").entry()),
    ]
    return made(rows, JANUARY, FEBRUARY, budget=Budget(30_000), named=True)


@pytest.fixture(scope="module")
def page(report: TransparencyReport) -> Page:
    return Page(report_html(report))


def ends(words: str) -> dict[str, int]:
    """The two ends of a count in words, of a report of two months."""
    found = re.fullmatch(r"([0-9,]+) to ([0-9,]+)", words)
    assert found is not None, words
    low, high = (int(each.replace(",", "")) for each in found.groups())
    return {"at_least": low, "at_most": high}


def low(words: str) -> int:
    return 0 if words == "not shown" else int(words.removeprefix("at least ").replace(",", ""))


def by_reason(words: str, read: Any) -> dict[str, Any]:
    if words == "not shown":
        return {}
    return {reason: read(number) for reason, number in (each.split(": ") for each in words.split("; "))}


def test_page_numbers_are_those_of_the_json(report: TransparencyReport, page: Page) -> None:
    document: Any = report_content(report)
    listed = [
        {
            "denied": by_reason(each["denied"], ends),
            "direction": each["direction"],
            "entries_at_least": low(each["entries sent"]),
            "failed": ends(each["failed"]),
            "group": each["kind"],
            "keys_at_least": low(each["keys asked"]),
            "mode": each["mode"],
            "purpose": each["purpose"],
            "sessions": ends(each["sessions"]),
            "unsigned": ends(each["without a counter-signature"]),
        }
        for each in page.table("Sessions by direction")
    ]
    assert listed == document["activity"]["rows"]
    assert len(listed) == 3
    totals = [
        {
            "denied_at_least": by_reason(each["denied"], low),
            "direction": each["direction"],
            "failed_at_least": low(each["failed"]),
            "sessions_at_least": low(each["sessions"]),
            "unsigned_at_least": low(each["without a counter-signature"]),
        }
        for each in page.table("All sessions")
    ]
    assert totals == document["activity"]["totals"]
    notices = {each["event"]: ends(each["count"]) for each in page.table("Other events")}
    assert notices == document["notices"]
    budget = [
        {
            "at_least_quarters": low(each["quarters used in these months"].removesuffix(" of 4")),
            "tier": each["tier"],
            "year": int(each["year"]),
        }
        for each in page.table("Quarters used")
    ]
    assert budget == document["budget"]
    assert {each["at_least_quarters"] for each in budget} == {0, 2}
    standing = [
        {"group": each["kind"], "record": each["record"]} for each in page.table("Members whose vetting")
    ]
    assert standing == [{key: each[key] for key in ("group", "record")} for each in document["standing"]]
    demands = [
        {"count": ends(each["demands"]), "country": each["country"], "kind": each["kind"]}
        for each in page.table("Demands by country")
    ]
    assert demands == document["demands"]["rows"]
    assert [each["count"]["at_least"] for each in demands] == [5, 0]
    assert document["demands"]["sentence"] in page.text


def test_page_stands_alone(report: TransparencyReport, page: Page) -> None:
    tags = {tag for tag, _ in page.tags}
    assert tags.isdisjoint({"script", "link", "img", "iframe", "object", "embed", "form", "a", "base"})
    names = {name for _, attributes in page.tags for name in attributes}
    assert names.isdisjoint({"src", "href", "style"})
    assert not any(name.startswith("on") for name in names)
    text = report_html(report)
    assert "://" not in text
    assert "url(" not in text
    assert "@import" not in text


def test_page_can_be_read_by_everybody(report: TransparencyReport, page: Page) -> None:
    assert page.declared == "DOCTYPE html"
    assert ("html", {"lang": "en"}) in page.tags
    assert any(
        attributes.get("name") == "viewport" and "width=device-width" in (attributes.get("content") or "")
        for tag, attributes in page.tags
        if tag == "meta"
    )
    heads = [attributes.get("scope") for tag, attributes in page.tags if tag == "th"]
    assert set(heads) == {"col", "row"}
    tables = [tag for tag, _ in page.tags if tag == "table"]
    assert len(tables) == len(page.tables) == 6
    assert [tag for tag, _ in page.tags if tag in ("h1", "h2", "h3")].count("h1") == 1
    for media in ("prefers-color-scheme: dark", "@media print"):
        assert media in report_html(report)


def luminance(colour: str) -> float:
    """Source: WCAG 2.2, relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_page_colours_contrast_in_light_dark_and_print(report: TransparencyReport) -> None:
    roots = re.findall(r":root \{([^}]*)\}", report_html(report))
    assert len(roots) == 3
    for root in roots:
        colours = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", root))
        assert contrast(colours["ink"], colours["paper"]) >= 7
        assert contrast(colours["ink"], colours["band"]) >= 7
        assert contrast(colours["line"], colours["paper"]) >= 3


def test_page_escapes_every_text(report: TransparencyReport) -> None:
    hostile = '<script>alert("1")</script>&amp;\'"'
    hostiles = {"purpose": hostile, "group": hostile, "mode": hostile, "denied": {hostile: Shown(5, 9)}}
    rows = tuple(replace(each, **hostiles) for each in report.rows)
    changed = replace(
        report,
        coalition=hostile,
        names=(hostile,),
        rows=rows,
        groups={hostile: (hostile,)},
        logs={hostile: 1},
        notices={hostile: next(iter(report.notices.values()))},
        demands=replace(report.demands, sentence=hostile),
        left_out=(hostile,),
    )
    page = Page(report_html(changed))
    assert "script" not in {tag for tag, _ in page.tags}
    assert [tag for tag, _ in page.tags] == [
        tag for tag, _ in Page(report_html(replace(changed, coalition="x"))).tags
    ]
    # Title, heading, three members and months and logs, two groups, four cells a row, a notice, a sentence.
    assert page.text.count(hostile) == 2 + 3 + 2 + 4 * len(rows) + 1 + 1


def test_page_says_when_nothing_reaches_the_threshold() -> None:
    page = Page(report_html(made(sessions(4))))
    assert "Sessions by direction" not in " ".join(page.tables)
    assert "every count is below 5, zero included" in page.text
    assert {each["sessions"] for each in page.table("All sessions")} == {"not shown"}
    assert {each["count"] for each in page.table("Other events")} == {"fewer than 5"}


def test_json_is_canonical_and_names_its_version(report: TransparencyReport) -> None:
    data = report_json(report)
    document: Any = decode_canonical(data, len(data))
    assert document == json.loads(json.dumps(report_content(report)))
    assert document["format"] == FORMAT == "symbolon-transparency-report-v1"
    assert document["period"] == {"first": "2026-01", "last": "2026-02"}
    assert document["logs"]["members"] == [OWN]
    assert set(document) == {
        *("activity", "budget", "coalition", "demands", "format", "groups", "joint", "left_out", "logs"),
        *("made_on", "notices", "period", "purposes", "standing", "threshold"),
    }
