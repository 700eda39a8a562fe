"""What the commands say and do about signals that another member publishes.

Handles: saying in words, before a signal is stored, that the delegate reads everything, and what others see;
handing over what was stored, at once where the delegate can be reached; saying how that went. Refuses
nothing by itself: what waits is handed over by `symbolon serve`, or by `symbolon signals delegated --send`.
"""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from symbolon.cli.signals_confirm import confirm
from symbolon.cli.signals_draft import tell_draft
from symbolon.cli.signals_shown import short_id
from symbolon.cli.typed_ids import typed_member_id
from symbolon.errors import PermissionDeniedError, SymbolonError, UsageError
from symbolon.rpc.contributing import Screened, contribute
from symbolon.rpc.entrusting import advice, hand_over, require_delegate, shown_as_wanted
from symbolon.rpc.node import Node
from symbolon.signals.vocabulary import ShownAs
from symbolon.storage.delegation_columns import Delegation
from symbolon.storage.delegation_store import StoredDelegation

KIND_WORDS = {
    ShownAs.COMPANY: "a company",
    ShownAs.NGO: "an NGO",
    ShownAs.COORDINATOR: "a coordinator",
    ShownAs.AUDITOR: "an auditor",
}


def typed_delegation(node: Node, delegate: str, *, as_kind: bool) -> Delegation | None:
    """What `--delegate` and `--as-kind` say; None without them.

    Raises:
        UsageError: one of the two goes with the other, or it is no member id.
        SignalError, MembershipError: as `require_delegate`.
    """
    if not delegate:
        if as_kind:
            raise UsageError(
                "--as-kind goes with --delegate",
                hint="A signal that this member publishes itself shows this member.",
            )
        return None
    return require_delegate(node, typed_member_id(delegate), as_kind=as_kind)


def terms_of(node: Node, kept: Delegation) -> Iterator[str]:
    """Yields what it means that another member publishes a signal."""
    who = kept.delegate
    yield f"{who} publishes it in its own name, for this member."
    yield (
        f"The people of {who}, and its node, read everything of it: whom it is about, the narrative, every"
        " text and every later change."
    )
    yield f"Your notes on the source stay sealed at this node: {who} does not get them either."
    shown_as = shown_as_wanted(node, kept)
    if shown_as is ShownAs.PUBLISHER:
        yield f"Others see it as a signal of {who}. Nothing tells them that there is another contributor."
    else:
        yield (
            f"Others see it as from {KIND_WORDS[shown_as]}, published by {who}: they know that it is another"
            f" member than {who}, and not which."
        )
    yield (
        f"The policies of {who} decide who is given it, within the recipients, purposes, mark and embargo"
        " that you set. This node gives it to nobody."
    )
    yield f"{who} can prove to others that it comes from this member, since you sign what it gets."


def store_delegated(
    node: Node, screened: Screened, kept: Delegation, *, yes: bool, content: bytes | None = None
) -> dict[str, Any]:
    """Shows a draft and what it means to delegate it, asks, stores it and hands it over.

    Args:
        node: this node.
        screened: whose findings its author has looked at.
        kept: from `typed_delegation`.
        yes: what `--yes` said.
        content: see `contribute`; None where no import brought it.

    Returns:
        Id, revision, delegate and how it stands, for `--json`.
    """
    tell_draft(screened.draft, node.now.date())
    print(file=sys.stderr)
    tell_terms(node, kept)
    confirm(f"Store it, and hand it to {kept.delegate}?", yes=yes)
    contents = None if content is None else [content]
    ((number, signal),) = contribute(node, [screened], reviewed=True, contents=contents, delegation=kept)
    print(f"\nStored as {short_id(signal)}.", file=sys.stderr)
    held = send_and_tell(node, number)
    return {"signal": signal.hex_id, "revision": signal.revision, **standing_json(held)}


def tell_terms(node: Node, kept: Delegation) -> None:
    """Says on stderr what it means that another member publishes a signal."""
    for line in terms_of(node, kept):
        print(line, file=sys.stderr)


def send_and_tell(node: Node, number: int) -> StoredDelegation | None:
    """Hands the newest revision of a signal over, if it is delegated, and says how that went.

    Returns:
        How it stands; None where this member publishes it itself.
    """
    held = node.delegations.find(number)
    if held is None:
        return None
    if held.is_pending:
        try:
            asyncio.run(hand_over(node, number))
        except SymbolonError as error:
            tell_waiting(held, error)
        else:
            print(f"{held.kept.delegate} has it.", file=sys.stderr)
    return node.delegations.find(number)


def tell_waiting(held: StoredDelegation, error: SymbolonError) -> None:
    """Says on stderr that a revision waits, and why."""
    print(f"It waits here for {held.kept.delegate}: {error.detail} ({error.full_code}).", file=sys.stderr)
    if isinstance(error, PermissionDeniedError) and error.hint:
        print(error.hint, file=sys.stderr)
    print(
        "`symbolon serve` tries again by itself, `symbolon signals delegated --send` at once.",
        file=sys.stderr,
    )


def send_many(node: Node, numbers: Sequence[int]) -> None:
    """Hands over what of some signals waits, until a delegate cannot be reached; says how many wait."""
    if not numbers:
        return
    told, off = 0, set[str]()
    for number in numbers:
        held = node.delegations.find(number)
        if held is None or not held.is_pending or held.kept.delegate in off:
            continue
        try:
            asyncio.run(hand_over(node, number))
            told += 1
        except SymbolonError as error:
            if not isinstance(error, PermissionDeniedError) or error.full_code == "permission.delegate":
                off.add(held.kept.delegate)
            tell_waiting(held, error)
    after = (node.delegations.find(number) for number in numbers)
    waiting = sum(each is not None and each.is_pending for each in after)
    print(f"{told:,} handed over{f', {waiting:,} wait' if waiting > 0 else ''}.", file=sys.stderr)


def delegated_line(held: StoredDelegation) -> str:
    """One line about how a delegated signal stands."""
    kept = held.kept
    if not held.delivered:
        said = f"published by {kept.delegate}: it has not got it yet"
    elif held.is_pending:
        said = f"published by {kept.delegate}: it has revision {held.delivered}, {held.revision} waits"
    else:
        said = f"published by {kept.delegate}"
    return f"{said} ({held.problem})" if held.problem else said


def disclosed_words(count: int | None) -> str:
    """To how many members a signal was given; None where nobody knows yet."""
    if count is None:
        return "to how many it was given is not known yet"
    return "given to nobody yet" if not count else f"given to {count} member{'' if count == 1 else 's'}"


def state_word(held: StoredDelegation) -> str:
    """`waiting`, `refused` or `delivered`."""
    if held.problem.startswith("permission"):
        return "refused"
    return "waiting" if held.is_pending else "delivered"


def standing_json(held: StoredDelegation | None) -> dict[str, Any]:
    """How a signal stands at its delegate, for programs; empty where this member publishes it itself."""
    if held is None:
        return {}
    kept = held.kept
    return {
        "delegate": kept.delegate,
        "as_kind": kept.as_kind,
        "state": state_word(held),
        "delivered": held.delivered,
        "problem": held.problem,
        "shown_as": kept.shown_as.value,
        "published_as": kept.their_id.hex(),
        "disclosed": kept.disclosed,
    }


def advice_line(node: Node, held: StoredDelegation) -> str:
    """What to do about the problem of a signal; '' for none."""
    return advice(node, held.problem) if held.problem else ""
