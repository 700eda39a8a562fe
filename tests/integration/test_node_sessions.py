"""Sessions of every kind between real processes: modes, suites, backends, and the end of a served node."""

import json
import signal
import socket
from collections.abc import Iterator

import pytest

from processes import wait_until
from raw_peer import RawAsk, channel_to, elements, hello
from real_nodes import (
    ALPHA,
    BETA,
    MALLORY,
    PURPOSES,
    SHARED,
    Nodes,
    asking,
    real_nodes,
    two_nodes,
)
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.exchange.messages import MATCH
from symbolon.rpc.node import Node
from symbolon.suppliers.key_schemes import VERSIONS


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with two_nodes() as both:
        yield both


@pytest.fixture
def answered(nodes: Nodes) -> Nodes:
    """`ALPHA` and `BETA` as they were made, `BETA` serves: for tests that start nothing themselves."""
    as_made(nodes)
    if BETA not in nodes.processes or nodes.processes[BETA].poll() is not None:
        nodes.start(BETA)
    return nodes


def as_made(nodes: Nodes) -> None:
    nodes.configure(ALPHA, allow=({"peer": BETA},))
    nodes.configure(BETA, allow=({"peer": ALPHA}, {"peer": MALLORY}))


@pytest.mark.parametrize(
    ("exchange", "backend"),
    [
        ({"suite": "ristretto255-SHA512"}, "libsodium"),
        ({"suite": "X25519-ELL2-SHA512", "backend": "openssl"}, "openssl"),
    ],
    ids=["ristretto255", "openssl"],
)
def test_match_other_suites_and_backends_give_the_same_answer(
    answered: Nodes, exchange: dict[str, object], backend: str
) -> None:
    answered.configure(ALPHA, allow=({"peer": BETA},), exchange=exchange)
    result = answered.match(ALPHA, BETA, PURPOSES[1], quick=True)
    assert (result.figures["suite"], result.figures["backend"]) == (exchange["suite"], backend)
    assert result.ids() == SHARED


def test_match_while_another_exchange_with_the_peer_runs_is_told_so_and_what_to_do(answered: Nodes) -> None:
    with Node(answered.home(ALPHA)) as node, node.asking_lock(BETA, MATCH):
        asked = answered.run(ALPHA, *asking(BETA, PURPOSES[4]), code=75)
    assert asked.stderr.splitlines()[-2:] == [
        f"symbolon: error: another exchange with {BETA} is running",
        "symbolon: hint: Wait for it to end, then try again. "
        "`symbolon status` shows which sessions are still open.",
    ]


def test_match_suite_that_the_peer_does_not_answer_is_refused_with_a_hint(nodes: Nodes) -> None:
    nodes.configure(ALPHA, allow=({"peer": BETA},), exchange={"suite": "ristretto255-SHA512"})
    only = {"suites_answered": ("X25519-ELL2-SHA512",)}
    nodes.configure(BETA, allow=({"peer": ALPHA}, {"peer": MALLORY}), exchange=only)
    nodes.start(BETA)
    asked = nodes.run(ALPHA, *asking(BETA, PURPOSES[2]), code=76, quick=True)
    assert "does not offer this suite" in asked.stderr
    assert "Set exchange.suite" in asked.stderr
    assert nodes.events(BETA, PURPOSES[2]) == ["failed"]
    nodes.stop(BETA)


DIFFERENT = "The two lists were keyed by different rules"


def test_match_lists_of_different_key_rules_share_nothing_and_say_so_until_imported_again(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_made(nodes)
    theirs = MadeUpList(120, 60, 0, BETA)
    with monkeypatch.context() as older:
        older.setitem(VERSIONS, "lei", 0)
        nodes.take_in(BETA, theirs)
    warnings = nodes.log(BETA).count(f"WARNING sender of {ALPHA}")
    nodes.start(BETA)
    wait_until(lambda: "keyed by other rules" in nodes.log(BETA), "the warning at the start")
    missed = nodes.match(ALPHA, BETA, PURPOSES[5], "--mutual", tiers="A")
    assert (missed.ids(), missed.figures["key_rules"]) == (set(), "different")
    assert DIFFERENT in missed.figures["sentence"]
    # Of what was asked, and of what the peer asked in turn.
    assert missed.talk.count(DIFFERENT) == 2
    assert "symbolon: hint: Bring both nodes to one release" in missed.talk
    for role in ("sender", "receiver"):
        warning = f"WARNING {role} of {ALPHA}: {DIFFERENT}"
        wait_until(lambda warning=warning: warning in nodes.log(BETA), warning)
    nodes.take_in(BETA, theirs)
    # For the purpose that missed them, too: their set was made within the day.
    for purpose in PURPOSES[5:7]:
        found = nodes.match(ALPHA, BETA, purpose, tiers="A", quick=True)
        assert (found.ids(), found.figures["key_rules"]) == (SHARED, "same")
        assert "rules" not in found.talk
    assert nodes.log(BETA).count(f"WARNING sender of {ALPHA}") == warnings + 1


def test_match_size_of_lists_of_different_key_rules_says_so_beside_the_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with real_nodes() as large:
        large.add(ALPHA, MadeUpList(1000, 0, 0, ALPHA), allow=({"peer": BETA},))
        with monkeypatch.context() as older:
            older.setitem(VERSIONS, "lei", 0)
            large.add(BETA, MadeUpList(1000, 0, 0, BETA), allow=({"peer": ALPHA},))
        large.start(BETA)
        command = ["match", BETA, "--purpose", PURPOSES[0], "--tiers", "A"]
        told = large.run(ALPHA, *command, quick=True)
        assert told.stdout.startswith(f"Shared suppliers: fewer than 10. {DIFFERENT}")
        assert DIFFERENT in told.stderr
        document = json.loads(large.run(ALPHA, *command, "--json", quick=True).stdout)
        assert (document["shared"], document["key_rules"]) == ("fewer than 10", "different")
        wait_until(lambda: f"WARNING sender of {ALPHA}: {DIFFERENT}" in large.log(BETA), "the warning")


def test_match_size_is_the_default_and_shows_tens_twice_an_epoch() -> None:
    with real_nodes() as large:
        large.add(ALPHA, MadeUpList(1100, 0, 0, ALPHA), allow=({"peer": BETA},))
        large.add(BETA, MadeUpList(1050, 345, 0, BETA), allow=({"peer": ALPHA},))
        large.start(BETA)
        command = ["match", BETA, "--purpose", PURPOSES[0]]
        told = large.run(ALPHA, *command)
        # 345 to 1,099 are shared: 755, shown in tens.
        assert told.stdout == "Shared suppliers: at least 750.\n"
        assert "which" in told.stderr
        assert large.spent(BETA, ALPHA) >= 1100 * 8
        large.run(ALPHA, *command, "--tiers", "A", "--json", quick=True)
        third = large.run(ALPHA, *command, code=77)
        assert "next one" in third.stderr
        large.take_in(ALPHA, MadeUpList(900, 0, 0, ALPHA))
        too_few = large.run(ALPHA, *command, code=2, quick=True).stderr
        assert "1,000" in too_few.replace("1000", "1,000")


def is_open(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=5):
            return True
    except ConnectionError:
        return False


def test_serve_sigterm_lets_a_running_session_finish_and_leaves_no_listener(nodes: Nodes) -> None:
    as_made(nodes)
    address = nodes.start(BETA, grace=30)
    with channel_to(nodes, BETA) as channel, RawAsk(channel) as ask:
        ask.say(hello=hello(purpose=PURPOSES[7]))
        ask.hear_until("accept")
        nodes.processes[BETA].send_signal(signal.SIGTERM)
        wait_until(lambda: not is_open(address), "the listener to close")
        # Nobody new is let in; the one inside is served to the end.
        code, _ = nodes.quick_error(ALPHA, BETA, PURPOSES[8])
        assert code == 75
        ask.say(elements=elements())
        ask.hear_until("finish")
        assert ask.refusal() == ("OK", "")
    assert nodes.processes[BETA].wait(30) == 0
    assert nodes.states(BETA, PURPOSES[7]) == ["done"]


def test_serve_sigterm_ends_a_session_that_does_not_finish_in_time(nodes: Nodes) -> None:
    as_made(nodes)
    nodes.start(BETA, grace=0.5)
    before = nodes.spent(BETA, ALPHA)
    with channel_to(nodes, BETA) as channel, RawAsk(channel) as ask:
        ask.say(hello=hello(purpose=PURPOSES[9]))
        ask.hear_until("accept")
        # A real asker is in the middle of a session too, and stands still.
        order = nodes.order(ALPHA, "stop", "sending Elements")
        with nodes.begin(ALPHA, *asking(BETA, PURPOSES[10]), faulty=order) as asker:
            wait_until(lambda: nodes.states(BETA, PURPOSES[10]) == ["open"], "the session to begin")
            nodes.processes[BETA].send_signal(signal.SIGTERM)
            assert nodes.processes[BETA].wait(30) == 0
            asker.send_signal(signal.SIGCONT)
            _, talk = asker.communicate(timeout=30)
            assert (asker.returncode, "Traceback" in talk) == (75, False), talk
        assert ask.refusal()[0] in ("UNAVAILABLE", "CANCELLED")
    for purpose in PURPOSES[9:11]:
        assert nodes.states(BETA, purpose) == ["failed"]
    assert nodes.spent(BETA, ALPHA) - before == 120


def test_match_interrupted_by_a_person_ends_with_130_and_the_answerer_goes_on(nodes: Nodes) -> None:
    as_made(nodes)
    nodes.start(BETA, faulty=nodes.order(BETA, "stop", "sending Accept"))
    with nodes.begin(ALPHA, *asking(BETA, PURPOSES[3])) as asker:
        wait_until(lambda: nodes.obeyed(BETA), "the session to begin")
        wait_until(lambda: nodes.states(ALPHA, PURPOSES[3]) == ["open"], "the asker to be waiting")
        asker.send_signal(signal.SIGINT)
        _, talk = asker.communicate(timeout=30)
    nodes.processes[BETA].send_signal(signal.SIGCONT)
    assert (asker.returncode, "Traceback" in talk, "interrupted" in talk) == (130, False, True), talk
    assert nodes.states(ALPHA, PURPOSES[3]) == ["failed"]
    told = "SELECT sentence FROM exchange_session WHERE purpose = :purpose"
    (row,) = nodes.query(ALPHA, told, purpose=PURPOSES[3])
    assert "ended early (stopped by this node's operator)" in row.sentence
    wait_until(lambda: nodes.states(BETA, PURPOSES[3]) == ["failed"], "the answerer to end the session")
    assert nodes.quick_match(ALPHA, BETA, PURPOSES[3]).ids() == SHARED
