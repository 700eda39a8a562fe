"""`symbolon policy agree`, `agreements`, `withdraw`: who may match with whom for what, signed by both."""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Annotated, Final

import typer

from symbolon.cli.node_home import open_node
from symbolon.cli.typed_ids import typed_date, typed_member_id
from symbolon.errors import SymbolonError, UnavailableError, UsageError
from symbolon.membership.agreement import (
    DEFAULT_VALIDITY,
    MAX_VALIDITY,
    NONCE_BYTES,
    Agreement,
    make_agreement,
)
from symbolon.membership.member import MemberId, MemberKind
from symbolon.membership.member_record import Members
from symbolon.rpc.agreeing import sign, tell
from symbolon.rpc.agreement_choice import Choice, Wish, agree_command, choose
from symbolon.rpc.node import Node
from symbolon.storage.agreement_store import AgreementStore, Standing, StoredAgreement

Peer = Annotated[str, typer.Argument(help="The other member.")]

_LATER: Final = "`symbolon serve` tells it when it can be reached."

_ONLY_CALLS: Final = "membership.no_endpoint"
"""Nobody can reach such a member; it fetches what it has to hear by calling."""

_STANDING: Final[Mapping[Standing, str]] = {
    "offered": "offered; {peer} has not signed",
    "waiting": "waiting for you: symbolon policy agree {peer}",
    "in_force": "in force",
    "ended": "ended",
    "void": "void: one of you got new keys, or left; agree anew",
    "withdrawn": "withdrawn here",
    "withdrawn_by_peer": "withdrawn by {peer}",
}


def agree(
    peer: Peer,
    purpose: Annotated[
        list[str] | None,
        typer.Option(help="What both may match for, repeated; without it, you are shown what was offered."),
    ] = None,
    until: Annotated[
        str, typer.Option(help="Last day, YYYY-MM-DD; default one year from today, at most two.")
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask; then sign only what --purpose names.")
    ] = False,
) -> None:
    """Agree with another member that both may match for some purposes; in force once both have run this.

    Whoever runs it first offers; whoever runs it second is shown the offer and signs it. It permits nothing
    by itself: policies and [[allow]] tables still decide.
    """
    other = typed_member_id(peer)
    with open_node() as node:
        members, today = node.directory.current(), node.now.date()
        _require_peer(node, members, other)
        wish = Wish(other, _purposes(members, purpose), _last_day(until, today), asked=not yes)
        store = node.agreements
        held = [(each, store.standing(each, today)) for each in store.with_peer(other)]
        choice = choose(held, wish, today)
        stored = _carried_out(node, store, members, choice, wish)
        if stored is not None:
            _hand_over(node, store, stored, choice)


def agreements(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show agreements: offered, waiting for you, in force, ended, withdrawn."""
    with open_node() as node:
        store, today = node.agreements, node.now.date()
        shown = [(each, store.standing(each, today)) for each in store.all()]
    if as_json:
        print(json.dumps([_document(*each) for each in shown], indent=2))
        return
    if not shown:
        print("No agreements. `symbolon policy agree MEMBER --purpose …` offers one.", file=sys.stderr)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("member", "purposes", "from", "until", "state"):
        table.add_column(heading)
    for each, standing in shown:
        what = each.agreement
        days = (what.first_day.isoformat(), what.last_day.isoformat())
        table.add_row(each.peer, ", ".join(what.purposes), *days, _state(each, standing))
    Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False).print(table)


def withdraw(
    peer: Peer,
    purpose: Annotated[str, typer.Option(help="Only agreements that name this purpose.")] = "",
) -> None:
    """End agreements with a member, and take offers back or decline its own, on this side at once."""
    other = typed_member_id(peer)
    with open_node() as node:
        store, today = node.agreements, node.now.date()
        chosen = [
            each
            for each in store.with_peer(other)
            if each.state in ("offered", "waiting", "in_force")
            and each.agreement.last_day >= today
            and (not purpose or purpose in each.agreement.purposes)
        ]
        if not chosen:
            for_it = f" for {purpose}" if purpose else ""
            raise UsageError(
                f"there is nothing to withdraw: no agreement or offer with {other}{for_it}",
                hint="`symbolon policy agreements` shows what there is.",
                code="usage.agreement.none",
            )
        for each in chosen:
            store.withdraw(each.sha256)
            what = each.agreement
            print(
                f"Ended here: {other}, {', '.join(what.purposes)}, until {what.last_day}. This node "
                "no longer counts it.",
                file=sys.stderr,
            )
            beyond = [one for one in what.purposes if purpose and one != purpose]
            if beyond:
                rest = replace(what, purposes=tuple(beyond))
                print(
                    f"It named {', '.join(beyond)} too, which ends with it; to go on with that: "
                    f"`{agree_command(other, rest)}`.",
                    file=sys.stderr,
                )
        _end_epochs(node)
        _tell_of_withdrawals(node, store, [each.sha256 for each in chosen])


def _require_peer(node: Node, members: Members, other: MemberId) -> None:
    if other == node.member_id:
        raise UsageError(
            f"{other} is this node's own member: nobody agrees with itself",
            hint="Name the other member; `symbolon coalition members` lists them.",
            code="usage.agreement.self",
        )
    members.require(other, node.now.date())


def _purposes(members: Members, typed: list[str] | None) -> tuple[str, ...]:
    wanted = tuple(sorted(set(typed or ())))
    unknown = [each for each in wanted if each not in members.purposes]
    if unknown:
        raise UsageError(
            f"{', '.join(each[:64] for each in unknown)}: no purpose of coalition {members.coalition}",
            hint=f"Its purposes are {', '.join(members.purposes)}. Several are named by --purpose again.",
            code="usage.agreement.purpose",
        )
    return wanted


def _last_day(typed: str, today: date) -> date | None:
    if not typed:
        return None
    day = typed_date(typed)
    if not today <= day <= today + MAX_VALIDITY:
        raise UsageError(
            f"an agreement cannot end on {day}",
            hint=f"Name a day from today, {today}, to {today + MAX_VALIDITY}, two years from now.",
            code="usage.agreement.dates",
        )
    return day


def _carried_out(
    node: Node, store: AgreementStore, members: Members, choice: Choice, wish: Wish
) -> StoredAgreement | None:
    """Signs what there is to sign; None where the person did not want to."""
    if choice.held is not None and choice.kind != "answer":
        return choice.held
    if choice.held is not None:
        agreement = choice.held.agreement
        print(f"{wish.peer} has offered, and signed:", file=sys.stderr)
    else:
        today = node.now.date()
        last_day = wish.last_day or today + DEFAULT_VALIDITY
        parties = (node.member_id, MemberId(wish.peer))
        agreement = make_agreement(members, parties, wish.purposes, today, last_day, node.rng(NONCE_BYTES))
    print(_words(agreement, wish.peer), file=sys.stderr)
    both = [members.find(each) for each in agreement.members]
    if not all(each is not None and each.kind is MemberKind.COMPANY for each in both):
        print("By the policies that come with a node only two companies need one.", file=sys.stderr)
    if wish.asked and not _agreed():
        print("Not signed; nothing was changed.", file=sys.stderr)
        return None
    for each in choice.replaces:
        store.withdraw(each.sha256)
        print(f"The earlier offer until {each.agreement.last_day} is taken back.", file=sys.stderr)
    stored = sign(node, store, agreement)
    if choice.replaces:
        _tell_of_withdrawals(node, store, [each.sha256 for each in choice.replaces])
    return stored


def _words(agreement: Agreement, peer: str) -> str:
    purposes = ", ".join(agreement.purposes)
    return (
        f"Between you and {peer}, for {purposes}, from {agreement.first_day} until {agreement.last_day}.\n"
        f"Once both have signed, {peer} may ask which of its suppliers you have too, for {purposes}, until "
        f"{agreement.last_day}; your policies and [[allow]] tables still decide. You may ask the same of "
        f"{peer}, by its rules.\n"
        f"Either of you can end it on any day: `symbolon policy withdraw {peer}`."
    )


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise UsageError("agree asks a question, and this is not a terminal", hint="Read it, then use --yes.")
    return typer.confirm("Sign exactly this?", err=True)


def _hand_over(node: Node, store: AgreementStore, stored: StoredAgreement, choice: Choice) -> None:
    """Tells the peer what was signed here, and the person how it stands and who does what next.

    Also of what both know already: a peer that lost it, put back from a backup, has to sign again.
    """
    peer, until = stored.peer, f"until {stored.agreement.last_day}"
    failed: SymbolonError | None = None
    there = False
    try:
        there = asyncio.run(tell(node, store, stored))
    except SymbolonError as error:
        if not isinstance(error, UnavailableError) and error.full_code != _ONLY_CALLS:
            if choice.kind in ("offer", "answer"):
                print(f"Signed and kept, but not taken by {peer}:", file=sys.stderr)
            raise
        failed = error
    stored = store.find(stored.sha256) or stored
    theirs = f"`{agree_command(node.member_id, stored.agreement)}`"
    if stored.state == "in_force":
        already = "is already" if choice.kind == "agreed" else "is"
        print(f"The agreement with {peer} {already} in force, {until}.", file=sys.stderr)
        if failed is not None and not stored.told:
            print(f"{peer} has yet to hear of it: {failed.detail}. {_LATER}", file=sys.stderr)
            print(f"It hears, too, once its operator runs {theirs}.", file=sys.stderr)
        elif failed is None and not there:
            print(f"At {peer} it is not: its operator runs {theirs}.", file=sys.stderr)
        if choice.kind == "agreed":
            print("For longer: name a later day with --until.", file=sys.stderr)
        return
    if failed is not None:
        hint = (
            f"Run the same command again, or leave it to `symbolon serve`. Then the operator of {peer} runs "
            f"`symbolon policy agree {node.member_id}`."
        )
        if failed.full_code == _ONLY_CALLS:
            hint = f"{peer} can only call: its operator runs {theirs} first. Then run the same command again."
        raise UnavailableError(f"the offer is signed and kept; {failed.detail}", hint=hint)
    print(
        f"Signed and handed to {peer}, {until}. Not in force yet: its operator now runs {theirs}, or "
        "names no purpose and is shown what to sign.",
        file=sys.stderr,
    )


def _end_epochs(node: Node) -> None:
    """Whoever may be answered less than before loses the keys that it was answered with."""
    try:
        erased = node.erase_narrowed()
    except SymbolonError as error:
        print(f"No key epoch was erased: {error.detail}. {error.hint or ''}", file=sys.stderr)
        return
    if erased:
        print(f"Key epochs that rested on it were erased: {erased}.", file=sys.stderr)


def _tell_of_withdrawals(node: Node, store: AgreementStore, names: list[bytes]) -> None:
    """Tells the peer; what it cannot be told now changes nothing for this side."""
    for each in filter(None, map(store.find, names)):
        try:
            asyncio.run(tell(node, store, each))
        except SymbolonError as error:
            print(f"{each.peer} was not told: {error.detail}. {_LATER}", file=sys.stderr)
            return
        print(f"{each.peer} has been told.", file=sys.stderr)


def _state(each: StoredAgreement, standing: Standing) -> str:
    words = _STANDING[standing].format(peer=each.peer)
    unheard = not each.told and standing in ("offered", "in_force", "withdrawn")
    return f"{words}; {each.peer} has yet to hear of it" if unheard else words


def _document(each: StoredAgreement, standing: Standing) -> dict[str, object]:
    what = each.agreement
    return {
        "member": each.peer,
        "purposes": list(what.purposes),
        "from": what.first_day.isoformat(),
        "until": what.last_day.isoformat(),
        "state": standing,
        "told": each.told,
        "since": datetime.fromtimestamp(each.changed_at_s, UTC).isoformat(),
        "sha256": each.sha256.hex(),
    }


app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Agree with other members on what both may match for.",
)

app.command()(agree)
app.command()(agreements)
app.command()(withdraw)
