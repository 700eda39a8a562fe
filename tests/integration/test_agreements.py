"""Two served nodes agree, by the commands that people type; one of them is off now and then."""

import io
import json
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete

from processes import wait_until
from real_nodes import ALPHA, BETA, MALLORY, Nodes, Result, real_nodes
from symbolon.audit.document import Document
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.membership.agreement import (
    agreement_sha256,
    encode_agreement,
    make_agreement,
    sign_agreement,
    verify_agreement,
)
from symbolon.membership.member import MemberId
from symbolon.rpc.node import Node
from symbolon.storage.agreement_schema import agreement as table

YEAR = timedelta(days=365)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """Alpha and beta, companies with twenty suppliers each, are served; mallory has no process."""
    with real_nodes() as nodes:
        for member, peer, offset in ((ALPHA, BETA, 0), (BETA, ALPHA, 10)):
            nodes.coalition.add(member, kind="company")
            nodes.configure(member, allow=({"peer": peer},))
            nodes.take_in(member, MadeUpList(20, offset, 0, member))
            nodes.start(member)
        nodes.add(MALLORY)
        yield nodes


class Typed(io.StringIO):
    """What a person types."""

    def isatty(self) -> bool:
        return True


def today() -> date:
    return datetime.now(UTC).date()


def restart(nodes: Nodes, member: str) -> None:
    """Serves a member again; at the port of before or at another one, as the system gives it."""
    address = nodes.launch(member)
    if address != nodes.endpoint(member):
        nodes.move(member, address)


def policy(nodes: Nodes, member: str, *arguments: str, code: int = 0) -> str:
    """Runs one command; what was said."""
    return nodes.run(member, "policy", *arguments, code=code, quick=True).stderr


def agreed(nodes: Nodes, member: str, purpose: str) -> list[dict[str, Any]]:
    """What a member's node shows for one purpose."""
    out = nodes.run(member, "policy", "agreements", "--json", quick=True).stdout
    return [each for each in json.loads(out) if purpose in each["purposes"]]


def states(nodes: Nodes, purpose: str) -> list[list[str]]:
    return [[each["state"] for each in agreed(nodes, member, purpose)] for member in (ALPHA, BETA)]


def in_force(nodes: Nodes, member: str, peer: str, purpose: str) -> bool:
    """Whether a match would find an agreement that holds."""
    with Node(nodes.home(member)) as node:
        found = node.agreements.in_force(peer, purpose, today())
        if found is not None:
            assert set(found.signatures) == {member, peer}
            verify_agreement(node.directory.current(), found)
            # What a decision rests on can be shown to somebody outside.
            kept = node.audit.document(agreement_sha256(found.document).hex())
            assert kept == Document("agreement", found.document, found.signatures)
        return found is not None


def both_in_force(nodes: Nodes, purpose: str) -> list[bool]:
    return [in_force(nodes, ALPHA, BETA, purpose), in_force(nodes, BETA, ALPHA, purpose)]


def test_agreement_is_in_force_at_both_once_each_has_run_one_command(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = policy(nodes, ALPHA, "agree", BETA, "--purpose", "purpose-1", "--yes")
    assert f"{BETA} may ask which of its suppliers you have too, for purpose-1, until" in said
    assert "[[allow]] tables still decide" in said
    assert f"symbolon policy agree {ALPHA}" in said
    assert states(nodes, "purpose-1") == [["offered"], ["waiting"]]
    assert both_in_force(nodes, "purpose-1") == [False, False]
    said = policy(nodes, BETA, "agree", ALPHA, "--yes", code=2)
    assert f"`symbolon policy agree {ALPHA} --purpose purpose-1`" in said
    monkeypatch.setattr(sys, "stdin", Typed("y\n"))
    said = policy(nodes, BETA, "agree", ALPHA)
    assert f"{ALPHA} has offered" in said
    assert "is in force" in said
    assert states(nodes, "purpose-1") == [["in_force"], ["in_force"]]
    assert both_in_force(nodes, "purpose-1") == [True, True]
    (shown,) = agreed(nodes, ALPHA, "purpose-1")
    assert (shown["from"], shown["until"]) == (str(today()), str(today() + YEAR))
    assert shown["told"]
    assert shown == {**agreed(nodes, BETA, "purpose-1")[0], "member": BETA, "since": shown["since"]}
    # Again changes nothing.
    for member, peer in ((ALPHA, BETA), (BETA, ALPHA)):
        said = policy(nodes, member, "agree", peer, "--purpose", "purpose-1", "--yes")
        assert "already in force" in said
    assert states(nodes, "purpose-1") == [["in_force"], ["in_force"]]
    assert "in force" in nodes.run(ALPHA, "policy", "agreements", quick=True).stdout


def test_companies_match_in_intersection_once_both_signed_and_until_one_withdraws(nodes: Nodes) -> None:
    def match(code: int = 0) -> Result:
        return nodes.match(ALPHA, BETA, "purpose-20", code=code, quick=True)

    def answered() -> bool:
        """Whether beta has a key that alpha was answered with."""
        with Node(nodes.home(BETA)) as node:
            return ALPHA in {each.peer for each in node.sending.live_epochs()}

    match(code=77)
    policy(nodes, ALPHA, "agree", BETA, "--purpose", "purpose-20", "--yes")
    match(code=77)
    policy(nodes, BETA, "agree", ALPHA, "--purpose", "purpose-20", "--yes")
    assert match().figures["matched"]["certain"] == 10
    assert answered()
    said = policy(nodes, ALPHA, "withdraw", BETA, "--purpose", "purpose-20")
    assert "has been told" in said
    # Beta, too, which only heard of it.
    assert not answered()
    match(code=77)


def test_agreement_offered_by_both_for_the_same_is_signed_once(nodes: Nodes) -> None:
    for member, peer in ((ALPHA, BETA), (BETA, ALPHA)):
        policy(nodes, member, "agree", peer, "--purpose", "purpose-2", "--purpose", "purpose-3", "--yes")
    assert states(nodes, "purpose-2") == states(nodes, "purpose-3") == [["in_force"], ["in_force"]]


def test_offer_is_never_signed_for_more_than_was_typed(nodes: Nodes) -> None:
    policy(nodes, ALPHA, "agree", BETA, "--purpose", "purpose-4", "--purpose", "purpose-5", "--yes")
    policy(nodes, BETA, "agree", ALPHA, "--purpose", "purpose-4", "--yes")
    assert both_in_force(nodes, "purpose-4") == both_in_force(nodes, "purpose-5") == [False, False]
    long = str(today() + timedelta(days=700))
    policy(nodes, ALPHA, "agree", BETA, "--purpose", "purpose-6", "--until", long, "--yes")
    said = policy(nodes, BETA, "agree", ALPHA, "--purpose", "purpose-6", "--yes", code=2)
    assert f"--until {long}" in said
    assert "longer than the year" in said
    assert both_in_force(nodes, "purpose-6") == [False, False]
    policy(nodes, BETA, "agree", ALPHA, "--purpose", "purpose-6", "--until", long, "--yes")
    assert both_in_force(nodes, "purpose-6") == [True, True]


def test_offer_to_a_peer_that_is_off_is_kept_and_handed_over_by_serve(nodes: Nodes) -> None:
    nodes.stop(BETA)
    said = policy(nodes, ALPHA, "agree", BETA, "--purpose", "purpose-7", "--yes", code=75)
    assert "signed and kept" in said
    assert states(nodes, "purpose-7") == [["offered"], []]
    restart(nodes, BETA)
    # What `serve` does when it starts, and every few minutes.
    restart(nodes, ALPHA)
    wait_until(lambda: states(nodes, "purpose-7") == [["offered"], ["waiting"]], "the offer")
    nodes.stop(ALPHA, signal.SIGKILL)
    said = policy(nodes, BETA, "agree", ALPHA, "--purpose", "purpose-7", "--yes")
    assert f"{ALPHA} has yet to hear of it" in said
    assert states(nodes, "purpose-7") == [["offered"], ["in_force"]]
    restart(nodes, ALPHA)
    # Alpha asks again; beta hands out what its person signed.
    policy(nodes, ALPHA, "agree", BETA, "--purpose", "purpose-7", "--yes")
    assert both_in_force(nodes, "purpose-7") == [True, True]


def test_withdrawal_holds_here_at_once_and_there_when_the_peer_hears(nodes: Nodes) -> None:
    for purpose in ("purpose-8", "purpose-9"):
        policy(nodes, ALPHA, "agree", BETA, "--purpose", purpose, "--yes")
        policy(nodes, BETA, "agree", ALPHA, "--purpose", purpose, "--yes")
    said = policy(nodes, ALPHA, "withdraw", BETA, "--purpose", "purpose-8")
    assert "has been told" in said
    assert states(nodes, "purpose-8") == [["withdrawn"], ["withdrawn_by_peer"]]
    assert both_in_force(nodes, "purpose-8") == [False, False]
    assert both_in_force(nodes, "purpose-9") == [True, True]
    nodes.stop(BETA)
    said = policy(nodes, ALPHA, "withdraw", BETA, "--purpose", "purpose-9")
    assert f"{BETA} was not told" in said
    assert both_in_force(nodes, "purpose-9") == [False, True]
    restart(nodes, BETA)
    restart(nodes, ALPHA)
    wait_until(lambda: both_in_force(nodes, "purpose-9") == [False, False], "the withdrawal")
    # Over is over; a new one is another one.
    policy(nodes, BETA, "agree", ALPHA, "--purpose", "purpose-8", "--yes")
    assert states(nodes, "purpose-8") == [["withdrawn", "waiting"], ["withdrawn_by_peer", "offered"]]


def test_agreement_that_the_peer_lost_is_offered_to_it_again(nodes: Nodes) -> None:
    """Beta's database was put back from a backup: alpha's operator learns what beta's has to do."""
    policy(nodes, ALPHA, "agree", BETA, "--purpose", "purpose-16", "--yes")
    policy(nodes, BETA, "agree", ALPHA, "--purpose", "purpose-16", "--yes")
    (shown,) = agreed(nodes, BETA, "purpose-16")
    with Node(nodes.home(BETA)) as node, node.database.transaction("lose it") as connection:
        connection.execute(delete(table).where(table.c.sha256 == bytes.fromhex(shown["sha256"])))
    said = policy(nodes, ALPHA, "agree", BETA, "--purpose", "purpose-16", "--yes")
    assert f"At {BETA} it is not" in said
    assert both_in_force(nodes, "purpose-16") == [True, False]
    policy(nodes, BETA, "agree", ALPHA, "--purpose", "purpose-16", "--yes")
    assert both_in_force(nodes, "purpose-16") == [True, True]


def test_withdrawal_for_one_purpose_says_what_else_ends_with_it(nodes: Nodes) -> None:
    purposes = ("--purpose", "purpose-17", "--purpose", "purpose-18")
    policy(nodes, ALPHA, "agree", BETA, *purposes, "--yes")
    policy(nodes, BETA, "agree", ALPHA, *purposes, "--yes")
    said = policy(nodes, BETA, "withdraw", ALPHA, "--purpose", "purpose-18")
    assert f"`symbolon policy agree {ALPHA} --purpose purpose-17`" in said
    for purpose in ("purpose-17", "purpose-18"):
        assert both_in_force(nodes, purpose) == [False, False]


def test_offer_that_is_declined_is_over_at_both(nodes: Nodes) -> None:
    policy(nodes, ALPHA, "agree", BETA, "--purpose", "purpose-10", "--yes")
    policy(nodes, BETA, "withdraw", ALPHA, "--purpose", "purpose-10")
    assert states(nodes, "purpose-10") == [["withdrawn_by_peer"], ["withdrawn"]]


def test_offer_for_another_day_takes_the_place_of_the_first(nodes: Nodes) -> None:
    soon = str(today() + timedelta(days=30))
    policy(nodes, ALPHA, "agree", BETA, "--purpose", "purpose-11", "--yes")
    said = policy(nodes, ALPHA, "agree", BETA, "--purpose", "purpose-11", "--until", soon, "--yes")
    assert "taken back" in said
    assert states(nodes, "purpose-11") == [["withdrawn", "offered"], ["waiting"]]
    assert agreed(nodes, BETA, "purpose-11")[0]["until"] == soon


def test_person_who_is_asked_and_does_not_want_to_signs_nothing(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    agree = ("agree", BETA, "--purpose", "purpose-12")
    monkeypatch.setattr(sys, "stdin", Typed("n\n"))
    assert "nothing was changed" in policy(nodes, ALPHA, *agree)
    assert states(nodes, "purpose-12") == [[], []]
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert "--yes" in policy(nodes, ALPHA, *agree, code=2)
    monkeypatch.setattr(sys, "stdin", Typed("y\n"))
    policy(nodes, ALPHA, *agree)
    assert states(nodes, "purpose-12") == [["offered"], ["waiting"]]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("agree", "nobody-co", "--purpose", "purpose-1", "--yes"), 77, "coalition members"),
        (("agree", ALPHA, "--purpose", "purpose-1", "--yes"), 2, "nobody agrees with itself"),
        (("agree", "Beta Co", "--purpose", "purpose-1", "--yes"), 2, "lower-case"),
        (("agree", BETA, "--purpose", "marketing", "--yes"), 2, "purpose-1"),
        (("agree", MALLORY, "--yes"), 2, "offered nothing"),
        (("agree", BETA, "--purpose", "purpose-13", "--until", "tomorrow", "--yes"), 2, "2027-06-30"),
        (("agree", BETA, "--purpose", "purpose-13", "--until", "2020-01-01", "--yes"), 2, "from today"),
        (("agree", BETA, "--purpose", "purpose-13", "--until", "2999-01-01", "--yes"), 2, "two years"),
        (("withdraw", MALLORY, "--purpose", "purpose-14"), 2, "policy agreements"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_command_that_cannot_be_done_says_why_and_what_to_do(
    nodes: Nodes, arguments: tuple[str, ...], code: int, words: str
) -> None:
    said = policy(nodes, ALPHA, *arguments, code=code)
    assert "symbolon: hint: " in said
    assert words in said


def test_offer_to_a_member_that_nobody_can_dial_is_kept_for_when_it_calls(nodes: Nodes) -> None:
    said = policy(nodes, ALPHA, "agree", MALLORY, "--purpose", "purpose-13", "--yes", code=75)
    assert f"{MALLORY} can only call" in said
    assert f"symbolon policy agree {ALPHA} --purpose purpose-13" in said
    said = policy(nodes, MALLORY, "agree", ALPHA, "--purpose", "purpose-13", "--yes")
    assert "Not in force yet" in said
    said = policy(nodes, ALPHA, "agree", MALLORY, "--purpose", "purpose-13", "--yes")
    assert f"{MALLORY} has yet to hear of it" in said
    assert "is in force" in policy(nodes, MALLORY, "agree", ALPHA, "--purpose", "purpose-13", "--yes")
    assert in_force(nodes, ALPHA, MALLORY, "purpose-13")
    assert in_force(nodes, MALLORY, ALPHA, "purpose-13")


def test_agreement_with_a_member_that_was_expelled_is_over(nodes: Nodes) -> None:
    nodes.add("gone-co")
    with Node(nodes.home("gone-co")) as theirs, Node(nodes.home(ALPHA)) as node:
        what = make_agreement(
            node.directory.current(),
            (MemberId(ALPHA), MemberId("gone-co")),
            ("purpose-15",),
            today(),
            today() + YEAR,
            bytes(16),
        )
        store = node.agreements
        store.sign(encode_agreement(what), sign_agreement(what, node.signing_key))
        store.take(encode_agreement(what), sign_agreement(what, theirs.signing_key))
    assert in_force(nodes, ALPHA, "gone-co", "purpose-15")
    nodes.founder.expel("gone-co")
    nodes.coalition.publish()
    assert not in_force(nodes, ALPHA, "gone-co", "purpose-15")
    (shown,) = agreed(nodes, ALPHA, "purpose-15")
    assert shown["state"] == "void"
    said = policy(nodes, ALPHA, "agree", "gone-co", "--purpose", "purpose-15", "--yes", code=77)
    assert "expelled" in said
    policy(nodes, ALPHA, "withdraw", "gone-co")
    assert agreed(nodes, ALPHA, "purpose-15")[0]["state"] == "withdrawn"
