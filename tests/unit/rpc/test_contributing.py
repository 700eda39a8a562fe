"""The one way into the store: screened, signed under its context, refused as long as nobody has looked."""

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature

from contributing_ngo import Contributor, contributor
from signal_makers import make_draft
from symbolon.errors import SignalError
from symbolon.rpc import contributing
from symbolon.rpc.contributing import ReviewNeededError, Screened, contribute
from symbolon.rpc.node import Node
from symbolon.rpc.reply_case import code_of, signal_of
from symbolon.signals.record_codec import encode_signal
from symbolon.signals.screening import Suspicion
from symbolon.signals.signal import Native
from symbolon.signals.vocabulary import DisputeState, RecallReason, State
from symbolon.storage.signal_columns import StoredSignal

PHONE = "Call +49 170 1234567 at night."
PRICE = "They are paid 5 USD a piece."


@pytest.fixture(scope="module")
def ngo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition")) as made:
        yield made


@pytest.fixture
def node(ngo: Contributor) -> Iterator[Node]:
    with ngo.node() as opened:
        yield opened


def add(node: Node, *, reviewed: bool = False, **changes: Any) -> StoredSignal:
    draft = make_draft(**{"reference": "", **changes})
    ((_, signal),) = contribute(node, [Screened(draft)], reviewed=reviewed)
    return node.signals.get(signal.hex_id)


def verify(node: Node, held: StoredSignal) -> None:
    message = b"symbolon-signal-record-1\0" + encode_signal(held.signal)
    node.signing_key.public_key().verify(held.signature, message)


def test_contribute_signs_the_record_under_its_context(node: Node) -> None:
    held = add(node)
    verify(node, held)
    with pytest.raises(InvalidSignature):
        node.signing_key.public_key().verify(held.signature, encode_signal(held.signal))


def test_contribute_keeps_the_source_beside_the_record(node: Node) -> None:
    held = add(node, source="the night guard")
    assert node.signals.source(held.number) == "the night guard"
    assert b"night guard" not in encode_signal(held.signal)


def test_contribute_gives_every_signal_an_id_of_its_own(node: Node) -> None:
    drafts = [Screened(make_draft(reference="")) for _ in range(3)]
    added = contribute(node, drafts, reviewed=False)
    assert len({signal.signal_id for _, signal in added}) == 3
    assert [number for number, _ in added] == sorted(number for number, _ in added)


@pytest.mark.parametrize(
    ("changes", "suspicion"),
    [
        ({"narrative": PHONE}, Suspicion.PHONE),
        ({"narrative": PRICE}, Suspicion.PRICE),
        ({"native": Native("SMETA", "call +49 170 1234567")}, Suspicion.PHONE),
        ({"native": Native("5 USD a piece", "major")}, Suspicion.PRICE),
        ({"workers": 4}, Suspicion.SMALL_WORKFORCE),
    ],
)
def test_contribute_what_the_screening_suspects_is_refused_until_reviewed(
    node: Node, changes: dict[str, Any], suspicion: Suspicion
) -> None:
    before = node.signals.count()
    with pytest.raises(ReviewNeededError) as caught:
        add(node, **changes)
    assert node.signals.count() == before
    assert (caught.value.full_code, caught.value.exit_code) == ("signal.review", 65)
    assert suspicion in {each.finding.suspicion for each in caught.value.found}
    assert add(node, reviewed=True, **changes).signal.revision == 1


def test_contribute_one_suspect_among_many_adds_none(node: Node) -> None:
    before = node.signals.count()
    drafts = [make_draft(reference=""), make_draft(reference="", narrative=PHONE)]
    with pytest.raises(ReviewNeededError):
        contribute(node, [Screened(each) for each in drafts], reviewed=False)
    assert node.signals.count() == before


def test_review_error_says_kinds_and_never_what_was_found(node: Node) -> None:
    with pytest.raises(ReviewNeededError) as caught:
        add(node, narrative=f"{PHONE} {PRICE}")
    error = caught.value
    assert "phone" in error.detail
    assert "price" in error.detail
    assert error.about_competition
    assert error.about_people
    said = f"{error.detail} {error.hint} {error!r} {error.found!r}"
    assert "1234567" not in said
    assert any("[+49 170 1234567]" in each.excerpt for each in error.found)


def test_source_is_not_screened_for_it_goes_nowhere(node: Node) -> None:
    assert add(node, source=PHONE).has_source


def test_revise_screens_what_changed_and_nothing_else(node: Node) -> None:
    held = add(node, narrative=PHONE, reviewed=True)
    held = contributing.revise(node, held, reviewed=False, confidence=10)
    with pytest.raises(ReviewNeededError):
        contributing.revise(node, held, reviewed=False, narrative=PHONE + " Again.")
    with pytest.raises(ReviewNeededError):
        contributing.revise(node, held, reviewed=False, native=Native("SMETA", "call +49 170 1234567"))
    held = contributing.revise(node, held, reviewed=True, narrative=PHONE + " Again.")
    assert held.signal.revision == 3
    verify(node, held)


@pytest.mark.parametrize("does", [contributing.dispute, contributing.reply])
def test_supplier_side_is_screened_too(node: Node, does: Any) -> None:
    held = add(node)
    with pytest.raises(ReviewNeededError):
        does(node, held, PRICE, reviewed=False)
    held = does(node, held, PRICE, reviewed=True)
    assert held.signal.revision == 2
    verify(node, held)


def test_settle_and_recall_are_signed_and_noted(node: Node) -> None:
    held = contributing.dispute(node, add(node), "We contest it.", reviewed=False)
    held = contributing.settle(node, held, DisputeState.MAINTAINED)
    verify(node, held)
    held = contributing.recall(node, held, RecallReason.DISPUTE_UPHELD, forget_source=True)
    verify(node, held)
    assert held.signal.state is State.RECALLED
    assert not held.has_source
    notes = [each.values["note"] for each in node.audit.newest(4)]
    assert sorted(notes) == ["added", "disputed", "recalled", "settled"]


def test_revision_of_a_signal_that_changed_meanwhile_is_refused(node: Node) -> None:
    held = add(node)
    contributing.revise(node, held, reviewed=False, confidence=1)
    with pytest.raises(SignalError) as caught:
        contributing.revise(node, held, reviewed=False, confidence=2)
    assert caught.value.full_code == "signal.order"


def test_every_function_that_takes_free_text_asks_whether_it_was_reviewed() -> None:
    for name in ("contribute", "revise", "dispute", "reply"):
        parameter = inspect.signature(getattr(contributing, name)).parameters["reviewed"]
        assert parameter.default is inspect.Parameter.empty
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY


# ---------------------------------------------------------------------------------------------- case codes


def test_case_code_finds_its_signal_and_tells_nothing_of_the_id(node: Node) -> None:
    held, other = add(node), add(node)
    code = code_of(node, held.signal)
    assert signal_of(node, code.lower().replace("-", " ")).number == held.number
    assert code != code_of(node, other.signal)
    assert held.signal.hex_id[:8].upper() not in code.replace("-", "")
    revised = contributing.revise(node, held, reviewed=False, confidence=5)
    assert code_of(node, revised.signal) == code


def test_case_code_of_no_signal_says_so(node: Node) -> None:
    with pytest.raises(SignalError) as caught:
        signal_of(node, "RR-0000-0000-0000-0000")
    assert caught.value.full_code == "signal.case"
    assert caught.value.hint
