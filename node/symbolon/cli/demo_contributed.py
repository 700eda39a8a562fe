"""What the NGO of the demonstration contributes: three made-up signals, and what a supplier says to one.

The three suppliers stand in the companies' lists, and the NGO writes each in its own way: one that both have,
by its OS ID; one that both have, by name and place; one that only the second company has. The words are those
of docs/signals-import.md, so that a signal can be typed as options, be a row of a table, and be compared with
what a company is shown.
"""

import csv
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Final

from symbolon.cli.demo_lists import DemoLists

Contribution = Mapping[str, str]
"""A signal as a row of a table: the columns of docs/signals-import.md, empty ones left out."""

INTERVIEW: Final = "interview"
AUDIT: Final = "audit"
GRIEVANCE: Final = "grievance"

SOURCE: Final = (
    "Two sewing operators of line 4, met at the tea stall behind the second gate. Both fear for their job:"
    " call the sister of the elder, never the site.\n"
)
"""The note on whom the first signal was learnt from; it is sealed at the NGO and must be found nowhere."""

NARRATIVE: Final = (
    "Workers borrow what an agent asks for the job, and the site keeps the rates back from their wages."
    " Nobody may leave before the debt is paid.\n"
)
CONTEST: Final = (
    "The wages of both months were paid in full; the auditor came before the bank had closed them.\n"
)
REPLY: Final = (
    "All wages were paid by the tenth of the following month. Payroll and bank receipts lie open at our"
    " office, and the works council has signed them."
)

_OPTIONS: Final = {"subject_kind": "kind", "period_from": "from", "period_to": "to"}
_SEVERAL: Final = "indicators"
_FILES: Final = frozenset({"narrative"})


def contributions(lists: DemoLists, today: date) -> dict[str, Contribution]:
    """The three signals, by what they rest on.

    Args:
        lists: as `demo_lists` makes them.
        today: by the NGO's clock; what was seen lies some months before.
    """
    knit = lists.featured[1].ours
    strange = next(each for each in lists.theirs if each.supplier_id == "B-1000")
    first, second, *rest = strange.name.split()
    return {
        INTERVIEW: {
            "subject_kind": "factory",
            "name": "Dhaleshwori Knit Composite",
            "city": "Savar",
            "country": "BD",
            "os_id": knit.os_id,
            "indicators": "recruitment-fees;debt-bondage",
            "evidence": "worker-interview",
            "scale": "high",
            "scope": "moderate",
            "irremediability": "moderate",
            "likelihood": "high",
            "confidence": "75",
            "reliability": "B",
            "period_from": _month(today, 5),
            "period_to": _month(today, 2),
            "narrative": NARRATIVE,
        },
        AUDIT: {
            "reference": "visits-31",
            "subject_kind": "factory",
            "name": "Aurora do Minho Confecções",
            "address": "Rua da Fabrica, 12",
            "city": "Braga",
            "country": "PT",
            "indicators": "withholding-of-wages",
            "evidence": "audit-finding",
            "scheme": "SMETA",
            "grade": "Critical",
            "scale": "moderate",
            "scope": "high",
            "irremediability": "low",
            "likelihood": "moderate",
            "confidence": "60",
            "reliability": "A",
            "period_from": _month(today, 7),
            "period_to": _month(today, 6),
        },
        GRIEVANCE: {
            "reference": "visits-32",
            "subject_kind": "factory",
            "name": f"{' '.join(rest)} {first} {second}".upper(),
            "address": strange.address,
            "city": strange.city,
            "country": strange.country,
            "indicators": "retention-of-identity-documents",
            "evidence": "grievance",
            "scale": "high",
            "scope": "low",
            "irremediability": "moderate",
            "likelihood": "moderate",
            "confidence": "50",
            "reliability": "C",
            "period_from": _month(today, 3),
            "period_to": _month(today, 3),
        },
    }


def as_options(contribution: Contribution) -> list[str]:
    """The options of `symbolon signals add` that say the same; texts, which it reads from files, left out."""
    options: list[str] = []
    for column, value in contribution.items():
        if column == _SEVERAL:
            options += [word for each in value.split(";") for word in ("--indicator", each)]
        elif column not in _FILES:
            options += [f"--{_OPTIONS.get(column, column.replace('_', '-'))}", value]
    return options


def write_table(path: Path, some: Iterable[Contribution]) -> None:
    """Writes signals as a table for `symbolon signals import`."""
    rows = list(some)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _month(today: date, before: int) -> str:
    """A month some months ago, as 2026-03."""
    months = today.year * 12 + today.month - 1 - before
    return f"{months // 12:04d}-{months % 12 + 1:02d}"
