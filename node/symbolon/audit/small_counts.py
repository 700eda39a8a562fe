"""The rule by which a published count discloses nothing about single events or single members.

Handles: counts below a threshold, which show as one class whatever they are, zero included; kinds of members
of which there are too few, which are counted as one group. Refuses: a threshold below 5, or one that is not a
multiple of it, so that two reports with different thresholds tell no more than the finer one.

The rule: events fall into cells that have none in common, one cell for each log, month, direction, purpose,
mode, group of members and outcome. A report is made from the classes of these cells and from nothing else.
Every sum in it is a sum over classes, never over counts; so no difference between columns, rows, totals,
periods or reports says more of a cell than its class does. Specification: docs/transparency.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from symbolon.errors import UsageError

THRESHOLD: Final = 5
"""Counts below it show as one class."""

MAX_THRESHOLD: Final = 1_000
"""Above it nothing is left to publish."""

FEWEST_MEMBERS: Final = 3
"""Of a group that is counted by itself: with two, each would read the other's share from the sum."""

OTHER_MEMBERS: Final = "other members"
FORMER_MEMBERS: Final = "former members"


@dataclass(frozen=True, slots=True)
class Shown:
    """What is published of a count: two ends, between which it lies.

    Attributes:
        at_least: the sum of the lower ends of the classes of its cells.
        at_most: the sum of their upper ends.
    """

    at_least: int
    at_most: int


def require_threshold(threshold: int) -> int:
    """Returns a threshold that may be used.

    Raises:
        UsageError: it is too low, too high or no multiple of `THRESHOLD`.
    """
    if not THRESHOLD <= threshold <= MAX_THRESHOLD or threshold % THRESHOLD:
        raise UsageError(
            f"the threshold {threshold} is no multiple of {THRESHOLD} from {THRESHOLD} to {MAX_THRESHOLD}",
            hint=f"It can be raised, never lowered: {THRESHOLD}, {2 * THRESHOLD}, {3 * THRESHOLD}, …",
        )
    return threshold


def class_of(count: int, threshold: int) -> int:
    """The lower end of the class of one cell: a multiple of the threshold; 0 for all that is below it."""
    return count - count % threshold


def show(counts: Iterable[int], cells: int, threshold: int) -> Shown:
    """What is published of the sum over some cells.

    Args:
        counts: of the cells in which something was counted.
        cells: how many there are, those in which nothing was counted included.
        threshold: see `require_threshold`.
    """
    at_least = sum(class_of(each, threshold) for each in counts)
    return Shown(at_least, at_least + cells * (threshold - 1))


def magnitude(amount: int) -> int:
    """The lower end of the class of a large number: 1, 2 or 5 times a power of ten; 0 for 0."""
    if amount < 1:
        return 0
    power = int("1" + "0" * (len(str(amount)) - 1))
    return max(step * power for step in (1, 2, 5) if step * power <= amount)


@dataclass(frozen=True, slots=True)
class MemberGroups:
    """How members are counted: by kind, where there are enough of a kind.

    Attributes:
        by_kind: name of the group of each kind.
        names: of the groups, ascending; empty where there are too few members for even one.
        fallback: the group of whoever has no known kind.
    """

    by_kind: Mapping[str, str]
    names: tuple[str, ...]
    fallback: str

    def of(self, kind: str | None) -> str:
        """The group of a member of a kind; None for a member that is not known."""
        return self.fallback if kind is None else self.by_kind.get(kind, self.fallback)


def group_kinds(sizes: Mapping[str, int]) -> MemberGroups:
    """Groups kinds of which there are too few.

    It depends on who is a member alone, never on what was counted. Kinds with fewer than `FEWEST_MEMBERS` are
    merged; where these are too few together, as a single member of one kind is, the smallest of the other
    kinds joins them, until they are enough. Former members hide nobody: they are merged, and count as none.

    Args:
        sizes: members by kind.
    """
    present = {kind: size for kind, size in sizes.items() if size > 0}
    weights = {kind: 0 if kind == FORMER_MEMBERS else size for kind, size in present.items()}
    if sum(weights.values()) < FEWEST_MEMBERS:
        return MemberGroups({}, (), OTHER_MEMBERS)
    merged = {kind for kind, size in weights.items() if size < FEWEST_MEMBERS}
    others = sorted((size, kind) for kind, size in weights.items() if kind not in merged)
    while merged and others and sum(weights[kind] for kind in merged) < FEWEST_MEMBERS:
        merged.add(others.pop(0)[1])
    by_kind = {kind: OTHER_MEMBERS if kind in merged else kind for kind in present}
    fallback = OTHER_MEMBERS if merged else others[0][1]
    return MemberGroups(by_kind, tuple(sorted(set(by_kind.values()))), fallback)
