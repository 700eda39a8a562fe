"""`symbolon bench lookup`: signals of one node looked up by others, on loopback; figures as JSON.

The answering node serves in its own process; each session is a `symbolon signals lookup` in another. The
clock runs in the asking node from the opened channel to the stored result, signatures checked.
"""

import functools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any, Final

import typer

from symbolon.cli.local_coalition import (
    PURPOSE,
    LocalCoalition,
    local_coalition,
    own_environment,
    peak_memory_mib,
    symbolon,
)
from symbolon.cli.made_up_suppliers import MadeUpList, made_up_supplier
from symbolon.errors import UnavailableError, UsageError
from symbolon.rpc.contributing import sign_record
from symbolon.rpc.node import Node
from symbolon.signals.draft import Draft
from symbolon.signals.signal import Month, Period, Subject
from symbolon.signals.vocabulary import Evidence, Indicator, Reliability, SubjectKind
from symbolon.storage.signal_intake import NewSignal
from symbolon.storage.signal_store import SignalStore
from symbolon.storage.supplier_import import import_list
from symbolon.storage.supplier_keys import make_keys
from symbolon.suppliers.tier import Tier

CONTRIBUTOR: Final = "watch-ngo"
_PLENTY: Final = 10**11
_AT_ONCE: Final = 20_000
_FEW: Final = 64


def bench_lookup(
    size: Annotated[int, typer.Option(min=1, help="Suppliers in the list of who asks.")] = 100_000,
    signals: Annotated[int, typer.Option(min=1, help="Signals of who answers.")] = 10_000,
    keys: Annotated[
        str, typer.Option(help="strong: one strong identifier each; all: all keys of realistic records.")
    ] = "strong",
    changed: Annotated[
        float, typer.Option(min=0, max=100, help="Percent of new signals before each further lookup.")
    ] = 1.0,
    repeat: Annotated[
        int,
        typer.Option(min=1, max=20, help="Members that ask, one after the other, for the first time."),
    ] = 1,
    again: Annotated[int, typer.Option(min=0, help="Further lookups by the last of them.")] = 1,
    prepared: Annotated[
        bool,
        typer.Option("--prepared", help="Cut first lookups off when their set is made."),
    ] = False,
) -> None:
    """Look up made-up signals about made-up suppliers, and print the figures of each session.

    Half of the shorter one is shared. No set and no label is there before the first lookup; with --prepared
    both are, as after a lookup that broke off.
    """
    if keys not in ("strong", "all"):
        raise UsageError(f"unknown keys {keys}", hint="Use --keys strong or --keys all.")
    only: tuple[Tier, ...] = (Tier.A,) if keys == "strong" else tuple(Tier)
    tiers = "".join(each.value for each in only)
    settings: dict[str, dict[str, object]] = {
        "exchange": {"additions_interval_s": 0},
        "budget": {"per_window": _PLENTY, "per_member_year": _PLENTY, "all_members_year": _PLENTY},
    }
    first_signal = size - min(size, signals) // 2 if size > _FEW else 0
    with local_coalition(settings) as coalition:
        askers = [f"asker-{number}" for number in range(1, repeat + 1)]
        coalition.add(CONTRIBUTOR, peers=tuple(askers))
        maker = functools.partial(make_keys, tiers=only)
        _add(coalition, range(first_signal, first_signal + signals), maker)
        for asker in askers:
            coalition.add(asker, kind="company", peers=(CONTRIBUTOR,))
            _say(f"importing {size} suppliers at {asker} …")
            with Node(coalition.home(asker)) as node:
                import_list(
                    node.database,
                    node.sealer,
                    MadeUpList(size, 0, 0, asker),
                    clock=node.clock,
                    key_maker=maker,
                )
        before = _bytes_kept(coalition)
        coalition.start(CONTRIBUTOR)
        first = []
        for asker in askers:
            if prepared:
                _cut_off(coalition, asker, tiers)
            first.append(_session(coalition, asker, tiers))
        kept = _bytes_kept(coalition) - before
        later = []
        step = max(1, round(signals * changed / 100))
        for number in range(again):
            # About the same suppliers again: what is new is shared in the same proportion.
            _add(coalition, range(first_signal + number * step, first_signal + (number + 1) * step), maker)
            later.append(_session(coalition, askers[-1], tiers))
    document = {
        "size": size,
        "signals": signals,
        "keys": keys,
        "prepared": prepared,
        "first": first,
        "kept_bytes": kept,
        "changed_percent": changed,
        "again": later,
    }
    print(json.dumps(document, indent=2))


def _add(coalition: LocalCoalition, numbers: range, maker: Any) -> None:
    _say(f"adding {len(numbers)} signals …")
    with Node(coalition.home(CONTRIBUTOR)) as node:
        store = SignalStore(node.database, node.sealer, node.clock, key_maker=maker)
        for start in range(0, len(numbers), _AT_ONCE):
            store.add_many(list(_made_up(node, numbers[start : start + _AT_ONCE])))


def _made_up(node: Node, numbers: range) -> Iterator[NewSignal]:
    today = node.now.date()
    indicators, kinds, grades = list(Indicator)[:11], list(Evidence), list(Reliability)
    for number in numbers:
        record = replace(made_up_supplier(number, ""), sector="")
        draft = Draft(
            Subject(SubjectKind.SITE, record),
            frozenset({indicators[number % 11], indicators[number // 11 % 11]}),
            kinds[number % 8],
            confidence=number % 101,
            reliability=grades[number % 6],
            period=Period(Month(today.year - 1, 1 + number % 12), Month(today.year - 1, 12)),
            purposes=(PURPOSE,),
        )
        signal = draft.first_revision(os.urandom(16), today)
        yield NewSignal(signal, sign_record(node, signal))


def _command(coalition: LocalCoalition, asker: str, tiers: str) -> list[str]:
    return symbolon(
        "--home", str(coalition.home(asker)), "signals", "lookup", CONTRIBUTOR, "--purpose", PURPOSE,
        "--tiers", tiers, "--json",
    )  # fmt: skip


def _cut_off(coalition: LocalCoalition, asker: str, tiers: str) -> None:
    """Has a lookup begin, and kills it once the contributor has recorded what it releases."""
    _say(f"preparing the set of {asker} …")
    command = _command(coalition, asker, tiers)
    with Node(coalition.home(CONTRIBUTOR)) as node:
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, stdout=quiet, stderr=quiet, env=own_environment())
        released = ("released", asker)
        while all((each.entry.event, each.entry.peer) != released for each in node.audit.entries()):
            if process.poll() is not None:
                raise UnavailableError("the lookup that prepares a set ended before it could be cut off")
            time.sleep(0.1)
        process.kill()
        process.wait()


def _session(coalition: LocalCoalition, asker: str, tiers: str) -> dict[str, Any]:
    command = _command(coalition, asker, tiers)
    run = subprocess.run(command, capture_output=True, text=True, env=own_environment(), check=False)
    if run.returncode:
        raise UnavailableError(f"the lookup failed: {run.stderr.strip()}")
    document: dict[str, Any] = json.loads(run.stdout)
    figures = document["lookup"]
    answerer = coalition.last_figures(CONTRIBUTOR)
    answerer["peak_memory_mib"] = peak_memory_mib(coalition.processes[CONTRIBUTOR].pid)
    return {
        "total_s": figures["total_s"],
        "bytes_sent": figures["bytes_sent"],
        "bytes_received": figures["bytes_received"],
        "elements": figures["counts"]["elements"],
        "entries": answerer["counts"].get("entries", 0),
        "signals": len(document["signals"]),
        "asker_phases_s": figures["phases_s"],
        "answerer_phases_s": answerer["phases_s"],
        "answerer_peak_mib": answerer["peak_memory_mib"],
    }


def _bytes_kept(coalition: LocalCoalition) -> int:
    home = coalition.home(CONTRIBUTOR)
    return sum(path.stat().st_size for path in home.glob("node.db*"))


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)
