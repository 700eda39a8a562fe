"""Members that abuse delegated publishing: forged contributors, no consent, old revisions, ids of others.

The delegate is called from within this process, as one member or another; each signs with its own key. What
is refused changes nothing, tells no more than its code, and leaves no name in the delegate's log.
"""

import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contributing_ngo import NGO, PURPOSE, Contributor, contributor
from signal_callers import Asker, Refusal
from signal_makers import make_draft, make_signal
from signal_nodes import RECORD_CONTEXT
from symbolon.api.signal.v1 import signal_pb2 as pb
from symbolon.audit.entry import Entry
from symbolon.rpc.contributing import Screened, contribute
from symbolon.rpc.entrusted_publishing import show_fewer_kinds
from symbolon.rpc.entrusting_codec import Entrusting, encode_entrust
from symbolon.rpc.node import Node
from symbolon.rpc.signal_service import STEP_S
from symbolon.signals import revisions
from symbolon.signals.record_codec import encode_signal
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import RecallReason, ShownAs, State

BIRCH, ALDER, CEDAR, OAK = "birch", "alder", "cedar", "oak"
"""Two companies that the NGO publishes for, one that it does not, and the only auditor, for whom it does."""


def denied(code: str = "denied") -> Refusal:
    return Refusal("PERMISSION_DENIED", f"permission.{code}", "not permitted")


UNSIGNED = ("INVALID_ARGUMENT", "protocol.signature")
MALFORMED = ("INVALID_ARGUMENT", "protocol.malformed")


@pytest.fixture(scope="module")
def ngo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition")) as made:
        made.join(OAK, "auditor")
        yield made


@pytest.fixture(autouse=True)
def consents(ngo: Contributor) -> None:
    publish_for(ngo, BIRCH, ALDER, OAK)


def publish_for(ngo: Contributor, *members: str) -> None:
    names = ", ".join(f'"{each}"' for each in members)
    ngo.allow({"peer": BIRCH}, more=f"[signals]\npublishes_for = [{names}]")


@pytest.fixture
def node(ngo: Contributor) -> Iterator[Node]:
    with ngo.node() as node:
        yield node


@pytest.fixture
def asker(node: Node) -> Asker:
    return Asker(node)


class Author:
    """One member's hand.

    Args:
        ngo: whose folder holds all nodes.
        member: who signs.
    """

    def __init__(self, ngo: Contributor, member: str) -> None:
        self.member = member
        with Node(ngo.folder / member) as node:
            self._key = node.signing_key
            self.today = node.now.date()

    def signal(self, **changes: Any) -> Signal:
        days = {"issued": self.today, "expires": self.today + timedelta(days=90)}
        more = {"review": self.today + timedelta(days=30), "purposes": (PURPOSE,), "period": None}
        said = {"signal_id": os.urandom(16), "embargo": None, "narrative": "", "native": None}
        return make_signal(**{**days, **more, **said, **changes})

    def entrust(
        self, theirs: Signal, shown_as: ShownAs = ShownAs.PUBLISHER, *, reviewed: bool = False
    ) -> Any:
        document = encode_signal(theirs)
        signature = self._key.sign(RECORD_CONTEXT + document)
        return encode_entrust(Entrusting(theirs, document, signature, shown_as, reviewed))


@pytest.fixture(scope="module")
def birch(ngo: Contributor) -> Author:
    return Author(ngo, BIRCH)


@pytest.fixture(scope="module")
def alder(ngo: Contributor) -> Author:
    return Author(ngo, ALDER)


def held(node: Node) -> dict[str, Signal]:
    return {each.signal.hex_id: each.signal for each in node.signals.list(include_expired=True)}


def entries(node: Node) -> list[Entry]:
    return [each.entry for each in node.audit.entries()]


def take(asker: Asker, author: Author, theirs: Signal, **more: Any) -> Any:
    """Hands a revision over, which has to be taken in."""
    answer = asker.call(author.member, "Entrust", author.entrust(theirs, **more))
    assert isinstance(answer, pb.EntrustResponse), answer
    return answer


def refuse(asker: Asker, member: str, request: Any, method: str = "Entrust") -> Refusal:
    """Asks what has to be refused, and to change nothing."""
    before, logged = held(asker.node), len(entries(asker.node))
    kept = asker.node.entrusted.contributors()
    answer = asker.call(member, method, request)
    assert isinstance(answer, Refusal), answer
    assert (held(asker.node), len(entries(asker.node))) == (before, logged)
    assert asker.node.entrusted.contributors() == kept
    return answer


# ----------------------------------------------------------------------------------------------- consent


def test_attack_member_without_consent_is_refused_alike_whatever_it_sends(
    ngo: Contributor, asker: Asker, birch: Author, caplog: pytest.LogCaptureFixture
) -> None:
    cedar = Author(ngo, CEDAR)
    theirs = cedar.signal()
    forged = birch.entrust(theirs)
    recalled = revisions.recall(theirs, cedar.today, RecallReason.ERROR)
    found = cedar.signal(narrative="Call Maria Fernandez at +880 1712 345678.")
    with caplog.at_level(logging.DEBUG):
        for request in (
            cedar.entrust(theirs),
            cedar.entrust(theirs, ShownAs.COMPANY),
            cedar.entrust(theirs, ShownAs.AUDITOR),
            cedar.entrust(recalled),
            cedar.entrust(found),
            forged,
        ):
            assert refuse(asker, CEDAR, request) == denied("delegate")
            assert asker.took_s >= STEP_S
    assert CEDAR not in caplog.text
    assert theirs.hex_id not in caplog.text


def test_attack_nobody_is_published_for_by_default(ngo: Contributor, birch: Author) -> None:
    ngo.allow({"peer": BIRCH})
    with ngo.node() as node:
        assert refuse(Asker(node), BIRCH, birch.entrust(birch.signal())) == denied("delegate")


def test_recall_is_carried_out_also_for_who_was_struck_off_and_nothing_else(
    ngo: Contributor, asker: Asker, birch: Author
) -> None:
    theirs = birch.signal()
    there = take(asker, birch, theirs).signal_id.hex()
    publish_for(ngo, ALDER)
    with ngo.node() as node:
        later = Asker(node)
        more = revisions.revise(theirs, birch.today, confidence=3)
        assert refuse(later, BIRCH, birch.entrust(more)) == denied("delegate")
        gone = revisions.recall(theirs, birch.today, RecallReason.WITHDRAWN)
        assert later.call(BIRCH, "Entrust", birch.entrust(gone)).revision == 2
        assert node.signals.get(there).signal.state is State.RECALLED
        # Still only its own, and only what came before.
        other = revisions.recall(birch.signal(), birch.today, RecallReason.ERROR)
        assert refuse(later, BIRCH, birch.entrust(other)) == denied("delegate")


# --------------------------------------------------------------------------------------- forged contributors


def test_attack_signature_of_somebody_else_or_over_something_else_is_refused(
    asker: Asker, birch: Author, alder: Author
) -> None:
    theirs = birch.signal()
    own = birch.entrust(theirs)
    changed = pb.EntrustRequest(
        document=encode_signal(replace(theirs, confidence=1)), signature=own.signature, shown_as="publisher"
    )
    flipped = pb.EntrustRequest(
        document=own.document,
        signature=own.signature[:-1] + bytes([own.signature[-1] ^ 1]),
        shown_as="publisher",
    )
    for member, request in (
        (BIRCH, alder.entrust(theirs)),
        # Another member's own, as if it were the caller's.
        (ALDER, own),
        (BIRCH, changed),
        (BIRCH, flipped),
    ):
        assert refuse(asker, member, request)[:2] == UNSIGNED
    take(asker, birch, theirs)
    assert refuse(asker, ALDER, own)[:2] == UNSIGNED


def test_attack_document_of_another_form_is_refused(asker: Asker, birch: Author) -> None:
    document = encode_signal(birch.signal())
    for spoilt in (
        document[:-1],
        document + b" ",
        document.replace(b'"revision":1', b'"revision":1.0'),
        b"[" * 9999,
    ):
        request = pb.EntrustRequest(document=spoilt, signature=bytes(64), shown_as="publisher")
        assert refuse(asker, BIRCH, request)[:2] == MALFORMED


def test_attack_kind_of_others_or_of_too_few_is_not_shown(
    ngo: Contributor, asker: Asker, birch: Author
) -> None:
    for kind in (ShownAs.NGO, ShownAs.AUDITOR):
        assert refuse(asker, BIRCH, birch.entrust(birch.signal(), kind))[:2] == MALFORMED
    oak = Author(ngo, OAK)
    assert refuse(asker, OAK, oak.entrust(oak.signal(), ShownAs.AUDITOR)) == denied("kind")
    assert take(asker, oak, oak.signal()).shown_as == "publisher"
    theirs = birch.signal()
    answer = take(asker, birch, theirs, shown_as=ShownAs.COMPANY)
    assert answer.shown_as == "company"
    # A recall is held up by nothing.
    gone = revisions.recall(oak.signal(), oak.today, RecallReason.ERROR)
    assert take(asker, oak, gone, shown_as=ShownAs.AUDITOR).signal_id == b""


# ----------------------------------------------------------------------------------------------- revisions


def test_attack_lower_revision_or_other_content_under_its_number_is_refused(
    asker: Asker, birch: Author
) -> None:
    first = birch.signal()
    second = revisions.revise(first, birch.today, confidence=3)
    take(asker, birch, first)
    take(asker, birch, second)
    for theirs in (first, replace(first, confidence=77), replace(second, confidence=77)):
        assert refuse(asker, BIRCH, birch.entrust(theirs)) == denied("order")
    # The newest again is answered as before, and makes nothing new.
    before = len(entries(asker.node))
    assert take(asker, birch, second).revision == 2
    assert len(entries(asker.node)) == before


def test_attack_nothing_brings_back_what_was_recalled(asker: Asker, birch: Author) -> None:
    first = birch.signal()
    there = take(asker, birch, first).signal_id.hex()
    gone = revisions.recall(first, birch.today, RecallReason.ERROR)
    take(asker, birch, gone)
    again = replace(first, revision=3)
    assert refuse(asker, BIRCH, birch.entrust(again)) == denied("recalled")
    # The first one that comes once more, from whoever kept it on the way.
    assert refuse(asker, BIRCH, birch.entrust(first)) == denied("order")
    assert asker.node.signals.get(there).signal.state is State.RECALLED


def test_attack_first_revision_that_comes_after_its_recall_makes_no_signal(
    asker: Asker, birch: Author
) -> None:
    first = birch.signal()
    gone = revisions.recall(first, birch.today, RecallReason.ERROR)
    before = held(asker.node)
    assert take(asker, birch, gone).signal_id == b""
    assert refuse(asker, BIRCH, birch.entrust(first)) == denied("order")
    assert refuse(asker, BIRCH, birch.entrust(replace(first, revision=9))) == denied("recalled")
    assert held(asker.node) == before


def test_attack_what_the_supplier_said_cannot_be_revised_away_nor_the_subject(
    asker: Asker, birch: Author
) -> None:
    first = revisions.reply(birch.signal(), birch.today, "We repaid it.")
    take(asker, birch, first)
    other = make_signal().subject
    named = replace(other, record=replace(other.record, name="Another Works"))
    for theirs in (replace(first, revision=3, reply=None), replace(first, revision=3, subject=named)):
        assert refuse(asker, BIRCH, birch.entrust(theirs)) == denied()


def test_attack_revision_of_tomorrow_or_of_what_is_over_is_refused(asker: Asker, birch: Author) -> None:
    tomorrow = birch.today + timedelta(days=1)
    assert refuse(asker, BIRCH, birch.entrust(birch.signal(issued=tomorrow))) == denied("clock")
    old = {"issued": birch.today - timedelta(days=9), "expires": birch.today, "review": birch.today}
    assert refuse(asker, BIRCH, birch.entrust(birch.signal(**old))) == denied("expired")


# ---------------------------------------------------------------------------------- somebody else's signals


def test_attack_id_of_another_contributor_or_of_the_delegate_is_not_taken_over(
    asker: Asker, birch: Author, alder: Author
) -> None:
    theirs = birch.signal()
    there = take(asker, birch, theirs).signal_id
    node = asker.node
    ((_, own),) = contribute(node, [Screened(make_draft(purposes=(PURPOSE,), narrative=""))], reviewed=True)
    for signal_id in (theirs.signal_id, there, own.signal_id):
        for each in (alder.signal(signal_id=signal_id), alder.signal(signal_id=signal_id, revision=7)):
            assert refuse(asker, ALDER, alder.entrust(each)) == denied()
        gone = revisions.recall(alder.signal(signal_id=signal_id), alder.today, RecallReason.ERROR)
        assert refuse(asker, ALDER, alder.entrust(gone)) == denied()


def test_attack_asking_about_anothers_signal_is_refused_as_about_nobodys(
    asker: Asker, birch: Author, caplog: pytest.LogCaptureFixture
) -> None:
    theirs = birch.signal()
    there = take(asker, birch, theirs).signal_id
    with caplog.at_level(logging.DEBUG):
        for member, signal_id in (
            (ALDER, theirs.signal_id),
            (ALDER, there),
            (CEDAR, theirs.signal_id),
            (CEDAR, bytes(16)),
            (BIRCH, there),
            (BIRCH, bytes(16)),
        ):
            request = pb.EntrustedRequest(signal_id=signal_id)
            assert refuse(asker, member, request, "Entrusted") == denied()
            assert asker.took_s >= STEP_S
    for word in (ALDER, CEDAR, BIRCH, theirs.hex_id):
        assert word not in caplog.text
    found = asker.call(BIRCH, "Entrusted", pb.EntrustedRequest(signal_id=theirs.signal_id))
    assert (found.signal_id, found.state, found.taken, found.disclosed) == (there, "active", 1, 0)


def test_attack_contributor_is_no_second_voice_for_its_own_signal(
    ngo: Contributor, asker: Asker, birch: Author, alder: Author
) -> None:
    there = take(asker, birch, birch.signal()).signal_id
    for member in (BIRCH, ALDER):
        ngo.given(member, there.hex())
    number = asker.node.signals.get(there.hex()).number
    assert asker.corroborate(BIRCH, there, PURPOSE) == denied() == asker.corroborate(CEDAR, there, PURPOSE)
    assert asker.node.signals.contributors([number]) == {number: 1}
    assert isinstance(asker.corroborate(ALDER, there, PURPOSE), pb.CorroborateResponse)
    assert asker.node.signals.contributors([number]) == {number: 2}
    # What the contributor was given itself is no disclosure of its own signal.
    ours = asker.node.entrusted.contributors()[number].signal_id
    found = asker.call(BIRCH, "Entrusted", pb.EntrustedRequest(signal_id=ours))
    assert found.disclosed == 1


# -------------------------------------------------------------------------------------------------- content


def test_attack_text_that_nobody_has_looked_at_is_not_published_in_the_delegates_name(
    asker: Asker, birch: Author
) -> None:
    theirs = birch.signal(narrative="Call Maria Fernandez at +880 1712 345678.")
    assert refuse(asker, BIRCH, birch.entrust(theirs)) == denied("review")
    take(asker, birch, theirs, reviewed=True)
    # Each text again, also what a supplier said.
    clean = birch.signal()
    take(asker, birch, clean)
    said = revisions.reply(clean, birch.today, "Our manager is Maria Fernandez, +880 1712 345678.")
    assert refuse(asker, BIRCH, birch.entrust(said)) == denied("review")
    # A recall has no texts, and waits for nobody.
    take(asker, birch, revisions.recall(theirs, birch.today, RecallReason.ERROR))


def test_entries_of_the_delegates_log_name_no_contributor(asker: Asker, birch: Author) -> None:
    theirs = birch.signal()
    logged = len(entries(asker.node))
    there = take(asker, birch, theirs).signal_id.hex()
    take(asker, birch, revisions.revise(theirs, birch.today, confidence=3))
    take(asker, birch, revisions.recall(replace(theirs, revision=2), birch.today, RecallReason.ERROR))
    new = entries(asker.node)[logged:]
    assert [(each.event, each.peer, each.session) for each in new] == [("contributed", "", there)] * 3
    assert [each.note for each in new] == ["added", "revised", "recalled"]


def test_kind_that_became_rare_is_shown_no_longer(ngo: Contributor, asker: Asker, birch: Author) -> None:
    answer = take(asker, birch, birch.signal(), shown_as=ShownAs.COMPANY)
    node, there = asker.node, answer.signal_id.hex()
    assert show_fewer_kinds(node) == 0
    for member in ("dogwood", "cedar"):
        ngo.founder.expel(member)
    ngo.tell()
    number = node.signals.get(there).number
    assert show_fewer_kinds(node) >= 1
    assert node.signals.shown_as([number]) == {number: ShownAs.PUBLISHER}
    assert node.signals.get(there).signal.revision == 2
    assert show_fewer_kinds(node) == 0
    assert refuse(asker, BIRCH, birch.entrust(birch.signal(), ShownAs.COMPANY)) == denied("kind")
    assert node.member_id == NGO
