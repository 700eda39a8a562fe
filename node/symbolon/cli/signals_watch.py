"""`symbolon signals watch`: follow a member's signals; `symbolon signals feeds`: who follows this one's."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from symbolon.cli.match import parse_tiers
from symbolon.cli.newcomer import meet
from symbolon.cli.node_home import open_node
from symbolon.cli.received_list import load_received, received_lines
from symbolon.cli.signals_news import news_json, news_lines
from symbolon.errors import SymbolonError, UsageError
from symbolon.rpc.feed_standing import FeedStanding, feed_standings
from symbolon.rpc.following import Told, follow
from symbolon.rpc.node import Node
from symbolon.rpc.receiver_role import Outcome
from symbolon.rpc.signal_client import watch_news
from symbolon.signals.intake import Intake
from symbolon.storage.subscription_store import Subscription


def watch(
    peer: Annotated[str, typer.Argument(help="Member id; without it, who is followed.")] = "",
    purpose: Annotated[str, typer.Option(help="Purpose, as both operators have allowed it.")] = "",
    tiers: Annotated[str, typer.Option(help="Tiers of keys: A certain, B probable, C candidate.")] = "AB",
    stop: Annotated[bool, typer.Option("--stop", help="Follow PEER no longer.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print each outcome as one line of JSON.")] = False,
) -> None:
    """Follow the signals that PEER releases about own suppliers: at once, then whatever is new, till Ctrl-C.

    Additions come once a day, recalls and urgent signals at once. `symbolon serve` goes on following when
    this command has ended, until --stop. PEER learns that this node is there, and how far it has come; never
    what it holds.
    """
    with open_node() as node:
        if not peer:
            _list(node, as_json=as_json)
            return
        if stop:
            ended = node.subscriptions.end(peer, purpose or None)
            print(f"symbolon: {ended} subscription{'' if ended == 1 else 's'} ended.", file=sys.stderr)
            return
        if not purpose:
            raise UsageError("name the purpose", hint=f"symbolon signals watch {peer} --purpose P")
        letters = "".join(parse_tiers("intersection", tiers))
        node.subscriptions.begin(peer, purpose, letters)
        (mine,) = [each for each in node.subscriptions.all() if (each.peer, each.purpose) == (peer, purpose)]

        def told(subscription: Subscription, came: Outcome | SymbolonError) -> None:
            _tell(node, subscription, came, as_json=as_json)

        try:
            asyncio.run(_follow(node, mine, told))
        except KeyboardInterrupt:
            print(f"symbolon: `symbolon serve` goes on following {peer}; --stop ends it.", file=sys.stderr)
            raise


async def _follow(node: Node, subscription: Subscription, told: Told) -> None:
    await meet(node, subscription.peer)
    await follow(node, subscription, watch_news, told)


def _tell(node: Node, subscription: Subscription, came: Outcome | SymbolonError, *, as_json: bool) -> None:
    if isinstance(came, SymbolonError):
        print(f"symbolon: warning: {came.detail} ({came.full_code}); trying again.", file=sys.stderr)
        return
    counts = {what: count for what, count in came.counts.items() if count}
    if as_json:
        document: dict[str, Any] = {"peer": subscription.peer, "purpose": subscription.purpose, **counts}
        if came.intake is not None:
            document["news"] = news_json(node, subscription.peer, came.intake)
        print(json.dumps(document, ensure_ascii=False), flush=True)
        return
    moment = node.now.astimezone().strftime("%H:%M:%S")
    words = ", ".join(f"{count} {what}" for what, count in counts.items()) or "nothing"
    lines = [f"{moment}  {subscription.peer}: {words}"]
    if came.intake is not None:
        lines += [f"          {line}" for line in news_lines(node, subscription.peer, came.intake)]
        lines += _changed_lines(node, subscription, came.intake)
    # In one piece, for whoever reads along.
    print("\n".join(lines), flush=True)


def _changed_lines(node: Node, subscription: Subscription, intake: Intake) -> list[str]:
    if not intake.taken:
        return []
    received = load_received(node, peer=subscription.peer, purpose=subscription.purpose)
    views = tuple(each for each in received.views if each.signal.signal_id in intake.taken)
    told = received_lines(type(received)(views, (), received.suppliers), node.now.date())
    return [f"  {line}".rstrip() for line in told]


def _list(node: Node, *, as_json: bool) -> None:
    followed = node.subscriptions.all()
    if as_json:
        print(json.dumps([_document(each) for each in followed], indent=2))
        return
    for each in followed:
        looked = "not looked up yet" if each.looked_s is None else f"last looked up {_moment(each.looked_s)}"
        problem = f"; the last try failed ({each.problem})" if each.problem else ""
        print(f"{each.peer} for {each.purpose}, tiers {each.tiers}: {looked}{problem}")
    if not followed:
        print("symbolon: nobody is followed.", file=sys.stderr)
        print("symbolon: hint: symbolon signals watch PEER --purpose P", file=sys.stderr)


def _document(each: Subscription) -> dict[str, Any]:
    return {
        "peer": each.peer,
        "purpose": each.purpose,
        "tiers": each.tiers,
        "since": _moment(each.since_s),
        "looked": None if each.looked_s is None else _moment(each.looked_s),
        "problem": each.problem or None,
    }


def feeds(as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False) -> None:
    """Show who was given signals of this member, how far each has come, and who has fallen silent.

    Every requester acknowledges by signing what each lookup came to, whether it held anything of it or not.
    """
    with open_node() as node:
        standings = feed_standings(node)
    if as_json:
        print(json.dumps([_standing_json(each) for each in standings], indent=2))
        return
    for each in standings:
        for line in _standing_lines(each):
            print(line)
    if not standings:
        print("symbolon: nobody was given a signal of this member yet.", file=sys.stderr)


def _standing_lines(each: FeedStanding) -> list[str]:
    when = "never to its end" if each.acknowledged_s is None else _moment(each.acknowledged_s)
    purposes = ", ".join(purpose for purpose, _ in each.purposes)
    lines = [f"{each.peer} for {purposes}: given {each.given}; last acknowledged {when}"]
    if each.recalls_not_told:
        count = each.recalls_not_told
        lines.append(f"  has not heard of {count} recall{'' if count == 1 else 's'} yet")
    if each.silent_days is not None:
        lines.append(
            f"  silent for {each.silent_days} days: ask its operator; until then it keeps what it has"
        )
    return lines


def _standing_json(each: FeedStanding) -> dict[str, Any]:
    return {
        "peer": each.peer,
        "purposes": [
            {"purpose": purpose, "acknowledged": _moment_or_none(acknowledged_s)}
            for purpose, acknowledged_s in each.purposes
        ],
        "given": each.given,
        "acknowledged": _moment_or_none(each.acknowledged_s),
        "recalls_not_told": each.recalls_not_told,
        "recalled": _moment_or_none(each.recalled_s),
        "silent_days": each.silent_days,
    }


def _moment_or_none(seconds: int | None) -> str | None:
    return None if seconds is None else _moment(seconds)


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
