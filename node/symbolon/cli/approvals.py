"""`symbolon approvals`: what waits for a second person, read, approved or denied."""

import json
import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from symbolon.cli import signed_in
from symbolon.cli.node_home import open_node
from symbolon.errors import UsageError
from symbolon.policy.approval import ApprovalRequest
from symbolon.rpc.node import Node

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Read, approve or deny what takes a second person.",
)

Id = Annotated[str, typer.Argument(help="Of the request, for example ap-1f2e3d4c.")]


@app.command("list")
def list_command(
    everything: Annotated[
        bool, typer.Option("--all", help="Also what was decided, used or ran out.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """Show what waits for a second person."""
    with open_node() as node:
        requests = node.approvals.all() if everything else node.approvals.waiting()
        now_s = node.clock()
        texts = [_text(node, each, now_s) for each in requests]
    if as_json:
        print(json.dumps([_document(each, now_s) for each in requests], indent=2, ensure_ascii=False))
    elif requests:
        print("\n\n".join(texts))
    else:
        print("Nothing waits for a second person.", file=sys.stderr)


@app.command()
def approve(
    request_id: Id,
    yes: Annotated[bool, typer.Option("--yes", help="It was read already; do not ask.")] = False,
) -> None:
    """Be the second person for a request, after reading it. Its author then runs its command again."""
    signed_in.require_fresh()
    with open_node() as node:
        request = node.approvals.get(request_id)
        print(_text(node, request, node.clock()), file=sys.stderr)
        if not yes and not _agreed():
            print("Not approved; it still waits.", file=sys.stderr)
            return
        node.approvals.approve(request_id, node.operator)
    print(f"Approved {request_id}, once, until {_when(request.expires_at_s)}.", file=sys.stderr)


@app.command()
def deny(request_id: Id) -> None:
    """Deny a request, or take back one of your own, or an approval that was not used yet."""
    with open_node() as node:
        node.approvals.deny(request_id, node.operator)
    print(f"Denied {request_id}.", file=sys.stderr)


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise UsageError(
            "approve asks a question, and this is not a terminal", hint="Read it, then use --yes."
        )
    return typer.confirm("Approve exactly this?", err=True)


def _text(node: Node, request: ApprovalRequest, now_s: float) -> str:
    lines = [
        f"{request.request_id}  {request.action}: {request.words}",
        f"  asked for by {_who(node, request.requested_by)} on {_when(request.requested_at_s)}",
        f"  sha256 {request.digest.hex()}",
    ]
    state = _state(request, now_s)
    if request.decided_by:
        lines.append(f"  {state}; decided by {_who(node, request.decided_by)}")
    else:
        lines.append(f"  {state}; good until {_when(request.expires_at_s)}")
    return "\n".join(lines)


def _state(request: ApprovalRequest, now_s: float) -> str:
    open_still = request.state in ("waiting", "approved")
    return "expired" if open_still and now_s >= request.expires_at_s else request.state


def _who(node: Node, pseudonym: str) -> str:
    person = node.operators.get(pseudonym)
    return f"{person.name} ({pseudonym})" if person else f"{pseudonym}, removed since"


def _when(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _document(request: ApprovalRequest, now_s: float) -> dict[str, Any]:
    return {
        "id": request.request_id,
        "action": request.action,
        "words": request.words,
        "sha256": request.digest.hex(),
        "requested_by": request.requested_by,
        "requested": datetime.fromtimestamp(request.requested_at_s, UTC).isoformat(),
        "expires": datetime.fromtimestamp(request.expires_at_s, UTC).isoformat(),
        "state": _state(request, now_s),
        "decided_by": request.decided_by or None,
    }
