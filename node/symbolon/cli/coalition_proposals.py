"""`symbolon coalition proposals` and `approve`: what other founders ask this one to sign."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from symbolon.cli.coalition_changes import tell_outcome
from symbolon.cli.coalition_create import read_passphrase
from symbolon.cli.node_home import open_node
from symbolon.errors import UsageError
from symbolon.membership.act_review import describe_invitation
from symbolon.membership.founder_keys import ROOT_KEY_FILE, load_root_key
from symbolon.membership.invitation_terms import decode_invitation_terms
from symbolon.rpc.founding import Waiting
from symbolon.rpc.membership_client import spread
from symbolon.rpc.node import FOUNDER_FOLDER, Node
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
            for words in each.words:
                print(f"  {words}")
            print(f"  {_state(each)}")
        for invitation in offered:
            print(f"{invitation.sha256.hex()[:12]}  invitation, by {invitation.sponsor}")
            print(f"  {describe_invitation(decode_invitation_terms(invitation.terms))}")
        if not waiting and not offered:
            print("Nothing waits.", file=sys.stderr)


def approve(
    proposal: Annotated[str, typer.Argument(help="Its first hexadecimal digits, as `proposals` shows them.")],
    root_key: Annotated[
        Path | None, typer.Option(help="The root key, where it is not kept on this node.")
    ] = None,
    passphrase_file: Annotated[
        Path | None, typer.Option(help="File whose first line opens the root key.")
    ] = None,
) -> None:
    """Sign a proposal of another founder, or approve its invitation ahead. Read what it says first."""
    with open_node() as node:
        founding = node.founding
        if _approved_invitation(node, proposal.lower()):
            return
        found = [each for each in founding.waiting() if each.sha256.hex().startswith(proposal.lower())]
        if len(found) != 1 or not proposal:
            raise UsageError(
                f"{len(found)} proposals begin with {proposal!r}",
                hint="`symbolon coalition proposals` lists them.",
            )
        chosen = found[0]
        for words in chosen.words:
            print(words, file=sys.stderr)
        key = None
        if "root" in chosen.lacks:
            path = root_key or node.home / FOUNDER_FOLDER / ROOT_KEY_FILE
            key = load_root_key(path, founding.keys.founder, read_passphrase(passphrase_file))
        sha256 = founding.approve(chosen.sha256, root_key=key)
        asyncio.run(spread(node, founding, sha256))
        tell_outcome(node, sha256)


def _state(each: Waiting) -> str:
    if each.refused:
        return f"cannot come into force any more: {each.refused}"
    who = sorted({founder for lacks in each.lacks.values() for one in lacks for founder in one.founders})
    return ("signed here; " if each.signed else "") + f"waits for {', '.join(who) or 'nobody'}"


def _document(each: Waiting) -> dict[str, object]:
    return {
        "proposal": each.sha256.hex(),
        "version": each.version,
        "proposer": each.proposer,
        "words": list(each.words),
        "signed_here": each.signed,
        "waits_for": sorted(
            {founder for lacks in each.lacks.values() for one in lacks for founder in one.founders}
        ),
        "refused": each.refused,
    }


def _approved_invitation(node: Node, prefix: str) -> bool:
    """Approves the one invitation whose hash begins so, if there is one."""
    offered = [
        each for each in node.founding_store.invitations("offered") if each.sha256.hex().startswith(prefix)
    ]
    if len(offered) != 1 or not prefix:
        return False
    print(describe_invitation(decode_invitation_terms(offered[0].terms)), file=sys.stderr)
    node.founding_store.move_invitation(offered[0].sha256, "offered", "approved")
    print("Approved: this node signs by itself when it is answered.", file=sys.stderr)
    return True


def _invitation_document(each: StoredInvitation) -> dict[str, object]:
    return {
        "invitation": each.sha256.hex(),
        "proposer": each.sponsor,
        "words": [describe_invitation(decode_invitation_terms(each.terms))],
    }
