"""Attacks on agreements: what a member hands over that was not agreed on.

The node is real and the attacker's certificate is; it speaks to the service as any member does.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agreement_attackers import ALPHA, BETA, MALLORY, PURPOSES, AttackedNode
from symbolon.api.policy.v1 import policy_pb2 as pb
from symbolon.cli.local_coalition import COALITION
from symbolon.errors import MembershipError
from symbolon.membership.agreement import agreement_sha256, encode_agreement
from symbolon.membership.canonical_json import encode_canonical
from symbolon.membership.member import CoalitionId
from symbolon.rpc.agreeing import sign
from symbolon.rpc.identity import INVITED_METHODS, LAPSED_METHODS
from symbolon.rpc.node import Node
from symbolon.rpc.policy_service import SERVICE
from symbolon.rpc.request_limit import MAX_A_DAY
from symbolon.storage.agreement_store import MAX_OPEN_OFFERS


@pytest.fixture(scope="module")
def coalition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AttackedNode]:
    made = AttackedNode(tmp_path_factory.mktemp("agreements"))
    yield made
    made.close()


@pytest.fixture
def world(coalition: AttackedNode) -> AttackedNode:
    """Without what the test before left open."""
    coalition.forget()
    return coalition


# What a caller hands over


def test_agreement_signed_by_another_member_than_the_caller_is_refused(world: AttackedNode) -> None:
    for signer in (MALLORY, ALPHA):
        assert world.offer(BETA, world.agreement(), signer) == "membership.agreement.signature"
    assert world.store.untold() == []
    # The control.
    answer = world.offer(BETA, world.agreement())
    assert isinstance(answer, pb.AgreeResponse)
    assert (answer.signature, answer.state) == (b"", "waiting")


def test_agreement_between_two_others_is_refused_and_written_to_the_log(
    world: AttackedNode, caplog: pytest.LogCaptureFixture
) -> None:
    """Of the caller with a third, of alpha with a third, of two others: with every signature right."""
    before = world.store.all()
    for parties, signer in (((BETA, MALLORY), MALLORY), ((ALPHA, BETA), BETA), ((BETA, MALLORY), BETA)):
        refused = world.offer(MALLORY, world.agreement(*parties), signer)
        assert refused == "membership.agreement.foreign"
    assert world.store.all() == before
    assert "membership.agreement.foreign" in caplog.text


def test_agreement_whose_members_are_swapped_is_no_document(world: AttackedNode) -> None:
    fields = {
        "coalition": COALITION,
        "first_day": world.today.isoformat(),
        "last_day": world.today.isoformat(),
        "members": [BETA, ALPHA],
        "nonce": "00" * 16,
        "purposes": ["due-diligence"],
    }
    document = encode_canonical(fields)
    signature = world.keys[BETA].sign(b"symbolon-agreement-v1\0" + document)
    assert world.agree(BETA, document, signature) == "membership.agreement.members"


def test_agreement_with_oneself_is_refused_at_both_ends(world: AttackedNode) -> None:
    fields = {
        "coalition": COALITION,
        "first_day": world.today.isoformat(),
        "last_day": world.today.isoformat(),
        "members": [BETA, BETA],
        "nonce": "00" * 16,
        "purposes": ["due-diligence"],
    }
    document = encode_canonical(fields)
    signature = world.keys[BETA].sign(b"symbolon-agreement-v1\0" + document)
    assert world.agree(BETA, document, signature) == "membership.agreement.members"
    with pytest.raises(MembershipError) as caught:
        world.agreement(ALPHA, ALPHA)
    assert caught.value.full_code == "membership.agreement.members"


def test_purposes_widened_after_alpha_signed_are_another_agreement_that_waits(world: AttackedNode) -> None:
    """Beta answers alpha's offer with one that names more: what alpha's person signed is not under it."""
    offered = world.agreement()
    sign(world.node, world.store, offered)
    widened = replace(offered, purposes=PURPOSES)
    answer = world.offer(BETA, widened)
    assert isinstance(answer, pb.AgreeResponse)
    assert (answer.signature, answer.state) == (b"", "waiting")
    assert not any(world.in_force(purpose=each) for each in PURPOSES)
    # Alpha's own signature, handed back under the wider list, is none.
    alphas = world.signature(ALPHA, offered)
    assert world.agree(BETA, encode_agreement(widened), alphas) == "membership.agreement.signature"


def test_signature_under_an_agreement_of_another_coalition_is_refused(world: AttackedNode) -> None:
    elsewhere = world.agreement(coalition=CoalitionId("other-coalition"))
    assert world.offer(BETA, elsewhere) == "membership.agreement.coalition"
    here = replace(elsewhere, coalition=CoalitionId(COALITION))
    taken_over = world.agree(BETA, encode_agreement(here), world.signature(BETA, elsewhere))
    assert taken_over == "membership.agreement.signature"


def test_signature_in_another_context_is_refused(world: AttackedNode) -> None:
    """What a member signs for another end: a statement about itself, or the bare document."""
    what = world.agreement()
    for context in (b"", b"symbolon-member-statement-v1\0", b"symbolon-agreement-v1"):
        signature = world.keys[BETA].sign(context + encode_agreement(what))
        assert world.agree(BETA, encode_agreement(what), signature) == "membership.agreement.signature"


@pytest.mark.parametrize(
    ("first", "days", "code"),
    [
        (2, 365, "membership.agreement.dates"),
        (300_000, 0, "membership.agreement.dates"),
        (-400, 399, "membership.agreement.ended"),
        (-9_000, 700, "membership.agreement.ended"),
    ],
)
def test_agreement_for_days_far_away_is_refused(
    world: AttackedNode, first: int, days: int, code: str
) -> None:
    begins = world.today + timedelta(days=first)
    what = world.agreement(first_day=begins, last_day=begins + timedelta(days=days))
    assert world.offer(BETA, what) == code


def test_agreement_without_an_end_is_no_document(world: AttackedNode) -> None:
    document = encode_agreement(world.agreement())
    last = f'"last_day":"{world.today + timedelta(days=365)}"'.encode()
    for end in (b'"last_day":"2999-12-31"', b'"last_day":null', b'"last_day":"9999-12-31"'):
        endless = document.replace(last, end)
        assert endless != document
        signature = world.keys[BETA].sign(b"symbolon-agreement-v1\0" + endless)
        assert str(world.agree(BETA, endless, signature)).startswith("membership.agreement.")


def test_purpose_that_the_coalition_has_not_is_refused(world: AttackedNode) -> None:
    what = world.agreement(purposes=("due-diligence", "marketing"))
    assert world.offer(BETA, what) == "membership.agreement.purpose"


@pytest.mark.parametrize(
    ("document", "signature"),
    [(b"x" * 9000, bytes(64)), (b"{}", bytes(63)), (b"{}", bytes(65)), (b"{}", b""), (b"x", bytes(1 << 20))],
    ids=("large document", "short", "long", "none", "large signature"),
)
def test_request_of_another_size_ends_before_it_is_parsed(
    world: AttackedNode, document: bytes, signature: bytes
) -> None:
    assert world.agree(BETA, document, signature) == "protocol.malformed"


def test_service_never_signs_whatever_is_handed_over_how_often(
    world: AttackedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Node, "signing_key", property(lambda _: pytest.fail("the signing key was used")))
    for _ in range(3):
        answer = world.offer(BETA, what := world.agreement())
        for _ in range(3):
            answer = world.offer(BETA, what)
            assert isinstance(answer, pb.AgreeResponse)
            assert (answer.signature, answer.state) == (b"", "waiting")
    assert not world.in_force()


# What was withdrawn


def test_withdrawn_agreement_handed_over_again_stays_withdrawn(world: AttackedNode) -> None:
    what = world.agreed()
    name = agreement_sha256(encode_agreement(what))
    world.store.withdraw(name)
    assert not world.in_force()
    assert world.offer(BETA, what) == "membership.agreement.withdrawn"
    assert not world.in_force()


def test_agreement_that_the_peer_withdrew_is_not_brought_back_by_it(world: AttackedNode) -> None:
    what = world.agreed()
    name = agreement_sha256(encode_agreement(what))
    for _ in range(2):
        assert isinstance(world.withdraw(BETA, name), pb.WithdrawResponse)
    assert not world.in_force()
    assert world.offer(BETA, what) == "membership.agreement.withdrawn"
    assert not world.in_force()


def test_withdrawal_of_an_agreement_of_two_others_ends_nothing(world: AttackedNode) -> None:
    what = world.agreed()
    name = agreement_sha256(encode_agreement(what))
    assert world.withdraw(MALLORY, name) == "membership.agreement.foreign"
    assert world.in_force()
    assert world.withdraw(MALLORY, name[:-1]) == "protocol.malformed"
    # Of one that nobody knows, nothing is told.
    assert isinstance(world.withdraw(MALLORY, bytes(32)), pb.WithdrawResponse)


# Floods


def test_flood_of_offers_keeps_the_newest_and_ends_at_the_days_limit(world: AttackedNode) -> None:
    told = [world.offer(MALLORY, world.agreement(ALPHA, MALLORY)) for _ in range(MAX_A_DAY + 2)]
    assert [each for each in told if isinstance(each, str)] == ["membership.agreement.many"] * 2
    waiting = [each for each in world.store.with_peer(MALLORY) if each.state == "waiting"]
    assert len(waiting) == MAX_OPEN_OFFERS
    # Others are heard.
    assert isinstance(world.offer(BETA, world.agreement()), pb.AgreeResponse)


@pytest.mark.parametrize("taken_back", [False, True], ids=("in a circle", "taken back"))
def test_flood_with_the_same_offers_fills_the_log_no_further_than_the_days_limit(
    world: AttackedNode, taken_back: bool
) -> None:
    """Each that falls out, or is taken back, would be a new line of the log when it comes again."""
    offers = [world.agreement(ALPHA, MALLORY) for _ in range(1 if taken_back else MAX_OPEN_OFFERS + 1)]
    before = world.node.audit.size()
    for _ in range(MAX_A_DAY):
        for each in offers:
            world.offer(MALLORY, each)
            if taken_back:
                world.withdraw(MALLORY, agreement_sha256(encode_agreement(each)))
    lines = world.node.audit.size() - before
    assert lines == MAX_A_DAY * (2 if taken_back else 1)


def test_answers_to_own_offers_are_taken_from_a_peer_that_is_over_its_limit(world: AttackedNode) -> None:
    for _ in range(MAX_A_DAY + 1):
        world.offer(BETA, world.agreement())
    world.agreed()


# Keys


def test_old_key_of_a_member_that_came_again_signs_nothing_and_holds_nothing(
    world: AttackedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = world.agreed()
    old = world.keys[BETA]
    new = Ed25519PrivateKey.generate()
    changed = tuple(
        replace(each, signing_key=new.public_key().public_bytes_raw()) if each.member_id == BETA else each
        for each in world.members.members
    )
    members = replace(world.members, members=changed)
    state = replace(world.node.coalition.state(), members=members)
    monkeypatch.setattr(world.node.coalition, "state", lambda: state)
    store = world.node.agreements
    assert store.in_force(BETA, "due-diligence", world.today) is None
    assert world.offer(BETA, what) == "membership.agreement.signature"
    assert world.offer(BETA, world.agreement()) == "membership.agreement.signature"
    world.keys[BETA] = new
    try:
        assert isinstance(world.offer(BETA, world.agreement()), pb.AgreeResponse)
        # The same document under the new key puts nothing back in force: alpha's person signs anew.
        assert isinstance(world.offer(BETA, what), pb.AgreeResponse)
        assert store.in_force(BETA, "due-diligence", world.today) is None
    finally:
        world.keys[BETA] = old


def test_node_whose_key_is_not_the_one_in_its_entry_signs_nothing(
    world: AttackedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = world.store.all()
    monkeypatch.setitem(vars(world.node), "signing_key", Ed25519PrivateKey.generate())
    with pytest.raises(MembershipError) as caught:
        sign(world.node, world.store, world.agreement())
    assert "sync" in str(caught.value.hint)
    assert world.store.all() == before


def test_policy_service_is_no_service_for_invited_or_lapsed_callers() -> None:
    methods = pb.DESCRIPTOR.services_by_name["PolicyService"].methods
    names = {f"/{SERVICE}/{each.name}" for each in methods}
    assert names == {f"/{SERVICE}/Agree", f"/{SERVICE}/Withdraw"}
    assert not names & (INVITED_METHODS | LAPSED_METHODS)
