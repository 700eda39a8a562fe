from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coalition_members import (
    ACME,
    BIRCH,
    CEDAR,
    COALITION,
    DELTA,
    NOW,
    TODAY,
    coalition,
    leaf,
    member,
    new_keys,
    renewal,
    signing_key,
    vetting,
)
from symbolon.errors import MembershipError
from symbolon.membership.act_application import apply_acts
from symbolon.membership.act_review import describe
from symbolon.membership.acts import (
    MAX_ACTS,
    Act,
    Admit,
    Amend,
    Appoint,
    Expel,
    NewTerms,
    Purposes,
    Refresh,
    Reinstate,
    Renew,
    Suspend,
    Vet,
)
from symbolon.membership.certificates import certificate_fingerprint
from symbolon.membership.due_diligence import Acceptance
from symbolon.membership.invitation_identity import MAX_PROOF_BYTES
from symbolon.membership.member import MemberId
from symbolon.membership.member_record import Members, Role
from symbolon.membership.member_statement import (
    Place,
    Revocation,
    decode_statement,
    encode_statement,
    sign_statement,
)
from symbolon.membership.members_document import (
    decode_members,
    encode_members,
    entry_sha256,
    members_sha256,
)
from symbolon.membership.proposal import Proposal, decode_proposal, encode_proposal

MEMBERS = coalition()
NEWCOMERS = tuple(MemberId(each) for each in ("ebony", "fir", "ginkgo"))

present = st.sampled_from([ACME, BIRCH, CEDAR, DELTA])
anybody = present | st.sampled_from(NEWCOMERS)
reasons = st.sampled_from(["late", "Prüfung läuft", '"quoted" \\ and 樹'])
roles = st.sets(st.sampled_from(Role)).map(lambda chosen: tuple(sorted(chosen)))
relays = st.lists(st.sampled_from([CEDAR, ACME, "ebony"]), max_size=2, unique=True).map(tuple)
places = st.builds(
    Place, st.sampled_from(["", "n.example:1", "[::1]:65535"]), relays, st.just("") | st.just("r:2")
)
proofs = st.binary(min_size=1, max_size=MAX_PROOF_BYTES)
near = st.integers(-40, 3).map(lambda days: TODAY + timedelta(days=days))
attestations = st.builds(Acceptance, st.sampled_from(["2026-1", "2026-2"]), near, reasons)
vettings = st.builds(
    lambda by, on, days: vetting(by=by, on=on, lapses=on + timedelta(days=days)),
    anybody,
    near,
    st.integers(1, 400),
)


@st.composite
def admissions(draw: st.DrawFn) -> Admit:
    if draw(st.booleans()):
        return new_keys(draw(present), draw(roles), draw(st.integers(0, 2)))
    member_id = draw(st.sampled_from(NEWCOMERS))
    record = member(
        member_id, draw(roles), relays=draw(relays.filter(lambda chosen: member_id not in chosen))
    )
    return Admit(record, draw(st.binary(min_size=32, max_size=32)), leaf(member_id), draw(proofs))


@st.composite
def statements(draw: st.DrawFn) -> Renew | Amend:
    member_id = draw(present)
    number = draw(st.integers(0, 2))
    asked = renewal(member_id, number, draw(st.integers(0, 1)))
    revocation = Revocation(certificate_fingerprint(leaf(member_id, number)))
    asks = draw(st.just(asked) | st.just(revocation) | places | attestations)
    signed = sign_statement(MEMBERS, member_id, asks, signing_key(member_id))
    return Renew(leaf(member_id, number), signed) if asks == asked else Amend(signed)


acts = st.one_of(
    admissions(),
    statements(),
    st.builds(Vet, anybody, vettings),
    st.builds(Suspend, anybody, reasons),
    st.builds(Reinstate, anybody),
    st.builds(Expel, anybody, near, reasons),
    st.builds(Appoint, anybody, roles),
    st.builds(NewTerms, st.sampled_from(["2026-1", "2026-2"]), st.binary(min_size=32, max_size=32)),
    st.builds(Purposes, st.sampled_from([(), ("audit",), ("audit", "remediation")])),
    st.just(Refresh()),
)


def proposed(chosen: Sequence[Act]) -> Proposal:
    """Acts as they travel: as a part of a proposal."""
    return Proposal(COALITION, bytes(32), 8, NOW, NOW, tuple(chosen))


def applied(chosen: Sequence[Act], days: int = 0) -> Members | None:
    try:
        return apply_acts(MEMBERS, chosen, today=TODAY + timedelta(days=days))
    except MembershipError:
        return None


def those_that_apply_together(chosen: list[Act]) -> list[Act]:
    """Leaves out each act that those before it, or its own defects, make impossible."""
    kept: list[Act] = []
    for act in chosen:
        if applied([*kept, act]) is not None:
            kept.append(act)
    return kept


lists_that_apply = st.lists(acts, min_size=2, max_size=12).map(those_that_apply_together).filter(bool)


@given(st.lists(acts, max_size=8))
def test_acts_encoded_and_decoded_are_the_same(chosen: list[Act]) -> None:
    document = encode_proposal(proposed(chosen))
    assert document.isascii()
    assert decode_proposal(document).acts == tuple(chosen)
    assert all(describe(act).isprintable() for act in chosen)


@given(st.lists(acts, min_size=1, max_size=4), st.data())
def test_acts_any_byte_altered_are_refused_or_another_proposal(
    chosen: list[Act], data: st.DataObject
) -> None:
    document = bytearray(encode_proposal(proposed(chosen)))
    # Signatures are drawn anew each time, so two documents of the same acts differ in length.
    position = data.draw(st.integers(0, 2**16)) % len(document)
    document[position] ^= data.draw(st.integers(1, 255))
    try:
        decoded = decode_proposal(bytes(document))
    except MembershipError:
        return
    assert decoded != proposed(chosen)
    assert encode_proposal(decoded) == document


@given(st.binary(max_size=200))
def test_acts_arbitrary_bytes_are_refused(acts_json: bytes) -> None:
    document = encode_proposal(proposed([])).replace(b'"acts":[]', b'"acts":[{"act":"' + acts_json, 1)
    with pytest.raises(MembershipError):
        decode_proposal(document)


@given(st.integers(MAX_ACTS + 1, MAX_ACTS + 40))
def test_acts_too_many_are_refused_at_both_ends(count: int) -> None:
    with pytest.raises(MembershipError):
        encode_proposal(proposed([Refresh()] * count))
    one = b'{"act":"refresh"}'
    document = encode_proposal(proposed([Refresh()]))
    with pytest.raises(MembershipError) as caught:
        decode_proposal(document.replace(one, b",".join([one] * count)))
    assert f"{count} acts" in caught.value.detail


@given(statements())
def test_statement_encoded_and_decoded_is_the_same(act: Renew | Amend) -> None:
    statement = act.signed.statement
    assert decode_statement(encode_statement(statement)) == statement


@given(lists_that_apply, st.data())
def test_apply_acts_in_any_order_gives_the_same_bytes_or_is_refused(
    chosen: list[Act], data: st.DataObject
) -> None:
    first, second = applied(chosen), applied(data.draw(st.permutations(chosen)))
    assert first is not None
    if second is not None:
        assert encode_members(first) == encode_members(second)


@given(lists_that_apply, st.integers(-60, 800))
def test_apply_acts_on_another_day_gives_the_same_bytes_or_is_refused(chosen: list[Act], days: int) -> None:
    first, second = applied(chosen), applied(chosen, days)
    assert first is not None
    if second is not None:
        assert encode_members(first) == encode_members(second)


@given(st.lists(st.lists(acts, min_size=1, max_size=2), max_size=8))
def test_apply_acts_what_is_so_after_any_history(history: list[list[Act]]) -> None:
    """The chain of versions holds, who was expelled stays so, whoever is named as a relay is one, and no
    entry is ever again what it was before: a statement is good once."""
    members, seen = MEMBERS, {entry_sha256(each) for each in MEMBERS.members}
    for chosen in history:
        try:
            after = apply_acts(members, decode_proposal(encode_proposal(proposed(chosen))).acts, today=TODAY)
        except MembershipError:
            continue
        assert (after.version, after.previous) == (members.version + 1, members_sha256(members))
        assert decode_members(encode_members(after)) == after
        assert set(members.expelled) <= set(after.expelled)
        for relay in {relay for record in after.members for relay in record.relays}:
            entry = after.find(relay)
            assert entry is not None
            assert Role.RELAY in entry.roles
            assert entry.relay_endpoint
        anew = {entry_sha256(each) for each in after.members if each != members.find(each.member_id)}
        assert seen.isdisjoint(anew)
        seen |= anew
        members = after
