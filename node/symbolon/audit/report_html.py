"""A transparency report as one HTML page, for people.

Handles: a page that stands alone, without scripts and without anything fetched, which can be read on a phone,
on paper, in light and dark, and by a screen reader. Every text in it is escaped. Its numbers are those of the
JSON. Specification: docs/transparency.md.
"""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

from symbolon.audit.report import QUARTERS, ActivityRow, Total, TransparencyReport
from symbolon.audit.report_json import FORMAT
from symbolon.audit.small_counts import FEWEST_MEMBERS, Shown

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #ffffff; --line: #767676; --band: #f0f0f0; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #f2f2f2; --paper: #161616; --line: #9a9a9a; --band: #2a2a2a; }
}
body { background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif;
  margin: 0 auto; max-width: 62rem; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.2; }
h2 { border-top: 1px solid var(--line); font-size: 1.2rem; margin-top: 2rem; padding-top: 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { font-weight: 600; padding: 0.5rem 0; text-align: left; }
th, td { border-bottom: 1px solid var(--line); padding: 0.3rem 0.6rem; text-align: left;
  vertical-align: top; }
thead th { background: var(--band); }
td { font-variant-numeric: tabular-nums; }
.statement { border-left: 0.3rem solid var(--line); padding-left: 1rem; }
@media print {
  :root { --ink: #000000; --paper: #ffffff; --line: #555555; --band: #eeeeee; }
  .wide { overflow: visible; }
  body { font-size: 9pt; max-width: none; padding: 0; }
  thead { display: table-header-group; }
  tr { break-inside: avoid; }
}
"""


def report_html(report: TransparencyReport) -> str:
    """The page, UTF-8."""
    title = f"Transparency report of {report.coalition}, {_period(report)}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        *_about(report),
        *_demands(report),
        *_sessions(report),
        *_notices(report),
        *_budget(report),
        *_standing(report),
        *_reading(report),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def count_words(count: Shown, threshold: int) -> str:
    """A count in words."""
    if count.at_most < threshold:
        return f"fewer than {threshold}"
    return f"{count.at_least:,} to {count.at_most:,}"


def at_least_words(number: int) -> str:
    """The lower end of a sum in words."""
    return f"at least {number:,}" if number else "not shown"


def _period(report: TransparencyReport) -> str:
    return f"{report.period.first_day.isoformat()} to {report.period.last_day.isoformat()}"


def _about(report: TransparencyReport) -> Iterable[str]:
    logs = sum(report.logs.values())
    whose = ", ".join(f"{count} of {name}" for name, count in report.logs.items())
    lines = [
        f"Made on {report.made_on} (UTC), from the audit {'log' if logs == 1 else 'logs'} of {logs} "
        f"{'member' if logs == 1 else 'members'} of the coalition, by kind: {whose}."
    ]
    if report.names:
        lines.append(f"The members whose logs these are: {', '.join(report.names)}.")
    if report.joint:
        lines.append("The logs were counted as one.")
    if report.left_out:
        lines.append(
            f"Months of which not every log could be read in full: {', '.join(report.left_out)}. "
            "What such a log says of such a month is left out."
        )
    return [_paragraph(each) for each in lines]


def _demands(report: TransparencyReport) -> Iterable[str]:
    demands = report.demands
    yield "<h2>Demands of authorities</h2>"
    yield f'<p class="statement">{escape(demands.sentence)}</p>'
    if demands.rows:
        rows = [
            (each.country, each.kind, count_words(each.demands, report.threshold)) for each in demands.rows
        ]
        yield _table("Demands by country and kind", ("country", "kind", "demands"), rows, heads=2)


def _sessions(report: TransparencyReport) -> Iterable[str]:
    threshold = report.threshold
    yield "<h2>Sessions</h2>"
    yield _paragraph(
        "In a session one member asks another which of its match keys the other knows as well. "
        "“Asking” and “answering” are what the members did whose logs these are; the kind is that of the "
        "other member. Keys and entries are counted with the dummies among them."
    )
    outcomes = ("sessions", "without a counter-signature", "failed", "denied")
    yield _table("All sessions", ("direction", *outcomes), map(_total_cells, report.totals), heads=1)
    if report.rows:
        names = ("direction", "purpose", "mode", "kind", *outcomes, "keys asked", "entries sent")
        rows = [_row_cells(each, threshold) for each in report.rows]
        yield _table(
            "Sessions by direction, purpose, mode and kind of the other member", names, rows, heads=4
        )
    rest = report.combinations - len(report.rows)
    yield _paragraph(
        f"Of {report.combinations} combinations of direction, purpose, mode and kind, {rest} are not listed: "
        f"in each month{'' if report.joint else ' of each log'}, every count is below {threshold}, "
        "zero included."
    )


def _total_cells(total: Total) -> tuple[str, ...]:
    words = map(at_least_words, (total.sessions, total.unsigned, total.failed))
    denied = "; ".join(f"{reason}: {at_least_words(count)}" for reason, count in total.denied.items())
    return (total.direction, *words, denied or "not shown")


def _row_cells(row: ActivityRow, threshold: int) -> tuple[str, ...]:
    denied = "; ".join(f"{reason}: {count_words(each, threshold)}" for reason, each in row.denied.items())
    counts = (count_words(each, threshold) for each in (row.sessions, row.unsigned, row.failed))
    amounts = map(at_least_words, (row.keys, row.entries))
    return (row.direction, row.purpose, row.mode, row.group, *counts, denied or "not shown", *amounts)


def _notices(report: TransparencyReport) -> Iterable[str]:
    yield "<h2>Agreements, policies, contradictions, signals</h2>"
    yield _table("Other events", ("event", "count"), _counts(report.notices, report.threshold), heads=1)


def _counts(counts: Mapping[str, Shown], threshold: int) -> list[tuple[str, ...]]:
    return [(name, count_words(each, threshold)) for name, each in counts.items()]


def _budget(report: TransparencyReport) -> Iterable[str]:
    if not report.budget:
        return
    yield "<h2>Budget</h2>"
    rows = [(str(each.year), each.tier, f"at least {each.quarters} of {QUARTERS}") for each in report.budget]
    yield _table(
        "Quarters used of what all other members together may ask in a calendar year, by tier of keys",
        ("year", "tier", "quarters used in these months"),
        rows,
        heads=2,
    )


def _standing(report: TransparencyReport) -> Iterable[str]:
    yield "<h2>Standing of members</h2>"
    rows = [
        (each.group, each.record, count_words(each.members, report.threshold)) for each in report.standing
    ]
    yield _table(
        "Members whose vetting or attestation lapsed in the period, by the list of the day on which this "
        "report was made, and who had not accepted the terms by then",
        ("kind", "record", "members"),
        rows,
        heads=2,
    )


def _reading(report: TransparencyReport) -> Iterable[str]:
    yield "<h2>How to read this</h2>"
    merged = "; ".join(f"{name}: {', '.join(kinds)}" for name, kinds in report.groups.items())
    for each in (
        f"Events are counted apart for each log and month. Each such count is rounded down to a multiple of "
        f"{report.threshold}, so that all below {report.threshold}, zero included, look the same; only then "
        "are they added. A range says between which numbers a count lies. “Not shown” says nothing, not even "
        "that there was none.",
        f"Kinds of members of which there are fewer than {FEWEST_MEMBERS} are counted together. Groups: "
        f"{merged}.",
        f"The same numbers are in the JSON document of this report, format {FORMAT}.",
    ):
        yield _paragraph(each)


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _table(caption: str, names: tuple[str, ...], rows: Iterable[tuple[str, ...]], *, heads: int) -> str:
    """A table; the first `heads` cells of a row say what the row is."""
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    body = "\n".join(f"<tr>{_cells(row, heads)}</tr>" for row in rows)
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(caption)}">\n<table>\n'
        f"<caption>{escape(caption)}</caption>\n<thead>\n<tr>{top}</tr>\n</thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def _cells(row: tuple[str, ...], heads: int) -> str:
    first = "".join(f'<th scope="row">{escape(cell)}</th>' for cell in row[:heads])
    return first + "".join(f"<td>{escape(cell)}</td>" for cell in row[heads:])
