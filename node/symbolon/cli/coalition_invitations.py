"""`symbolon coalition invitations` and `withdraw`: which codes are open, and taking one back."""

import asyncio
import json
import sys
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
        str, typer.Argument(help="Its first hexadecimal digits, as `invitations` shows them.")
    ],
) -> None:
    """Take an invitation back: its code lets nobody in any more.

    Run it again while a founder could not be told. Of another founder's invitation this node takes back its
    own approval, and no more: the sponsor still lets the code in.
    """
    with open_node() as node:
        known = node.founding.store.invitations("offered", "approved", "used", "withdrawn")
        found = [each for each in known if each.sha256.hex().startswith(invitation.lower())]
        if len(found) != 1 or not invitation:
            raise UsageError(
                f"{len(found)} invitations begin with {invitation!r}",
                hint="`symbolon coalition invitations` lists those that are open.",
            )
        chosen = found[0]
        done = asyncio.run(withdraw_invitation(node, chosen))
        for each, failure in sorted(done.told.failures.items()):
            print(f"{each} could not be told: {failure.detail}", file=sys.stderr)
        if done.answered:
            print(
                f"It was answered before, and this founder has signed: {chosen.member} may be admitted yet. "
                f"Look at `symbolon coalition members`; then `symbolon coalition expel {chosen.member}`.",
                file=sys.stderr,
            )
        if chosen.sponsor == node.member_id:
            print(f"Withdrawn: the code of {chosen.member} lets nobody in any more.", file=sys.stderr)
        else:
            print(
                f"This node signs no answer to it; {chosen.sponsor} still lets its code in.", file=sys.stderr
            )


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
