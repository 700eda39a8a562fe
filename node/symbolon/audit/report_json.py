"""A transparency report as JSON: one canonical document, `symbolon-transparency-report-v1`.

Handles: the document, ASCII, keys sorted, no white space, one newline at the end; so the same report has the
same bytes, and a hash of it can be published beside it. Every field stands in docs/transparency.md.
"""

from collections.abc import Mapping
from typing import Final

from symbolon.audit.report import ActivityRow, Total, TransparencyReport
from symbolon.audit.report_period import month_text
from symbolon.audit.small_counts import Shown
from symbolon.policy.canonical_json import encode_canonical

FORMAT: Final = "symbolon-transparency-report-v1"


def report_json(report: TransparencyReport) -> bytes:
    """The document."""
    return encode_canonical(report_content(report))


def report_content(report: TransparencyReport) -> dict[str, object]:
    """The document as the tree that is encoded."""
    demands = report.demands
    return {
        "activity": {
            "cells": report.cells,
            "combinations": report.combinations,
            "rows": [_row(each) for each in report.rows],
            "totals": [_total(each) for each in report.totals],
        },
        "budget": [
            {"at_least_quarters": each.quarters, "tier": each.tier, "year": each.year}
            for each in report.budget
        ],
        "coalition": report.coalition,
        "demands": {
            "rows": [
                {"count": _shown(each.demands), "country": each.country, "kind": each.kind}
                for each in demands.rows
            ],
            "sentence": demands.sentence,
            "statement": demands.statement,
        },
        "format": FORMAT,
        "groups": {name: list(kinds) for name, kinds in report.groups.items()},
        "joint": report.joint,
        "left_out": list(report.left_out),
        "logs": {"by_group": dict(report.logs), "members": list(report.names)},
        "made_on": report.made_on,
        "notices": {name: _shown(each) for name, each in report.notices.items()},
        "period": {"first": month_text(report.period.first), "last": month_text(report.period.last)},
        "purposes": list(report.purposes),
        "standing": [
            {"count": _shown(each.members), "group": each.group, "record": each.record}
            for each in report.standing
        ],
        "threshold": report.threshold,
    }


def _row(row: ActivityRow) -> dict[str, object]:
    return {
        "denied": _each_shown(row.denied),
        "direction": row.direction,
        "entries_at_least": row.entries,
        "failed": _shown(row.failed),
        "group": row.group,
        "keys_at_least": row.keys,
        "mode": row.mode,
        "purpose": row.purpose,
        "sessions": _shown(row.sessions),
        "unsigned": _shown(row.unsigned),
    }


def _total(total: Total) -> dict[str, object]:
    return {
        "denied_at_least": dict(total.denied),
        "direction": total.direction,
        "failed_at_least": total.failed,
        "sessions_at_least": total.sessions,
        "unsigned_at_least": total.unsigned,
    }


def _each_shown(counts: Mapping[str, Shown]) -> dict[str, object]:
    return {name: _shown(each) for name, each in counts.items()}


def _shown(count: Shown) -> dict[str, int]:
    return {"at_least": count.at_least, "at_most": count.at_most}
