"""`symbolon coalition members` and `sync`: who belongs to the coalition, by the newest metadata."""

import asyncio
import json
import sys
from dataclasses import dataclass
from datetime import date
from typing import Annotated

import typer

from symbolon.cli.node_home import open_node
from symbolon.cli.typed_ids import typed_member_id
from symbolon.errors import UnavailableError
from symbolon.membership.coalition_state import State
from symbolon.membership.member_record import MemberRecord, Members
from symbolon.rpc.membership_client import sync as ask_members

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True, slots=True)
class _Shown:
    """A member as it is shown.

    Attributes:
        standing: as `Members.standing`.
    """

    member: str
    kind: str
    roles: str
    country: str
    reached: str
    standing: str
    vetted_until: str
    attested: str


def members(as_json: Json = False) -> None:
    """Show the members, their standing, and how they are reached."""
    with open_node() as node:
        state, today = node.coalition.state(), node.now.date()
        shown = [_shown(each, state.members, today) for each in state.members.members]
        if as_json:
            print(json.dumps(_document(state, shown), indent=2))
            return
        from rich.console import Console
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        for heading in (
            "member",
            "kind",
            "roles",
            "country",
            "reached",
            "standing",
            "vetted until",
            "attested",
        ):
            table.add_column(heading)
        for each in shown:
            table.add_row(
                each.member,
                each.kind,
                each.roles,
                each.country,
                each.reached,
                each.standing,
                each.vetted_until,
                each.attested,
            )
        Console(width=None if sys.stdout.isatty() else 160, highlight=False).print(table)
        signers = ", ".join(each.member_id for each in state.founders)
        print(f"Version {state.targets_version}; {state.root.threshold} of {signers} sign.", file=sys.stderr)
        print(f"Holds until {state.expires:%Y-%m-%d %H:%M} UTC.", file=sys.stderr)
        if state.members.expelled:
            gone = ", ".join(each.member_id for each in state.members.expelled)
            print(f"Expelled: {gone}.", file=sys.stderr)


def sync(
    member: Annotated[
        str, typer.Argument(help="Ask this member only; all that can be reached without it.")
    ] = "",
) -> None:
    """Ask other members for newer metadata, and take in what holds."""
    with open_node() as node:
        before = node.coalition.state()
        named = (typed_member_id(member),) if member else ()
        failures = asyncio.run(ask_members(node, named))
        after = node.coalition.state()
        for each, failure in sorted(failures.items()):
            if failure is not None:
                said = failure.detail if each in failure.detail else f"{each}: {failure.detail}"
                print(said, file=sys.stderr)
        if failures and all(failures.values()):
            refused = [one for one in failures.values() if one and not isinstance(one, UnavailableError)]
            if refused:
                # It was reached: what it says, or what it sent, is what somebody has to see to.
                raise refused[0]
            raise UnavailableError(
                "nobody could be asked for newer metadata",
                hint="Is this machine connected? `symbolon doctor MEMBER` looks closer.",
            )
        words = "newer" if after != before else "the newest that anybody has"
        print(f"Version {after.targets_version}, {words}.", file=sys.stderr)
        after.require_fresh(node.now)


def _shown(each: MemberRecord, state: Members, today: date) -> _Shown:
    reached = each.endpoint or ", ".join(f"relay {relay}" for relay in each.relays) or "not at all"
    record = each.due_diligence
    return _Shown(
        each.member_id,
        each.kind.value,
        ", ".join(each.roles),
        each.jurisdiction,
        reached,
        state.standing(each.member_id, today),
        record.vetting.lapses.isoformat(),
        record.attested.isoformat(),
    )


def _document(state: State, shown: list[_Shown]) -> dict[str, object]:
    return {
        "coalition": state.members.coalition,
        "version": state.targets_version,
        "root_version": state.root_version,
        "root_sha256": state.root_sha256().hex(),
        "expires": state.expires.isoformat(),
        "threshold": state.root.threshold,
        "founders": [each.member_id for each in state.founders],
        "terms_version": state.members.terms_version,
        "purposes": list(state.members.purposes),
        "members": [{name: getattr(each, name) for name in _Shown.__slots__} for each in shown],
        "expelled": [each.member_id for each in state.members.expelled],
    }
