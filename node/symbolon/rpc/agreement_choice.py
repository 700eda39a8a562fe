"""What a person who types `symbolon policy agree` wants, given what is there: pure, so that all cases show.

Handles: an agreement that is in force already, an offer of the peer that says what was typed, an own offer
that waits, and a new offer. Refuses to take an offer for what was typed that names other purposes, or that
goes on for longer than was typed; where nobody is asked, also one that goes on for longer than a year and
no day was typed, or for which no purpose was typed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from symbolon.errors import UsageError
from symbolon.membership.agreement import CLOCK_DAYS, DEFAULT_VALIDITY, MAX_VALIDITY, Agreement
from symbolon.storage.agreement_store import Standing, StoredAgreement

_MOST: Final = MAX_VALIDITY + CLOCK_DAYS


@dataclass(frozen=True, slots=True)
class Wish:
    """What was typed.

    Attributes:
        peer: whom to agree with.
        purposes: strictly ascending; empty where none was typed.
        last_day: None where none was typed.
        asked: whether a person reads the agreement and is asked before it is signed.
    """

    peer: str
    purposes: tuple[str, ...]
    last_day: date | None
    asked: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """What to do.

    Attributes:
        kind: `agreed`, nothing is left to sign; `answer`, sign what the peer offered; `again`, hand over an
            offer that was signed before; `offer`, make a new one, for what was typed.
        held: the agreement that is there, but for `offer`.
        replaces: own offers for the same purposes, which a new one takes the place of.
    """

    kind: Literal["agreed", "answer", "again", "offer"]
    held: StoredAgreement | None = None
    replaces: tuple[StoredAgreement, ...] = ()


def choose(held: Sequence[tuple[StoredAgreement, Standing]], wish: Wish, today: date) -> Choice:
    """Decides what a command does.

    Args:
        held: all that is there with the peer, the newest first, each with its standing today.
        wish: what was typed.
        today: UTC.

    Raises:
        UsageError: what was typed does not say which of several offers is meant, or nothing was offered; or
            nobody is asked and the offer goes on for longer than a year.
    """
    fitting = [(each, standing) for each, standing in held if _names(each.agreement, wish)]
    until = wish.last_day or today
    agreed = [
        each for each, standing in fitting if standing == "in_force" and each.agreement.last_day >= until
    ]
    longest = max(agreed, key=lambda each: each.agreement.last_day, default=None)
    offers = [each for each, standing in fitting if standing == "waiting" and _same(each.agreement, wish)]
    within = [each for each in offers if each.agreement.last_day <= _most(wish, today)]
    if longest is not None and wish.purposes:
        # Unless the peer offers to go on for longer.
        within = [each for each in within if each.agreement.last_day > longest.agreement.last_day]
        if not within:
            return Choice("agreed", longest)
    if within:
        if not wish.purposes and len({each.agreement.purposes for each in within}) > 1:
            raise _several(wish.peer, within)
        if not wish.purposes and not wish.asked:
            raise _unread(wish.peer, within[0].agreement)
        return Choice("answer", within[0])
    if offers and wish.last_day is None:
        raise _too_long(wish.peer, offers[0].agreement)
    own = [each for each, standing in fitting if standing == "offered" and _same(each.agreement, wish)]
    if own and wish.last_day in (None, own[0].agreement.last_day):
        return Choice("again", own[0])
    if longest is not None:
        return Choice("agreed", longest)
    if not wish.purposes:
        raise UsageError(
            f"{wish.peer} has offered nothing that you could sign",
            hint=f"Offer it yourself: `symbolon policy agree {wish.peer} --purpose …`; `symbolon policy "
            "agreements` shows what there is.",
            code="usage.agreement.none",
        )
    return Choice("offer", replaces=tuple(own))


def _names(agreement: Agreement, wish: Wish) -> bool:
    """Whether it speaks of all that was typed, and maybe of more."""
    return set(wish.purposes) <= set(agreement.purposes)


def _same(agreement: Agreement, wish: Wish) -> bool:
    """Whether it speaks of what was typed and of nothing else."""
    return not wish.purposes or agreement.purposes == wish.purposes


def _most(wish: Wish, today: date) -> date:
    """The last day that may be signed for."""
    if wish.last_day is not None:
        return wish.last_day
    # The peer's clock may be a day ahead.
    return today + (_MOST if wish.asked else DEFAULT_VALIDITY + CLOCK_DAYS)


def agree_command(peer: str, agreement: Agreement) -> str:
    """The command by which a member says that it wants this agreement and no other, with a peer."""
    purposes = " ".join(f"--purpose {each}" for each in agreement.purposes)
    long = agreement.last_day - agreement.first_day > DEFAULT_VALIDITY
    return f"symbolon policy agree {peer} {purposes}" + (f" --until {agreement.last_day}" if long else "")


def _unread(peer: str, agreement: Agreement) -> UsageError:
    return UsageError(
        f"nobody would read what {peer} offers before it is signed",
        hint=f"Leave --yes away to be shown it, or say what you want: `{agree_command(peer, agreement)}`.",
        code="usage.agreement.unread",
    )


def _several(peer: str, offers: Sequence[StoredAgreement]) -> UsageError:
    commands = [f"`{agree_command(peer, each.agreement)}`" for each in offers]
    return UsageError(
        f"{peer} has offered several agreements",
        hint=f"Say which one you mean: {' or '.join(dict.fromkeys(commands))}.",
        code="usage.agreement.several",
    )


def _too_long(peer: str, agreement: Agreement) -> UsageError:
    return UsageError(
        f"{peer} offers an agreement until {agreement.last_day}, longer than the year that you get unless "
        "you say otherwise",
        hint=f"Add --until {agreement.last_day} to sign it, or an earlier day to offer a shorter one.",
        code="usage.agreement.long",
    )
