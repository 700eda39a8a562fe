"""Time at members: records that lapse by each node's own clock, and clocks that are an hour wrong.

Nodes are served in this process, so that each has the clock that a test gives it; what OpenSSL judges goes by
the machine's clock all the same.
"""

import asyncio
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from node_clocks import ANSWERED, DAY_S, HOUR_S, Clock, serving
from real_nodes import ALPHA, BETA, MALLORY, Nodes, real_nodes
from served_coalition import FOUNDER, ServedCoalition, served_coalition
from symbolon.cli.init import create_node
from symbolon.cli.local_coalition import PURPOSE
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.cli.match_table import match_rows
from symbolon.errors import MembershipError
from symbolon.matching.evidence import matches
from symbolon.membership.coalition_state import State
from symbolon.membership.due_diligence import Acceptance
from symbolon.membership.invitation_code import InvitationCode
from symbolon.membership.member_statement import Place
from symbolon.rpc.figures import Figures
from symbolon.rpc.inviting import write_invitation
from symbolon.rpc.join_node import join_with
from symbolon.rpc.node import Node
from symbolon.rpc.peer import connect
from symbolon.rpc.receiver_role import Ask
from typed_member import Member, invited


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with real_nodes() as made:
        for member in (ALPHA, BETA, MALLORY):
            made.add(member)
        yield made


def vet(nodes: Nodes, member: str, lapses: date) -> None:
    """The founder's own command; everybody hears of it."""
    vetting = ("--person", "Ada", "--criteria", "charter 3", "--lapses", lapses.isoformat())
    Member("founder", nodes.coalition.folder).quick("coalition", "vet", member, *vetting)
    nodes.coalition.publish()


def test_lapsed_vetting_suspends_at_each_node_by_its_own_clock_and_is_mended_by_vet(nodes: Nodes) -> None:
    today = nodes.founder.node.now.date()
    vet(nodes, MALLORY, today + timedelta(days=1))

    async def story() -> None:
        ahead, right = Clock(), Clock()
        async with (
            serving(nodes, nodes.home(BETA), ahead) as beta,
            serving(nodes, nodes.home(ALPHA), right) as alpha,
        ):
            for each in (alpha, beta):
                assert await each.called(MALLORY) == ANSWERED
            # Two days later at one of them; nobody signed anything, nobody told it anything.
            ahead.ahead_s = 2 * DAY_S
            assert await beta.called(MALLORY) == ("UNAUTHENTICATED", "membership.lapsed.vetting")
            assert await alpha.called(MALLORY) == ANSWERED
            # Others are not touched by it, and it may still hear what there is.
            assert await beta.called(ALPHA) == ANSWERED
            assert await beta.called(MALLORY, "GetMetadata") == ANSWERED
            right.ahead_s = 2 * DAY_S
            assert await alpha.called(MALLORY) == ("UNAUTHENTICATED", "membership.lapsed.vetting")
            await asyncio.to_thread(vet, nodes, MALLORY, today + timedelta(days=300))
            for each in (alpha, beta):
                assert await each.called(MALLORY) == ANSWERED

    asyncio.run(story())


@pytest.mark.parametrize("ahead_s", [HOUR_S, -HOUR_S], ids=["ahead", "behind"])
def test_clock_an_hour_wrong_at_a_member_changes_nothing(nodes: Nodes, ahead_s: float) -> None:
    newcomer = f"newcomer-{'a' if ahead_s > 0 else 'b'}"

    async def story() -> None:
        clock = Clock(ahead_s)
        async with serving(nodes, nodes.home(BETA), clock) as beta:
            assert await beta.called(ALPHA) == ANSWERED
            # A member of a minute ago, whose certificate is as old.
            await asyncio.to_thread(nodes.add, newcomer)
            assert await beta.called(newcomer) == ANSWERED
            await asyncio.to_thread(nodes.founder.expel, newcomer)
            await asyncio.to_thread(nodes.coalition.publish)
            assert await beta.called(newcomer) == ("UNAUTHENTICATED", "membership.expelled")
        # It takes in what others sign by right clocks.
        today = nodes.founder.node.now.date()
        await asyncio.to_thread(vet, nodes, ALPHA, today + timedelta(days=200 + int(ahead_s > 0)))
        parts = nodes.founder.node.coalition.parts_newer_than(1, 0)
        with Node(nodes.home(BETA), clock=clock) as node:
            assert node.coalition.absorb(parts).targets_version == nodes.founder.members.version
            node.coalition.state().require_fresh(node.now)

    asyncio.run(story())


@pytest.mark.parametrize(("hours", "ahead_h"), [(26, -1), (52, 1)], ids=["behind", "ahead"])
def test_clock_an_hour_wrong_at_a_founder_changes_nothing(nodes: Nodes, hours: int, ahead_h: int) -> None:
    """Some hours from now its node signs a timestamp by its clock, which the others take by theirs."""
    with Node(nodes.founder.node.home, clock=Clock((hours + ahead_h) * HOUR_S)) as founder:
        signed = founder.founding.redate()
        assert signed is not None
        parts = founder.coalition.parts_newer_than(1, 0)
    with Node(nodes.home(BETA), clock=Clock(hours * HOUR_S)) as node:
        state = node.coalition.absorb(parts)
        state.require_fresh(node.now)
        assert state.timestamp_version == signed.timestamp_version


@pytest.mark.parametrize("ahead_s", [HOUR_S, -HOUR_S], ids=["ahead", "behind"])
@pytest.mark.parametrize("wrong", ["asker", "answerer"])
def test_clock_an_hour_wrong_in_a_match_changes_nothing(nodes: Nodes, wrong: str, ahead_s: float) -> None:
    """Between members of a minute ago, whose certificates are as old."""
    sign = "a" if ahead_s > 0 else "b"
    asker, answerer = f"asker-{wrong}-{sign}", f"answerer-{wrong}-{sign}"
    for member, peer, offset in ((asker, answerer, 0), (answerer, asker, 20)):
        nodes.add(member, MadeUpList(40, offset, 0, member), allow=({"peer": peer},))
    nodes.coalition.publish()
    clocks = {each: Clock(ahead_s if each == wrong else 0.0) for each in ("asker", "answerer")}

    async def story() -> int:
        async with serving(nodes, nodes.home(answerer), clocks["answerer"]) as served:
            await asyncio.to_thread(nodes.move, answerer, served.address)
            with Node(nodes.home(asker), clock=clocks["asker"]) as node:
                async with connect(node, answerer) as channel:
                    ask = Ask(answerer, "intersection", PURPOSE, ("A",))
                    outcome = await channel.ask(ask, Figures())
                rows = match_rows(node, answerer, matches(outcome.evidence))
        return sum(row.as_json()["band"] == "certain" for row in rows)

    assert asyncio.run(story()) == 20


@pytest.mark.parametrize("ahead_s", [HOUR_S, -HOUR_S], ids=["ahead", "behind"])
def test_clock_an_hour_wrong_at_a_founder_that_admits_changes_nothing(
    nodes: Nodes, tmp_path: Path, ahead_s: float
) -> None:
    """Its invitation, the certificate that it issues, and its signatures are of its own hour."""
    member = f"admitted-{'a' if ahead_s > 0 else 'b'}"

    async def story() -> None:
        home = nodes.founder.node.home
        async with (
            serving(nodes, home, Clock(ahead_s)) as founder,
            serving(nodes, nodes.home(BETA), Clock()) as beta,
        ):
            await asyncio.to_thread(nodes.founder.move, home, Place(founder.address, (), ""))
            wanted = invited(member, founder.node.now.date())
            code = await asyncio.to_thread(write_invitation, founder.node, wanted)
            create_node(tmp_path / member, member=member, coalition=code.coalition, listen="127.0.0.1:0")
            with Node(tmp_path / member) as node:

                def accept(state: State) -> Acceptance:
                    return Acceptance(state.members.terms_version, node.now.date(), "Carol")

                state = await join_with(node, code, Place("127.0.0.1:1", (), ""), accept)
                state.require_fresh(node.now)
                own = node.credentials
            await asyncio.to_thread(nodes.coalition.publish)
            # It is a member to all, whose certificate TLS takes by the right time.
            for each in (founder, beta):
                assert await each.called_with((own.private_key, own.certificate)) == ANSWERED
                assert await each.called(ALPHA) == ANSWERED

    asyncio.run(story())


def test_clock_weeks_wrong_says_so_with_a_hint(nodes: Nodes) -> None:
    # The founder signed for the next days above: longer than any of that holds.
    late = Clock(20 * DAY_S)
    with Node(nodes.home(BETA), clock=late) as node, pytest.raises(MembershipError) as caught:
        node.directory.current()
    assert caught.value.full_code == "membership.expired"
    assert "clock" in str(caught.value.hint)


# A joining node


@pytest.fixture(scope="module")
def coalition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCoalition]:
    with served_coalition(tmp_path_factory.mktemp("coalition")) as made:
        yield made


def joined(home: Path, code: InvitationCode, address: str, clock: Clock) -> State:
    """Joins with a node that has its own idea of the time."""
    if not home.exists():
        create_node(home, member=code.member_id, coalition=code.coalition, listen=address)

    def accept(state: State) -> Acceptance:
        return Acceptance(state.members.terms_version, node.now.date(), "Carol")

    with Node(home, clock=clock) as node:
        return asyncio.run(join_with(node, code, Place(address, (), ""), accept))


@pytest.mark.parametrize("ahead_s", [HOUR_S, -HOUR_S], ids=["ahead", "behind"])
def test_clock_an_hour_wrong_at_a_joiner_changes_nothing(coalition: ServedCoalition, ahead_s: float) -> None:
    member = f"joiner-{'a' if ahead_s > 0 else 'b'}"
    code = InvitationCode.decode(coalition[FOUNDER].invite(member))
    state = joined(coalition[member].home, code, coalition[member].listen, Clock(ahead_s))
    assert state.members.find(member) is not None
    assert coalition[FOUNDER].members().find(member) is not None
    coalition[member].quick("coalition", "sync", FOUNDER)


@pytest.mark.parametrize("days", [8, -8], ids=["ahead", "behind"])
def test_clock_days_wrong_at_a_joiner_says_so_and_the_code_stays_good(
    coalition: ServedCoalition, days: int
) -> None:
    member = f"lost-{'a' if days > 0 else 'b'}"
    code = InvitationCode.decode(coalition[FOUNDER].invite(member, "--days", "30"))
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one, the hint says
        joined(coalition[member].home, code, coalition[member].listen, Clock(days * DAY_S))
    assert "clock" in f"{caught.value} {getattr(caught.value, 'hint', '')}"
    assert coalition[FOUNDER].members().find(member) is None
    state = joined(coalition[member].home, code, coalition[member].listen, Clock())
    assert state.members.find(member) is not None
