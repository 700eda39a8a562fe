"""What a publisher answers about its signals: to whom, when, and what it writes down before."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contributing_ngo import COALITION, NGO, PURPOSE, Contributor, contributor
from signal_callers import Asker, Refusal
from symbolon.api.signal.v1 import signal_pb2 as pb
from symbolon.audit.decision_record import parse_record
from symbolon.rpc import signal_answering, signal_news
from symbolon.rpc.call_rate import A_SECOND, BURST
from symbolon.rpc.contributing import ReviewNeededError
from symbolon.rpc.node import Node
from symbolon.rpc.signal_client import SILENCE_S
from symbolon.rpc.signal_codec import LEAST_NARRATIVE_BYTES, MAX_RELAYED_BYTES, narrative_message
from symbolon.rpc.signal_service import STEP_S
from symbolon.signals.signal import MAX_NARRATIVE_CHARS, MAX_REVISION
from symbolon.signals.vocabulary import DisputeState
from symbolon.storage import signal_response_store
from symbolon.storage.signal_response_store import MAX_REASON_BYTES
from whole_day import within_one_day

DENIED = Refusal("PERMISSION_DENIED", "permission.denied", "not permitted")
WAITS = Refusal("PERMISSION_DENIED", "permission.waiting", "not permitted")
REMEDIATION = "remediation"

PERMIT = """@id("own-{number}")
@obligation("{obligation}")
permit (
    principal == Symbolon::Member::"{member}",
    action == Symbolon::Action::"{action}",
    resource is Symbolon::Signals
)
when {{ {condition} }};
"""


@pytest.fixture(autouse=True)
def one_day() -> None:
    within_one_day()


@pytest.fixture(scope="module")
def ngo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition"), (PURPOSE, REMEDIATION)) as made:
        yield made


@pytest.fixture(autouse=True)
def usual(ngo: Contributor) -> Iterator[None]:
    """Birch may look signals up, and alder too; nobody else; no policies of its own."""
    ngo.allow({"peer": "birch"}, {"peer": "alder"})
    yield
    (ngo.home / "policies" / "own.cedar").unlink(missing_ok=True)


@pytest.fixture
def node(ngo: Contributor) -> Iterator[Node]:
    with ngo.node() as node:
        yield node


@pytest.fixture
def asker(node: Node) -> Asker:
    return Asker(node)


def add(
    ngo: Contributor, *more: str, given: tuple[str, ...] = ("birch",), text: str = "They repay."
) -> bytes:
    """Adds a signal with a narrative and gives it to members; its id."""
    told = ("--narrative-file", str(ngo.file("narrative.txt", text))) if text else ()
    hex_id = ngo.add("--purpose", PURPOSE, *told, *more)
    for member in given:
        ngo.given(member, hex_id)
    return bytes.fromhex(hex_id)


def own_policy(ngo: Contributor, member: str, obligation: str, condition: str = "true") -> None:
    """Lets a member look up and be given signals, the giving under an obligation."""
    ngo.policy(
        PERMIT.format(number=1, member=member, obligation="no_onward", action="lookup", condition="true")
        + PERMIT.format(number=2, member=member, obligation=obligation, action="release", condition=condition)
    )


def entries(node: Node, event: str) -> list[dict[str, str]]:
    return [dict(each.values) for each in node.audit.entries() if each.values["event"] == event]


# ------------------------------------------------------------------------------------------- narratives


def test_narrative_is_given_signed_and_written_down_with_its_decision(
    ngo: Contributor, node: Node, asker: Asker
) -> None:
    signal_id = add(ngo, text="They repay.\nFor years.")
    before = len(entries(node, "narrated"))
    answer = asker.narrative("birch", signal_id, PURPOSE)
    assert (answer.narrative, answer.revision) == ("They repay.\nFor years.", 1)
    key: Ed25519PublicKey = node.signing_key.public_key()
    key.verify(answer.signature, narrative_message(COALITION, NGO, signal_id, 1, answer.narrative))
    (entry,) = entries(node, "narrated")[before:]
    assert (entry["peer"], entry["session"], entry["purpose"]) == ("birch", signal_id.hex(), PURPOSE)
    assert json.loads(entry["counts"]) == {"revision": 1}
    record = parse_record(entry["decision"])
    assert record.decision.allowed
    assert (record.request.action, record.request.principal) == ("release", "birch")
    assert record.request.context["purpose"] == PURPOSE


def test_narrative_of_any_length_fills_one_of_a_few_classes(ngo: Contributor, asker: Asker) -> None:
    sizes = set()
    for length in (1, 4000, 4096, 4097, 9000, 16385, 20000):
        answer = asker.narrative("birch", add(ngo, text="x" * length), PURPOSE)
        sizes.add(len(answer.narrative) + len(answer.padding))
    assert sizes == {4096, 8192, 16384, 32768}


def withheld(ngo: Contributor, node: Node) -> dict[str, tuple[bytes, str, str, int]]:
    """Questions that are refused: the id, who asks, what for, of which revision."""
    later = (node.now.date() + timedelta(days=9)).isoformat()
    given = add(ngo)
    recalled, revised = add(ngo), add(ngo)
    ngo.run("recall", recalled.hex(), "--reason", "error", "--yes")
    new = ngo.file("new.txt", "They are paid now.")
    ngo.run("revise", revised.hex(), "--narrative-file", str(new), "--yes")
    return {
        "an id of nobody": (bytes(16), "birch", PURPOSE, 1),
        "a signal that it was not given": (add(ngo, given=()), "birch", PURPOSE, 1),
        "a signal that another was given": (add(ngo, given=("alder",)), "birch", PURPOSE, 1),
        "a member that may not look up": (add(ngo, given=("cedar",)), "cedar", PURPOSE, 1),
        "another purpose of the coalition": (given, "birch", REMEDIATION, 1),
        "a purpose of nobody": (given, "birch", "resale", 1),
        "no narrative": (add(ngo, text=""), "birch", PURPOSE, 1),
        "a recalled signal": (recalled, "birch", PURPOSE, 1),
        "an earlier narrative": (revised, "birch", PURPOSE, 1),
        "a revision to come": (given, "birch", PURPOSE, 2),
        "a signal under embargo": (add(ngo, "--embargo", later), "birch", PURPOSE, 1),
        "a signal for others": (add(ngo, "--recipient", "alder"), "birch", PURPOSE, 1),
    }


def test_narrative_is_refused_alike_whatever_the_reason_and_nothing_is_written(
    ngo: Contributor, node: Node, asker: Asker
) -> None:
    questions = withheld(ngo, node)
    before = node.audit.size()
    for why, (signal_id, member, purpose, revision) in questions.items():
        assert asker.narrative(member, signal_id, purpose, revision) == DENIED, why
    assert node.audit.size() == before


@pytest.mark.parametrize(
    ("obligation", "is_given"),
    [
        ("redact(narrative)", False),
        ("redact(period); coarsen(year); no_onward", True),
        ("delay(3)", False),
        ("human_review", False),
        ("min_corroboration(2)", False),
        ("notify_supplier(supplier, 0)", False),
        ("count_only", False),
    ],
)
def test_narrative_is_given_where_the_release_would_show_it_now(
    ngo: Contributor, asker: Asker, obligation: str, is_given: bool
) -> None:
    own_policy(ngo, "cedar", obligation)
    answer = asker.narrative("cedar", add(ngo, given=("cedar",)), PURPOSE)
    assert (answer != DENIED) is is_given


def test_narrative_that_one_way_of_looking_up_would_withhold_is_withheld(
    ngo: Contributor, asker: Asker
) -> None:
    """By which tier of keys the caller found the signal is its own secret."""
    signal_id = add(ngo, given=("cedar",))
    lookup = {"member": "cedar", "action": "lookup"}
    strong, weak = 'context.tiers == ["A"]', 'context.tiers == ["C"]'
    release = PERMIT.format(
        number=3, member="cedar", obligation="no_onward", action="release", condition="true"
    )
    only_strong = PERMIT.format(number=1, obligation="no_onward", condition=strong, **lookup)
    ngo.policy(only_strong + release)
    assert asker.narrative("cedar", signal_id, PURPOSE) != DENIED
    ngo.policy(
        only_strong
        + PERMIT.format(number=2, obligation="redact(narrative)", condition=weak, **lookup)
        + release
    )
    assert asker.narrative("cedar", signal_id, PURPOSE) == DENIED


def test_narrative_of_an_earlier_revision_is_given_while_it_reads_the_same(
    ngo: Contributor, asker: Asker
) -> None:
    """A contest makes a revision, and the caller may be shown it a day later."""
    signal_id = add(ngo)
    asker.contest("birch", signal_id, PURPOSE)
    for revision in (1, 2):
        assert asker.narrative("birch", signal_id, PURPOSE, revision).revision == revision
    assert asker.narrative("birch", signal_id, PURPOSE, 3) == DENIED


def test_narrative_of_an_expired_signal_is_refused(ngo: Contributor, node: Node) -> None:
    expires = (node.now.date() + timedelta(days=2)).isoformat()
    signal_id = add(ngo, "--expires", expires)
    later = node.clock() + 2 * 86400
    with Node(ngo.home, clock=lambda: later) as then:
        assert Asker(then).narrative("birch", signal_id, PURPOSE) == DENIED


# ------------------------------------------------------------------------------------- contests, replies


def test_contest_opens_the_dispute_and_waits_for_a_person(ngo: Contributor, node: Node, asker: Asker) -> None:
    signal_id = add(ngo)
    assert asker.contest("birch", signal_id, PURPOSE) == pb.ContestResponse(state="waiting")
    held = node.responses.find(signal_id)
    assert (held.signal.dispute.state, held.signal.dispute.statement) == (DisputeState.OPEN, "")
    waiting = [each for each in node.responses.waiting() if each.number == held.number]
    assert [(each.peer, each.relayed.text) for each in waiting] == [("birch", "Not us.")]
    assert entries(node, "contested")[-1]["peer"] == "birch"
    # Its signature is this member's, as of every revision.
    node.signing_key.public_key().verify(held.signature, _record(node, signal_id))


def _record(node: Node, signal_id: bytes) -> bytes:
    from symbolon.rpc.contributing import SIGNATURE_CONTEXT
    from symbolon.signals.record_codec import encode_signal

    return SIGNATURE_CONTEXT + b"\0" + encode_signal(node.responses.find(signal_id).signal)


def test_contest_repeated_is_answered_by_how_it_stands(ngo: Contributor, node: Node, asker: Asker) -> None:
    signal_id = add(ngo)
    for _ in range(2):
        assert asker.contest("birch", signal_id, PURPOSE).state == "waiting"
    assert node.responses.find(signal_id).signal.revision == 2
    assert asker.contest("birch", signal_id, PURPOSE, "And more.") == WAITS
    (response,) = [each for each in node.responses.waiting() if each.number == 1 + _last(node)]
    signal_answering.decline(node, response, "It was you, by three accounts.")
    answer = asker.contest("birch", signal_id, PURPOSE)
    assert (answer.state, answer.reason) == ("declined", "It was you, by three accounts.")


def _last(node: Node) -> int:
    return node.signals.count(include_expired=True) - 1


def test_contest_of_what_was_not_given_or_does_not_stand_is_refused_alike(
    ngo: Contributor, node: Node, asker: Asker
) -> None:
    recalled = add(ngo)
    ngo.run("recall", recalled.hex(), "--reason", "error", "--yes")
    hidden = add(ngo, given=("alder",))
    before = node.audit.size()
    for signal_id in (bytes(16), recalled, hidden):
        for answer in (
            asker.contest("birch", signal_id, PURPOSE),
            asker.contest("birch", signal_id, PURPOSE, kind="reply"),
            asker.corroborate("birch", signal_id, PURPOSE),
            asker.withdraw("birch", signal_id, PURPOSE),
        ):
            assert answer == DENIED
    assert node.audit.size() == before
    assert node.responses.find(hidden).signal.revision == 1


def test_contest_is_taken_also_where_the_signal_would_not_be_shown_any_more(
    ngo: Contributor, asker: Asker
) -> None:
    """What a supplier says reaches whoever spoke of it, whatever policy became of the member that relays."""
    signal_id = add(ngo)
    ngo.allow({"peer": "alder"})
    assert asker.narrative("birch", signal_id, PURPOSE) == DENIED
    assert asker.contest("birch", signal_id, PURPOSE).state == "waiting"


@pytest.mark.parametrize("days", [-3000, 2])
def test_contest_of_an_impossible_day_is_malformed(
    ngo: Contributor, node: Node, asker: Asker, days: int
) -> None:
    day = (node.now.date() + timedelta(days=days)).isoformat()
    request = pb.ContestRequest(
        signal_id=add(ngo), purpose=PURPOSE, kind="reply", text="Not us.", relayed_on=day
    )
    refusal = asker.call("birch", "Contest", request)
    assert (refusal.status, refusal.code) == ("INVALID_ARGUMENT", "protocol.malformed")


@pytest.mark.parametrize(
    "changes",
    [
        {"signal_id": b"short"},
        {"purpose": "no purpose"},
        {"kind": "threat"},
        {"kind": ""},
        {"text": ""},
        {"text": " \n"},
        {"text": "x" * (MAX_RELAYED_BYTES + 1)},
        {"text": "paid \u202eyad eht"},
        {"relayed_on": "yesterday"},
        {"relayed_on": "2026-W10-1"},
        {"padding": bytes(MAX_RELAYED_BYTES + 1)},
    ],
    ids=lambda changes: " ".join(f"{name} {value!r:.20}" for name, value in changes.items()),
)
def test_contest_of_another_form_is_malformed_and_kept_nowhere(
    ngo: Contributor, node: Node, asker: Asker, changes: dict[str, Any]
) -> None:
    whole = {
        "signal_id": bytes(16),
        "purpose": PURPOSE,
        "kind": "contest",
        "text": "Not us.",
        "relayed_on": "2026-06-20",
    }
    before = node.audit.size()
    refusal = asker.call("birch", "Contest", pb.ContestRequest(**{**whole, **changes}))
    assert (refusal.status, refusal.code) == ("INVALID_ARGUMENT", "protocol.malformed")
    assert node.audit.size() == before


# ---------------------------------------------------------------------------------------------- deciding


def waiting(node: Node, signal_id: bytes) -> Any:
    number = node.responses.find(signal_id).number
    return next(each for each in node.responses.waiting() if each.number == number)


def test_accept_publishes_a_contest_in_the_words_that_were_chosen(
    ngo: Contributor, node: Node, asker: Asker
) -> None:
    signal_id = add(ngo)
    asker.contest("birch", signal_id, PURPOSE, "It was the other plot, number 14.")
    signal = signal_answering.accept(node, waiting(node, signal_id), "It was the other plot.", reviewed=False)
    assert node.responses.find(signal_id).signal == signal
    assert (signal.revision, signal.dispute.statement) == (3, "It was the other plot.")
    assert asker.contest("birch", signal_id, PURPOSE, "It was the other plot, number 14.").state == "accepted"


def test_accept_attaches_a_reply(ngo: Contributor, node: Node, asker: Asker) -> None:
    signal_id = add(ngo)
    asker.contest("birch", signal_id, PURPOSE, "We repaid every fee.", "reply")
    signal = signal_answering.accept(node, waiting(node, signal_id), "We repaid every fee.", reviewed=False)
    assert signal.reply is not None
    assert (signal.reply.text, signal.dispute.state) == ("We repaid every fee.", DisputeState.NONE)


def test_accept_of_words_that_stand_already_makes_no_revision(
    ngo: Contributor, node: Node, asker: Asker
) -> None:
    signal_id = add(ngo)
    for member in ("birch", "alder"):
        ngo.given(member, signal_id.hex())
        asker.contest(member, signal_id, PURPOSE)
    for _ in range(2):
        signal_answering.accept(node, waiting(node, signal_id), "Not us.", reviewed=False)
    assert node.responses.find(signal_id).signal.revision == 3


def test_accept_of_what_the_screening_finds_takes_a_person_to_look(
    ngo: Contributor, node: Node, asker: Asker
) -> None:
    signal_id = add(ngo)
    text = "Ask Rahima Begum, +880 1712 345678."
    asker.contest("birch", signal_id, PURPOSE, text, "reply")
    found = waiting(node, signal_id)
    with pytest.raises(ReviewNeededError):
        signal_answering.accept(node, found, text, reviewed=False)
    assert waiting(node, signal_id) == found
    assert signal_answering.accept(node, found, text, reviewed=True).reply is not None


# ----------------------------------------------------------------------------------------- corroboration


def test_corroborate_lets_out_what_waited_for_a_second_voice(ngo: Contributor, asker: Asker) -> None:
    own_policy(ngo, "cedar", "min_corroboration(2)")
    signal_id = add(ngo, given=("cedar", "birch"))
    assert asker.narrative("cedar", signal_id, PURPOSE) == DENIED
    for _ in range(2):
        assert asker.corroborate("birch", signal_id, PURPOSE) == pb.CorroborateResponse()
    assert asker.narrative("cedar", signal_id, PURPOSE) != DENIED
    for _ in range(2):
        assert asker.withdraw("birch", signal_id, PURPOSE) == pb.WithdrawResponse()
    assert asker.narrative("cedar", signal_id, PURPOSE) == DENIED


# ------------------------------------------------------------------------------------------ the document

DOCUMENT = (Path(__file__).parents[3] / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")
SECTION = DOCUMENT.partition("\n## Signal service\n")[2].partition("\n## ")[0]


def test_limits_in_the_document_are_those_of_the_service() -> None:
    rows = re.findall(r"^\| publisher \| `([A-Z_]+)` \| (\d+) \|", SECTION, re.MULTILINE)
    assert {name for name, _ in rows} == {
        "MAX_WATCHES",
        "MAX_WATCHES_OF_ONE",
        "MAX_WAITING",
        "MAX_TEXTS",
        "MAX_CORROBORATIONS",
    }
    for name, value in rows:
        found = getattr(signal_news, name, None) or getattr(signal_response_store, name)
        assert found == int(value), name
    assert f"{BURST} in a row, {A_SECOND:g} a second afterwards" in SECTION
    assert f"a multiple of {STEP_S:g} s" in SECTION
    assert f"comes every {signal_news.HEARTBEAT_S:g} s" in SECTION
    assert f"within {signal_news.SWEEP_S:g} s" in SECTION
    assert f"after {SILENCE_S:g} s of silence" in SECTION
    for limit in (MAX_RELAYED_BYTES, MAX_NARRATIVE_CHARS, MAX_REVISION, LEAST_NARRATIVE_BYTES):
        assert f"{limit:,}" in SECTION
    assert f"at most {MAX_REASON_BYTES} bytes" in SECTION


def test_fields_in_the_document_are_those_of_the_messages() -> None:
    stated: set[tuple[str, str, int]] = set()
    names: list[str] = []
    for message, number, field in re.findall(r"^\|[^|]*\|([^|]*)\| (\d+) \| (\w+) \|", SECTION, re.MULTILINE):
        names = re.findall(r"\w+(?:Request|Response)", message) or names
        stated |= {(name, field, int(number)) for name in names}
    known = {
        (message.name, field.name, field.number)
        for message in pb.DESCRIPTOR.message_types_by_name.values()
        for field in message.fields
    }
    assert stated == known


# ------------------------------------------------------------------------------------------------- rates


def test_calls_of_a_member_beyond_its_rate_are_refused_and_those_of_others_are_not(
    ngo: Contributor, asker: Asker
) -> None:
    # Each is malformed, and counts.
    request = pb.WithdrawRequest()
    answers = [asker.call("birch", "Withdraw", request) for _ in range(BURST + 20)]
    assert {each.status for each in answers[:BURST]} == {"INVALID_ARGUMENT"}
    assert "UNAVAILABLE" in {each.status for each in answers[BURST:]}
    assert asker.call("alder", "Withdraw", request).code == "protocol.malformed"
