"""`symbolon policy explain`: who could get what for which purpose, by which policy; one request tried."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from symbolon.cli.match import parse_tiers
from symbolon.cli.node_home import open_node
from symbolon.cli.typed_ids import typed_member_id
from symbolon.errors import UsageError
from symbolon.membership.member_record import MemberRecord
from symbolon.oprf.suite import DEFAULT_SUITE
from symbolon.policy.decision import Decision
from symbolon.policy.permission import Direction
from symbolon.policy.request import MatchContext, PlainContext, PolicyRequest, match_request
from symbolon.rpc.node import Node
from symbolon.suppliers.tier import Tier

EXIT_DENIED: Final = 1

_WORDS: Final = {
    "match_size": "may ask how many suppliers both have",
    "match_intersection": "may ask which of its own suppliers this node has too",
    "match_mutual": "may invite this node to ask it",
    "ask": "may be asked by this node",
    "read_audit": "may be given an export of the audit log",
}
_DIRECTIONS: Final[dict[str, Direction]] = {
    "match_size": "answer",
    "match_intersection": "answer",
    "match_mutual": "invited",
    "ask": "ask",
}


@dataclass(frozen=True, slots=True)
class _Tried:
    """A request that was tried, and what came of it."""

    member: MemberRecord
    action: str
    purpose: str
    tiers: str
    decision: Decision


def explain(
    peer: Annotated[str, typer.Argument(help="Member to try one request of; default: all, everything.")] = "",
    purpose: Annotated[str, typer.Option(help="Only this purpose; needed to try one request.")] = "",
    mode: Annotated[str, typer.Option(help="size or intersection.")] = "",
    tiers: Annotated[str, typer.Option(help="Tiers of keys, for example AB.")] = "A",
    direction: Annotated[
        str, typer.Option(help="answer: the peer asks; ask: this node asks; invited: the peer invites it.")
    ] = "answer",
    agreed: Annotated[
        bool | None, typer.Option(help="As if an agreement were in force or not; default: as it is.")
    ] = None,
    keys: Annotated[int, typer.Option(min=0, help="Keys in the session.")] = 0,
    list_size: Annotated[int, typer.Option(min=0, help="Keys of the epoch's first session.")] = 0,
    keys_epoch: Annotated[int, typer.Option(min=0, help="Keys asked before, in the epoch.")] = 0,
    keys_year: Annotated[int, typer.Option(min=0, help="Keys asked before, in the year.")] = 0,
    churn: Annotated[int, typer.Option(min=0, help="Thousandths of the list asked anew.")] = 0,
    at: Annotated[str, typer.Option(help="At this hour, for example 2027-01-31T12; default: now.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the decisions as JSON.")] = False,
) -> None:
    """Show who could get what from this node, for which purpose and by which policy. Nothing is sent.

    With PEER, --purpose and --mode one request is tried as if it came now, and the exit code is 1 where it
    would be denied. Files of policies that were changed count as they are.
    """
    moment = _moment(at)
    with open_node() as node:
        now = moment or node.now
        if mode:
            context = MatchContext(
                purpose,
                mode,
                frozenset(parse_tiers(mode, tiers)),
                DEFAULT_SUITE,
                keys,
                list_size or keys,
                keys_epoch,
                keys_year,
                churn,
                _agreed(node, peer, purpose, now) if agreed is None else agreed,
                now,
            )
            tried = [_one(node, peer, _direction(direction), context)]
        else:
            tried = list(_everything(node, peer, purpose, now, agreed))
    if as_json:
        print(json.dumps([_document(each) for each in tried], indent=2, ensure_ascii=False))
    elif mode:
        _tell_one(tried[0])
    else:
        _tell_all(tried)
    if mode and not tried[0].decision.allowed:
        raise typer.Exit(EXIT_DENIED)


def _one(node: Node, peer: str, direction: Direction, context: MatchContext) -> _Tried:
    if not peer or not context.purpose:
        raise UsageError(
            "one request is tried with a peer, a purpose and a mode",
            hint="For example `symbolon policy explain birch --purpose due-diligence --mode size`.",
        )
    member = node.directory.current().require_active(typed_member_id(peer))
    request = match_request(direction, peer, node.member_id, context)
    (decision,) = node.policy.try_out([request])
    tiers = "".join(sorted(context.tiers))
    return _Tried(member, request.action, context.purpose, tiers, decision)


def _everything(node: Node, peer: str, purpose: str, now: datetime, agreed: bool | None) -> Iterator[_Tried]:
    """Every action, purpose and tier for every other member, as for one that has asked nothing yet."""
    members = node.directory.current()
    if peer:
        members.require_active(typed_member_id(peer))
    chosen = [
        each for each in members.members if each.member_id != node.member_id and peer in ("", each.member_id)
    ]
    asked: list[tuple[MemberRecord, str, str, str, PolicyRequest]] = []
    for member in chosen:
        for each in (purpose,) if purpose else members.purposes:
            both = _agreed(node, member.member_id, each, now) if agreed is None else agreed
            for action, direction in _DIRECTIONS.items():
                modes = [action.removeprefix("match_")] if direction == "answer" else ["size", "intersection"]
                for mode in modes:
                    for tier in Tier:
                        letters = frozenset({tier.value})
                        usage = (0, 0, 0, 0, 0)
                        context = MatchContext(each, mode, letters, DEFAULT_SUITE, *usage, both, now)
                        request = match_request(direction, member.member_id, node.member_id, context)
                        about = f"{tier.value}" if direction == "answer" else f"{mode} {tier.value}"
                        asked.append((member, action, each, about, request))
        plain = PlainContext("audit", now).values()
        request = PolicyRequest(member.member_id, "read_audit", "AuditLog", node.member_id, plain)
        asked.append((member, "read_audit", "", "", request))
    decisions = node.policy.try_out([each[-1] for each in asked])
    for (member, action, each, about, _), decision in zip(asked, decisions, strict=True):
        yield _Tried(member, action, each, about, decision)


def _tell_all(tried: list[_Tried]) -> None:
    """One block for each member: what it could get, and why not the rest."""
    by_member: dict[str, list[_Tried]] = {}
    for each in tried:
        by_member.setdefault(each.member.member_id, []).append(each)
    for own in by_member.values():
        print(f"{own[0].member.member_id} ({own[0].member.kind})")
        for action, words in _WORDS.items():
            about = [each for each in own if each.action == action]
            print(f"  {words}: {_summary(about)}")
    if not by_member:
        print("There is no other member.")


def _summary(about: list[_Tried]) -> str:
    allowed: dict[str, list[str]] = {}
    for each in about:
        if each.decision.allowed:
            why = ", ".join(each.decision.policies)
            binds = each.decision.obligations.text()
            allowed.setdefault(f"by {why}" + (f", under {binds}" if binds else ""), []).append(
                f"{each.purpose} {each.tiers}".strip()
            )
    if allowed:
        return "; ".join(f"{', '.join(what) or 'yes'} ({why})".lstrip() for why, what in allowed.items())
    forbidding = sorted({policy for each in about for policy in each.decision.policies})
    return f"no, forbidden by {', '.join(forbidding)}" if forbidding else "no, nothing permits it"


def _tell_one(tried: _Tried) -> None:
    decision = tried.decision
    print("allowed" if decision.allowed else "denied")
    print(f"  what: {tried.member.member_id} ({tried.member.kind}) {_WORDS[tried.action]}, {tried.purpose}")
    print(f"  by: {', '.join(decision.policies) or 'no policy'}")
    if decision.obligations.text():
        print(f"  under: {decision.obligations.text()}")
    if decision.refusal or not decision.allowed:
        print(f"  the peer is told: permission.{decision.refusal or 'denied'}")
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
        "about": tried.tiers,
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
