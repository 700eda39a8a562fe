"""`symbolon audit verify`: check exported logs offline, or this node's own log in full."""

import contextlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from symbolon.cli.progress import session_progress
from symbolon.cli.typed_ids import typed_root
from symbolon.errors import InputError, UsageError

if TYPE_CHECKING:
    from symbolon.audit.verdict import Verdict

EXIT_FAILED: Final = 1
"""Something is broken or missing."""

EPILOG: Final = (
    "Exit codes: 0 all holds; 1 something is broken or missing; 2 wrong usage; 65 a file cannot be read."
)


def verify(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="Exports or proofs; none: the own log.")
    ] = None,
    root: Annotated[
        str,
        typer.Option(metavar="FINGERPRINT", help="Of the coalition's root, learned on a way you trust."),
    ] = "",
    policies: Annotated[
        bool, typer.Option("--policies", help="Print the policies too that decided, in their own words.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Check exported audit logs from the files alone, or this node's own log.

    Give the files of several members together, and each is held against the others. No node, network or
    account is needed.
    """
    verdict = _of_files(files, typed_root(root)) if files else _of_node(root)
    if as_json:
        document = {"holds": verdict.holds, **asdict(verdict)}
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        from symbolon.cli.audit_verdict import print_verdict

        print_verdict(verdict, policies=policies)
    if not verdict.holds:
        raise typer.Exit(EXIT_FAILED)


def _of_files(files: list[Path], fingerprint: bytes | None) -> "Verdict":
    from symbolon.audit.export_check import check_files

    names = [each.name for each in files]
    shown = [str(each) if names.count(each.name) > 1 else each.name for each in files]
    with contextlib.ExitStack() as opened, session_progress("audit verify") as tell:
        try:
            streams = [opened.enter_context(each.open("rb")) for each in files]
        except OSError as error:
            raise InputError(
                f"cannot read {error.filename}: {error.strerror}", hint="Look whether the name is right."
            ) from None
        return check_files(list(zip(shown, streams, strict=True)), fingerprint, tell)


def _of_node(root: str) -> "Verdict":
    from symbolon.cli import signed_in
    from symbolon.cli.node_home import open_node
    from symbolon.rpc.audit_own import check_own

    if root:
        raise UsageError("--root is for files", hint="Name the exported files to check.")
    signed_in.current.set(signed_in.require_operator("audit log"))
    with open_node() as node, session_progress("audit verify") as tell:
        return check_own(node, tell)
