from collections.abc import Callable
from typing import Any

import pytest

from coalition_members import COALITION, DELTA, TODAY, leaf, member, vetting
from symbolon.errors import MembershipError
from symbolon.membership.acts import (
    Admit,
    Appoint,
    Expel,
    NewTerms,
    Purposes,
    Reinstate,
    Suspend,
    Vet,
)
from symbolon.membership.certificates import MAX_CERTIFICATE_BYTES
from symbolon.membership.invitation_identity import MAX_PROOF_BYTES
from symbolon.membership.member_record import MAX_PURPOSES, MAX_RELAYS, Role
from symbolon.membership.member_statement import Place, Renewal, Revocation, SignedStatement, Statement

PROOF = bytes(MAX_PROOF_BYTES)
STATEMENT = Statement(COALITION, DELTA, bytes(32), Renewal(bytes(32), bytes(32)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Admit(member(DELTA), bytes(31), leaf(DELTA), PROOF),
        lambda: Admit(member(DELTA), bytes(32), "Prüfung".encode(), PROOF),
        lambda: Admit(member(DELTA), bytes(32), b"x" * (MAX_CERTIFICATE_BYTES + 1), PROOF),
        lambda: Admit(member(DELTA), bytes(32), leaf(DELTA), b""),
        lambda: Admit(member(DELTA), bytes(32), leaf(DELTA), PROOF, bytes(31)),
        lambda: Admit(member(DELTA), bytes(32), leaf(DELTA), bytes(MAX_PROOF_BYTES + 1)),
        lambda: Vet("Delta", vetting()),
        lambda: Suspend("../delta", "late"),
        lambda: Suspend(DELTA, ""),
        lambda: Suspend(DELTA, "late\x1b[2J"),
        lambda: Reinstate("de lta"),
        lambda: Expel("", TODAY, "left"),
        lambda: Expel(DELTA, TODAY, "left\nand right"),
        lambda: Appoint("-delta", ()),
        lambda: Appoint(DELTA, (Role.RELAY, Role.FOUNDER)),
        lambda: Appoint(DELTA, (Role.RELAY, Role.RELAY)),
        lambda: NewTerms("", bytes(32)),
        lambda: NewTerms("2026-2", bytes(33)),
        lambda: Purposes(("a purpose",)),
        lambda: Purposes(("b", "a")),
        lambda: Purposes(tuple(f"purpose-{number:03}" for number in range(MAX_PURPOSES + 1))),
        lambda: Renewal(bytes(31), bytes(32)),
        lambda: Renewal(bytes(32), bytes(31)),
        lambda: Revocation(bytes(31)),
        lambda: Place("nowhere", (), ""),
        lambda: Place("", (), "nowhere"),
        lambda: Place("", ("Cedar",), ""),
        lambda: Place("", tuple(f"relay-{number}" for number in range(MAX_RELAYS + 1)), ""),
        lambda: Statement("Clean Hands", DELTA, bytes(32), Renewal(bytes(32), bytes(32))),
        lambda: Statement(COALITION, "Delta", bytes(32), Renewal(bytes(32), bytes(32))),
        lambda: Statement(COALITION, DELTA, bytes(16), Renewal(bytes(32), bytes(32))),
        lambda: SignedStatement(STATEMENT, bytes(63)),
    ],
)
def test_act_of_a_shape_that_makes_no_sense_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(MembershipError) as caught:
        make()
    assert caught.value.full_code == "membership.malformed"
