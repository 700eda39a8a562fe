"""Attacks on agreements: what a member hands over that was not agreed on, and what it answers instead.

The nodes are real and the attacker's certificate is; it speaks to the service, or serves lies over gRPC.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from symbolon.api.policy.v1 import policy_pb2 as pb
from symbolon.cli.init import create_node
from symbolon.cli.local_coalition import COALITION
from symbolon.cli.local_founder import LocalFounder
from symbolon.errors import MembershipError, RemoteProtocolError, SymbolonError, UnavailableError
from symbolon.membership.agreement import (
    Agreement,
    agreement_sha256,
    decode_agreement,
    encode_agreement,
    make_agreement,
    sign_agreement,
)
from symbolon.membership.canonical_json import encode_canonical
from symbolon.membership.member import CoalitionId, MemberId
from symbolon.membership.member_record import Members
from symbolon.membership.member_statement import Place
from symbolon.rpc.agreeing import open_agreements, sign, tell, tell_all
from symbolon.rpc.identity import INVITED_METHODS, LAPSED_METHODS, caller
from symbolon.rpc.node import LEAF_FILE, LEAF_KEY_FILE, Node
from symbolon.rpc.policy_service import SERVICE, PolicyService
from symbolon.rpc.request_limit import MAX_A_DAY
from symbolon.rpc.status import CODE_KEY
from symbolon.storage.agreement_store import MAX_OPEN_OFFERS

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

ALPHA, BETA, MALLORY = MemberId("alpha-co"), MemberId("beta-co"), MemberId("mallory-co")
PURPOSES = ("due-diligence", "remediation")


class World:
    """A coalition whose nodes are folders; alpha's is open, and attacked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.founder = LocalFounder.create(folder / "founder", COALITION, PURPOSES)
        self.keys: dict[str, Ed25519PrivateKey] = {}
        for member in (ALPHA, BETA, MALLORY):
            create_node(folder / member, member=member, coalition=COALITION, listen="127.0.0.1:0")
            self.founder.admit(folder / member, kind="company")
            with Node(folder / member) as node:
                self.keys[member] = node.signing_key
        self.founder.tell(folder / ALPHA)
        self.node = Node(folder / ALPHA)
        self.store = open_agreements(self.node)
        self.service = PolicyService(self.node)

    @property
    def members(self) -> Members:
        return self.node.directory.current()

    @property
    def today(self) -> date:
        return self.node.now.date()

    def agreement(self, *parties: MemberId, **changes: Any) -> Agreement:
        """Of two members, beta with alpha unless others are named, for a year, with a nonce of its own."""
        low, high = sorted(parties or (ALPHA, BETA))
        made = make_agreement(
            self.members,
            (low, high),
            ("due-diligence",),
            self.today,
            self.today + timedelta(days=365),
            self.node.rng(16),
        )
        return replace(made, **changes)

    def signature(self, member: str, what: Agreement) -> bytes:
        return sign_agreement(what, self.keys[member])

    def agree(self, who: MemberId, document: bytes, signature: bytes) -> pb.AgreeResponse | str:
        """A member hands over an agreement; the answer, or the code of the refusal."""
        return self._called(who, "Agree", pb.AgreeRequest(document=document, signature=signature))

    def offer(self, who: MemberId, what: Agreement, signed_by: str = "") -> pb.AgreeResponse | str:
        """The same, with the signature that belongs there, or somebody else's."""
        return self.agree(who, encode_agreement(what), self.signature(signed_by or who, what))

    def withdraw(self, who: MemberId, sha256: bytes) -> pb.WithdrawResponse | str:
        return self._called(who, "Withdraw", pb.WithdrawRequest(agreement_sha256=sha256))

    def _called(self, who: MemberId, method: str, request: Any) -> Any:
        record = self.members.find(who)
        assert record is not None
        context = Context()

        async def call() -> Any:
            caller.set(record)
            return await getattr(self.service, method)(request, context)

        try:
            return asyncio.run(call())
        except grpc.aio.AbortError:
            return context.code

    def in_force(self, peer: str = BETA, purpose: str = "due-diligence") -> bool:
        return self.store.in_force(peer, purpose, self.today) is not None

    def agreed(self) -> Agreement:
        """One that is in force between alpha and beta."""
        what = self.agreement()
        sign(self.node, self.store, what)
        assert isinstance(self.offer(BETA, what), pb.AgreeResponse)
        assert self.in_force()
        return what

    @contextlib.contextmanager
    def mallory_answers(self, answer: Any) -> Iterator[list[Any]]:
        """Mallory serves whatever answers with its real certificate, where all find it; yields what came."""
        came: list[Any] = []

        def agree(request: Any, context: Any) -> Any:
            came.append(request)
            return answer(request, context)

        handlers = {
            "Agree": grpc.unary_unary_rpc_method_handler(
                agree, pb.AgreeRequest.FromString, pb.AgreeResponse.SerializeToString
            )
        }
        home = self.folder / MALLORY
        shown = (home / LEAF_KEY_FILE).read_bytes(), (home / LEAF_FILE).read_bytes()
        with ThreadPoolExecutor(2) as pool:
            server = grpc.server(pool, options=(("grpc.so_reuseport", 0),))
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
            tls = grpc.ssl_server_credentials([shown], self.node.coalition.state().authorities_pem, True)
            port = server.add_secure_port("127.0.0.1:0", tls)
            server.start()
            self.founder.move(home, Place(f"127.0.0.1:{port}", (), ""))
            self.founder.tell(self.node.home)
            try:
                yield came
            finally:
                server.stop(0).wait()


class Context:
    """A call that keeps the code it ends with."""

    code = ""

    def set_trailing_metadata(self, pairs: Any) -> None:
        self.code = dict(pairs)[CODE_KEY]

    async def abort(self, status: grpc.StatusCode, _: str) -> None:
        raise grpc.aio.AbortError(status.name)


@pytest.fixture(scope="module")
def coalition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("agreements"))
    try:
        yield made
    finally:
        made.node.close()
        made.founder.close()


@pytest.fixture
def world(coalition: World) -> Iterator[World]:
    """Without what the test before left open."""
    coalition.service = PolicyService(coalition.node)
    yield coalition
    for each in coalition.store.all():
        coalition.store.withdraw(each.sha256)
        if each.state == "waiting":
            coalition.store.withdraw_by_peer(each.peer, each.sha256)


# What a caller hands over


def test_agreement_signed_by_another_member_than_the_caller_is_refused(world: World) -> None:
    for signer in (MALLORY, ALPHA):
        assert world.offer(BETA, world.agreement(), signer) == "membership.agreement.signature"
    assert world.store.untold() == []
    # The control.
    answer = world.offer(BETA, world.agreement())
    assert isinstance(answer, pb.AgreeResponse)
    assert (answer.signature, answer.state) == (b"", "waiting")


def test_agreement_between_two_others_is_refused_and_written_to_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Of the caller with a third, of alpha with a third, of two others: with every signature right."""
    before = world.store.all()
    for parties, signer in (((BETA, MALLORY), MALLORY), ((ALPHA, BETA), BETA), ((BETA, MALLORY), BETA)):
        refused = world.offer(MALLORY, world.agreement(*parties), signer)
        assert refused == "membership.agreement.foreign"
    assert world.store.all() == before
    assert "membership.agreement.foreign" in caplog.text


def test_agreement_whose_members_are_swapped_is_no_document(world: World) -> None:
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


def test_agreement_with_oneself_is_refused_at_both_ends(world: World) -> None:
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


def test_purposes_widened_after_alpha_signed_are_another_agreement_that_waits(world: World) -> None:
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


def test_signature_under_an_agreement_of_another_coalition_is_refused(world: World) -> None:
    elsewhere = world.agreement(coalition=CoalitionId("other-coalition"))
    assert world.offer(BETA, elsewhere) == "membership.agreement.coalition"
    here = replace(elsewhere, coalition=CoalitionId(COALITION))
    taken_over = world.agree(BETA, encode_agreement(here), world.signature(BETA, elsewhere))
    assert taken_over == "membership.agreement.signature"


def test_signature_in_another_context_is_refused(world: World) -> None:
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
def test_agreement_for_days_far_away_is_refused(world: World, first: int, days: int, code: str) -> None:
    begins = world.today + timedelta(days=first)
    what = world.agreement(first_day=begins, last_day=begins + timedelta(days=days))
    assert world.offer(BETA, what) == code


def test_agreement_without_an_end_is_no_document(world: World) -> None:
    document = encode_agreement(world.agreement())
    last = f'"last_day":"{world.today + timedelta(days=365)}"'.encode()
    for end in (b'"last_day":"2999-12-31"', b'"last_day":null', b'"last_day":"9999-12-31"'):
        endless = document.replace(last, end)
        assert endless != document
        signature = world.keys[BETA].sign(b"symbolon-agreement-v1\0" + endless)
        assert str(world.agree(BETA, endless, signature)).startswith("membership.agreement.")


def test_purpose_that_the_coalition_has_not_is_refused(world: World) -> None:
    what = world.agreement(purposes=("due-diligence", "marketing"))
    assert world.offer(BETA, what) == "membership.agreement.purpose"


@pytest.mark.parametrize(
    ("document", "signature"),
    [(b"x" * 9000, bytes(64)), (b"{}", bytes(63)), (b"{}", bytes(65)), (b"{}", b""), (b"x", bytes(1 << 20))],
    ids=("large document", "short", "long", "none", "large signature"),
)
def test_request_of_another_size_ends_before_it_is_parsed(
    world: World, document: bytes, signature: bytes
) -> None:
    assert world.agree(BETA, document, signature) == "protocol.malformed"


def test_service_never_signs_whatever_is_handed_over_how_often(
    world: World, monkeypatch: pytest.MonkeyPatch
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


def test_withdrawn_agreement_handed_over_again_stays_withdrawn(world: World) -> None:
    what = world.agreed()
    name = agreement_sha256(encode_agreement(what))
    world.store.withdraw(name)
    assert not world.in_force()
    assert world.offer(BETA, what) == "membership.agreement.withdrawn"
    assert not world.in_force()


def test_agreement_that_the_peer_withdrew_is_not_brought_back_by_it(world: World) -> None:
    what = world.agreed()
    name = agreement_sha256(encode_agreement(what))
    for _ in range(2):
        assert isinstance(world.withdraw(BETA, name), pb.WithdrawResponse)
    assert not world.in_force()
    assert world.offer(BETA, what) == "membership.agreement.withdrawn"
    assert not world.in_force()


def test_withdrawal_of_an_agreement_of_two_others_ends_nothing(world: World) -> None:
    what = world.agreed()
    name = agreement_sha256(encode_agreement(what))
    assert world.withdraw(MALLORY, name) == "membership.agreement.foreign"
    assert world.in_force()
    assert world.withdraw(MALLORY, name[:-1]) == "protocol.malformed"
    # Of one that nobody knows, nothing is told.
    assert isinstance(world.withdraw(MALLORY, bytes(32)), pb.WithdrawResponse)


# Floods


def test_flood_of_offers_keeps_the_newest_and_ends_at_the_days_limit(world: World) -> None:
    told = [world.offer(MALLORY, world.agreement(ALPHA, MALLORY)) for _ in range(MAX_A_DAY + 2)]
    assert [each for each in told if isinstance(each, str)] == ["membership.agreement.many"] * 2
    waiting = [each for each in world.store.with_peer(MALLORY) if each.state == "waiting"]
    assert len(waiting) == MAX_OPEN_OFFERS
    # Others are heard.
    assert isinstance(world.offer(BETA, world.agreement()), pb.AgreeResponse)


@pytest.mark.parametrize("taken_back", [False, True], ids=("in a circle", "taken back"))
def test_flood_with_the_same_offers_fills_the_log_no_further_than_the_days_limit(
    world: World, taken_back: bool
) -> None:
    """Each that falls out, or is taken back, would be a new line of the log when it comes again."""
    offers = [world.agreement(ALPHA, MALLORY) for _ in range(1 if taken_back else MAX_OPEN_OFFERS + 1)]
    before = len(world.node.journal.newest(1000))
    for _ in range(MAX_A_DAY):
        for each in offers:
            world.offer(MALLORY, each)
            if taken_back:
                world.withdraw(MALLORY, agreement_sha256(encode_agreement(each)))
    lines = len(world.node.journal.newest(1000)) - before
    assert lines == MAX_A_DAY * (2 if taken_back else 1)


def test_answers_to_own_offers_are_taken_from_a_peer_that_is_over_its_limit(world: World) -> None:
    for _ in range(MAX_A_DAY + 1):
        world.offer(BETA, world.agreement())
    world.agreed()


# Keys


def test_old_key_of_a_member_that_came_again_signs_nothing_and_holds_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = world.agreed()
    old = world.keys[BETA]
    new = Ed25519PrivateKey.generate()
    changed = tuple(
        replace(each, signing_key=new.public_key().public_bytes_raw()) if each.member_id == BETA else each
        for each in world.members.members
    )
    members = replace(world.members, members=changed)
    monkeypatch.setattr(world.node.directory, "current", lambda: members)
    store = open_agreements(world.node)
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
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = world.store.all()
    monkeypatch.setitem(vars(world.node), "signing_key", Ed25519PrivateKey.generate())
    with pytest.raises(MembershipError) as caught:
        sign(world.node, world.store, world.agreement())
    assert "sync" in str(caught.value.hint)
    assert world.store.all() == before


# What a peer answers


def test_peer_that_answers_with_a_signature_under_another_document_is_caught(world: World) -> None:
    what = world.agreement(ALPHA, MALLORY)
    wider = replace(what, purposes=PURPOSES)
    lies = {
        "another document": world.signature(MALLORY, wider),
        "alpha's own back": world.signature(ALPHA, what),
        "another member's": world.signature(BETA, what),
        "noise": bytes(64),
    }
    for name, lie in lies.items():
        held = sign(world.node, world.store, what)
        answer = pb.AgreeResponse(signature=lie, state="in_force")
        with (
            world.mallory_answers(lambda *_, answer=answer: answer),
            pytest.raises(RemoteProtocolError) as caught,
        ):
            asyncio.run(tell(world.node, world.store, held))
        assert caught.value.full_code == "protocol.agreement", name
        assert not world.in_force(MALLORY)
    # The control.
    right = world.signature(MALLORY, what)
    with world.mallory_answers(lambda *_: pb.AgreeResponse(signature=right, state="in_force")) as came:
        asyncio.run(tell(world.node, world.store, held))
    assert world.in_force(MALLORY)
    assert decode_agreement(came[0].document) == what


def test_peer_that_says_in_force_without_a_signature_is_not_believed(world: World) -> None:
    held = sign(world.node, world.store, world.agreement(ALPHA, MALLORY))
    with world.mallory_answers(lambda *_: pb.AgreeResponse(state="in_force")):
        asyncio.run(tell(world.node, world.store, held))
    assert not world.in_force(MALLORY)
    (after,) = (each for each in world.store.with_peer(MALLORY) if each.sha256 == held.sha256)
    assert (after.state, after.told) == ("offered", True)


def test_peer_that_answers_with_a_long_signature_is_refused(world: World) -> None:
    held = sign(world.node, world.store, world.agreement(ALPHA, MALLORY))
    answer = pb.AgreeResponse(signature=bytes(1 << 20), state="in_force")
    with world.mallory_answers(lambda *_: answer), pytest.raises(SymbolonError) as caught:
        asyncio.run(tell(world.node, world.store, held))
    assert caught.value.full_code == "protocol.malformed"


def test_peer_that_refuses_for_good_is_not_asked_again_by_itself(world: World) -> None:
    held = sign(world.node, world.store, world.agreement(ALPHA, MALLORY))

    def refuse(_: Any, context: Any) -> None:
        context.set_trailing_metadata(((CODE_KEY, "membership.agreement.purpose"),))
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "x")

    with world.mallory_answers(refuse) as came:
        with pytest.raises(MembershipError) as caught:
            asyncio.run(tell(world.node, world.store, held))
        assert "sync" in str(caught.value.hint)
        asyncio.run(tell_all(world.node))
    assert len(came) == 1


def test_peer_that_says_it_withdrew_ends_the_agreement_here_too(world: World) -> None:
    held = sign(world.node, world.store, world.agreement(ALPHA, MALLORY))

    def refuse(_: Any, context: Any) -> None:
        context.set_trailing_metadata(((CODE_KEY, "membership.agreement.withdrawn"),))
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "x")

    with world.mallory_answers(refuse), pytest.raises(MembershipError):
        asyncio.run(tell(world.node, world.store, held))
    after = world.store.find(held.sha256)
    assert after is not None
    assert after.state == "withdrawn_by_peer"


def test_peer_of_an_earlier_version_is_named_as_such_and_told_later(world: World) -> None:
    held = sign(world.node, world.store, world.agreement(ALPHA, MALLORY))

    def unknown(_: Any, context: Any) -> None:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "no such method")

    with world.mallory_answers(unknown), pytest.raises(UnavailableError) as caught:
        asyncio.run(tell(world.node, world.store, held))
    assert "version" in caught.value.detail
    assert held.sha256 in [each.sha256 for each in world.store.untold()]


def test_policy_service_is_no_service_for_invited_or_lapsed_callers() -> None:
    methods = pb.DESCRIPTOR.services_by_name["PolicyService"].methods
    names = {f"/{SERVICE}/{each.name}" for each in methods}
    assert names == {f"/{SERVICE}/Agree", f"/{SERVICE}/Withdraw"}
    assert not names & (INVITED_METHODS | LAPSED_METHODS)
