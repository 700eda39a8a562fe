"""`symbolon audit export`: write the audit log for somebody outside, as far as it is theirs to read."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from symbolon.cli.audit_log import first_second
from symbolon.cli.node_home import open_node
from symbolon.cli.progress import session_progress
from symbolon.cli.typed_ids import typed_member_id
from symbolon.errors import MembershipError, UsageError
from symbolon.membership.member import parse_purpose


def export(
    out: Annotated[Path, typer.Option(metavar="FILE", help="To write; it must not be there yet.")],
    peer: Annotated[str, typer.Option(help="Open only entries about this member.")] = "",
    since: Annotated[
        str, typer.Option(metavar="DAY", help="Open only entries from this day on, YYYY-MM-DD, UTC.")
    ] = "",
    fields: Annotated[
        str, typer.Option(help="all, or public: without who sat at the keyboard, and without notes.")
    ] = "all",
    recipient: Annotated[
        str, typer.Option("--for", metavar="MEMBER", help="Who is to read it; policy decides whether it may.")
    ] = "",
    purpose: Annotated[str, typer.Option(help="What for, with --for.")] = "audit",
) -> None:
    """Write the audit log to FILE, so that somebody outside can check it with `symbolon audit verify`.

    Every entry is in it. Those that are not opened are there as a hash that tells nothing. Entries hold
    members, purposes, hours and counts, never a supplier. The log gets an entry before the file is written.
    """
    from symbolon.rpc.audit_export import OPENED, Selection, permit_reader, write_export

    member = typed_member_id(peer) if peer else ""
    reader = typed_member_id(recipient) if recipient else None
    chosen = next((each for each in OPENED if each == fields), None)
    if chosen is None:
        raise UsageError(f"unknown fields {fields}", hint=f"Known: {', '.join(OPENED)}.")
    selection = Selection(
        peer=member,
        since_s=first_second(since) if since else 0,
        fields=chosen,
        recipient=reader or "",
        purpose=_typed_purpose(purpose) if reader else "",
    )
    with open_node() as node, session_progress("audit export") as tell:
        decision = permit_reader(node, reader, selection.purpose) if reader else ""
        written = write_export(node, out, selection, decision, tell)
        root = node.coalition.roots()[0]
    from symbolon.membership.coalition_roles import root_fingerprint

    told = f"{out} accounts for {written.entries} entries; {written.opened} of them are open."
    print(f"{told} Whoever checks it runs:", file=sys.stderr)
    print(f"  symbolon audit verify {out.name} --root {root_fingerprint(root).hex()}", file=sys.stderr)
    print("and has the fingerprint from you, or another member, on another way.", file=sys.stderr)
    if not written.opened:
        print("symbolon: warning: nothing is open: no entry fits --peer and --since.", file=sys.stderr)


def _typed_purpose(text: str) -> str:
    try:
        return parse_purpose(text)
    except MembershipError as error:
        raise UsageError(error.detail, hint=error.hint) from None
