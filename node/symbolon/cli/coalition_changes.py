"""`symbolon coalition vet`, `suspend`, `reinstate`, `expel`: what founders decide about a member."""

import asyncio
import sys
from typing import Annotated

import typer

from symbolon.cli.node_home import open_node
from symbolon.cli.signed_in import require_second_person
from symbolon.cli.typed_ids import typed_date, typed_member_id
from symbolon.errors import MembershipError, UnavailableError
from symbolon.membership.act_review import describe
from symbolon.membership.acts import Act, Expel, Reinstate, Suspend, Vet
from symbolon.membership.due_diligence import VETTING_VALIDITY, Vetting
from symbolon.membership.founding_words import describe_keys_that_stay
from symbolon.membership.member_statement import require_present
from symbolon.membership.proposal_draft import OVERTAKEN, require_no_founder
from symbolon.rpc.founding_waiting import Waiting
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
        until = typed_date(lapses) if lapses else today + VETTING_VALIDITY
        vetting = Vetting(node.member_id, person, today, criteria, until)
        _propose(node, Vet(typed_member_id(member), vetting))


def suspend(member: Member, reason: Reason) -> None:
    """Have every node refuse a member until it is reinstated.

    A founder's keys still count: drop it with `symbolon coalition founders` as well.
    """
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
        # Before anybody else is asked.
        state = node.founding.state()
        require_present(state.members, act.member_id)
        require_no_founder(act.member_id, state)
        coalition = node.config.node.coalition
        subject = f"{coalition}\0{act.member_id}\0{reason}".encode()
        require_second_person("expel", subject, f"expel {act.member_id} from {coalition}: {reason}")
        _propose(node, act)


def _propose(node: Node, act: Act) -> None:
    founding = node.founding
    sha256 = founding.propose([act])
    print(f"Proposed: {describe(act)}", file=sys.stderr)
    for words in describe_keys_that_stay([act], founding.state()):
        print(words, file=sys.stderr)
    carry(node, sha256)


def carry(node: Node, sha256: bytes) -> None:
    """Takes a proposal to the other founders; says whether it is in force, or whose signatures it lacks.

    Raises:
        KeyboardInterrupt: after saying that the proposal stays.
        MembershipError: it cannot come into force any more.
        UnavailableError: others have yet to sign.
    """
    founding = node.founding
    try:
        failures = asyncio.run(spread(node, founding, sha256))
    except KeyboardInterrupt:
        print(
            f"It stays proposed as {sha256.hex()[:12]}: `symbolon serve` takes it to the other founders.",
            file=sys.stderr,
        )
        raise
    # The code that a member joined with lets nobody in once the member is suspended or expelled.
    node.write_open_invitations()
    for each, failure in sorted(failures.items()):
        print(f"{each} did not sign: {failure.detail}", file=sys.stderr)
    state = node.coalition.state()
    for waiting in founding.waiting():
        if waiting.sha256 == sha256 and waiting.refused:
            raise MembershipError(
                f"it cannot come into force: {waiting.refused}",
                hint="Look at `symbolon coalition proposals` and `members`.",
                code=OVERTAKEN,
            )
        if waiting.sha256 == sha256:
            raise UnavailableError(
                f"it is not in force yet: {lacking(waiting, node.member_id)} have yet to sign it",
                hint=f"A person there runs `symbolon coalition approve {sha256.hex()[:12]}`. Here, keep "
                "`symbolon serve` running. What too few sign lapses in two weeks.",
                code="unavailable.pending",
            )
    print(f"In force: version {state.targets_version}.", file=sys.stderr)


def lacking(waiting: Waiting, own: str) -> str:
    """Who has yet to sign a proposal, in words.

    Args:
        waiting: not in force, and not refused.
        own: this founder, which signs by itself once a person here has approved.
    """
    found: dict[str, int] = {}
    for one in (one for each in waiting.lacks.values() for one in each):
        comes = waiting.approved and own in one.founders
        others = ", ".join(sorted(each for each in one.founders if not (comes and each == own)))
        found[others] = max(found.get(others, 0), one.count - comes)
    wanted = sorted(f"{count} of {others}" for others, count in found.items() if count)
    return " and ".join(wanted) or "the founders' nodes"
