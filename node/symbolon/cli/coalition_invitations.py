"""`symbolon coalition invitations` and `withdraw`: which codes are open, and taking one back."""

import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from symbolon.cli.node_home import open_node
from symbolon.errors import UsageError
from symbolon.rpc.node import Node
from symbolon.rpc.open_invitations import Told, tell_founders
from symbolon.rpc.open_invitations import withdraw as withdraw_invitation
from symbolon.storage.founding_store import StoredInvitation


def invitations(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show the invitations that are open, and which founders have approved this node's own.

    Asks the other founders, where they sign too; who could not be told of an invitation hears of it so.
    """
    with open_node() as node:
        open_now = node.founding.store.invitations("offered", "approved")
        told = asyncio.run(_told(node, open_now))
        if as_json:
            print(json.dumps([_document(each, told) for each in open_now], indent=2))
            return
        for each in open_now:
            ends = f"{_ends(each):%Y-%m-%d %H:%M} UTC"
            print(f"{each.sha256.hex()[:12]}  {each.member}, by {each.sponsor}, until {ends}")
            print(f"  {_words(each, told.get(each.sha256))}")
        if not open_now:
            print("No invitation is open.", file=sys.stderr)


def withdraw(
    invitation: Annotated[
        str,
        typer.Argument(
            help="Id of the member it is for, for all of its codes; or the first digits of one code."
        ),
    ],
) -> None:
    """Take an invitation back: its code lets nobody in any more.

    Run it again while a founder could not be told. Of another founder's invitation this node takes back its
    own approval, and no more: that founder still lets the code in.
    """
    with open_node() as node:
        known = node.founding.store.invitations("offered", "approved", "used", "withdrawn")
        for each in chosen(known, invitation):
            _withdraw(node, each)


def chosen(known: Sequence[StoredInvitation], typed: str) -> list[StoredInvitation]:
    """The invitations that somebody means to take back.

    Args:
        known: in every state.
        typed: the id of the member they are for, or the first digits of the hash of one.

    Returns:
        Of a member: all but those that it joined with, where there are others.

    Raises:
        UsageError: none is meant, more than one by digits, or one by digits that are also an id.
    """
    digits = typed.strip().lower()
    by_id = [each for each in known if each.member == digits]
    by_digits = [each for each in known if digits and each.sha256.hex().startswith(digits)]
    if not by_id and len(by_digits) == 1:
        return by_digits
    if by_id and all(each.member == digits for each in by_digits):
        return [each for each in by_id if each.state != "used"] or by_id
    said = f"{len(by_id) + len(by_digits)} invitations" if by_id or by_digits else "no invitation"
    raise UsageError(
        f"{said} can be meant by {typed!r}",
        hint="Name the member that it is for, or more digits: `symbolon coalition invitations --json` lists "
        "those that are open.",
    )


def _withdraw(node: Node, invitation: StoredInvitation) -> None:
    """Takes back one, and says what that does and does not do."""
    done = asyncio.run(withdraw_invitation(node, invitation))
    for each, failure in sorted(done.told.failures.items()):
        print(f"{each} could not be told: {failure.detail}", file=sys.stderr)
    if done.answered:
        print(
            f"It was answered before, and this founder has signed: {invitation.member} may be admitted yet. "
            f"Look at `symbolon coalition members`; then `symbolon coalition expel {invitation.member}`.",
            file=sys.stderr,
        )
    code = f"the code {invitation.sha256.hex()[:12]} of {invitation.member}"
    if invitation.sponsor == node.member_id:
        print(f"Withdrawn: {code} lets nobody in any more.", file=sys.stderr)
    else:
        print(f"This node signs no answer to {code}; {invitation.sponsor} still lets it in.", file=sys.stderr)


async def _told(node: Node, open_now: list[StoredInvitation]) -> dict[bytes, Told]:
    if node.coalition.state().root.threshold == 1:
        return {}
    own = [each for each in open_now if each.sponsor == node.member_id]
    return {each.sha256: await tell_founders(node, each) for each in own}


def _ends(each: StoredInvitation) -> datetime:
    return datetime.fromtimestamp(each.expires_at_s, UTC)


def _words(each: StoredInvitation, told: Told | None) -> str:
    if each.state == "offered":
        return f"waits for `symbolon coalition approve {each.sha256.hex()[:12]}` here"
    if told is None:
        return "approved here"
    groups = {
        "approved by": told.approved,
        "waits for a person at": told.waiting,
        "could not be asked:": tuple(sorted(told.failures)),
    }
    return "; ".join(f"{words} {', '.join(names)}" for words, names in groups.items() if names)


def _document(each: StoredInvitation, told: dict[bytes, Told]) -> dict[str, object]:
    asked = told.get(each.sha256, Told())
    return {
        "invitation": each.sha256.hex(),
        "member": each.member,
        "sponsor": each.sponsor,
        "expires": _ends(each).isoformat(),
        "approved_here": each.state == "approved",
        "approved_by": list(asked.approved),
        "waits_for": list(asked.waiting),
        "not_asked": sorted(asked.failures),
    }
