"""`symbolon try match A.csv B.csv`: the real protocol between two real nodes, on two files."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from symbolon.cli.local_coalition import PURPOSE, LocalCoalition, local_coalition, peak_memory_mib
from symbolon.cli.match import exchange, parse_tiers
from symbolon.cli.match_table import check_out
from symbolon.cli.suppliers import header_map, import_file
from symbolon.errors import InputError
from symbolon.rpc.node import Node
from symbolon.rpc.receiver_role import Ask

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

FIRST: Final = "first-list"
SECOND: Final = "second-list"

_UNBOUNDED: Final = 10**11
"""No budget: both lists belong to the person who runs this."""


@app.callback()
def _root() -> None:
    """Run the real thing on two files, on this machine only; everything made is removed."""


Columns = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="FIELD=HEADER", help="A column of another name, in both files."),
]


@app.command("match")
def try_match(
    first: Annotated[Path, typer.Argument(help="The list of the node that asks: CSV or Parquet.")],
    second: Annotated[Path, typer.Argument(help="The list of the node that answers.")],
    mode: Annotated[
        str, typer.Option(help="intersection: which suppliers are shared; size: only how many.")
    ] = "intersection",
    tiers: Annotated[
        str, typer.Option(help="A certain, B probable, C candidate; default all the mode has.")
    ] = "",
    columns: Columns = None,
    encoding: Annotated[str | None, typer.Option(help="Of both files; default: detected.")] = None,
    suite: Annotated[str, typer.Option(help="Suite of the exchange.")] = "X25519-ELL2-SHA512",
    backend: Annotated[str, typer.Option(help="auto, openssl or multibuffer.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print figures as JSON, phases apart.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the matches to this CSV or .json file.")] = None,
) -> None:
    """Match two files as two members would: two nodes on loopback, mTLS, the whole protocol.

    Each file is imported into a node of its own. FIRST asks, SECOND answers from another process. Nothing
    leaves this machine, and both nodes are removed at the end, also after Ctrl-C.
    """
    letters = parse_tiers(mode, tiers or ("AB" if mode == "size" else "ABC"))
    check_out(mode, out)
    headers = header_map(columns or [])
    for file in (first, second):
        if not file.is_file():
            raise InputError(
                f"there is no file {file}", hint="Check its name and folder.", code="input.not_found"
            )
    settings: dict[str, dict[str, object]] = {
        "exchange": {"suite": suite, "backend": backend},
        "budget": {"per_window": _UNBOUNDED, "per_member_year": _UNBOUNDED, "all_members_year": _UNBOUNDED},
    }
    start = time.perf_counter()
    with local_coalition(settings) as coalition:
        imports = {}
        for member, peer, file in ((FIRST, SECOND, first), (SECOND, FIRST, second)):
            coalition.add(member, peers=(peer,))
            with Node(coalition.home(member)) as node:
                report = import_file(node, file, headers=headers, encoding=encoding, problems=None)
            imports[member] = report.to_json()
        coalition.start(SECOND)
        with Node(coalition.home(FIRST)) as node:
            ask = Ask(SECOND, mode, PURPOSE, letters)
            document: dict[str, Any] = asyncio.run(
                exchange(node, ask, mutual=False, out=out, table=not as_json, stored=False)
            )
        document["imports"] = imports
        document["answerer"] = _answerer(coalition)
    document["wall_s"] = round(time.perf_counter() - start, 3)
    if as_json:
        print(json.dumps(document, indent=2))
    else:
        print("Both nodes and all they held have been removed.", file=sys.stderr)


def _answerer(coalition: LocalCoalition) -> dict[str, Any]:
    figures = coalition.last_figures(SECOND)
    figures["peak_memory_mib"] = peak_memory_mib(coalition.processes[SECOND].pid)
    return figures
