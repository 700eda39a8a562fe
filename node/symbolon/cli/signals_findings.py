"""What the screening found in a text, shown to its author at the author's own terminal.

The excerpts may hold personal data, so they go to a terminal alone and into no file.
"""

import sys
from collections.abc import Sequence
from typing import Final

from symbolon.rpc.contributing import Found, ReviewNeededError
from symbolon.signals.screening_finding import COMPETITION

FINDINGS_SHOWN: Final = 20
"""Of one text; whoever mends these finds the rest."""

_COMPETITION: Final = (
    "Prices, volumes, costs and advice to end a contract are what competitors may not tell each other:"
    " a signal that holds them can break competition law, for you and for everyone who reads it."
)
_PEOPLE: Final = (
    "Names, numbers, dates of birth and small groups can lead to a person: somebody at the supplier may"
    " read this one day, and will ask who said so."
)


def tell_findings(found: Sequence[Found]) -> None:
    """Says on stderr what was found, with excerpts where a person is looking, and why it matters."""
    is_watched = sys.stderr.isatty()
    print(
        f"The screening found {len(found)} thing{'' if len(found) == 1 else 's'} to look at:", file=sys.stderr
    )
    for each in found[:FINDINGS_SHOWN]:
        kind = each.finding.suspicion.value.replace("-", " ")
        where = f", {each.excerpt}" if is_watched and each.excerpt else ""
        print(f"  {each.finding.field}: {kind}{where}", file=sys.stderr)
        print(f"    {each.finding.remedy}", file=sys.stderr)
    if len(found) > FINDINGS_SHOWN:
        print(f"  … and {len(found) - FINDINGS_SHOWN} more.", file=sys.stderr)
    kinds = {each.finding.suspicion for each in found}
    if kinds & COMPETITION:
        print(_COMPETITION, file=sys.stderr)
    if kinds - COMPETITION:
        print(_PEOPLE, file=sys.stderr)


def refuse_unreviewed(found: Sequence[Found], *, reviewed: bool) -> None:
    """Shows what was found, and lets it through only where a person has looked at it.

    Raises:
        ReviewNeededError: something was found, and `reviewed` is not set.
    """
    if not found:
        return
    tell_findings(found)
    if not reviewed:
        raise ReviewNeededError(found)
