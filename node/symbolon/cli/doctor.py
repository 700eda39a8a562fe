"""`symbolon doctor`: check this node, and a peer, and say what to mend.

Nothing is changed: the database is not brought to a newer version, and no metadata is taken in.
"""

import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import typer

from symbolon import __version__
from symbolon.cli.node_home import home

if TYPE_CHECKING:
    from symbolon.rpc.diagnosis_finding import Finding

app = typer.Typer(rich_markup_mode=None, add_completion=False)

EXIT_FAILED: Final = 1
"""At least one check failed."""


@app.command(epilog="Exit codes: 0 nothing failed (there may be warnings); 1 a check failed; 2 wrong usage.")
def doctor(
    peer: Annotated[
        str,
        typer.Argument(metavar="[PEER]", help="Probe this member too: port, TLS, certificates, permission."),
    ] = "",
    wait: Annotated[
        float, typer.Option(min=0, max=3600, help="Seconds to wait for the peer's port to open.")
    ] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
) -> None:
    """Check this node, and PEER, and say what to mend.

    Every check ends as ok, warn, fail or unknown. Probing PEER costs no budget; where it is asked for
    permission, its audit log gets an entry.
    """
    # A refused handshake is a finding here, not news for stderr; gRPC reads this when it is imported.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from symbolon.cli.doctor_checks import Examination

    found: list[Finding] = []
    for number, finding in enumerate(Examination(home(), peer, wait).findings(), 1):
        found.append(finding)
        if not as_json:
            _print(number, finding)
    failed = sum(each.state == "fail" for each in found)
    if as_json:
        checks = [{"number": number, **asdict(each)} for number, each in enumerate(found, 1)]
        document = {"version": __version__, "home": str(home()), "peer": peer or None, "failed": failed}
        print(json.dumps({**document, "checks": checks}, indent=2, ensure_ascii=False))
    print(_summary(found), file=sys.stderr)
    if failed:
        raise typer.Exit(EXIT_FAILED)


def _print(number: int, finding: "Finding") -> None:
    print(f"{number:>2}  {finding.state:<7}  {finding.check:<15}  {finding.said}", flush=True)
    if finding.hint:
        print(f"{'':30}hint: {finding.hint}", flush=True)


def _summary(found: "list[Finding]") -> str:
    counts: dict[str, int] = {}
    for each in found:
        counts[each.state] = counts.get(each.state, 0) + 1
    words = ", ".join(
        f"{counts[state]} {state}" for state in ("ok", "warn", "fail", "unknown") if state in counts
    )
    return f"{len(found)} checks: {words}."
