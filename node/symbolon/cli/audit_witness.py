"""`symbolon audit witness`: have the other members cosign where this node's audit log stands, now.

Handles: the newest checkpoint, who cosigned it and when, and contradictions that this node holds of others.
Only checkpoints are shown to anybody: the size of the log and a hash. docs/adr/0015.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from symbolon.audit.checkpoint import parse_checkpoint
from symbolon.audit.signed_note import SignedNote, encode_note
from symbolon.cli.node_home import open_node
from symbolon.cli.progress import session_progress
from symbolon.errors import UnavailableError
from symbolon.storage.audit_checkpoints import is_conclusive

if TYPE_CHECKING:
    from symbolon.rpc.witnessing import Collected

EXIT_CONTRADICTED: Final = 1
"""A log that contradicts itself is held as evidence."""

EPILOG: Final = (
    "Exit codes: 0 a majority of the other members cosigned; 1 a contradiction is held; 2 wrong usage; "
    "65 this node's own log is not whole; 75 no majority cosigned, try again."
)

Evidence = list[tuple[str, SignedNote, SignedNote]]


def witness(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print checkpoint, members and evidence as JSON.")
    ] = False,
) -> None:
    """Have the other members cosign this node's audit log now.

    They see its size and a hash, and keep them: from then on this node cannot take back an entry unseen. A
    served node does this by itself, after sessions and every day.
    """
    from symbolon.rpc.witnessing import collect

    with open_node() as node:
        with session_progress("witnesses") as progress:
            collected = asyncio.run(collect(node, progress))
        evidence = node.checkpoints.evidence()
    if as_json:
        print(json.dumps(_document(collected, evidence), indent=2, ensure_ascii=False))
    else:
        _print(collected, evidence)
    if evidence:
        raise typer.Exit(EXIT_CONTRADICTED)
    if not collected.is_enough:
        away = sum(each.kind == "unreachable" for each in collected.outcomes)
        raise UnavailableError(
            f"no majority has cosigned the audit log; not reached: {away}",
            hint="Try again later; `symbolon serve` does, too. `symbolon doctor PEER` says why one is off.",
        )


def _document(collected: "Collected", evidence: Evidence) -> dict[str, Any]:
    checkpoint = parse_checkpoint(collected.note.text)
    return {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "checkpoint": encode_note(collected.note).decode(),
        "others": len(collected.outcomes),
        "majority": collected.needed,
        "cosigned": len(collected.cosigned),
        "cosigned_by_majority": collected.is_enough,
        "members": [
            {
                "member": each.member,
                "outcome": each.kind,
                "cosigned": _time(collected.cosigned.get(each.member)),
                "said": each.said,
            }
            for each in collected.outcomes
        ],
        "contradictions": [
            {
                "origin": origin,
                "conclusive": is_conclusive(earlier, later),
                "earlier": encode_note(earlier).decode(),
                "later": encode_note(later).decode(),
            }
            for origin, earlier, later in evidence
        ],
    }


def _print(collected: "Collected", evidence: Evidence) -> None:
    checkpoint = parse_checkpoint(collected.note.text)
    print(f"{checkpoint.origin}: {checkpoint.size} entries, root {checkpoint.root.hex()}")
    table = Table(box=None, pad_edge=False, header_style="")
    for heading in ("MEMBER", "OUTCOME", "COSIGNED", ""):
        table.add_column(heading, overflow="fold")
    for each in collected.outcomes:
        at = _time(collected.cosigned.get(each.member)) or "-"
        table.add_row(each.member, each.kind, at, each.said)
    if collected.outcomes:
        Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False).print(table)
    yes = "yes" if collected.is_enough else "no"
    others = f"{len(collected.cosigned)} of {len(collected.outcomes)} other members"
    summary = f"{others}; a majority ({collected.needed}) cosigned: {yes}"
    print(summary if collected.outcomes else "there is no other member that could cosign")
    for origin, earlier, later in evidence:
        sizes = " and ".join(str(parse_checkpoint(each.text).size) for each in (earlier, later))
        print(f"contradiction: {origin}, checkpoints of {sizes} entries{_weight(earlier, later)}")
    if evidence:
        print("symbolon: hint: tell the founders; --json has both checkpoints of each.", file=sys.stderr)


def _weight(earlier: SignedNote, later: SignedNote) -> str:
    if is_conclusive(earlier, later):
        return ": its key signed both, which anybody can see"
    return ": it could not prove that one continues the other; ask it to"


def _time(at_s: int | None) -> str | None:
    if at_s is None:
        return None
    try:
        return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%dT%H:%M:%S}Z"
    except (OverflowError, ValueError, OSError):
        # Its own word; it may say any number.
        return f"{at_s} s"
