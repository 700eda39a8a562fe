"""`symbolon match`: find the suppliers shared with a peer, and decide about the uncertain ones."""

import asyncio
import json
import resource
import sys
from pathlib import Path
from typing import Annotated

import click
import typer
from typer.core import TyperGroup

from symbolon.cli.match_table import MatchRow, check_out, match_rows, print_table, write_rows
from symbolon.cli.newcomer import meet
from symbolon.cli.node_home import open_node
from symbolon.cli.outdated_list import IMPORT_AGAIN, OUTDATED
from symbolon.cli.progress import session_progress
from symbolon.errors import SymbolonError, UsageError
from symbolon.exchange.messages import MATCH, MODES, Invitation
from symbolon.exchange.rules_agreement import REMEDY, with_caution
from symbolon.matching.evidence import matches
from symbolon.rpc.figures import Figures
from symbolon.rpc.node import Node
from symbolon.rpc.peer import connect
from symbolon.rpc.receiver_role import Ask, Outcome


class _PeerFirst(TyperGroup):
    """`match PEER …` is `match with PEER …`; `review` and `show` are no peers (see the member id rules)."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            args = ["with", *args]
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Shows the options of `match PEER` too: nobody types the word `with`."""
        asked = self.commands["with"]
        rows = [row for each in asked.get_params(ctx) if (row := each.get_help_record(ctx)) is not None]
        with formatter.section("With PEER"):
            formatter.write_dl(rows)
        with formatter.section("Commands"):
            others = (name for name in self.list_commands(ctx) if name != "with")
            formatter.write_dl([(name, self.commands[name].get_short_help_str(80)) for name in others])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0].startswith("--") and args[0] != "--help":
            args = ["with", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    cls=_PeerFirst,
    no_args_is_help=True,
    help="Find the suppliers shared with a peer: `symbolon match PEER --purpose P`; review matches.",
)

Purpose = Annotated[str, typer.Option(help="Purpose, as both operators have allowed it.")]


@app.command("with")
def match_with(
    peer: Annotated[str, typer.Argument(help="Member id of the peer.")],
    purpose: Purpose,
    mode: Annotated[
        str, typer.Option(help="size: only how many; intersection: which own suppliers it has too.")
    ] = "size",
    tiers: Annotated[
        str, typer.Option(help="Tiers of keys: A certain, B probable, C candidate; default AB.")
    ] = "AB",
    mutual: Annotated[bool, typer.Option(help="Then let the peer ask in turn.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures as JSON on stdout.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the matches to this CSV or .json file.")] = None,
) -> None:
    """Find the suppliers shared with PEER. The peer learns how many keys were asked, never which."""
    ask = Ask(peer, mode, purpose, parse_tiers(mode, tiers))
    check_out(mode, out)
    with open_node() as node:
        if node.suppliers.is_outdated():
            print(f"symbolon: the supplier list was {OUTDATED}.", file=sys.stderr)
            print(f"symbolon: hint: {IMPORT_AGAIN}", file=sys.stderr)
        document = asyncio.run(exchange(node, ask, mutual=mutual, out=out, table=not as_json))
    if as_json:
        print(json.dumps(document, indent=2))


def parse_tiers(mode: str, tiers: str, modes: tuple[str, ...] = MODES[MATCH]) -> tuple[str, ...]:
    """Checks --mode and --tiers.

    Raises:
        UsageError: unknown, or not together.
    """
    if mode not in modes:
        raise UsageError(f"unknown mode {mode}", hint=f"Use --mode {' or --mode '.join(modes)}.")
    letters = tuple(sorted(set(tiers.upper().replace(",", ""))))
    if not letters or not set(letters) <= set("ABC"):
        raise UsageError(f"unknown tiers {tiers}", hint="Use letters of A, B, C, for example --tiers AB.")
    if mode == "size" and "C" in letters:
        raise UsageError(
            "size mode does not count candidates: a person has to decide about those",
            hint="Use --tiers AB, or --mode intersection.",
        )
    return letters


async def exchange(
    node: Node, ask: Ask, *, mutual: bool, out: Path | None, table: bool, stored: bool = True
) -> dict[str, object]:
    """Runs a session, reports it, and with `mutual` the one in the other direction.

    Args:
        node: this node.
        ask: what to ask.
        mutual: let the peer ask in turn.
        out: where to write the matches.
        table: print the matches on stdout.
        stored: the matches outlive this command, so `match review` is worth naming.

    Returns:
        Figures and outcome, for `--json`.
    """
    figures = Figures()
    # Loaded and self-tested before the clock of the session starts.
    await asyncio.to_thread(node.suite, node.config.exchange.suite, answering=False)
    await asyncio.to_thread(node.close_left_over)
    await meet(node, ask.peer)
    back, sentence = Figures(), ""
    async with connect(node, ask.peer) as peer:
        with session_progress(ask.peer) as progress:
            async with peer.asking(ask, figures, progress) as asking:
                # In turn before the conclusion: the peer must not see how long that takes.
                offered: SymbolonError | None = None
                if mutual:
                    tiers = ("".join(ask.tiers),) if ask.mode == "size" else ask.tiers
                    try:
                        sentence = await peer.offer(Invitation(ask.mode, ask.purpose, tiers), back)
                    except SymbolonError as error:
                        offered = error
                outcome = await asking.conclude()
    _report(node, ask, outcome, out=out, table=table, stored=stored)
    document = {**_document(node, ask, outcome), **figures.as_json()}
    if offered is not None:
        print("symbolon: the own result is stored; the peer could not ask in turn.", file=sys.stderr)
        raise offered
    if mutual:
        print(sentence, file=sys.stderr)
        document["mutual"] = back.as_json()
    document["peak_memory_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return document


def _report(node: Node, ask: Ask, outcome: Outcome, *, out: Path | None, table: bool, stored: bool) -> None:
    print(outcome.sentence, file=sys.stderr)
    if ask.mode == "size":
        if table:
            print(with_caution(f"Shared suppliers: {outcome.shared}.", outcome.key_rules))
    elif table or out is not None:
        rows = match_rows(node, ask.peer, matches(outcome.evidence))
        if out is not None:
            write_rows(out, rows)
            print(f"Wrote {len(rows)} matches to {out}.", file=sys.stderr)
        if table:
            print_table(rows)
            if stored:
                suggest_review(ask.peer, rows)
    if outcome.key_rules != "same":
        print(f"symbolon: hint: {REMEDY}", file=sys.stderr)


def suggest_review(peer: str, rows: list[MatchRow]) -> None:
    """Says on stderr how many matches wait for a person, if any."""
    open_rows = sum(row.decision == "open" for row in rows)
    if open_rows:
        words = "1 match waits" if open_rows == 1 else f"{open_rows} matches wait"
        print(f"{words} for a person: `symbolon match review {peer}`.", file=sys.stderr)


def _document(node: Node, ask: Ask, outcome: Outcome) -> dict[str, object]:
    suite = node.suite(node.config.exchange.suite, answering=False)
    return {
        "peer": ask.peer,
        "mode": ask.mode,
        "purpose": ask.purpose,
        "tiers": "".join(ask.tiers),
        "suite": suite.name,
        "backend": suite.backend_name,
        "matched": outcome.counts,
        "shared": outcome.shared,
        "key_rules": outcome.key_rules,
        "sentence": outcome.sentence,
    }


def stored_rows(node: Node, peer: str) -> list[MatchRow]:
    """The rows of the newest results with a peer.

    Raises:
        UsageError: there are none.
    """
    stored = node.matches.load(peer)
    if not stored:
        raise UsageError(
            f"there are no matches with {peer} yet",
            hint=f"Run `symbolon match {peer} --purpose P --mode intersection` first.",
        )
    return match_rows(node, peer, matches([each for _, each in stored]))


@app.command()
def show(
    peer: Annotated[str, typer.Argument(help="Member id of the peer.")],
    out: Annotated[Path | None, typer.Option(help="Write the matches to this CSV or .json file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the matches as JSON.")] = False,
) -> None:
    """Show the newest matches with PEER again, with what was decided. Nothing is sent."""
    with open_node() as node:
        rows = stored_rows(node, peer)
    if out is not None:
        write_rows(out, rows)
    if as_json:
        print(json.dumps([row.as_json() for row in rows], indent=2, ensure_ascii=False))
    elif out is None:
        print_table(rows)


@app.command()
def review(
    peer: Annotated[str, typer.Argument(help="Member id of the peer.")],
    accept: Annotated[
        list[str] | None, typer.Option(help="Accept the match of this own supplier id; may be repeated.")
    ] = None,
    reject: Annotated[
        list[str] | None, typer.Option(help="Reject the match of this own supplier id; may be repeated.")
    ] = None,
    again: Annotated[bool, typer.Option(help="Also ask about those already decided.")] = False,
) -> None:
    """Accept or reject the probable and candidate matches with PEER; decisions are remembered.

    At a terminal it asks one by one (a accept, r reject, s skip, q quit). Every answer is kept at once.
    """
    with open_node() as node:
        rows = [row for row in stored_rows(node, peer) if row.band != "certain"]
        if accept or reject:
            _decide_named(node, peer, rows, accept or [], reject or [])
        elif not sys.stdin.isatty():
            raise UsageError(
                "review asks questions, and this is not a terminal",
                hint="Name the suppliers: --accept ID, --reject ID.",
            )
        else:
            _decide_one_by_one(node, peer, [row for row in rows if again or row.decision == "open"])


def _decide_named(node: Node, peer: str, rows: list[MatchRow], accept: list[str], reject: list[str]) -> None:
    both = set(accept) & set(reject)
    known = {row.supplier_id for row in rows}
    for supplier_id in both | (set(accept + reject) - known):
        reason = (
            "both accepted and rejected" if supplier_id in both else "no uncertain match of this supplier"
        )
        raise UsageError(f"{supplier_id}: {reason}", hint=f"`symbolon match show {peer}` lists them.")
    for row in rows:
        if row.supplier_id in accept or row.supplier_id in reject:
            node.matches.decide(peer, row.match, "accepted" if row.supplier_id in accept else "rejected")
    print(f"Remembered: {len(accept)} accepted, {len(reject)} rejected.", file=sys.stderr)


def _decide_one_by_one(node: Node, peer: str, rows: list[MatchRow]) -> None:
    counts = {"accepted": 0, "rejected": 0}
    for number, row in enumerate(rows, 1):
        print(f"\n{number} of {len(rows)}: {row.supplier_id}  {row.name}\n  {row.address}", file=sys.stderr)
        print(f"  {row.band}: {row.reason}", file=sys.stderr)
        answer = typer.prompt(
            "accept, reject, skip or quit", type=click.Choice(["a", "r", "s", "q"]), default="s", err=True
        )
        if answer == "q":
            break
        if answer in ("a", "r"):
            decision = "accepted" if answer == "a" else "rejected"
            node.matches.decide(peer, row.match, "accepted" if answer == "a" else "rejected")
            counts[decision] += 1
    left = len(rows) - sum(counts.values())
    print(
        f"Remembered: {counts['accepted']} accepted, {counts['rejected']} rejected; {left} left open.",
        file=sys.stderr,
    )
