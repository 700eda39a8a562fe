"""`symbolon policy explain`: who could get what for which purpose, by which policy; one request tried."""

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from symbolon.cli.match import parse_tiers
from symbolon.cli.node_home import open_node
from symbolon.cli.typed_ids import typed_member_id
from symbolon.errors import UsageError
from symbolon.membership.member_record import MemberRecord, Members
from symbolon.oprf.suite import DEFAULT_SUITE
from symbolon.policy.decision import Decision
from symbolon.policy.permission import Direction
from symbolon.policy.request import MatchContext, PlainContext, PolicyRequest, match_request
from symbolon.rpc.node import Node

EXIT_DENIED: Final = 1

_WORDS: Final = {
    "match_size": "ask how many suppliers both have",
    "match_intersection": "ask which of its own suppliers this node has too",
    "lookup": "look up signals about its own suppliers",
    "match_mutual": "invite this node to ask it",
    "ask": "be asked by this node",
    "read_audit": "be given an export of the audit log",
}
"""What a member may or may not do, by action."""

_DIRECTIONS: Final[dict[str, Direction]] = {
    "match_size": "answer",
    "match_intersection": "answer",
    "lookup": "answer",
    "match_mutual": "invited",
    "ask": "ask",
}
_TIERS_OF: Final = {"size": "AB", "intersection": "ABC", "lookup": "ABC"}
"""Size mode does not count what a person has to decide."""


@dataclass(frozen=True, slots=True)
class _Tried:
    """A request that was tried, and what came of it; purpose, mode and tiers are '' where it has none."""

    member: MemberRecord
    action: str
    purpose: str
    mode: str
    tiers: str
    decision: Decision


def explain(
    peer: Annotated[str, typer.Argument(help="Member to try one request of; default: all, everything.")] = "",
    purpose: Annotated[str, typer.Option(help="Only this purpose; needed to try one request.")] = "",
    mode: Annotated[str, typer.Option(help="size, intersection or lookup.")] = "",
    tiers: Annotated[str, typer.Option(help="Tiers of keys, for example AB.")] = "A",
    direction: Annotated[
        str, typer.Option(help="answer: the peer asks; ask: this node asks; invited: the peer invites it.")
    ] = "answer",
    agreed: Annotated[
        bool | None, typer.Option(help="As if an agreement were in force or not; default: as it is.")
    ] = None,
    keys: Annotated[int, typer.Option(min=0, help="Keys in the session.")] = 0,
    list_size: Annotated[
        int, typer.Option(min=0, help="Keys of each tier's first session in the epoch.")
    ] = 0,
    keys_epoch: Annotated[int, typer.Option(min=0, help="Keys asked before, in the epoch.")] = 0,
    keys_year: Annotated[int, typer.Option(min=0, help="Keys asked before, in the year.")] = 0,
    churn: Annotated[int, typer.Option(min=0, help="Keys asked again, in thousandths of the list.")] = 0,
    at: Annotated[str, typer.Option(help="At this hour, for example 2027-01-31T12; default: now.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the decisions as JSON.")] = False,
) -> None:
    """Show who could get what from this node, for which purpose and by which policy. Nothing is sent.

    With PEER, --purpose and --mode one request is tried as if it came now, and the exit code is 1 where it
    would be denied. Files of policies that were changed count as they are.
    """
    moment = _moment(at)
    if not mode and (
        tiers != "A" or direction != "answer" or any((keys, list_size, keys_epoch, keys_year, churn))
    ):
        raise UsageError(
            "--tiers, --direction, --keys and the like try one request, and that takes --mode",
            hint=_EXAMPLE,
        )
    with open_node() as node:
        now = moment or node.now
        members = node.directory.current()
        if peer:
            _require_other(node, members, peer)
        if purpose and not mode and purpose not in members.purposes:
            raise UsageError(
                f"{purpose} is no purpose of this coalition",
                hint=f"Its members agreed on: {', '.join(members.purposes)}.",
            )
        if mode:
            context = MatchContext(
                purpose,
                mode,
                frozenset(parse_tiers(mode, tiers, tuple(_TIERS_OF))),
                DEFAULT_SUITE,
                keys,
                list_size or keys,
                keys_epoch,
                keys_year,
                churn,
                _agreed(node, peer, purpose, now) if agreed is None and peer else bool(agreed),
                now,
            )
            tried = [_one(node, members, peer, _direction(direction), context)]
        else:
            tried = list(_everything(node, members, peer, purpose, now, agreed))
            _tell_of_tables(node, members)
    if as_json:
        print(json.dumps([_document(each) for each in tried], indent=2, ensure_ascii=False))
    elif mode:
        _tell_one(tried[0])
    else:
        _tell_all(tried, members.purposes)
    if mode and not tried[0].decision.allowed:
        raise typer.Exit(EXIT_DENIED)


_EXAMPLE: Final = (
    "For example `symbolon policy explain birch --purpose due-diligence --mode size --tiers AB`."
)


def _require_other(node: Node, members: Members, peer: str) -> None:
    if typed_member_id(peer) == node.member_id:
        raise UsageError(
            f"{peer} is this node's own member: policies decide about the others",
            hint="`symbolon coalition members` lists them.",
        )
    members.require_active(typed_member_id(peer))


def _one(node: Node, members: Members, peer: str, direction: Direction, context: MatchContext) -> _Tried:
    member = members.find(peer)
    if member is None or not context.purpose:
        raise UsageError("one request is tried with a peer, a purpose and a mode", hint=_EXAMPLE)
    request = match_request(direction, peer, node.member_id, context)
    (decision,) = node.policy.try_out([request])
    tiers = "".join(sorted(context.tiers))
    return _Tried(member, request.action, context.purpose, context.mode, tiers, decision)


def _everything(
    node: Node, members: Members, peer: str, purpose: str, now: datetime, agreed: bool | None
) -> Iterator[_Tried]:
    """Every action, purpose and tier for every other member, as for one that has asked nothing yet."""
    asked: list[tuple[MemberRecord, str, str, str, str, PolicyRequest]] = []
    for member in members.members:
        if member.member_id == node.member_id or peer not in ("", member.member_id):
            continue
        for each in (purpose,) if purpose else members.purposes:
            both = _agreed(node, member.member_id, each, now) if agreed is None else agreed
            for action, direction in _DIRECTIONS.items():
                modes = [action.removeprefix("match_")] if direction == "answer" else list(_TIERS_OF)
                for mode, tier in ((one, tier) for one in modes for tier in _TIERS_OF[one]):
                    usage = (0, 0, 0, 0, 0)
                    context = MatchContext(each, mode, frozenset(tier), DEFAULT_SUITE, *usage, both, now)
                    request = match_request(direction, member.member_id, node.member_id, context)
                    asked.append((member, action, each, mode, tier, request))
        plain = PlainContext("audit", now).values()
        request = PolicyRequest(member.member_id, "read_audit", "AuditLog", node.member_id, plain)
        asked.append((member, "read_audit", "", "", "", request))
    decisions = node.policy.try_out([each[-1] for each in asked])
    for (member, action, each, mode, tier, _), decision in zip(asked, decisions, strict=True):
        yield _Tried(member, action, each, mode, tier, decision)


def _tell_of_tables(node: Node, members: Members) -> None:
    """What of the [[allow]] tables can permit nothing, most likely by a slip of the pen."""
    for number, table in enumerate(node.config.allow, 1):
        if members.find(table.peer) is None:
            print(
                f"symbolon: warning: [[allow]] table {number} names {table.peer}, no member.", file=sys.stderr
            )
        for each in set(table.purposes) - set(members.purposes):
            print(
                f"symbolon: warning: [[allow]] table {number} names {each}, no purpose of the coalition.",
                file=sys.stderr,
            )


def _tell_all(tried: list[_Tried], purposes: tuple[str, ...]) -> None:
    """One block for each member: what it could get, and why not the rest."""
    by_member: dict[str, list[_Tried]] = {}
    for each in tried:
        by_member.setdefault(each.member.member_id, []).append(each)
    for own in by_member.values():
        who = f"{own[0].member.member_id} ({own[0].member.kind})"
        print(who)
        if not any(each.decision.policies or each.decision.errors for each in own):
            print("  may get nothing: no [[allow]] table and no policy permits it anything")
            continue
        rest = False
        for action, words in _WORDS.items():
            about = [each for each in own if each.action == action]
            allowed = [each for each in about if each.decision.allowed]
            if not any(each.decision.policies or each.decision.errors for each in about):
                rest = True
            elif not allowed:
                _print(f"may not {words}: {_why_not(about)}", 2)
            elif action == "read_audit":
                _print(f"may {words}, {_by(allowed[0].decision)}", 2)
            else:
                print(f"  may {words}, for")
                for line in _lines(allowed, purposes):
                    _print(line, 4)
        if rest:
            print("  nothing permits it anything else")
    if not by_member:
        print("There is no other member.")


def _lines(allowed: list[_Tried], purposes: tuple[str, ...]) -> Iterator[str]:
    """What is permitted, purposes together that are permitted the same by the same policies."""
    by_purpose: dict[tuple[str, str], dict[str, str]] = {}
    for each in allowed:
        modes = by_purpose.setdefault((_by(each.decision), each.purpose), {})
        modes[each.mode] = modes.get(each.mode, "") + each.tiers
    alike: dict[tuple[str, str], list[str]] = {}
    for (why, purpose), modes in by_purpose.items():
        alike.setdefault((why, _what(modes, allowed[0].action)), []).append(purpose)
    for (why, what), found in alike.items():
        every = len(purposes) > 1 and set(found) == set(purposes)
        yield f"{'every purpose' if every else ', '.join(found)}: {what}, {why}"


def _what(modes: dict[str, str], action: str) -> str:
    """Modes and tiers in words; the mode goes without saying where the action names it."""
    if _DIRECTIONS[action] == "answer":
        return _tiers(*modes.values())
    if len(modes) > 1 and len(set(modes.values())) == 1:
        return f"{' and '.join(modes)}, {_tiers(*set(modes.values()))}"
    return "; ".join(f"{mode}, {_tiers(tiers)}" for mode, tiers in modes.items())


def _tiers(letters: str) -> str:
    return f"{'tier' if len(letters) == 1 else 'tiers'} {', '.join(letters)}"


def _by(decision: Decision) -> str:
    binds = decision.obligations.text()
    return f"by {', '.join(decision.policies)}" + (f", under {binds}" if binds else "")


def _why_not(about: Iterable[_Tried]) -> str:
    decisions = [each.decision for each in about]
    if errors := sorted({error for each in decisions for error in each.errors}):
        return f"it cannot be decided: {'; '.join(errors)}"
    forbidding = sorted({policy for each in decisions for policy in each.policies})
    advice = " ".join(sorted({each.advice for each in decisions if each.advice}))
    return f"{', '.join(forbidding)} {'forbids' if len(forbidding) == 1 else 'forbid'} it. {advice}".rstrip()


def _print(line: str, indent: int) -> None:
    """A line as wide as the terminal, if there is one; what it goes on with stands further in."""
    if not sys.stdout.isatty():
        print(" " * indent + line)
        return
    width = max(40, shutil.get_terminal_size().columns)
    first, others = " " * indent, " " * (indent + 4)
    print(textwrap.fill(line, width, initial_indent=first, subsequent_indent=others, break_on_hyphens=False))


def _tell_one(tried: _Tried) -> None:
    decision = tried.decision
    may = "may" if decision.allowed else "may not"
    print("allowed" if decision.allowed else "denied")
    mode = "" if _DIRECTIONS[tried.action] == "answer" else f", {tried.mode}"
    who = f"{tried.member.member_id} ({tried.member.kind})"
    print(f"  what: {who} {may} {_WORDS[tried.action]}, for {tried.purpose}{mode}, {_tiers(tried.tiers)}")
    print(f"  by: {', '.join(decision.policies) or 'no policy: nothing permits it'}")
    if decision.obligations.text():
        print(f"  under: {decision.obligations.text()}")
    if not decision.allowed and tried.action != "ask":
        print(f"  the peer is told: permission.{decision.refusal or 'denied'}")
    if not decision.allowed and not decision.policies and not decision.errors:
        print("  advice: To allow it, add it to an [[allow]] table of symbolon.toml.")
    if decision.advice:
        print(f"  advice: {decision.advice}")
    for error in decision.errors:
        print(f"  error: {error}")


def _document(tried: _Tried) -> dict[str, Any]:
    decision = tried.decision
    return {
        "member": tried.member.member_id,
        "kind": tried.member.kind,
        "action": tried.action,
        "purpose": tried.purpose,
        "mode": tried.mode,
        "tiers": list(tried.tiers),
        "allowed": decision.allowed,
        "policies": list(decision.policies),
        "obligations": decision.obligations.text(),
        "refusal": decision.refusal,
        "advice": decision.advice,
        "errors": list(decision.errors),
    }


def _agreed(node: Node, peer: str, purpose: str, now: datetime) -> bool:
    return node.agreements.in_force(peer, purpose, now.astimezone(UTC).date()) is not None


def _direction(typed: str) -> Direction:
    known: tuple[Direction, ...] = ("answer", "ask", "invited")
    for each in known:
        if each == typed:
            return each
    raise UsageError(f"unknown direction {typed}", hint=f"Use one of {', '.join(known)}.")


def _moment(typed: str) -> datetime | None:
    if not typed:
        return None
    try:
        found = datetime.fromisoformat(typed)
    except ValueError:
        raise UsageError(f"{typed!r} is no time", hint="Write it as 2027-01-31T12.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
