"""`symbolon coalition proposals` and `approve`: what other founders ask this one to sign.

Refuses digits that name more than one thing, proposals and invitations alike: a founder chooses the hash of
its invitation, which could then be approved in the place of another one's proposal.
"""

import json
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from symbolon.cli.coalition_changes import carry, lacking
from symbolon.cli.coalition_terms import shown_terms
from symbolon.cli.node_home import open_node
from symbolon.cli.root_key import OpensRootKey, RootKeyElsewhere, root_key_of
from symbolon.errors import UsageError
from symbolon.membership.act_review import describe_invitation
from symbolon.membership.invitation_terms import decode_invitation_terms
from symbolon.rpc.founding_waiting import Waiting
from symbolon.rpc.node import Node
from symbolon.storage.founding_store import StoredInvitation

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def proposals(as_json: Json = False) -> None:
    """Show what is proposed and not in force yet, in words."""
    with open_node() as node:
        waiting, offered = node.founding.waiting(), node.founding_store.invitations("offered")
        if as_json:
            listed = [_document(each) for each in waiting] + [_invitation_document(each) for each in offered]
            print(json.dumps(listed, indent=2))
            return
        for each in waiting:
            print(f"{each.sha256.hex()[:12]}  version {each.version}, by {each.proposer}")
            for words in (*each.words, *shown_terms(each.terms)):
                print(f"  {words}")
            print(f"  {_state(each, node.member_id)}")
        for invitation in offered:
            print(f"{invitation.sha256.hex()[:12]}  invitation, by {invitation.sponsor}")
            print(f"  {describe_invitation(decode_invitation_terms(invitation.terms))}")
        if not waiting and not offered:
            print("Nothing waits.", file=sys.stderr)


def approve(
    proposal: Annotated[str, typer.Argument(help="Its first hexadecimal digits, as `proposals` shows them.")],
    root_key: RootKeyElsewhere = None,
    passphrase_file: OpensRootKey = None,
) -> None:
    """Sign a proposal of another founder, or approve its invitation ahead. Read what it says first."""
    with open_node() as node:
        founding = node.founding
        wanted = chosen(founding.waiting(), node.founding_store.invitations("offered"), proposal)
        if isinstance(wanted, StoredInvitation):
            _approve_invitation(node, wanted)
            return
        for words in (*wanted.words, *shown_terms(wanted.terms)):
            print(words, file=sys.stderr)
        key = root_key_of(node, root_key, passphrase_file) if "root" in wanted.lacks else None
        carry(node, founding.approve(wanted.sha256, root_key=key))


def chosen(
    waiting: Sequence[Waiting], offered: Sequence[StoredInvitation], digits: str
) -> Waiting | StoredInvitation:
    """The one proposal or invitation that somebody means.

    Args:
        waiting: proposals.
        offered: invitations of other founders.
        digits: the first ones of its hash, as they were typed.

    Raises:
        UsageError: they name none, or more than one.
    """
    prefix = digits.lower()
    listed: list[Waiting | StoredInvitation] = [*waiting, *offered]
    found = [each for each in listed if prefix and each.sha256.hex().startswith(prefix)]
    if not found or not prefix:
        raise UsageError(
            f"nothing that waits begins with {digits!r}",
            hint="`symbolon coalition proposals` shows what does; the rest is approved, in force or lapsed.",
        )
    if len(found) != 1:
        raise UsageError(
            f"{len(found)} proposals and invitations begin with {digits!r}",
            hint="`symbolon coalition proposals --json` lists them with all their digits.",
        )
    return found[0]


def _state(each: Waiting, own: str) -> str:
    if each.refused:
        return f"cannot come into force any more: {each.refused}"
    here = "signed here; " if each.signed else "approved here; " if each.approved else ""
    return f"{here}waits for {lacking(each, own)}"


def _document(each: Waiting) -> dict[str, object]:
    return {
        "proposal": each.sha256.hex(),
        "version": each.version,
        "proposer": each.proposer,
        "words": list(each.words),
        "terms": each.terms,
        "signed_here": each.signed,
        "waits_for": sorted(
            {founder for lacks in each.lacks.values() for one in lacks for founder in one.founders}
        ),
        "refused": each.refused,
    }


def _approve_invitation(node: Node, offered: StoredInvitation) -> None:
    print(describe_invitation(decode_invitation_terms(offered.terms)), file=sys.stderr)
    node.founding_store.move_invitation(offered.sha256, "offered", "approved")
    print("Approved: this node signs by itself when it is answered.", file=sys.stderr)


def _invitation_document(each: StoredInvitation) -> dict[str, object]:
    return {
        "invitation": each.sha256.hex(),
        "proposer": each.sponsor,
        "words": [describe_invitation(decode_invitation_terms(each.terms))],
    }
