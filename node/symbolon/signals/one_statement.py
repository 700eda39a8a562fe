"""Whether forms of one revision can all come from one record, and which of several binds the most.

A contributor's policy gives one revision several forms: fields are withheld, the period and the days are
widened, other terms bind. Forms that differ in anything else tell different things under one number, and
whoever signed both is not to be believed in either. Refuses nothing. Specification: docs/signals.md, What
leaves.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise
from typing import Final

from symbolon.policy.enforcement import PERIOD_FIELD, widened
from symbolon.policy.obligations import MAX_DAYS
from symbolon.policy.obligations import Period as Step
from symbolon.signals.released import WITHHOLDABLE, ReleasedSignal
from symbolon.signals.signal import Period

_NEVER_WITHHELD: Final = ("signal_id", "revision", "state", "tlp", "dispute", "reply", "recall_reason")
_WIDENED_DAYS: Final = ("issued", "expires", "review")
_ATTRIBUTES: Final = {
    **{each: each for each in WITHHOLDABLE if each != PERIOD_FIELD},
    "narrative": "has_narrative",
}


def one_statement(forms: Sequence[ReleasedSignal]) -> bool:
    """Whether forms can come from one revision.

    How many contributors said it, by what the publisher is shown and which terms bind may differ: those are
    no part of the record. So may a day of the record, from the first day of its own month, quarter or year.

    Args:
        forms: at least one.
    """
    if len(forms) == 1:
        return True
    return (
        all(_agree(getattr(each, name) for each in forms) for name in _NEVER_WITHHELD)
        and all(
            _agree(getattr(each, attribute) for each in forms if name not in each.withheld)
            for name, attribute in _ATTRIBUTES.items()
        )
        and _agree(each.urgent for each in forms if "indicators" not in each.withheld)
        and _nested([each.period for each in forms if PERIOD_FIELD not in each.withheld])
        and all(_one_day([getattr(each, name) for each in forms]) for name in _WIDENED_DAYS)
    )


def strictness(form: ReleasedSignal) -> tuple[int, int, bool, int, date]:
    """What to order forms by: the one that shows least and binds most comes first."""
    months = 0 if form.period is None else form.period.last.number - form.period.first.number
    retain = MAX_DAYS + 1 if form.retain_days is None else form.retain_days
    return (-len(form.withheld), -months, not form.no_onward, retain, form.expires)


def _agree(values: Iterable[object]) -> bool:
    return len(set(values)) <= 1


def _nested(periods: Sequence[Period | None]) -> bool:
    """Whether periods can be one that was widened more or less: of two, one holds the other."""
    told = [each for each in periods if each is not None]
    if len(told) != len(periods):
        return not told
    told.sort(key=lambda each: each.last.number - each.first.number)
    return all(wide.first <= narrow.first and narrow.last <= wide.last for narrow, wide in pairwise(told))


def _one_day(days: Sequence[date]) -> bool:
    latest = max(days)
    starts = {widened((latest, latest), each)[0] for each in Step}
    return all(each == latest or each in starts for each in days)
