"""`symbolon coalition vet`, `suspend`, `reinstate`, `expel`: what founders decide about a member."""

import asyncio
import sys
from datetime import timedelta
from typing import Annotated

import typer

from symbolon.cli.node_home import open_node
from symbolon.cli.signed_in import require_second_person
from symbolon.cli.typed_ids import typed_date, typed_member_id
from symbolon.errors import UnavailableError
from symbolon.membership.act_review import describe
from symbolon.membership.acts import Act, Expel, Reinstate, Suspend, Vet
from symbolon.membership.due_diligence import Vetting
from symbolon.rpc.membership_client import spread
from symbolon.rpc.node import Node

Member = Annotated[str, typer.Argument(help="The member.")]
Reason = Annotated[str, typer.Option(help="Why, in one line; every member can read it.")]


def vet(
    member: Member,
    person: Annotated[str, typer.Option(help="Name or function of who vetted it.")],
    criteria: Annotated[str, typer.Option(help="Against what, in a few words.")],
    lapses: Annotated[str, typer.Option(help="Day on which it lapses; default: a year from today.")] = "",
) -> None:
    """Write down that a member was vetted again."""
    with open_node() as node:
        today = node.now.date()
        until = typed_date(lapses) if lapses else today + timedelta(days=365)
        vetting = Vetting(node.member_id, person, today, criteria, until)
        _propose(node, Vet(typed_member_id(member), vetting))


def suspend(member: Member, reason: Reason) -> None:
    """Have every node refuse a member until it is reinstated."""
    with open_node() as node:
        _propose(node, Suspend(typed_member_id(member), reason))


def reinstate(member: Member) -> None:
    """Lift a suspension."""
    with open_node() as node:
        _propose(node, Reinstate(typed_member_id(member)))


def expel(member: Member, reason: Reason) -> None:
    """Expel a member for good; its id is never given again.

    Every node refuses it as soon as the news reaches it, also on calls that are open.
    """
    with open_node() as node:
        act = Expel(typed_member_id(member), node.now.date(), reason)
        coalition = node.config.node.coalition
        subject = f"{coalition}\0{act.member_id}\0{reason}".encode()
        require_second_person("expel", subject, f"expel {act.member_id} from {coalition}: {reason}")
        _propose(node, act)


def _propose(node: Node, act: Act) -> None:
    founding = node.founding
    sha256 = founding.propose([act])
    failures = asyncio.run(spread(node, founding, sha256))
    print(describe(act), file=sys.stderr)
    for each, failure in sorted(failures.items()):
        print(f"{each} could not be asked: {failure.detail}", file=sys.stderr)
    tell_outcome(node, sha256)


def tell_outcome(node: Node, sha256: bytes) -> None:
    """Says whether a proposal is in force, or whose signatures it lacks.

    Raises:
        UnavailableError: others have yet to sign.
    """
    state = node.coalition.state()
    for waiting in node.founding.waiting():
        if waiting.sha256 == sha256 and not waiting.refused:
            who = sorted(
                {founder for each in waiting.lacks.values() for one in each for founder in one.founders}
            )
            count = max((one.count for each in waiting.lacks.values() for one in each), default=0)
            raise UnavailableError(
                f"{count} of {', '.join(who)} have yet to sign it",
                hint=f"There: `symbolon coalition approve {sha256.hex()[:12]}`. "
                "This node goes on by itself while it is served.",
                code="unavailable.pending",
            )
    print(f"In force: version {state.targets_version}.", file=sys.stderr)
