"""Attacks on how founders change a coalition: by one of them, by a stranger, by a thief, and by bad luck."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from coalition_members import COALITION, NOW
from founder_nodes import NAMES, PLAIN, Founders, majority
from founding_attackers import TARGETS_YEAR, code, forged, moved, offered, posed, refused
from symbolon.errors import MembershipError
from symbolon.membership.acts import Appoint, Expel, Refresh, Reinstate, Suspend
from symbolon.membership.authorities import Authorities
from symbolon.membership.certificates import make_root as make_authority
from symbolon.membership.coalition_parts import TIMESTAMP_PART, targets_part
from symbolon.membership.coalition_roles import (
    Founder,
    make_targets,
    make_timestamp,
    signature_over,
    with_signatures,
)
from symbolon.membership.member import MemberId
from symbolon.membership.members_document import encode_members, members_sha256
from symbolon.membership.proposal import (
    NewFounders,
    decode_proposal,
    encode_proposal,
    proposal_sha256,
)
from symbolon.membership.proposal_draft import (
    content_parts,
    dated,
    draft,
    missing,
    next_version,
)

ACME, BIRCH, CEDAR = NAMES[:3]
SUSPEND = Suspend(PLAIN, "late audits")


@pytest.fixture
def founders(tmp_path: Path) -> Iterator[Founders]:
    """Acme, birch and cedar, two of whom sign. Acme is the one that attacks, where a founder does."""
    made = Founders.of(3, tmp_path / "founders")
    yield made
    made.stop()


# One founder alone.


def test_attack_one_signature_of_two_puts_nothing_in_force(founders: Founders) -> None:
    acme, birch, _ = founders
    state = acme.state
    made, signatures = forged(state, posed(state, SUSPEND), acme.keys.metadata_key)
    parts = offered(made, state, signatures, acme)
    for victim in (acme.coalition.absorb, birch.coalition.absorb, birch.founding.adopt):
        assert code(lambda victim=victim: victim(parts)) == "membership.metadata.signatures"  # type: ignore[misc]
    assert [(each.count, each.founders) for each in missing(made, state, signatures)["targets"]] == [
        (1, (BIRCH, CEDAR))
    ]


def test_attack_one_signature_given_twice_is_one(founders: Founders) -> None:
    acme, birch, _ = founders
    sha256 = acme.founding.propose([moved(acme, "a.example:1")])
    acme.founding.sign(sha256)
    (own,) = acme.founding.store.signatures(sha256).items()
    birch.founding.take(acme.founding.document(sha256), ACME, sign=False)
    for (role, key), signature in (own, ((own[0][0], own[0][1].upper()), own[1])):
        birch.founding.add_signatures(sha256, {(role, key): signature})
    assert birch.founding.publish_if_complete(sha256) is None
    assert len(birch.founding.store.signatures(sha256)) == 1


def test_attack_a_decision_asked_for_again_and_again_is_never_signed_without_a_person(
    founders: Founders,
) -> None:
    acme, birch, cedar = founders
    for _ in range(3):
        sha256 = acme.founding.propose([Suspend(PLAIN, f"reason {founders.clock.now}")])
        acme.founding.sign(sha256)
        for node in (birch, cedar):
            for sign in (True, False, True):
                assert node.founding.take(acme.founding.document(sha256), ACME, sign=sign) == ({}, True)
        founders.clock.later(seconds=1)
        founders.clock.later(days=7)
        acme.founding.redate()
        founders.sync()
    assert acme.state.members.find(PLAIN).reason == ""  # type: ignore[union-attr]


def test_attack_a_decision_hidden_among_routine_acts_waits_for_a_person(founders: Founders) -> None:
    acme, birch, _ = founders
    acts = [moved(acme, "a.example:1"), Appoint(CEDAR, acme.state.members.find(CEDAR).roles)]  # type: ignore[union-attr]
    assert code(lambda: acme.founding.propose(acts)) == "membership.act.idle"
    hidden = [moved(acme, "a.example:1"), Suspend(CEDAR, "in the way")]
    document = acme.founding.document(acme.founding.propose(hidden))
    assert birch.founding.take(document, ACME, sign=True) == ({}, True)
    (waiting,) = birch.founding.waiting()
    assert any("cedar is suspended" in sentence for sentence in waiting.words)


def test_attack_refreshes_without_end_do_not_keep_a_decision_from_coming_into_force(
    founders: Founders,
) -> None:
    """Acme is to be expelled, and overtakes that whenever it can, by what nodes sign by themselves."""
    acme, birch, cedar = founders
    acts = [Expel(ACME, NOW.date(), "sold the list")]
    keys = (birch.keys, cedar.keys)
    authorities = Authorities.of([each.authority_pem for each in keys]).encode()
    new = NewFounders(tuple(each.founder for each in keys), 2, authorities)
    decision = birch.founding.propose(acts, founding=new, root_key=birch.root_key)
    cedar.founding.take(birch.founding.document(decision), BIRCH, sign=False)
    for _ in range(5):
        founders.settle(acme.founding.propose([Refresh()]), acme)
        founders.clock.later(hours=1)
    again = cedar.founding.approve(decision, root_key=cedar.root_key)
    founders.carry(again, cedar)
    birch.learn_from(cedar)
    assert cedar.state.members.is_expelled(ACME)
    assert [each.member_id for each in birch.state.founders] == [BIRCH, CEDAR]


def test_attack_an_approved_decision_that_was_undone_cannot_be_replayed(founders: Founders) -> None:
    acme, birch, cedar = founders
    decision = birch.founding.propose([SUSPEND])
    for node in (acme, cedar):
        node.founding.take(birch.founding.document(decision), BIRCH, sign=False)
    cedar.founding.approve(decision)
    founders.settle(decision, birch)
    founders.clock.later(minutes=1)
    undone = cedar.founding.propose([Reinstate(PLAIN)])
    birch.founding.take(cedar.founding.document(undone), CEDAR, sign=False)
    birch.founding.approve(undone)
    founders.settle(undone, cedar)
    # Acme poses the same matter again: the same acts, made at the same time, by then approved by two people.
    state, original = acme.state, decode_proposal(birch.founding.document(decision))
    replayed = replace(
        original,
        base=members_sha256(state.members),
        version=next_version(state, founders.clock.now),
        posed=founders.clock.now,
    )
    for node in (birch, cedar):
        assert node.founding.take(encode_proposal(replayed), ACME, sign=True) == ({}, True)


def test_attack_an_old_proposal_replayed_is_refused(founders: Founders) -> None:
    acme, birch, _ = founders
    old = acme.founding.document(acme.founding.propose([moved(acme, "a.example:1")]))
    founders.settle(proposal_sha256(old), acme)
    assert code(lambda: birch.founding.take(old, ACME, sign=True)) == "membership.proposal.overtaken"
    # Nor on the state that is in force: the member's own statement was on the entry before.
    fresh = replace(
        decode_proposal(old),
        base=members_sha256(birch.state.members),
        version=next_version(birch.state, NOW),
    )
    document = encode_proposal(fresh)
    assert code(lambda: birch.founding.take(document, ACME, sign=True)) == "membership.statement.stale"


def test_attack_a_proposal_on_another_base_is_refused(founders: Founders) -> None:
    acme, birch, _ = founders
    other = replace(acme.state.members, purposes=("due-diligence",))
    for base in (bytes(32), members_sha256(other), acme.state.members.previous):
        document = encode_proposal(posed(acme.state, Refresh(), base=base))
        assert code(lambda document=document: birch.founding.take(document, ACME, sign=True)) == (  # type: ignore[misc]
            "membership.proposal.base"
        )


def test_attack_a_proposal_that_would_use_up_the_versions_is_refused(founders: Founders) -> None:
    acme, birch, _ = founders
    for version in (5, 1_000, 2**53 - 1):
        document = encode_proposal(posed(acme.state, Refresh(), version=version))
        assert code(lambda document=document: birch.founding.take(document, ACME, sign=True)) == (  # type: ignore[misc]
            "membership.proposal.version"
        )


def test_attack_a_flood_of_proposals_ends_at_a_limit_and_leaves_room_for_others(founders: Founders) -> None:
    acme, birch, cedar = founders
    codes = []
    for number in range(70):
        founders.clock.later(seconds=1)
        document = encode_proposal(
            posed(acme.state, Suspend(PLAIN, f"reason {number}"), posed=founders.clock.now)
        )
        try:
            birch.founding.take(document, ACME, sign=False)
        except MembershipError as error:
            codes.append(error.full_code)
    assert codes == ["membership.proposal.many"] * 6
    document = cedar.founding.document(cedar.founding.propose([moved(cedar, "c.example:1")]))
    assert birch.founding.take(document, CEDAR, sign=False) == ({}, False)


# What is signed is what was computed.


def test_attack_one_list_of_acts_for_one_founder_and_another_for_the_next_finds_no_two_signatures(
    founders: Founders,
) -> None:
    acme, birch, cedar = founders
    for_birch = encode_proposal(posed(acme.state, moved(acme, "mine.example:1")))
    for_cedar = encode_proposal(posed(acme.state, moved(acme, "thine.example:1")))
    by_birch, _ = birch.founding.take(for_birch, ACME, sign=True)
    by_cedar, _ = cedar.founding.take(for_cedar, ACME, sign=True)
    # Signatures of the one are worth nothing under the other, ...
    for node, document, signatures in ((birch, for_birch, by_cedar), (cedar, for_cedar, by_birch)):
        node.founding.add_signatures(proposal_sha256(document), signatures)
        assert node.founding.publish_if_complete(proposal_sha256(document)) is None
    # ... and neither founder signs the other list as well.
    for node, document in ((birch, for_cedar), (cedar, for_birch)):
        assert code(lambda node=node, document=document: node.founding.take(document, ACME, sign=True)) == (  # type: ignore[misc]
            "membership.proposal.voted"
        )


def test_attack_a_founder_that_signs_two_states_of_a_version_is_seen_by_whoever_sees_both(
    founders: Founders,
) -> None:
    """Of three founders one that signs twice can make two states; nobody who holds one takes the other."""
    acme, birch, cedar = founders
    state = acme.state
    for victim, endpoint in ((birch, "mine.example:1"), (cedar, "thine.example:1")):
        proposal = posed(state, moved(acme, endpoint))
        signatures, _ = victim.founding.take(encode_proposal(proposal), ACME, sign=True)
        made, own = forged(state, proposal, acme.keys.metadata_key)
        victim.founding.adopt(offered(made, state, {**signatures, **own}, acme))
    assert birch.state.targets_version == cedar.state.targets_version == 4
    assert birch.state.members != cedar.state.members
    before = birch.state
    founders.clock.later(days=1, hours=2)
    assert cedar.founding.redate()
    parts = cedar.coalition.parts_newer_than(2, before.timestamp_version)
    error = refused(lambda: birch.founding.adopt(parts))
    assert error.full_code == "membership.metadata.fork"
    assert error.hint
    assert birch.state == before


def test_attack_a_members_json_that_hides_a_change_finds_no_signature(founders: Founders) -> None:
    """Acme cannot even ask for it: a proposal has no place for the document, founders compute their own."""
    acme, birch, _ = founders
    state = acme.state
    proposal = posed(state, moved(acme, "a.example:1"))
    honest = draft(proposal, state, NOW)
    record = honest.members.find(BIRCH)
    assert record is not None
    evil = replace(
        honest.members,
        members=tuple(
            replace(each, certificates=(bytes(32),)) if each is record else each
            for each in honest.members.members
        ),
    )
    evil_json = encode_members(evil)
    targets = make_targets(evil_json, state.authorities_pem, state.terms, evil.version, NOW + TARGETS_YEAR)
    signatures, _ = birch.founding.take(encode_proposal(proposal), ACME, sign=True)
    by_birch = [(key, signature) for (_, key), signature in signatures.items()]
    signed = with_signatures(targets, [*by_birch, signature_over(targets, acme.keys.metadata_key)])
    parts = {
        targets_part(evil.version): signed,
        **content_parts(evil_json, state.authorities_pem, state.terms),
        **dated(evil.version, state.timestamp_version + 1, acme.keys.metadata_key, NOW),
    }
    assert code(lambda: birch.founding.adopt(parts)) == "membership.metadata.signatures"
    # A further field in the proposal, to carry it along, makes it none.
    document = encode_proposal(proposal).replace(
        b'{"acts"', b'{"aaaa":"' + evil_json.hex().encode() + b'","acts"'
    )
    assert code(lambda: birch.founding.take(document, ACME, sign=True)) == "membership.malformed"


# Keys that do not count.


@pytest.mark.parametrize("thief", ["stranger", "root keys", "expelled founder"])
def test_attack_signatures_by_keys_that_do_not_count_are_not_kept(founders: Founders, thief: str) -> None:
    acme, birch, cedar = founders
    if thief == "expelled founder":
        expel(founders, CEDAR)
    sha256 = acme.founding.propose([Refresh()])
    birch.founding.take(acme.founding.document(sha256), ACME, sign=True)
    state, proposal = birch.state, decode_proposal(acme.founding.document(sha256))
    keys = {
        "stranger": [Ed25519PrivateKey.generate()],
        "root keys": [each.root_key for each in founders],
        "expelled founder": [cedar.keys.metadata_key],
    }[thief]
    made, signatures = forged(state, proposal, *keys)
    birch.founding.add_signatures(sha256, signatures)
    assert birch.founding.publish_if_complete(sha256) is None
    own = birch.founding.store.signatures(sha256)
    assert len(own) == 1
    parts = offered(made, state, {**signatures, **own}, birch)
    assert code(lambda: acme.founding.adopt(parts)) == "membership.metadata.signatures"


def expel(founders: Founders, name: MemberId) -> None:
    """The first two founders expel the third one, as people decide it."""
    acme, birch, _ = founders
    acts = [Expel(name, founders.clock.now.date(), "sold the list")]
    sha256 = acme.founding.propose(acts, founding=founders.names_all(2, 2), root_key=acme.root_key)
    birch.founding.take(acme.founding.document(sha256), ACME, sign=False)
    birch.founding.approve(sha256, root_key=birch.root_key)
    founders.settle(sha256, acme)


def test_attack_an_expelled_founder_cannot_go_on_dating_what_it_held(founders: Founders) -> None:
    acme, birch, cedar = founders
    expel(founders, CEDAR)
    state = birch.state
    parts = dated(state.targets_version, state.timestamp_version + 1, cedar.keys.metadata_key, NOW)
    assert code(lambda: birch.founding.adopt(parts)) == "membership.metadata.signatures"
    assert code(lambda: cedar.founding.propose([Refresh()])) == "membership.founder"
    assert acme.state == birch.state


def test_attack_a_timestamp_that_no_founder_signed_does_not_push_the_version_up(founders: Founders) -> None:
    acme, birch, _ = founders
    before = birch.state
    key = Ed25519PrivateKey.generate()
    timestamp = make_timestamp(2**53 - 2, before.targets_version, NOW + timedelta(days=7))
    parts = {
        targets_part(before.targets_version + 1): b"{}",
        TIMESTAMP_PART: with_signatures(timestamp, [signature_over(timestamp, key)]),
    }
    assert code(lambda: birch.founding.adopt(parts)).startswith("membership.metadata.")
    assert birch.state == before
    founders.settle(acme.founding.propose([Refresh()]), acme)
    assert birch.state.timestamp_version == before.timestamp_version + 1


# Who founds.


def slipped_in(nodes: Founders, /, **changes: Any) -> NewFounders:
    return replace(nodes.names_all(3, 2), **changes)


def test_attack_new_founders_without_the_root_keys_change_no_root(founders: Founders) -> None:
    acme, birch, cedar = founders
    state = acme.state
    mine = [Ed25519PrivateKey.generate() for _ in range(4)]
    raw = [key.public_key().public_bytes_raw() for key in mine]
    forged_founders = (acme.keys.founder, Founder(BIRCH, raw[0], raw[1]), Founder(CEDAR, raw[2], raw[3]))
    proposal = posed(state, Refresh(), founding=slipped_in(founders, founders=forged_founders))
    made = draft(proposal, state, NOW)
    assert made.root is not None
    signatures: dict[Any, bytes] = {}
    for key in (acme.root_key, mine[0], mine[2]):
        name, signature = signature_over(made.root, key)
        signatures["root", name] = signature
    for key in (acme.keys.metadata_key, mine[1], mine[3]):
        name, signature = signature_over(made.targets, key)
        signatures["targets", name] = signature
    assert [(each.count, each.founders) for each in missing(made, state, signatures)["root"]] == [
        (1, (BIRCH, CEDAR))
    ]
    parts = offered(made, state, signatures, acme)
    assert code(lambda: cedar.coalition.absorb(parts)) == "membership.metadata.signatures"
    # A node signs no root by itself; its person is told that the keys behind the names are others.
    document = encode_proposal(proposal)
    assert birch.founding.take(document, ACME, sign=True) == ({}, True)
    assert code(lambda: birch.founding.approve(proposal_sha256(document))) == "membership.root_key"
    (waiting,) = birch.founding.waiting()
    for name, key in ((BIRCH, raw[1]), (CEDAR, raw[3])):
        assert any(f"keys of {name} are new" in each and key.hex()[:32] in each for each in waiting.words)
    assert not any("keys of acme are new" in each for each in waiting.words)


def test_attack_an_authority_slipped_in_is_signed_by_no_node_and_shown_to_people(founders: Founders) -> None:
    acme, birch, _ = founders
    certificate = make_authority(COALITION, ec.generate_private_key(ec.SECP256R1()), NOW, founder=str(BIRCH))
    pems = [*(node.keys.authority_pem for node in founders), certificate]
    founding = slipped_in(founders, authorities_pem=Authorities.of(pems).encode())
    sha256 = acme.founding.propose([Refresh()], founding=founding, root_key=acme.root_key)
    assert birch.founding.take(acme.founding.document(sha256), ACME, sign=True) == ({}, True)
    (waiting,) = birch.founding.waiting()
    (told,) = [each for each in waiting.words if "new authority" in each]
    fingerprint = Authorities.of([certificate]).certificates[0]
    assert fingerprint.fingerprint(hashes.SHA256()).hex()[:32] in told


def test_attack_authorities_cannot_be_changed_without_a_new_root(founders: Founders) -> None:
    acme, birch, _ = founders
    state = acme.state
    made = draft(posed(state, moved(acme, "a.example:1")), state, NOW)
    evil = make_authority(COALITION, ec.generate_private_key(ec.SECP256R1()), NOW)
    targets = make_targets(made.members_json, evil, state.terms, made.members.version, NOW + TARGETS_YEAR)
    signatures, _ = birch.founding.take(
        encode_proposal(posed(state, moved(acme, "a.example:1"))), ACME, sign=True
    )
    by_birch = [(key, signature) for (_, key), signature in signatures.items()]
    parts = {
        targets_part(made.members.version): with_signatures(
            targets, [*by_birch, signature_over(targets, acme.keys.metadata_key)]
        ),
        **content_parts(made.members_json, evil, state.terms),
        **dated(made.members.version, state.timestamp_version + 1, acme.keys.metadata_key, NOW),
    }
    assert code(lambda: birch.founding.adopt(parts)) == "membership.metadata.signatures"


def test_attack_a_threshold_lowered_by_fewer_than_it_asks_for_is_refused(tmp_path: Path) -> None:
    five = Founders.of(5, tmp_path / "five")
    acme = five[ACME]
    state = acme.state
    assert state.root.threshold == majority(5) == 3
    # Two of five leave three others out of the next root, and ask for two signatures from then on.
    gone = [Appoint(name, ()) for name in NAMES[2:]]
    founding = five.names_all(2, 2)
    proposal = posed(state, *gone, founding=founding)
    made = draft(proposal, state, NOW)
    assert made.root is not None
    signatures: dict[Any, bytes] = {}
    for node in (acme, five[BIRCH]):
        name, signature = signature_over(made.root, node.root_key)
        signatures["root", name] = signature
        name, signature = signature_over(made.targets, node.keys.metadata_key)
        signatures["targets", name] = signature
    (lack,) = missing(made, state, signatures)["root"]
    assert (lack.count, lack.founders) == (1, NAMES[2:])
    parts = offered(made, state, signatures, acme)
    assert code(lambda: five[CEDAR].coalition.absorb(parts)) == "membership.metadata.signatures"
    # Below a majority it is no root, whoever signs.
    minority = posed(state, Refresh(), founding=replace(five.names_all(5, 2)))
    assert code(lambda: draft(minority, state, NOW)) == "membership.metadata.root"
    five.stop()


def test_attack_a_founder_expelled_without_a_new_root_is_no_proposal(founders: Founders) -> None:
    """Else its keys would go on counting, though it is no member."""
    acme, birch, _ = founders
    for act in (Expel(CEDAR, NOW.date(), "gone"), Appoint(CEDAR, ())):
        assert code(lambda act=act: acme.founding.propose([act])) == "membership.proposal.founders"  # type: ignore[misc]
        document = encode_proposal(posed(acme.state, act))
        assert code(lambda document=document: birch.founding.take(document, ACME, sign=True)) == (  # type: ignore[misc]
            "membership.proposal.founders"
        )
