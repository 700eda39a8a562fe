"""Receipts that lie, at either end: what each refuses, and what it writes down all the same."""

import dataclasses
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from processes import wait_until
from raw_peer import RawAsk, channel_to, elements, fair_answer, hello, rogue_server
from raw_receipts import hour
from real_nodes import ALPHA, BETA, MALLORY, PURPOSES, Nodes, two_nodes
from symbolon.api.exchange.v1 import exchange_pb2 as pb
from symbolon.audit.checkpoint import Checkpoint, log_origin, sign_checkpoint
from symbolon.audit.document import Document
from symbolon.audit.merkle import EMPTY_ROOT
from symbolon.audit.receipt import decode_result, request_document, sign_request, sign_result
from symbolon.audit.signed_note import encode_note
from symbolon.cli.local_coalition import COALITION
from symbolon.exchange.messages import Hello, SignedRequest, TierAsk
from symbolon.membership.canonical_json import encode_canonical
from symbolon.membership.member import CoalitionId, MemberId
from symbolon.membership.signing_key import load_signing_key
from symbolon.rpc import codec, sender_session
from symbolon.rpc.node import SIGNING_KEY_FILE, Node
from symbolon.rpc.receipts import CLOCK_SKEW_HOURS

_FRESH = itertools.count(1)
ROOTS = (bytes(31) + b"\1", bytes(31) + b"\2")
Change = Callable[[Hello], Hello]


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with two_nodes() as nodes:
        yield nodes


def fresh() -> str:
    return PURPOSES[next(_FRESH)]


def key_of(nodes: Nodes, member: str) -> Ed25519PrivateKey:
    return load_signing_key(nodes.home(member) / SIGNING_KEY_FILE)


def checkpoint(nodes: Nodes, log: str = MALLORY, by: str = MALLORY, size: int = 0, root: bytes = b"") -> str:
    """A checkpoint of one member's log, signed by another or the same."""
    origin = log_origin(CoalitionId(COALITION), MemberId(log))
    note = sign_checkpoint(Checkpoint(origin, size, root or EMPTY_ROOT), key_of(nodes, by))
    return encode_note(note).decode()


def signed(
    nodes: Nodes,
    said: pb.Hello,
    *,
    by: str = MALLORY,
    sender: str = BETA,
    receiver: str = MALLORY,
    hours: int = 0,
    shown: str = "",
    change: Change = lambda each: each,
    sign: Callable[[bytes, Ed25519PrivateKey], bytes] = sign_request,
) -> pb.Hello:
    """A hello of mallory with a request, in which a test may have signed something else than it says."""
    plain = codec.decode_receiver(pb.ReceiverMessage(hello=said))
    assert isinstance(plain, Hello)
    request = SignedRequest(hour() + hours, shown or checkpoint(nodes), bytes(64))
    document = request_document(dataclasses.replace(change(plain), request=request), sender, receiver)
    signature = sign(document, key_of(nodes, by))
    made = pb.Hello()
    made.CopyFrom(said)
    made.request.CopyFrom(
        pb.SignedRequest(hour=request.hour, checkpoint=request.checkpoint, signature=signature)
    )
    return made


def refused(nodes: Nodes, said: pb.Hello) -> str:
    """Says a hello to beta; the code of its refusal."""
    with channel_to(nodes, BETA) as channel, RawAsk(channel) as ask:
        ask._signer = None
        ask.say(hello=said)
        return ask.refusal()[1]


def entries(nodes: Nodes, member: str, purpose: str) -> list[Any]:
    sql = "SELECT event, note, request, receipt FROM audit_entry WHERE purpose = :purpose ORDER BY number"
    return nodes.query(member, sql, purpose=purpose)


def other_elements(said: Hello) -> Hello:
    return dataclasses.replace(said, tiers=(TierAsk("A", 128),))


HELLOS: dict[str, dict[str, Any]] = {
    "signed by another member": {"by": ALPHA},
    "for another sender": {"sender": ALPHA},
    "of another receiver": {"receiver": ALPHA},
    "of another session": {"change": lambda said: dataclasses.replace(said, session_id=bytes(16))},
    "for another purpose": {"change": lambda said: dataclasses.replace(said, purpose="purpose-59")},
    "for other elements": {"change": other_elements},
    "for a later epoch": {"change": lambda said: dataclasses.replace(said, epoch=7)},
    "signed as a result": {"sign": sign_result},
    "a day and two hours ahead": {"hours": CLOCK_SKEW_HOURS + 2},
    "a day and two hours behind": {"hours": -CLOCK_SKEW_HOURS - 2},
    "from the year 5000": {"hours": 26_000_000},
}


@pytest.mark.parametrize("attack", HELLOS)
def test_request_that_lies_is_refused_before_anything_is_debited(nodes: Nodes, attack: str) -> None:
    purpose, before = fresh(), nodes.spent(BETA, MALLORY)
    assert refused(nodes, signed(nodes, hello(purpose=purpose), **HELLOS[attack])) == "protocol.receipt"
    wait_until(lambda: entries(nodes, BETA, purpose), "the entry")
    (entry,) = entries(nodes, BETA, purpose)
    # Nothing that did not hold is kept as if it were a request.
    assert (entry.event, entry.note, entry.request) == ("failed", "protocol.receipt", "")
    assert nodes.spent(BETA, MALLORY) == before


def test_request_that_is_absent_is_refused(nodes: Nodes) -> None:
    purpose = fresh()
    assert refused(nodes, hello(purpose=purpose)) == "protocol.receipt"
    wait_until(lambda: nodes.events(BETA, purpose), "the entry")
    assert [entry.note for entry in entries(nodes, BETA, purpose)] == ["protocol.receipt"]


def test_request_with_the_checkpoint_of_another_log_or_none_is_refused(nodes: Nodes) -> None:
    purpose = fresh()
    others = {
        "another member's, as that member signed it": checkpoint(nodes, ALPHA, ALPHA),
        "another member's, as this one signed it": checkpoint(nodes, ALPHA, MALLORY),
        "its own, as another member signed it": checkpoint(nodes, MALLORY, ALPHA),
        "no checkpoint": "a line\n",
    }
    for what, shown in others.items():
        said = signed(nodes, hello(purpose=purpose), shown=shown)
        assert refused(nodes, said) == "protocol.receipt", what
    wait_until(lambda: len(entries(nodes, BETA, purpose)) == len(others), "the entries")
    # No such checkpoint may stand as one of that log, nor as evidence against its owner.
    assert nodes.query(BETA, "SELECT * FROM audit_evidence") == []


def test_request_said_again_is_refused_and_debits_nothing(nodes: Nodes) -> None:
    purpose = fresh()
    said = signed(nodes, hello(purpose=purpose))
    with channel_to(nodes, BETA) as channel, RawAsk(channel) as ask:
        ask.say(hello=said)
        assert ask.hear().WhichOneof("body") == "accept"
    wait_until(lambda: nodes.states(BETA, purpose) == ["failed"], "the end of the session")
    before = nodes.spent(BETA, MALLORY)
    assert refused(nodes, said) == "protocol.session"
    assert nodes.spent(BETA, MALLORY) == before


def test_request_with_a_checkpoint_that_contradicts_an_earlier_one_is_kept_as_evidence(nodes: Nodes) -> None:
    """Two members are shown two logs of the same size: one of the two is enough to prove it."""
    purpose = fresh()
    first, second = (checkpoint(nodes, size=5, root=root) for root in ROOTS)
    with channel_to(nodes, BETA) as channel, RawAsk(channel) as ask:
        ask.say(hello=signed(nodes, hello(purpose=purpose), shown=first))
        assert ask.hear().WhichOneof("body") == "accept"
    for _ in range(2):
        said = signed(nodes, hello(purpose=purpose), shown=second)
        assert refused(nodes, said) == "protocol.contradiction"
    (kept,) = nodes.query(BETA, "SELECT * FROM audit_evidence")
    assert (kept.earlier, kept.later) == (first, second)
    events = nodes.query(BETA, "SELECT peer FROM audit_entry WHERE event = 'contradicted'")
    assert [row.peer for row in events] == [MALLORY]
    # What it shows of one log is taken as before.
    with channel_to(nodes, BETA) as channel, RawAsk(channel) as ask:
        ask.say(hello=signed(nodes, hello(purpose=purpose), shown=first))
        assert ask.hear().WhichOneof("body") == "accept"


def whole_session(ask: RawAsk, said: pb.Hello) -> pb.Finish:
    """Everything that an honest receiver says but the receipt."""
    ask.say(hello=said)
    ask.hear_until("accept")
    ask.say(elements=elements())
    finish = ask.hear_until("finish")
    assert isinstance(finish, pb.Finish)
    return finish


def result_of(nodes: Nodes, purpose: str) -> Document:
    (entry,) = [each for each in entries(nodes, BETA, purpose) if each.event == "ended"]
    with Node(nodes.home(BETA)) as node:
        found = node.audit.document(entry.receipt)
    assert found is not None
    return found


def test_receipt_that_is_honest_stands_beside_the_senders_signature(nodes: Nodes) -> None:
    """The control of those below."""
    purpose = fresh()
    with channel_to(nodes, BETA) as channel, RawAsk(channel) as ask:
        finish = whole_session(ask, hello(purpose=purpose))
        ask.say(receipt=pb.Receipt(signature=sign_result(finish.result, key_of(nodes, MALLORY))))
        ask.done_speaking()
        assert ask.refusal() == ("OK", "")
    wait_until(lambda: "ended" in nodes.events(BETA, purpose), "the end")
    assert sorted(result_of(nodes, purpose).signatures) == [BETA, MALLORY]
    assert [each.note for each in entries(nodes, BETA, purpose) if each.event == "ended"] == [""]


def _forged(nodes: Nodes, finish: pb.Finish) -> pb.Receipt:
    return pb.Receipt(signature=sign_result(finish.result, key_of(nodes, ALPHA)))


RECEIPTS: dict[str, Callable[[Nodes, pb.Finish], dict[str, Any] | None]] = {
    "by another member": lambda nodes, finish: {"receipt": _forged(nodes, finish)},
    "over another result": lambda nodes, finish: {
        "receipt": pb.Receipt(signature=sign_result(finish.result + b" ", key_of(nodes, MALLORY)))
    },
    "as for a request": lambda nodes, finish: {
        "receipt": pb.Receipt(signature=sign_request(finish.result, key_of(nodes, MALLORY)))
    },
    "the sender's own": lambda _, finish: {"receipt": pb.Receipt(signature=finish.signature)},
    "of 63 bytes": lambda *_: {"receipt": pb.Receipt(signature=bytes(63))},
    "that is another message": lambda *_: {"elements": elements()},
    "that does not come": lambda *_: None,
}


@pytest.mark.parametrize("attack", RECEIPTS)
def test_receipt_that_lies_leaves_the_senders_signature_alone_and_its_log_says_so(
    nodes: Nodes, attack: str
) -> None:
    """All has been sent by then: the session stands, and the log shows who would not sign."""
    purpose = fresh()
    with channel_to(nodes, BETA) as channel, RawAsk(channel) as ask:
        finish = whole_session(ask, hello(purpose=purpose))
        said = RECEIPTS[attack](nodes, finish)
        if said is not None:
            ask.say(**said)
        ask.done_speaking()
        ask.refusal()
    wait_until(lambda: "ended" in nodes.events(BETA, purpose), "the end")
    assert nodes.states(BETA, purpose) == ["done"]
    assert [each.note for each in entries(nodes, BETA, purpose) if each.event == "ended"] == ["no receipt"]
    document = result_of(nodes, purpose)
    assert list(document.signatures) == [BETA]
    assert decode_result(document.content).asked == {"A": 64}
    assert f"{MALLORY} did not sign a receipt" in nodes.log(BETA)


def test_receipt_that_comes_too_late_is_not_waited_for(nodes: Nodes) -> None:
    purpose = fresh()
    with channel_to(nodes, BETA) as channel, RawAsk(channel) as ask:
        finish = whole_session(ask, hello(purpose=purpose))
        wait_until(lambda: "ended" in nodes.events(BETA, purpose), "the end without a receipt")
        ask.say(receipt=pb.Receipt(signature=sign_result(finish.result, key_of(nodes, MALLORY))))
        assert ask.refusal()[0] == "OK"
    assert sender_session.RECEIPT_S < 30
    assert list(result_of(nodes, purpose).signatures) == [BETA]


Rewrite = Callable[[Nodes, dict[str, Any]], object]


def _with(**fields: Any) -> Rewrite:
    return lambda _, result: result.update(fields)


FINISHES: dict[str, tuple[Rewrite, str]] = {
    "about more entries sent": (lambda _, result: result["sent"].update(A=65), "something else"),
    "about fewer entries sent": (lambda _, result: result["sent"].update(A=0), "something else"),
    "about more elements asked": (lambda _, result: result["asked"].update(A=128), "something else"),
    "about a tier that was not asked": (lambda _, result: result["sent"].update(C=64), "something else"),
    "about another request": (_with(request="0" * 64), "something else"),
    "a day and two hours ahead": (lambda _, result: result.update(hour=result["hour"] + 27), "clocks"),
    "a day and two hours behind": (lambda _, result: result.update(hour=result["hour"] - 27), "clocks"),
    "with terms that nobody understands": (_with(terms="burn(1)"), "terms"),
    "with another log's checkpoint": (
        lambda nodes, result: result.update(checkpoint=checkpoint(nodes, BETA, BETA)),
        "the checkpoint of its log",
    ),
    "with a checkpoint that has no form in Unicode": (_with(checkpoint="\ud800"), "cannot be read"),
    "with terms that have no form in Unicode": (_with(terms="\udfff"), "cannot be read"),
    "with a negative count": (lambda _, result: result["sent"].update(A=-64), "cannot be read"),
    "with one field more": (_with(hits=12), "cannot be read"),
}


def resigned(nodes: Nodes, rewrite: Rewrite, by: str = MALLORY) -> Callable[[pb.Finish], None]:
    """Changes the result in a finish, and signs it anew."""

    def change(finish: pb.Finish) -> None:
        content = json.loads(finish.result)
        rewrite(nodes, content)
        finish.result = encode_canonical(content)
        finish.signature = sign_result(finish.result, key_of(nodes, by))

    return change


class Lies(list[Callable[[pb.Finish], object]]):
    """What is done to the last word of a sender, the newest counts; and the receipts that it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.receipts: list[bytes] = []

    def answer(self, requests: Iterator[Any]) -> Iterator[pb.SenderMessage]:
        for message in fair_answer(self._heard(requests)):
            if message.WhichOneof("body") == "finish":
                self[-1](message.finish)
            yield message

    def _heard(self, requests: Iterator[Any]) -> Iterator[Any]:
        for each in requests:
            if each.message.WhichOneof("body") == "receipt":
                self.receipts.append(each.message.receipt.signature)
            yield each


@pytest.fixture(scope="module")
def lies(nodes: Nodes) -> Iterator[Lies]:
    """Mallory answers alpha, and does this to its last word."""
    told = Lies()
    with rogue_server(nodes, MALLORY, told.answer):
        yield told


def not_taken(nodes: Nodes, lies: Lies, purpose: str) -> str:
    """Alpha asks mallory; what its operator is told, with nothing signed and nothing kept of the session."""
    before = len(lies.receipts)
    code, said = nodes.quick_error(ALPHA, MALLORY, purpose)
    assert code == 76, said
    assert len(lies.receipts) == before
    assert nodes.states(ALPHA, purpose) == ["failed"]
    for table in ("match_result", "received_set"):
        assert nodes.query(ALPHA, f"SELECT * FROM {table} WHERE purpose = :p", p=purpose) == []
    return said


def test_result_that_is_honest_is_signed_by_both(nodes: Nodes, lies: Lies) -> None:
    """The control of those below."""
    purpose = fresh()
    lies.append(lambda _: None)
    nodes.quick_match(ALPHA, MALLORY, purpose, tiers="A")
    assert len(lies.receipts) == 1
    (learned,) = [each for each in entries(nodes, ALPHA, purpose) if each.event == "learned"]
    with Node(nodes.home(ALPHA)) as node:
        document = node.audit.document(learned.receipt)
    assert document is not None
    assert sorted(document.signatures) == [ALPHA, MALLORY]


@pytest.mark.parametrize("attack", FINISHES)
def test_result_that_lies_is_not_signed_and_nothing_of_the_session_is_kept(
    nodes: Nodes, lies: Lies, attack: str
) -> None:
    purpose = fresh()
    rewrite, words = FINISHES[attack]
    lies.append(resigned(nodes, rewrite))
    assert words in not_taken(nodes, lies, purpose)
    notes = [each.note for each in entries(nodes, ALPHA, purpose)]
    assert notes[-1] == "protocol.receipt"


def _bit(finish: pb.Finish) -> None:
    finish.signature = bytes([finish.signature[0] ^ 1]) + finish.signature[1:]


def _spaced(finish: pb.Finish) -> None:
    finish.result = finish.result.replace(b":", b": ", 1)


def test_result_whose_signature_does_not_hold_is_not_signed(nodes: Nodes, lies: Lies) -> None:
    for change in (_bit, _spaced, resigned(nodes, _with(), by=BETA)):
        lies.append(change)
        assert "does not hold" in not_taken(nodes, lies, fresh())


def test_result_with_a_checkpoint_that_contradicts_an_earlier_one_is_kept_as_evidence(
    nodes: Nodes, lies: Lies
) -> None:
    first, second = (checkpoint(nodes, size=9, root=root) for root in ROOTS)
    lies.append(resigned(nodes, _with(checkpoint=first)))
    nodes.quick_match(ALPHA, MALLORY, fresh(), tiers="A")
    purpose = fresh()
    lies.append(resigned(nodes, _with(checkpoint=second)))
    assert "two different logs of 9 entries" in not_taken(nodes, lies, purpose)
    assert entries(nodes, ALPHA, purpose)[-1].note == "protocol.contradiction"
    (kept,) = nodes.query(ALPHA, "SELECT * FROM audit_evidence")
    assert (kept.earlier, kept.later) == (first, second)
