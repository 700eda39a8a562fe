"""Where obligations bind: the preparation of a set for one peer.

Handles: which items of an owner leave for one member under the obligations of a decision, in which form,
which of them only count, which are withheld and why; and the terms that travel with the set. What an item
lacks to show that an obligation is met withholds it. The sender never learns a hit, so there is no later
place. Refuses nothing: items are this node's own. The reasons are for the owner's own log; a peer never sees
what was withheld, nor how much. Specification: docs/adr/0014.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from symbolon.policy.obligations import Notified, Obligations, Period

PERIOD_FIELD: Final = "period"
"""What `redact` calls the period by."""


class Withheld(StrEnum):
    """Why an item does not leave, in the order in which it is looked for."""

    YOUNG = "delay"
    UNDATED = "delay.undated"
    NOT_REVIEWED = "human_review"
    NOT_CORROBORATED = "min_corroboration"
    NOT_NOTIFIED = "notify_supplier"


@dataclass(frozen=True, slots=True)
class Item:
    """Something that could leave.

    Attributes:
        item_id: the owner's name for it.
        first_known: the day on which the owner first knew of it, or None where that is not known.
        period: first and last day of what it speaks of, or None where it names no time. No other field may
            hold a day, since `coarsen` widens this one.
        fields: the others that may leave.
        contributors: independent ones that this node knows of, itself included.
        reviewed_for: members for whom a person has approved this item.
        notices: for each who was told, the day on which the notice was recorded.
    """

    item_id: str
    first_known: date | None
    period: tuple[date, date] | None
    fields: Mapping[str, str] = field(default_factory=dict)
    contributors: int = 1
    reviewed_for: frozenset[str] = frozenset()
    notices: Mapping[Notified, date] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReleasedItem:
    """An item in the form in which it leaves: what the owner knows beside it is not in it.

    Attributes:
        item_id: as in `Item`.
        period: widened as asked for; None where there is none, or it is redacted.
        fields: those that are not redacted.
    """

    item_id: str
    period: tuple[date, date] | None
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Terms:
    """What the receiver is bound to; it travels with the set.

    Attributes:
        no_onward: it may not pass the set on.
        retain_days: it erases the set after as many days, or None.
    """

    no_onward: bool
    retain_days: int | None


@dataclass(frozen=True, slots=True)
class PreparedSet:
    """What one member is given.

    Attributes:
        released: in the order of their ids.
        counted: ids of those that stand in no labelled set; size mode counts them and the released ones.
        withheld: the others, each with every reason; for the owner's own log only.
        terms: that travel with the set.
    """

    released: tuple[ReleasedItem, ...]
    counted: tuple[str, ...]
    withheld: Mapping[str, tuple[Withheld, ...]]
    terms: Terms


def prepare_set(
    items: Iterable[Item], obligations: Obligations, *, receiver: str, today: date
) -> PreparedSet:
    """Prepares a set.

    Args:
        items: distinct by id; their order does not matter.
        obligations: of the decision that allows the set.
        receiver: member id of who gets it.
        today: by the owner's clock.
    """
    released: list[ReleasedItem] = []
    counted: list[str] = []
    withheld: dict[str, tuple[Withheld, ...]] = {}
    for item in sorted(items, key=lambda each: each.item_id):
        reasons = _reasons(item, obligations, receiver, today)
        if reasons:
            withheld[item.item_id] = reasons
        elif obligations.count_only:
            counted.append(item.item_id)
        else:
            released.append(_shown(item, obligations))
    return PreparedSet(tuple(released), tuple(counted), withheld, travelling_terms(obligations))


def travelling_terms(obligations: Obligations) -> Terms:
    """What of the obligations binds the receiver."""
    retain = obligations.retain
    return Terms(obligations.no_onward, None if retain is None else retain.days)


def _reasons(item: Item, obligations: Obligations, receiver: str, today: date) -> tuple[Withheld, ...]:
    found = []
    if obligations.delay is not None:
        if item.first_known is None:
            found.append(Withheld.UNDATED)
        elif not _passed(item.first_known, obligations.delay.days, today):
            found.append(Withheld.YOUNG)
    if obligations.human_review and receiver not in item.reviewed_for:
        found.append(Withheld.NOT_REVIEWED)
    corroboration = obligations.min_corroboration
    if corroboration is not None and item.contributors < corroboration.contributors:
        found.append(Withheld.NOT_CORROBORATED)
    if not all(
        each.who in item.notices and _passed(item.notices[each.who], each.days, today)
        for each in obligations.notify
    ):
        found.append(Withheld.NOT_NOTIFIED)
    return tuple(found)


def _passed(since: date, days: int, today: date) -> bool:
    """Whether so many days lie behind; a day that has not come shows a clock that is wrong, and none do."""
    return today - since >= timedelta(days=days)


def _shown(item: Item, obligations: Obligations) -> ReleasedItem:
    hidden = obligations.redact.fields if obligations.redact else frozenset()
    fields = {name: value for name, value in item.fields.items() if name not in hidden}
    period = None if PERIOD_FIELD in hidden else item.period
    if obligations.coarsen is not None and period is not None:
        period = widened(period, obligations.coarsen.period)
    return ReleasedItem(item.item_id, period, fields)


def widened(period: tuple[date, date], to: Period) -> tuple[date, date]:
    """The shortest run of whole months, quarters or years that holds a period."""
    months = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}[to]
    first, last = period
    start = first.replace(month=(first.month - 1) // months * months + 1, day=1)
    end_month = (last.month - 1) // months * months + months
    if end_month == 12:
        return start, last.replace(month=12, day=31)
    return start, last.replace(month=end_month + 1, day=1) - timedelta(days=1)
