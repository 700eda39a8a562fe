"""A member that asks out of form, asks for what nobody allowed it, or asks too much: refused."""

import contextlib
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from processes import wait_until
from raw_peer import RawAsk, channel_to, elements, hello
from real_nodes import ALPHA, BETA, MALLORY, PURPOSES, SHARED, Nodes, two_nodes
from symbolon.api.exchange.v1 import exchange_pb2 as pb
from symbolon.api.exchange.v1 import exchange_pb2_grpc as stubs

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

_P = 2**255 - 19
_IDLE_S = 3
_SLOTS = 2


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with two_nodes(
        node={"max_sessions": _SLOTS}, exchange={"idle_timeout_s": _IDLE_S}, budget={"per_window": 5000}
    ) as both:
        yield both


@pytest.fixture(scope="module")
def channel(nodes: Nodes) -> Iterator[grpc.Channel]:
    with channel_to(nodes, BETA) as open_channel:
        yield open_channel


@pytest.fixture(autouse=True)
def _quiet(nodes: Nodes) -> None:
    """A test that hung up leaves a session that ends by itself, a moment later."""
    sql = "SELECT session_id FROM exchange_session WHERE state = 'open'"
    wait_until(lambda: not nodes.query(BETA, sql), "earlier sessions to end")


def little(value: int) -> bytes:
    return value.to_bytes(32, "little")


_HELLOS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown suite": ({"suite": "P256-SHA256"}, "protocol.suite"),
    "stale epoch": ({"epoch": 7}, "protocol.stale_epoch"),
    "wrong coalition": ({"coalition": "elsewhere"}, "protocol.context"),
    "mode of another area": ({"area": "signal"}, "protocol.malformed"),
    "unknown area": ({"area": "elsewhere"}, "protocol.context"),
    "short session id": ({"session_id": b"\x00" * 15}, "protocol.malformed"),
    "unknown mode": ({"mode": "everything"}, "protocol.malformed"),
    "purpose with a line break": ({"purpose": "due\ndiligence"}, "protocol.malformed"),
    "endless purpose": ({"purpose": "p" * 100_000}, "protocol.malformed"),
    "no tier": ({"tiers": ""}, "protocol.malformed"),
    "a tier twice": ({"tiers": "AA"}, "protocol.malformed"),
    "unknown tier": ({"tiers": "Z"}, "protocol.malformed"),
    "too few elements": ({"elements": 63}, "protocol.malformed"),
    "too many elements": ({"elements": 2**24 + 1}, "protocol.malformed"),
    "elements beyond 63 bits": ({"elements": 2**64 - 1}, "protocol.malformed"),
    "group size outside size mode": ({"group_size": 4}, "protocol.malformed"),
    "key rules of 7 bytes": ({"key_rules": bytes(7)}, "protocol.malformed"),
    "endless key rules": ({"key_rules": bytes(100_000)}, "protocol.malformed"),
    "torn groups": ({"mode": "size", "elements": 4002, "group_size": 4}, "protocol.malformed"),
    "size of a small list": ({"mode": "size", "elements": 4096, "group_size": 4}, "permission.small"),
    "beyond the budget": ({"elements": 5001}, "budget.exhausted"),
}


@pytest.mark.parametrize("name", _HELLOS)
def test_node_bad_hello_is_refused_and_nothing_is_debited(
    nodes: Nodes, channel: grpc.Channel, name: str
) -> None:
    changed, code = _HELLOS[name]
    before = nodes.spent(BETA, MALLORY)
    with RawAsk(channel) as ask:
        ask.say(hello=hello(**changed))
        status, told = ask.refusal()
    assert told == code
    assert status not in ("OK", "INTERNAL", "UNKNOWN", "UNAVAILABLE")
    assert nodes.spent(BETA, MALLORY) == before


_FIRST_MESSAGES: dict[str, dict[str, Any]] = {
    "elements before hello": {"elements": elements()},
    "an empty message": {},
    "failure before hello": {"failure": pb.Failure(code="x" * 10_000, message="\x1b[2J" * 1000)},
}


@pytest.mark.parametrize("name", _FIRST_MESSAGES)
def test_node_call_that_does_not_begin_with_a_hello_is_refused(channel: grpc.Channel, name: str) -> None:
    with RawAsk(channel) as ask:
        ask.say(**_FIRST_MESSAGES[name])
        status, code = ask.refusal()
    assert (status, code.partition(".")[0]) == ("INVALID_ARGUMENT", "protocol")


_CHUNKS: dict[str, tuple[list[pb.Elements], str]] = {
    "all-zero": ([elements(data=bytes(32) * 64)], "protocol.element"),
    **{
        f"p - {name}": ([elements(data=elements(63).data + little(_P - below))], "protocol.element")
        for name, below in {"1": 1, "2": 2, "9": 9, "1 - 2^130": 1 + 2**130}.items()
    },
    "p": ([elements(data=elements(63).data + little(_P))], "protocol.element"),
    "p + 9, not canonical": ([elements(data=elements(63).data + little(_P + 9))], "protocol.element"),
    "2^256 - 1": ([elements(data=elements(63).data + b"\xff" * 32)], "protocol.element"),
    "1, of low order": ([elements(data=elements(63).data + little(1))], "protocol.element"),
    "short": ([elements(data=elements(64).data[:-1])], "protocol.width"),
    "empty": ([elements(data=b"")], "protocol.malformed"),
    "oversized chunk": ([elements(data=elements(1).data * 32769)], "protocol.malformed"),
    "more than declared": ([elements(65)], "protocol.excess"),
    "more in a second chunk": ([elements(40), elements(40, 40)], "protocol.excess"),
    "out of order": ([elements(32, 32)], "protocol.order"),
    "a chunk twice": ([elements(32), elements(32)], "protocol.order"),
    "offset beyond 63 bits": ([elements(64, 2**64 - 1)], "protocol.malformed"),
    "a tier not asked": ([elements(64, tier="B")], "protocol.tier"),
}


@pytest.mark.parametrize("name", _CHUNKS)
def test_node_bad_elements_end_the_session_and_the_debit_stays(
    nodes: Nodes, channel: grpc.Channel, name: str
) -> None:
    chunks, code = _CHUNKS[name]
    before = nodes.spent(BETA, MALLORY)
    opening = hello()
    with RawAsk(channel) as ask:
        ask.say(hello=opening)
        ask.hear_until("accept")
        for chunk in chunks:
            ask.say(elements=chunk)
        assert ask.refusal() == ("INVALID_ARGUMENT", code)
    assert nodes.spent(BETA, MALLORY) == before + 64
    ended = "SELECT state FROM exchange_session WHERE session_id = :id"
    assert [row.state for row in nodes.query(BETA, ended, id=opening.session_id.hex())] == ["failed"]


@pytest.mark.parametrize("name", ["a hello twice", "failure", "an empty message"])
def test_node_message_out_of_place_ends_the_session(channel: grpc.Channel, name: str) -> None:
    body: dict[str, Any] = {
        "a hello twice": {"hello": hello()},
        "failure": {"failure": pb.Failure(code="protocol.x", message="\x1b[31m")},
        "an empty message": {},
    }[name]
    with RawAsk(channel) as ask:
        ask.say(hello=hello())
        ask.hear_until("accept")
        ask.say(**body)
        status, code = ask.refusal()
    assert status == "INVALID_ARGUMENT"
    assert code.startswith(("protocol.", "peer."))


def test_node_session_id_used_again_is_refused_and_nothing_is_debited(
    nodes: Nodes, channel: grpc.Channel
) -> None:
    opening = hello()
    for expected in ("OK", None):
        before = nodes.spent(BETA, MALLORY)
        with RawAsk(channel) as ask:
            ask.say(hello=opening)
            if expected == "OK":
                ask.say(elements=elements())
            status, _ = ask.refusal()
        assert (status == "OK") == (expected == "OK")
        assert (nodes.spent(BETA, MALLORY) > before) == (expected == "OK")


def test_node_message_above_4_mib_is_refused_before_it_is_read(nodes: Nodes, channel: grpc.Channel) -> None:
    with RawAsk(channel) as ask:
        ask.say(hello=hello(purpose=PURPOSES[1]))
        ask.hear_until("accept")
        ask.say(elements=elements(data=bytes(5 << 20)))
        assert ask.refusal() == ("RESOURCE_EXHAUSTED", "")
    wait_until(lambda: nodes.states(BETA, PURPOSES[1]) == ["failed"], "the session to end")


def test_node_bytes_that_are_no_message_are_refused_and_service_goes_on(
    nodes: Nodes, channel: grpc.Channel
) -> None:
    for method in ("Ask", "Offer"):
        call = channel.stream_stream(f"/symbolon.api.exchange.v1.ExchangeService/{method}")
        answers = call(iter([b"\xff" * 1000]), timeout=20)
        with pytest.raises(grpc.RpcError):
            next(answers)
        assert (answers.code().name, answers.details()) == ("INVALID_ARGUMENT", "protocol error")
    assert nodes.quick_match(ALPHA, BETA).ids() == SHARED


def test_node_asker_that_stops_half_way_is_dropped_at_the_deadline_and_stays_debited(
    nodes: Nodes, channel: grpc.Channel
) -> None:
    purpose = PURPOSES[2]
    before = nodes.spent(BETA, MALLORY)
    with RawAsk(channel) as ask, RawAsk(channel) as silent:
        ask.say(hello=hello(purpose=purpose))
        ask.hear_until("accept")
        ask.say(elements=elements(32))
        start = time.monotonic()
        assert ask.refusal() == ("UNAVAILABLE", "unavailable")
        assert time.monotonic() - start < _IDLE_S + 20
        assert silent.refusal() == ("UNAVAILABLE", "unavailable")
    assert nodes.spent(BETA, MALLORY) == before + 64
    assert nodes.states(BETA, purpose) == ["failed"]


def test_node_asker_that_hangs_up_at_once_leaves_no_session_open(nodes: Nodes) -> None:
    purpose = PURPOSES[3]
    with channel_to(nodes, BETA) as own:
        for number in range(12):
            with RawAsk(own) as ask:
                ask.say(hello=hello(purpose=purpose))
                # Ever a little later, so that the end falls into every step of the opening.
                time.sleep(number * 0.004)
    assert nodes.quick_match(ALPHA, BETA, PURPOSES[4]).ids() == SHARED
    wait_until(lambda: "open" not in nodes.states(BETA, purpose), "the sessions to be closed")


def test_node_audit_entry_and_debit_exist_before_anything_leaves(nodes: Nodes, channel: grpc.Channel) -> None:
    purpose = PURPOSES[5]
    before = nodes.spent(BETA, MALLORY)
    with RawAsk(channel) as ask:
        ask.say(hello=hello(purpose=purpose))
        ask.hear_until("accept")
        assert nodes.events(BETA, purpose)[0] == "answered"
        assert nodes.spent(BETA, MALLORY) == before + 64
        ask.hear_until("entries")
        assert nodes.events(BETA, purpose)[:2] == ["answered", "released"]


def test_node_flood_of_sessions_is_told_to_try_again_and_service_goes_on(
    nodes: Nodes, channel: grpc.Channel
) -> None:
    purpose = PURPOSES[6]
    with channel_to(nodes, BETA, nodes.credentials(ALPHA)) as other, contextlib.ExitStack() as held:
        for each in (channel, other):
            ask = held.enter_context(RawAsk(each))
            ask.say(hello=hello(purpose=purpose))
            ask.hear_until("accept")
        # Both sessions are held as long as their idle timeout lets them.
        code, talk = nodes.quick_error(ALPHA, BETA, purpose)
        assert (code, f"{BETA} cannot answer now" in talk) == (75, True), talk
    wait_until(lambda: nodes.states(BETA, purpose) == ["failed"] * _SLOTS, "the sessions to be free")
    assert nodes.quick_match(ALPHA, BETA, purpose).ids() == SHARED


def test_node_errors_that_travel_say_no_more_than_their_fixed_text(channel: grpc.Channel) -> None:
    with RawAsk(channel) as ask:
        ask.say(hello=hello(suite="P256-SHA256"))
        ask.refusal()
        assert ask.call.details() == "suite not offered"
    with RawAsk(channel) as ask:
        ask.say(hello=hello(purpose="something-else"))
        ask.refusal()
        assert ask.call.details() == "not permitted"


def test_node_random_bytes_in_every_field_never_end_in_more_than_a_refusal(
    nodes: Nodes, channel: grpc.Channel
) -> None:
    for kind in ("hello", "elements"):
        with RawAsk(channel) as ask:
            if kind == "hello":
                ask.say(hello=pb.Hello(session_id=os.urandom(5000), suite="\x00" * 500, epoch=2**64 - 1))
            else:
                ask.say(hello=hello())
                ask.say(elements=pb.Elements(tier="\u202e" * 50, offset=2**64 - 1, data=os.urandom(999)))
            assert ask.refusal()[0] in ("INVALID_ARGUMENT", "PERMISSION_DENIED", "UNAVAILABLE")
    assert "unexpected" not in nodes.log(BETA)


_ALLOWED = {
    "peer": MALLORY,
    "modes": ("intersection",),
    "tiers": ("A",),
    "purposes": ("due-diligence", "marketing"),
}


@pytest.fixture(scope="module")
def strict(nodes: Nodes) -> Nodes:
    """From here on `BETA` serves at another address, under narrower rules."""
    nodes.configure(BETA, allow=({**_ALLOWED, "invited": False}, {"peer": ALPHA, "answer": False}))
    nodes.start(BETA)
    return nodes


@pytest.mark.parametrize(
    ("caller", "asked"),
    [
        (MALLORY, {"mode": "size", "elements": 4096, "group_size": 4}),
        (MALLORY, {"purpose": PURPOSES[1]}),
        (MALLORY, {"tiers": "AB"}),
        (MALLORY, {"tiers": "C"}),
        (ALPHA, {}),
    ],
    ids=["mode", "purpose", "one tier more", "tier", "direction"],
)
def test_node_request_that_nobody_allowed_is_denied_in_the_audit_log_and_not_debited(
    strict: Nodes, caller: str, asked: dict[str, Any]
) -> None:
    opening = hello(**asked)
    debits = "SELECT count(*) AS n, sum(spent) AS spent FROM budget_spent"
    before = strict.query(BETA, debits)
    with channel_to(strict, BETA, strict.credentials(caller)) as channel, RawAsk(channel) as ask:
        ask.say(hello=opening)
        assert ask.refusal() == ("PERMISSION_DENIED", "permission.denied")
    lines = "SELECT event, peer FROM audit_entry WHERE session = :id"
    assert list(map(tuple, strict.query(BETA, lines, id=opening.session_id.hex()))) == [("denied", caller)]
    assert strict.query(BETA, debits) == before


def test_node_request_for_a_purpose_of_no_coalition_is_denied_whatever_is_allowed(strict: Nodes) -> None:
    # `BETA` allows it, the coalition does not know it.
    opening = hello(purpose="marketing")
    with channel_to(strict, BETA) as channel, RawAsk(channel) as ask:
        ask.say(hello=opening)
        assert ask.refusal() == ("PERMISSION_DENIED", "permission.purpose")
    lines = "SELECT event, peer FROM audit_entry WHERE session = :id"
    assert list(map(tuple, strict.query(BETA, lines, id=opening.session_id.hex()))) == [("denied", MALLORY)]


def test_node_invitation_that_nobody_allowed_is_denied_in_the_audit_log(strict: Nodes) -> None:
    invitation = pb.Invitation(mode="intersection", purpose="due-diligence", tiers=["A"])
    denied = "SELECT count(*) AS n FROM audit_entry WHERE event = 'denied' AND session = ''"
    before = strict.query(BETA, denied)[0].n
    with channel_to(strict, BETA) as channel:
        call = stubs.ExchangeServiceStub(channel).Offer(
            iter([pb.OfferRequest(invitation=invitation)]), timeout=20
        )
        with pytest.raises(grpc.RpcError):
            next(call)
        assert call.code().name == "PERMISSION_DENIED"
    assert strict.query(BETA, denied)[0].n == before + 1


def test_node_refusal_reaches_a_real_asker_as_what_it_is_every_time(strict: Nodes) -> None:
    # It used to be lost when it came while elements were being written, in one session of four.
    assert {strict.quick_error(ALPHA, BETA, PURPOSES[7])[0] for _ in range(12)} == {77}
    assert set(strict.events(BETA, PURPOSES[7])) == {"denied"}
