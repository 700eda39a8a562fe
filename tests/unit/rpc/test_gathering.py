"""Gathering signatures: with the last one that is needed it is in force, and none that came is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from founder_nodes import NAMES, Founders
from founding_attackers import moved
from symbolon.membership.acts import Refresh
from symbolon.membership.coalition_roles import key_id
from symbolon.membership.member import MemberId

ACME, BIRCH, CEDAR, ELDER, FIR = NAMES


@pytest.fixture
def founders(tmp_path: Path) -> Iterator[Founders]:
    """Five, three of whom sign."""
    made = Founders.of(5, tmp_path / "founders")
    yield made
    made.stop()


class Messages:
    """Counts what is asked, and loses what it is told to.

    Args:
        lost: whom, and at the which question to it, the first or the second, which is to sign.
    """

    def __init__(self, *lost: tuple[MemberId, int]) -> None:
        self._lost = lost
        self.asked: list[MemberId] = []

    def __call__(self, _: MemberId, to: MemberId) -> bool:
        self.asked.append(to)
        return (to, self.asked.count(to)) not in self._lost


def signers(founders: Founders, sha256: bytes) -> set[MemberId]:
    """Whom a proposal binds."""
    return {
        node.name
        for node in founders
        if ("targets", key_id(node.keys.founder.metadata_key)) in node.founding.store.signatures(sha256)
    }


def test_gather_with_the_last_signature_needed_is_in_force_and_binds_nobody_else(founders: Founders) -> None:
    fir = founders[FIR]
    sha256 = fir.founding.propose([moved(fir, "a.example:1")])
    messages = Messages()
    assert founders.carry(sha256, fir, asked=messages) is not None
    assert signers(founders, sha256) == {ACME, BIRCH, CEDAR}
    assert messages.asked == [ACME, BIRCH, CEDAR, ELDER, ACME, BIRCH, CEDAR]
    assert founders.failures == {}


def test_gather_passes_over_who_is_cut_off_before_it_signs(founders: Founders) -> None:
    acme = founders[ACME]
    sha256 = acme.founding.propose([moved(acme, "a.example:1")])
    assert founders.carry(sha256, acme, asked=Messages((BIRCH, 2))) is not None
    assert signers(founders, sha256) == {ACME, CEDAR, ELDER}
    assert set(founders.failures) == {BIRCH}


def test_gather_keeps_a_signature_that_came_before_a_later_founder_was_cut_off(founders: Founders) -> None:
    acme = founders[ACME]
    sha256 = acme.founding.propose([moved(acme, "a.example:1")])
    lost = Messages((CEDAR, 2), (ELDER, 2), (FIR, 2))
    assert founders.carry(sha256, acme, asked=lost) is None
    assert signers(founders, sha256) == {ACME, BIRCH}
    # Birch is off by now, and acme was started anew.
    acme.stop()
    acme.start()
    assert founders.carry(sha256, acme, to=[CEDAR]) is not None


def test_gather_is_in_force_at_once_when_the_signatures_are_known_already(founders: Founders) -> None:
    acme, birch = founders[ACME], founders[BIRCH]
    sha256 = acme.founding.propose([moved(acme, "a.example:1")])
    document = acme.founding.document(sha256)
    for node in (birch, founders[CEDAR], founders[ELDER]):
        signatures, _ = node.founding.take(document, ACME, sign=True)
        birch.founding.add_signatures(sha256, signatures)
    # Who is asked whether it would sign tells what it knows.
    assert founders.carry(sha256, acme, to=[BIRCH]) is not None
    assert ACME not in signers(founders, sha256)


def test_gather_stops_where_another_proposal_was_first(founders: Founders) -> None:
    acme, birch = founders[ACME], founders[BIRCH]
    sha256 = acme.founding.propose([moved(acme, "a.example:1")])
    other = founders[FIR].founding.document(founders[FIR].founding.propose([Refresh()]))
    messages = Messages()

    def asked(by: MemberId, to: MemberId) -> bool:
        if messages.asked.count(BIRCH) == 1 and to == BIRCH:
            birch.founding.take(other, FIR, sign=True)
        return messages(by, to)

    assert founders.carry(sha256, acme, asked=asked) is None
    assert founders.failures[BIRCH].full_code == "membership.proposal.voted"
    assert signers(founders, sha256) == {ACME}


def test_gather_binds_nobody_for_who_is_bound_to_another_proposal_itself(founders: Founders) -> None:
    acme = founders[ACME]
    own = acme.founding.propose([moved(acme, "a.example:1")])
    other = founders[FIR].founding.document(founders[FIR].founding.propose([Refresh()]))
    acme.founding.take(other, FIR, sign=True)
    assert founders.carry(own, acme, to=[BIRCH, CEDAR]) is None
    assert signers(founders, own) == set()


def test_gather_binds_nobody_once_a_founder_holds_a_later_state(founders: Founders) -> None:
    acme, birch = founders[ACME], founders[BIRCH]
    assert founders.carry(birch.founding.propose([Refresh()]), birch, to=[CEDAR, ELDER]) is not None
    # Elder's folder was put back from a backup: it forgot its vote, and with it acme would find enough.
    forgetful = founders[ELDER].founding.store
    sha256 = acme.founding.propose([moved(acme, "a.example:1")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forgetful, "require_free", lambda *_: None)
        assert founders.carry(sha256, acme) is None
    assert founders.failures[BIRCH].full_code == "membership.proposal.overtaken"
    assert signers(founders, sha256) == set()


def test_gather_of_what_was_overtaken_meanwhile_says_so_of_this_founder(founders: Founders) -> None:
    acme, birch = founders[ACME], founders[BIRCH]
    sha256 = acme.founding.propose([moved(acme, "a.example:1")])
    assert founders.carry(birch.founding.propose([Refresh()]), birch, to=[CEDAR, ELDER]) is not None

    def asked(_: MemberId, __: MemberId) -> bool:
        acme.learn_from(birch)
        return False

    assert founders.carry(sha256, acme, asked=asked) is None
    assert founders.failures[ACME].full_code == "membership.proposal.overtaken"
