"""Proposals and what they make: the codec's edges, and each reason for which a draft is refused."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes

from coalition_members import COALITION, NOW
from founder_nodes import NAMES, PLAIN, TERMS_TEXT, Founders
from symbolon.errors import MembershipError
from symbolon.membership.acts import Appoint, Expel, NewTerms, Refresh, Suspend
from symbolon.membership.authorities import Authorities
from symbolon.membership.certificates import make_root as make_authority
from symbolon.membership.coalition_parts import MAX_TERMS_BYTES
from symbolon.membership.coalition_roles import MAX_VERSION, read_root, signature_over
from symbolon.membership.coalition_state import State
from symbolon.membership.founding_words import describe_founding
from symbolon.membership.member import CoalitionId
from symbolon.membership.member_record import Role
from symbolon.membership.members_document import decode_members, members_sha256
from symbolon.membership.proposal import (
    MAX_PROPOSAL_BYTES,
    NewFounders,
    Proposal,
    decode_proposal,
    encode_proposal,
    matter_sha256,
    proposal_sha256,
)
from symbolon.membership.proposal_draft import (
    BINDING,
    MAX_AGE,
    SIGNING,
    draft,
    holding,
    missing,
    next_version,
    published,
)

ACME, BIRCH, CEDAR = NAMES[:3]
SUSPEND = Suspend(PLAIN, "late audits")


@pytest.fixture
def founders(tmp_path: Path) -> Iterator[Founders]:
    made = Founders.of(3, tmp_path / "founders")
    yield made
    made.stop()


@pytest.fixture
def state(founders: Founders) -> State:
    return founders[ACME].state


def proposed(state: State, **changes: Any) -> Proposal:
    made = Proposal(
        coalition=COALITION,
        base=members_sha256(state.members),
        version=state.targets_version + 1,
        made=NOW,
        posed=NOW,
        acts=(SUSPEND,),
    )
    return replace(made, **changes)


def refused(proposal: Proposal, state: State, now: datetime = NOW) -> str:
    with pytest.raises(MembershipError) as caught:
        draft(proposal, state, now)
    return caught.value.full_code


def test_draft_of_one_proposal_is_the_same_bytes_at_every_founder(founders: Founders) -> None:
    proposal = proposed(founders[ACME].state)
    clocks = (NOW, NOW + timedelta(hours=5), NOW - timedelta(hours=1))
    drafts = {draft(proposal, node.state, now) for node, now in zip(founders, clocks, strict=True)}
    assert len(drafts) == 1
    assert drafts.pop().members.find(PLAIN).reason == SUSPEND.reason  # type: ignore[union-attr]


def test_draft_changes_what_the_acts_say_and_nothing_else(state: State) -> None:
    made = draft(proposed(state), state, NOW)
    before = {record.member_id: record for record in state.members.members}
    changed = [record for record in made.members.members if before[record.member_id] != record]
    assert [record.member_id for record in changed] == [PLAIN]
    assert decode_members(made.members_json) == made.members
    assert made.members.previous == members_sha256(state.members)
    assert (made.authorities_pem, made.terms, made.root) == (state.authorities_pem, state.terms, None)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"coalition": CoalitionId("other")}, "coalition"),
        ({"version": 3}, "overtaken"),
        ({"version": 0}, "overtaken"),
        ({"version": 5}, "version"),
        ({"version": MAX_VERSION}, "version"),
        ({"base": bytes(32)}, "base"),
        ({"terms": b"Be kind."}, "terms"),
        ({"acts": (Appoint(PLAIN, (Role.FOUNDER,)),)}, "founders"),
        ({"acts": (Expel(BIRCH, date(2026, 3, 1), "gone"),)}, "founders"),
    ],
)
def test_draft_of_what_does_not_fit_the_state_is_refused(
    state: State, changes: dict[str, Any], code: str
) -> None:
    assert refused(proposed(state, **changes), state) == f"membership.proposal.{code}"


@pytest.mark.parametrize(
    ("after", "skipped"),
    [
        (-timedelta(hours=2), 0),
        (timedelta(0), 0),
        (BINDING - timedelta(seconds=1), 0),
        (BINDING, 1),
        (2 * BINDING - timedelta(seconds=1), 1),
        (50 * BINDING, 50),
    ],
)
def test_next_version_is_another_one_in_each_week(state: State, after: timedelta, skipped: int) -> None:
    now = NOW + after
    assert next_version(state, now) == state.targets_version + 1 + skipped
    version = state.targets_version + 1 + skipped
    proposal = proposed(state, made=now, posed=now, version=version)
    assert draft(proposal, state, now).members.version == version
    assert refused(replace(proposal, version=version + 1), state, now) == "membership.proposal.version"


def test_next_version_counts_from_when_the_present_state_was_posed(founders: Founders) -> None:
    acme = founders[ACME]
    founders.clock.later(days=9)
    founders.settle(acme.founding.propose([Refresh()]), acme)
    version = acme.state.targets_version
    assert version == 5
    assert next_version(acme.state, founders.clock.now + timedelta(days=6)) == version + 1


@pytest.mark.parametrize(
    ("made", "posed", "holds"),
    [
        (timedelta(0), timedelta(hours=2), True),
        (timedelta(0), timedelta(hours=2, seconds=1), False),
        (timedelta(hours=2), timedelta(hours=2), True),
        (timedelta(seconds=1), timedelta(0), False),
        (-MAX_AGE + timedelta(seconds=1), timedelta(0), True),
        (-MAX_AGE, timedelta(0), False),
        (-SIGNING, -SIGNING + timedelta(seconds=1), True),
        (-SIGNING, -SIGNING, False),
    ],
)
def test_draft_is_of_these_days_or_refused(
    state: State, made: timedelta, posed: timedelta, holds: bool
) -> None:
    proposal = proposed(state, made=NOW + made, posed=NOW + posed)
    if holds:
        assert draft(proposal, state, NOW)
    else:
        assert refused(proposal, state) == "membership.proposal.time"


def test_draft_counts_days_in_utc_whatever_zone_the_clock_has(state: State) -> None:
    east = datetime(2026, 3, 2, 1, tzinfo=timezone(timedelta(hours=13)))
    proposal = proposed(state, acts=(Expel(PLAIN, date(2026, 3, 3), "gone"),))
    assert refused(proposal, state, east) == "membership.act.date"


def new_terms(text: bytes) -> NewTerms:
    return NewTerms("2026-2", hashlib.sha256(text).digest())


def test_draft_of_new_terms_carries_their_text(state: State) -> None:
    text = "Seid freundlich – 友好".encode()
    made = draft(proposed(state, acts=(new_terms(text),), terms=text), state, NOW)
    assert made.terms == text
    assert made.members.terms_version == "2026-2"


@pytest.mark.parametrize(
    ("named", "text"),
    [(b"Be kind.", b"Be cruel."), (b"Be kind.", b""), (b"", b""), (b" \n", b" \n"), (b"\xff", b"\xff")],
)
def test_draft_of_terms_without_the_text_that_the_act_names_is_refused(
    state: State, named: bytes, text: bytes
) -> None:
    proposal = proposed(state, acts=(new_terms(named),), terms=text)
    assert refused(proposal, state) == "membership.proposal.terms"


def test_draft_of_new_founders_makes_a_root_and_takes_their_authorities(
    founders: Founders, state: State
) -> None:
    new = founders.names_all(2, 2)
    proposal = proposed(state, acts=(Appoint(CEDAR, ()),), founding=new)
    made = draft(proposal, state, NOW)
    assert made.root is not None
    assert [each.member_id for each in read_root(made.root).founders] == [ACME, BIRCH]
    assert made.authorities_pem == new.authorities_pem != state.authorities_pem


@pytest.mark.parametrize("threshold", [0, 1, 3])
def test_draft_of_a_threshold_that_is_no_majority_is_refused(
    founders: Founders, state: State, threshold: int
) -> None:
    new = founders.names_all(2, threshold)
    proposal = proposed(state, acts=(Appoint(CEDAR, ()),), founding=new)
    assert refused(proposal, state) == "membership.metadata.root"


def test_draft_of_founders_other_than_members_json_names_is_refused(founders: Founders, state: State) -> None:
    new = founders.names_all(3, 2)
    for other in (founders.names_all(2, 2), replace(new, founders=new.founders[::-1])):
        proposal = proposed(state, acts=(Refresh(),), founding=other)
        assert refused(proposal, state) == "membership.proposal.founders"


def test_draft_of_one_key_for_two_founders_is_refused(founders: Founders, state: State) -> None:
    new = founders.names_all(3, 2)
    twice = replace(new.founders[1], metadata_key=new.founders[0].metadata_key)
    new = replace(new, founders=(new.founders[0], twice, new.founders[2]))
    assert refused(proposed(state, acts=(Refresh(),), founding=new), state) == "membership.metadata.root"


@pytest.mark.parametrize(
    "spoil", [lambda pem: b"", lambda pem: pem + b"\n", lambda pem: pem + pem, lambda _: b"x"]
)
def test_draft_of_authorities_in_another_form_is_refused(
    founders: Founders, state: State, spoil: Any
) -> None:
    new = founders.names_all(3, 2)
    new = replace(new, authorities_pem=spoil(new.authorities_pem))
    code = refused(proposed(state, acts=(Refresh(),), founding=new), state)
    assert code in ("membership.authorities", "membership.certificate.malformed")


def test_missing_counts_founders_in_force_and_new_ones_apart(founders: Founders, state: State) -> None:
    new = founders.names_all(2, 2)
    proposal = proposed(state, acts=(Appoint(CEDAR, ()),), founding=new)
    made = draft(proposal, state, NOW)
    assert made.root is not None
    lacks = missing(made, state, {})
    assert [(each.count, each.founders) for each in lacks["root"]] == [
        (2, (ACME, BIRCH, CEDAR)),
        (2, (ACME, BIRCH)),
    ]
    assert [(each.count, each.founders) for each in lacks["targets"]] == [(2, (ACME, BIRCH))]
    signatures = {}
    for name in (ACME, CEDAR):
        node = founders[name]
        key, signature = signature_over(made.root, node.root_key)
        signatures["root", key] = signature
        key, signature = signature_over(made.targets, node.keys.metadata_key)
        signatures["targets", key] = signature
    lacks = missing(made, state, signatures)
    assert [(each.count, each.founders) for each in lacks["root"]] == [(1, (BIRCH,))]
    assert [(each.count, each.founders) for each in lacks["targets"]] == [(1, (BIRCH,))]


def test_holding_leaves_out_strangers_other_roles_and_other_bytes(founders: Founders, state: State) -> None:
    proposal = proposed(state)
    made = draft(proposal, state, NOW)
    other = draft(proposed(state, posed=NOW + timedelta(seconds=1)), state, NOW)
    acme, birch = founders[ACME], founders[BIRCH]
    key, signature = signature_over(made.targets, acme.keys.metadata_key)
    root_key, by_root = signature_over(made.targets, acme.root_key)
    birch_key, of_other = signature_over(other.targets, birch.keys.metadata_key)
    good = {("targets", key): signature}
    offered: Any = {
        **good,
        ("root", key): signature,
        ("targets", root_key): by_root,
        ("targets", birch_key): of_other,
        ("targets", "0" * 64): signature,
        ("targets", birch_key.upper()): signature,
        ("snapshot", birch_key): of_other,
    }
    assert holding(proposal, made, state, offered) == good


def test_published_parts_are_taken_in_by_every_member(founders: Founders, state: State) -> None:
    proposal = proposed(state)
    made = draft(proposal, state, NOW)
    signatures: Any = {}
    for name in (ACME, BIRCH):
        key, signature = signature_over(made.targets, founders[name].keys.metadata_key)
        signatures["targets", key] = signature
    assert missing(made, state, signatures) == {}
    parts = published(made, state, signatures, founders[CEDAR].keys.metadata_key, NOW)
    after = founders[CEDAR].coalition.absorb(parts)
    assert after.members == made.members
    assert after.terms == TERMS_TEXT


def test_proposal_that_cannot_be_is_refused_at_construction(state: State) -> None:
    aware = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=1)))
    founding = NewFounders(state.founders, 2, b"x" * (64 * 1024 + 1))
    for changes in (
        {"base": bytes(31)},
        {"made": NOW.replace(microsecond=1)},
        {"posed": NOW.replace(microsecond=1)},
        {"made": NOW.replace(tzinfo=None)},
        {"made": aware},
        {"terms": b"x" * (MAX_TERMS_BYTES + 1)},
        {"coalition": "Not A Name"},
        {"founding": founding},
    ):
        with pytest.raises(MembershipError) as caught:
            proposed(state, **changes)
        assert caught.value.full_code == "membership.malformed"


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (b'"made":', b'"made":9', "membership.malformed"),
        (b'"made":', b'"made":-', "membership.malformed"),
        (b'"posed":', b'"posed":9', "membership.malformed"),
        (b'"version":4', b'"version":04', "membership.malformed"),
        (b'"version":4', b'"version":4.0', "membership.malformed"),
        (b'"version":4', b'"version":4,"x":1', "membership.malformed"),
        (b'"version":4', b'"version":4,"version":4', "membership.malformed"),
        (b'"founding":null', b'"founding":{}', "membership.malformed"),
        (b'"terms":""', b'"terms":"0A"', "membership.malformed"),
        (b'"act":"suspend"', b'"act":"promote"', "membership.malformed"),
        (b"}\n", b"}", "membership.malformed"),
        (b"}\n", b"}\n" + b" " * MAX_PROPOSAL_BYTES, "membership.too_large"),
    ],
)
def test_decode_proposal_of_another_form_is_refused(
    state: State, before: bytes, after: bytes, code: str
) -> None:
    document = encode_proposal(proposed(state))
    tampered = document.replace(before, after, 1)
    assert tampered != document
    with pytest.raises(MembershipError) as caught:
        decode_proposal(tampered)
    assert caught.value.full_code == code


def test_encode_proposal_at_its_largest_stays_below_the_limit(founders: Founders, state: State) -> None:
    text = b"\xc3\xbf" * (MAX_TERMS_BYTES // 2)
    authorities = Authorities.of(
        [make_authority(COALITION, node.keys.authority_key, NOW, founder=node.name) for node in founders]
    ).encode()
    new = NewFounders(state.founders, 2, authorities.ljust(64 * 1024, b"\n"))
    acts = (new_terms(text), *(Suspend(f"member-{number}", "x" * 200) for number in range(99)))  # type: ignore[arg-type]
    proposal = proposed(state, acts=acts, terms=text, founding=new)
    assert len(encode_proposal(proposal)) <= MAX_PROPOSAL_BYTES
    assert decode_proposal(encode_proposal(proposal)) == proposal


def test_matter_is_the_same_on_another_state_and_another_for_another_change(state: State) -> None:
    proposal = proposed(state)
    again = replace(proposal, base=bytes(32), version=9, posed=NOW + timedelta(days=3))
    assert matter_sha256(again) == matter_sha256(proposal)
    assert proposal_sha256(encode_proposal(again)) != proposal_sha256(encode_proposal(proposal))
    others = [
        replace(proposal, acts=(replace(SUSPEND, reason="early audits"),)),
        replace(proposal, made=NOW - timedelta(seconds=1)),
        replace(proposal, terms=b"x"),
        replace(proposal, founding=NewFounders(state.founders, 2, b"")),
        replace(proposal, coalition=CoalitionId("other")),
    ]
    assert len({matter_sha256(each) for each in [proposal, *others]}) == len(others) + 1


def test_routine_is_what_can_carry_its_own_proof_alone(founders: Founders, state: State) -> None:
    assert proposed(state, acts=(Refresh(),)).routine
    assert not proposed(state, acts=(SUSPEND,)).routine
    assert not proposed(state, acts=(Refresh(),), founding=founders.names_all(3, 2)).routine


def test_describe_founding_names_every_difference_and_only_those(founders: Founders, state: State) -> None:
    (only,) = describe_founding(founders.names_all(3, 2), state)
    assert only == (
        "From now on 2 of 3 founders sign together: acme, birch, cedar; until now 2 of 3: acme, birch, cedar."
    )
    new = founders.names_all(2, 2)
    forged = replace(new.founders[1], metadata_key=bytes([7]) * 32)
    new = replace(new, founders=(new.founders[0], forged))
    words = describe_founding(new, state)
    assert len(words) == 3
    assert "2 of 2 founders sign together: acme, birch;" in words[0]
    assert "The keys of birch are new" in words[1]
    assert "07" * 16 in words[1]
    gone = Authorities.parse(founders[CEDAR].keys.authority_pem).certificates[0]
    assert gone.fingerprint(hashes.SHA256()).hex()[:32] in words[2]
    assert "no more" in words[2]


def test_proposal_times_are_utc_after_a_round_trip(state: State) -> None:
    decoded = decode_proposal(encode_proposal(proposed(state)))
    assert decoded.made.tzinfo is UTC
    assert decoded == proposed(state)
