"""`symbolon audit prove`: show one entry, prove that it is in the log, and show nothing else."""

import io
import sys
from typing import Annotated

import typer

from symbolon.cli.node_home import open_node
from symbolon.errors import UsageError


def prove(
    number: Annotated[int, typer.Argument(min=0, help="Of the entry, as `symbolon audit log` shows it.")],
    fields: Annotated[
        str, typer.Option(help="Fields to open, for example event,hour,peer; by default all.")
    ] = "",
) -> None:
    """Print the proof that one entry is in the audit log, as JSON that `symbolon audit verify` reads.

    The other entries stay closed; that they are there, and how many, shows.
    """
    from symbolon.audit.entry import FIELDS
    from symbolon.audit.export_file import write_lines
    from symbolon.rpc.audit_export import proof_lines

    chosen = frozenset(fields.split(",")) if fields else frozenset(FIELDS)
    unknown = sorted(chosen - set(FIELDS))
    if unknown:
        raise UsageError(f"no field {unknown[0]}", hint=f"Known: {', '.join(FIELDS)}.")
    stream = io.BytesIO()
    with open_node() as node:
        write_lines(stream, proof_lines(node, number, chosen))
    sys.stdout.write(stream.getvalue().decode("ascii"))
