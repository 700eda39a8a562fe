"""What `symbolon status` and `doctor` say of signals: counts, members and days, nothing of what one says."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from symbolon.errors import ConfigError, MembershipError, PolicyError
from symbolon.rpc.diagnosis_finding import Finding, good, warned
from symbolon.rpc.feed_standing import behind_words
from symbolon.rpc.node import Node
from symbolon.rpc.signal_standing import SOON_DAYS, SignalStanding, signal_standing, waiting_for_approval


@dataclass(frozen=True, slots=True)
class Given:
    """A member that was given own signals.

    Attributes:
        purposes: of its lookups.
        acknowledged: when it last held one to its end, UTC; None: never.
        given, recalls_not_told, silent_days: as `FeedStanding`.
    """

    peer: str
    purposes: list[str]
    given: int
    acknowledged: str | None
    recalls_not_told: int
    silent_days: int | None


@dataclass(frozen=True, slots=True)
class Followed:
    """A member that is followed for a purpose.

    Attributes:
        looked: when it was last looked up, UTC; None: never.
        problem: code of why the last lookup was not held, or ''.
        late: what it told since then may be missing here.
    """

    peer: str
    purpose: str
    looked: str | None
    problem: str
    late: bool


@dataclass(frozen=True, slots=True)
class Signals:
    """How it stands with signals.

    Attributes:
        stand, expire_soon, due, texts_waiting: as `SignalStanding`.
        awaiting_approval: own ones that some member could be shown, were they approved for it; None where
            nobody can say, since this node is no member or has no policies.
        received, received_recalled: of other members.
        recalls_not_told: own recalls that members have not acknowledged, summed over members.
        given: to whom own ones were given.
        followed: whose are followed.
    """

    stand: int
    expire_soon: int
    due: int
    texts_waiting: int
    awaiting_approval: int | None
    received: int
    received_recalled: int
    recalls_not_told: int
    given: list[Given]
    followed: list[Followed]


def read_signals(node: Node) -> Signals:
    """Reads it."""
    found = signal_standing(node)
    waiting: int | None = None
    with contextlib.suppress(ConfigError, MembershipError, PolicyError):
        waiting = waiting_for_approval(node)
    late = set(found.late)
    return Signals(
        stand=found.stand,
        expire_soon=found.expire_soon,
        due=found.due,
        texts_waiting=found.texts_waiting,
        awaiting_approval=waiting,
        received=found.received,
        received_recalled=found.received_recalled,
        recalls_not_told=sum(each.recalls_not_told for each in found.given),
        given=[
            Given(
                each.peer,
                [purpose for purpose, _ in each.purposes],
                each.given,
                _moment(each.acknowledged_s),
                each.recalls_not_told,
                each.silent_days,
            )
            for each in found.given
        ],
        followed=[
            Followed(each.peer, each.purpose, _moment(each.looked_s), each.problem, each in late)
            for each in found.followed
        ],
    )


def signal_lines(signals: Signals) -> Iterator[str]:
    """Yields what `status` prints; nothing where there is nothing to tell."""
    own = _own_words(signals.stand, signals.expire_soon, signals.due, signals.texts_waiting)
    if signals.awaiting_approval:
        own += f"; {signals.awaiting_approval:,} could go further, were they approved: `symbolon signals who`"
    if own:
        yield f"own          {own}"
    if signals.received or signals.received_recalled:
        recalled = f"; {signals.received_recalled:,} recalled" if signals.received_recalled else ""
        yield f"received     {_stand(signals.received)}{recalled}"
    for each in signals.given:
        well = "has acknowledged all" if each.acknowledged else "has acknowledged nothing yet"
        behind = behind_words(each.recalls_not_told, each.silent_days)
        yield f"given to     {each.peer} for {', '.join(each.purposes)}: {behind or well}"
    for one in signals.followed:
        when = "not looked up yet" if one.looked is None else f"looked up {one.looked[:16].replace('T', ' ')}"
        words = f"{when} UTC" if one.looked else when
        yield f"followed     {one.peer} for {one.purpose}: {words}{_late_words(one.problem, late=one.late)}"


def look_at_signals(found: SignalStanding) -> Iterator[Finding]:
    """What `doctor` says of own signals, and of those that are followed.

    Args:
        found: read without a node that is open as a whole.
    """
    own = (
        _own_words(found.stand, found.expire_soon, found.due, found.texts_waiting) or "none of this member's"
    )
    behind = [
        f"{each.peer} ({behind_words(each.recalls_not_told, each.silent_days)})" for each in found.behind
    ]
    if behind:
        said = f"{own}; behind: {', '.join(behind)}"
        hint = "Ask their operators; `symbolon signals feeds` shows how far each has come."
        yield warned("signals", "signals.behind", said, hint)
    elif found.texts_waiting:
        hint = "`symbolon signals pending` shows what suppliers say."
        yield warned("signals", "signals.waiting", own, hint)
    else:
        yield good("signals", own)
    late = [f"{each.peer}{_late_words(each.problem, late=True)}" for each in found.late]
    if late:
        hint = "`symbolon serve` goes on trying, and brings what was missed; `symbolon doctor PEER`."
        yield warned("followed", "signals.late", "; ".join(late), hint)
    else:
        count = len(found.followed)
        feeds = f"{count} feed{'' if count == 1 else 's'}, none late"
        yield good("followed", feeds if count else "nobody")


def _own_words(stand: int, expire_soon: int, due: int, texts: int) -> str:
    parts = [_stand(stand)] if stand else []
    if expire_soon:
        parts.append(
            f"{expire_soon:,} of them expire{'s' if expire_soon == 1 else ''} within {SOON_DAYS} days"
        )
    if due:
        parts.append(f"{due:,} due for review")
    if texts:
        words = "text of suppliers waits" if texts == 1 else "texts of suppliers wait"
        parts.append(f"{texts:,} {words} for a person")
    return "; ".join(parts)


def _stand(count: int) -> str:
    return f"{count:,} {'stands' if count == 1 else 'stand'}"


def _late_words(problem: str, *, late: bool) -> str:
    if problem:
        return f"; the last lookup failed ({problem})"
    return "; no lookup for more than two days" if late else ""


def _moment(at_s: int | None) -> str | None:
    return None if at_s is None else datetime.fromtimestamp(at_s, UTC).isoformat()
