"""`symbolon bench`: what this machine does, as JSON. Real nodes, real processes, real mTLS, made-up lists."""

import functools
import json
import subprocess
import sys
from typing import Annotated, Any, Final

import typer

from symbolon.cli import bench_lookup
from symbolon.cli.local_coalition import (
    PURPOSE,
    LocalCoalition,
    local_coalition,
    own_environment,
    peak_memory_mib,
    symbolon,
)
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.cli.match import parse_tiers
from symbolon.errors import UnavailableError, UsageError
from symbolon.rpc.node import Node
from symbolon.storage.supplier_import import import_list
from symbolon.storage.supplier_keys import make_keys
from symbolon.suppliers.tier import Tier

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Measure this machine; figures as JSON.",
)

ASKER: Final = "alpha-co"
ANSWERER: Final = "beta-co"
_PLENTY: Final = 10**11


@app.callback()
def _root() -> None:
    """Measure this machine; figures as JSON."""


@app.command("match")
def bench_match(
    size: Annotated[int, typer.Option(min=1, help="Suppliers in each list, half of them shared.")] = 100_000,
    keys: Annotated[
        str, typer.Option(help="strong: one strong identifier each; all: all keys of realistic records.")
    ] = "strong",
    mode: Annotated[str, typer.Option(help="size or intersection.")] = "intersection",
    suite: Annotated[str, typer.Option(help="Suite of the exchange.")] = "X25519-ELL2-SHA512",
    backend: Annotated[str, typer.Option(help="auto, openssl or multibuffer.")] = "auto",
    changed: Annotated[
        float,
        typer.Option(
            min=0, max=100, help="Percent of both lists replaced before each further session; 0 for none."
        ),
    ] = 1.0,
    repeat: Annotated[
        int,
        typer.Option(min=1, help="Sessions to measure of each kind; first ones have a new key epoch each."),
    ] = 1,
) -> None:
    """Match two made-up lists on loopback and print the figures of each session.

    The lists are imported first, so curve points are there, and nothing else. The clock runs in the asking
    node from the opened channel to the stored result; the answering node serves in its own process.
    """
    if keys not in ("strong", "all"):
        raise UsageError(f"unknown keys {keys}", hint="Use --keys strong or --keys all.")
    tiers = "A" if keys == "strong" or mode == "size" else "ABC"
    parse_tiers(mode, tiers)
    step = max(1, round(size * changed / 100)) if changed and mode == "intersection" else 0
    if step * repeat > size:
        raise UsageError(
            f"{repeat} changes of {step} suppliers each are more than the list has",
            hint="Lower --repeat or --changed.",
        )
    settings: dict[str, dict[str, object]] = {
        "exchange": {"suite": suite, "backend": backend, "additions_interval_s": 0},
        "budget": {"per_window": _PLENTY, "per_member_year": _PLENTY, "all_members_year": _PLENTY},
    }
    only: tuple[Tier, ...] = (Tier.A,) if keys == "strong" else tuple(Tier)
    with local_coalition(settings) as coalition:
        for member, peer in ((ASKER, ANSWERER), (ANSWERER, ASKER)):
            coalition.add(member, peers=(peer,))
        _import_both(coalition, size, 0, only)
        coalition.start(ANSWERER)
        rounds = range(1, repeat + 1)
        first = [_session(coalition, mode, tiers, fresh=True) for _ in rounds]
        after_change = []
        for number in rounds if step else ():
            _import_both(coalition, size, number * step, only)
            after_change.append(_session(coalition, mode, tiers, fresh=False))
    document = {
        "size": size,
        "keys": keys,
        "first": first,
        "changed_percent": changed,
        "after_change": after_change,
    }
    print(json.dumps(document, indent=2))


app.command("lookup")(bench_lookup.bench_lookup)


def _import_both(coalition: LocalCoalition, size: int, replaced: int, tiers: tuple[Tier, ...]) -> None:
    for member, offset in ((ASKER, 0), (ANSWERER, size // 2)):
        print(f"importing {size} suppliers at {member} …", file=sys.stderr)
        with Node(coalition.home(member)) as node:
            import_list(
                node.database,
                node.sealer,
                MadeUpList(size, offset, replaced, member),
                clock=node.clock,
                key_maker=functools.partial(make_keys, tiers=tiers),
            )


def _session(coalition: LocalCoalition, mode: str, tiers: str, *, fresh: bool) -> dict[str, object]:
    if fresh:
        with Node(coalition.home(ANSWERER)) as node:
            node.sending.rotate(ASKER)
        with Node(coalition.home(ASKER)) as node:
            node.receiving.forget(ANSWERER, "match")
    command = symbolon(
        "--home", str(coalition.home(ASKER)), "match", ANSWERER, "--purpose", PURPOSE,
        "--mode", mode, "--tiers", tiers, "--json",
    )  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, env=own_environment(), check=False)
    if run.returncode:
        raise UnavailableError(f"the session failed: {run.stderr.strip()}")
    asker: dict[str, Any] = json.loads(run.stdout)
    answerer = coalition.last_figures(ANSWERER)
    answerer["peak_memory_mib"] = peak_memory_mib(coalition.processes[ANSWERER].pid)
    counts = asker["counts"]
    entries = answerer["counts"].get("entries", 0)
    return {
        "total_s": asker["total_s"],
        "bytes_sent": asker["bytes_sent"],
        "bytes_received": asker["bytes_received"],
        "elements": counts["elements"],
        "entries": entries,
        "asker": asker,
        "answerer": answerer,
    }
