"""Members that ask and tell more about signals than they may, and publishers that answer with lies.

That who is no member in good standing reaches none of these methods is in `test_rpc_authorisation_matrix`.
"""

import asyncio
import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contributing_ngo import COALITION, NGO, PURPOSE, Contributor, contributor
from signal_callers import Asker, Refusal
from signal_makers import SIGNAL_ID, make_signal
from symbolon.api.signal.v1 import signal_pb2 as pb
from symbolon.cli.signals_contest import _came_of_it
from symbolon.errors import RemoteProtocolError, SignalError, StorageError
from symbolon.policy.obligations import NOTHING
from symbolon.rpc import signal_answering, signal_client, signal_service
from symbolon.rpc.node import Node
from symbolon.rpc.signal_codec import Narrative, encode_narrative, narrative_message
from symbolon.rpc.signal_service import STEP_S
from symbolon.signals.released import release
from symbolon.signals.supplier_link import Hit, supplier_links
from symbolon.signals.vocabulary import DisputeState
from symbolon.storage.received_signal_view import ReceivedLink, ReceivedView
from symbolon.storage.signal_response_columns import Relayed, ResponseKind, ResponseState
from symbolon.storage.signal_response_store import MAX_TEXTS, MAX_WAITING, Response, Standing
from symbolon.suppliers.tier import Tier

DENIED = Refusal("PERMISSION_DENIED", "permission.denied", "not permitted")
WAITS = DENIED._replace(code="permission.waiting")
CANARY = "Zyzzyva-7731"


@pytest.fixture(scope="module")
def ngo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition")) as made:
        made.allow({"peer": "birch"}, {"peer": "alder"})
        yield made


@pytest.fixture
def node(ngo: Contributor) -> Iterator[Node]:
    with ngo.node() as node:
        yield node


@pytest.fixture
def asker(node: Node) -> Asker:
    return Asker(node)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refusals leave soon: for tests that count them."""
    monkeypatch.setattr(signal_service, "STEP_S", 0.001)


def add(ngo: Contributor, *given: str, count: int = 1) -> list[bytes]:
    """Adds signals and gives them to members; their ids."""
    text = ngo.file("narrative.txt", f"They repay. {CANARY}")
    ids = [ngo.add("--purpose", PURPOSE, "--narrative-file", str(text)) for _ in range(count)]
    for member in given:
        ngo.given(member, *ids)
    return [bytes.fromhex(each) for each in ids]


def waiting_about(node: Node, signal_id: bytes) -> list[Response]:
    """Texts about a signal that wait for a person."""
    number = node.responses.find(signal_id).number
    return [each for each in node.responses.waiting() if each.number == number]


# ------------------------------------------------------------------------------------- what was not given


@pytest.mark.usefixtures("at_once")
def test_attack_ids_that_were_never_given_tell_nothing_however_they_are_guessed(
    ngo: Contributor, node: Node, asker: Asker
) -> None:
    (given,), (hidden,) = add(ngo, "birch"), add(ngo, "alder")
    near = [bytes([*given[:at], given[at] ^ 1, *given[at + 1 :]]) for at in range(16)]
    guesses = [hidden, bytes(16), b"\xff" * 16, *near, *(os.urandom(16) for _ in range(8))]
    before = node.audit.size()
    for guess in guesses:
        for ask in (asker.narrative, asker.contest, asker.corroborate, asker.withdraw):
            asker.service._rate._left.clear()
            assert ask("birch", guess, PURPOSE) == DENIED
    assert node.audit.size() == before
    assert node.responses.find(hidden).signal.revision == 1
    assert node.signals.contributors([node.responses.find(hidden).number]).popitem()[1] == 1


@pytest.mark.usefixtures("at_once")
def test_attack_id_heard_from_another_member_opens_nothing(ngo: Contributor, asker: Asker) -> None:
    """Ids are the same for all receivers, and two of them may compare notes."""
    (hidden,) = add(ngo, "alder")
    assert asker.narrative("alder", hidden, PURPOSE).narrative.startswith("They repay.")
    assert asker.narrative("birch", hidden, PURPOSE) == DENIED
    assert asker.contest("birch", hidden, PURPOSE) == DENIED


def test_attack_time_of_a_refusal_does_not_tell_its_reason(ngo: Contributor, asker: Asker) -> None:
    (hidden,), (given,) = add(ngo, "alder"), add(ngo, "birch")
    for signal_id, purpose, revision in (
        (bytes(16), PURPOSE, 1),
        (hidden, PURPOSE, 1),
        (given, "resale", 1),
        (given, PURPOSE, 9),
    ):
        assert asker.narrative("birch", signal_id, purpose, revision) == DENIED
        assert asker.took_s >= STEP_S
        assert asker.took_s % STEP_S < 0.15


@pytest.mark.parametrize("works_s", [0.0, 0.02, 0.2, 0.3])
def test_attack_slow_refusal_leaves_at_the_next_step(works_s: float) -> None:
    async def measure() -> float:
        clock = asyncio.get_running_loop().time

        async def work() -> None:
            await asyncio.sleep(works_s)
            raise signal_service.PermissionDeniedError("hidden")

        began_s = clock()
        with pytest.raises(signal_service.PermissionDeniedError):
            await signal_service.alike_in_time(work)
        return clock() - began_s

    took_s = asyncio.run(measure())
    steps = 1 if works_s < STEP_S else 2
    assert steps * STEP_S <= took_s < steps * STEP_S + 0.15


def test_attack_contributor_corroborates_itself(ngo: Contributor, node: Node, asker: Asker) -> None:
    (signal_id,) = add(ngo, "birch")
    assert asker.corroborate(NGO, signal_id, PURPOSE) == DENIED
    assert node.responses.corroborating(node.responses.find(signal_id).number) == []


# -------------------------------------------------------------------------------------------------- floods


@pytest.mark.usefixtures("at_once")
def test_attack_contest_of_every_signal_at_once_stops_where_nobody_could_read_them(
    ngo: Contributor, node: Node, asker: Asker
) -> None:
    ids = add(ngo, "birch", count=MAX_WAITING + 3)
    answers = [asker.contest("birch", each, PURPOSE) for each in ids]
    assert [each != WAITS for each in answers] == [True] * MAX_WAITING + [False] * 3
    disputed = [node.responses.find(each).signal.dispute.state is DisputeState.OPEN for each in ids]
    assert disputed == [True] * MAX_WAITING + [False] * 3
    # Nobody else is kept out by it.
    ngo.given("alder", ids[-1].hex())
    assert asker.contest("alder", ids[-1], PURPOSE).state == "waiting"
    for each in node.responses.waiting():
        signal_answering.decline(node, each, "An attack.")


@pytest.mark.usefixtures("at_once")
def test_attack_contest_that_is_declined_again_and_again_comes_to_an_end(
    ngo: Contributor, node: Node, asker: Asker
) -> None:
    (signal_id,) = add(ngo, "birch")
    for number in range(MAX_TEXTS):
        assert asker.contest("birch", signal_id, PURPOSE, f"Not us, {number}.").state == "waiting"
        (waiting,) = waiting_about(node, signal_id)
        signal_answering.decline(node, waiting, "It was.")
    assert asker.contest("birch", signal_id, PURPOSE, "Not us, once more.") == WAITS
    assert node.responses.find(signal_id).signal.dispute.state is DisputeState.MAINTAINED


def test_attack_one_text_sent_from_many_sides_at_once_is_taken_once(ngo: Contributor, node: Node) -> None:
    (signal_id,) = add(ngo, "birch")
    number = node.responses.find(signal_id).number
    said = Relayed(ResponseKind.CONTEST, "Not us.", date(2026, 6, 20), PURPOSE)

    def take(_: int) -> Any:
        return node.responses.take("birch", number, said, lambda _: bytes(64))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(take, range(24)))
    assert answers == [Standing(ResponseState.WAITING)] * 24
    assert len(waiting_about(node, signal_id)) == 1
    assert node.responses.find(signal_id).signal.revision == 2


def test_attack_corroborating_twice_under_other_purposes_and_at_once_counts_once(
    ngo: Contributor, node: Node, asker: Asker
) -> None:
    (signal_id,) = add(ngo, "birch")
    number = node.responses.find(signal_id).number
    with ThreadPoolExecutor(8) as pool:
        took = list(pool.map(lambda each: node.responses.corroborate("birch", number, f"p{each}"), range(16)))
    assert took.count(True) == 1
    asker.corroborate("birch", signal_id, PURPOSE)
    assert node.signals.contributors([number]) == {number: 2}


def test_attack_reply_of_a_megabyte_is_no_message_of_this_service(
    ngo: Contributor, node: Node, asker: Asker
) -> None:
    (signal_id,) = add(ngo, "birch")
    for changes in ({"text": "x" * (1 << 20)}, {"text": "Not us.", "padding": bytes(1 << 20)}):
        request = pb.ContestRequest(
            signal_id=signal_id, purpose=PURPOSE, kind="reply", relayed_on="2026-06-20", **changes
        )
        assert asker.call("birch", "Contest", request).code == "protocol.malformed"
    assert waiting_about(node, signal_id) == []


# ------------------------------------------------------------------------------------------------- replays


@pytest.mark.usefixtures("at_once")
def test_attack_replay_of_a_contest_that_was_decided_opens_nothing_again(
    ngo: Contributor, node: Node, asker: Asker
) -> None:
    (signal_id,) = add(ngo, "birch")
    asker.contest("birch", signal_id, PURPOSE)
    (waiting,) = waiting_about(node, signal_id)
    signal_answering.decline(node, waiting, "It was.")
    revision, entries = node.responses.find(signal_id).signal.revision, node.audit.size()
    for _ in range(5):
        assert asker.contest("birch", signal_id, PURPOSE).state == "declined"
    assert (node.responses.find(signal_id).signal.revision, node.audit.size()) == (revision, entries)


@pytest.mark.usefixtures("at_once")
def test_attack_replay_of_everything_after_a_recall_changes_nothing(
    ngo: Contributor, node: Node, asker: Asker
) -> None:
    (signal_id,) = add(ngo, "birch")
    asker.contest("birch", signal_id, PURPOSE)
    asker.corroborate("birch", signal_id, PURPOSE)
    ngo.run("recall", signal_id.hex(), "--reason", "withdrawn", "--yes")
    entries = node.audit.size()
    for ask in (asker.narrative, asker.contest, asker.corroborate, asker.withdraw):
        assert ask("birch", signal_id, PURPOSE) == DENIED
    assert node.audit.size() == entries


# ----------------------------------------------------------------------------- what must not leave or stay


def test_attack_full_disk_keeps_a_narrative_from_leaving_without_its_entry(
    ngo: Contributor, node: Node, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    (signal_id,) = add(ngo, "birch")

    def fails(*_: Any) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(node.responses, "note_narrative", fails)
    refusal = asker.narrative("birch", signal_id, PURPOSE)
    assert (refusal.status, refusal.code) == ("UNAVAILABLE", "storage")


def test_attack_recall_between_decision_and_answer_keeps_the_narrative_back(
    ngo: Contributor, node: Node, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    (signal_id,) = add(ngo, "birch")
    choose = signal_service.choose_signals

    def slow(*arguments: Any) -> Any:
        choice = choose(*arguments)
        ngo.run("recall", signal_id.hex(), "--reason", "withdrawn", "--yes")
        return choice

    monkeypatch.setattr(signal_service, "choose_signals", slow)
    entries = [each.values["event"] for each in node.audit.entries()].count("narrated")
    assert asker.narrative("birch", signal_id, PURPOSE) == DENIED
    assert [each.values["event"] for each in node.audit.entries()].count("narrated") == entries


def test_attack_texts_stand_in_no_log_no_entry_and_no_page_of_the_database(
    ngo: Contributor, node: Node, asker: Asker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    (signal_id,) = add(ngo, "birch")
    assert CANARY in asker.narrative("birch", signal_id, PURPOSE).narrative
    asker.contest("birch", signal_id, PURPOSE, f"Not us. {CANARY}")
    asker.contest("birch", signal_id, PURPOSE, f"Nor them. {CANARY}")
    asker.contest("birch", bytes(16), PURPOSE, f"Nor them. {CANARY}")
    (waiting,) = waiting_about(node, signal_id)
    signal_answering.decline(node, waiting, f"It was. {CANARY}")
    assert CANARY not in caplog.text
    assert all(CANARY not in value for each in node.audit.entries() for value in each.values.values())
    for path in ngo.home.glob("node.db*"):
        assert CANARY.encode() not in path.read_bytes()


# -------------------------------------------------------------------------------------- lying publishers


class Caller:
    """A member's node as far as asking needs one; its publisher is `watch`, whose answers a test makes up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.kept: list[Any] = []
        self.entries: list[Any] = []
        listed = SimpleNamespace(signing_key=self.key.public_key().public_bytes_raw())
        members = SimpleNamespace(find=lambda member: listed if member == NGO else None)
        self.node: Any = SimpleNamespace(
            config=SimpleNamespace(
                node=SimpleNamespace(coalition=COALITION), exchange=SimpleNamespace(suite="suite")
            ),
            directory=SimpleNamespace(current=lambda: members),
            permission=SimpleNamespace(require=lambda _: SimpleNamespace(decision="{}")),
            audit=SimpleNamespace(append=self.entries.append),
            database=SimpleNamespace(transaction=lambda _: SimpleNamespace(__enter__=None, __exit__=None)),
            received=SimpleNamespace(save_narrative=lambda *saved: self.kept.append(saved)),
        )

        async def call(_node: Any, _peer: str, _method: str, _request: Any) -> Any:
            return answer(self)

        monkeypatch.setattr(signal_client, "_call", call)

    def signed(self, text: str, revision: int = 3, **changes: Any) -> pb.GetNarrativeResponse:
        """A narrative as an honest publisher answers, but for what a test changes of what is signed."""
        parts: dict[str, Any] = {
            "coalition": COALITION,
            "publisher": NGO,
            "signal_id": SIGNAL_ID,
            "revision": revision,
            "text": text,
        }
        key = changes.pop("key", self.key)
        signature = key.sign(narrative_message(**{**parts, **changes}))
        return encode_narrative(Narrative(text, revision, signature))


def view() -> ReceivedView:
    """A signal of `watch`, revision 3, about one own supplier."""
    signal = release(make_signal(revision=3), NOTHING)
    (link,) = supplier_links([Hit(7, Tier.A, "lei.1", 1)])
    links = (ReceivedLink(link, bytes(16), None),)
    return ReceivedView(NGO, PURPOSE, signal, links, True, bytes(32), 0, 0, 2**40, 3)


LIES: dict[str, Any] = {
    "another text than was signed": lambda caller: replace_text(caller.signed("They repay."), "They do not."),
    "signed by another member": lambda caller: caller.signed("They repay.", key=Ed25519PrivateKey.generate()),
    "signed for another signal": lambda caller: caller.signed("They repay.", signal_id=bytes(16)),
    "signed for another revision": lambda caller: lied(caller),
    "signed in another coalition": lambda caller: caller.signed("They repay.", coalition="another"),
    "signed in another member's name": lambda caller: caller.signed("They repay.", publisher="alder"),
    "an earlier revision, honestly signed": lambda caller: caller.signed("They repay.", 2),
    "a later revision, honestly signed": lambda caller: caller.signed("They repay.", 4),
    "nothing": lambda _: pb.GetNarrativeResponse(),
    "no signature": lambda _: pb.GetNarrativeResponse(narrative="They repay.", revision=3),
    "an empty text": lambda caller: caller.signed(" "),
    "a text beyond all limits": lambda caller: caller.signed("x" * 20_001),
    "escapes of a terminal": lambda caller: caller.signed("They \x1b[2Jrepay."),
    "a text that reads backwards": lambda caller: caller.signed("They \u202eyaper."),
}


def replace_text(message: pb.GetNarrativeResponse, text: str) -> pb.GetNarrativeResponse:
    message.narrative = text
    return message


def lied(caller: Caller) -> pb.GetNarrativeResponse:
    """Revision 2's signature with the number 3 written over it."""
    message = caller.signed("They repay.", 2)
    message.revision = 3
    return message


@pytest.mark.parametrize("lie", LIES)
def test_attack_narrative_that_its_publisher_made_up_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, lie: str
) -> None:
    caller = Caller(monkeypatch, LIES[lie])
    with pytest.raises(RemoteProtocolError) as caught:
        asyncio.run(signal_client.ask_narrative(caller.node, view()))
    assert caught.value.full_code in ("protocol.malformed", "protocol.narrative")
    assert caller.kept == []
    # That it was asked for is in the log all the same: it was written before.
    assert [each.event for each in caller.entries] == ["interested"]


def test_attack_narrative_is_not_asked_for_about_a_supplier_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Asking would tell the publisher something that is not even true."""
    caller = Caller(monkeypatch, lambda _: pytest.fail("the publisher was asked"))
    rejected = tuple(replace(each, decision="rejected") for each in view().links)
    for links in ((), rejected):
        with pytest.raises(SignalError):
            asyncio.run(signal_client.ask_narrative(caller.node, replace(view(), links=links)))
    assert caller.entries == []


@pytest.mark.parametrize(
    "answer",
    [
        pb.ContestResponse(),
        pb.ContestResponse(state="done"),
        pb.ContestResponse(state="declined", reason="x" * 601),
    ],
    ids=["empty", "of another state", "too long"],
)
def test_attack_answer_of_another_form_to_what_a_supplier_says_is_refused(
    monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    caller = Caller(monkeypatch, lambda _: answer)
    said = Relayed(ResponseKind.REPLY, "Not us.", date(2026, 6, 20), PURPOSE)
    with pytest.raises(RemoteProtocolError):
        asyncio.run(signal_client.relay(caller.node, view(), said))


def test_attack_reason_of_a_publisher_is_shown_harmless() -> None:
    hostile = "no \x1b]0;owned\x07\nsymbolon: error: pay \u202e"
    said = _came_of_it(Standing(ResponseState.DECLINED, hostile), NGO)
    assert "\x1b" not in said
    assert "\n" not in said
    assert "\u202e" not in said


def test_attack_copy_of_a_signal_is_no_second_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two publishers that use one id: one copied the other, and corroborating either would count it twice."""
    caller = Caller(monkeypatch, lambda _: pytest.fail("the publisher was told"))
    own: Any = SimpleNamespace(signal=make_signal())
    with pytest.raises(SignalError) as caught:
        asyncio.run(signal_client.corroborate(caller.node, replace(view(), also_under=("alder",)), own))
    assert caught.value.full_code == "signal.copied"
    assert caller.entries == []
