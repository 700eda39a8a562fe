"""Keys that were lost or stolen, a certificate that ended, answers that were lost: every way back."""

import asyncio
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from served_coalition import COALITION, FOUNDER, ServedCoalition, served_coalition
from symbolon.api.membership.v1 import membership_pb2 as pb
from symbolon.api.membership.v1 import membership_pb2_grpc as stubs
from symbolon.membership.acts import Renew
from symbolon.membership.certificates import (
    LEAF_VALIDITY,
    certificate_fingerprint,
    load_certificate,
)
from symbolon.membership.enrolment import leaf_key_pem, make_leaf_key, make_leaf_key_and_csr, verify_csr
from symbolon.membership.member_record import MemberRecord
from symbolon.membership.member_statement import (
    Renewal,
    encode_statement,
    public_key_sha256,
    sign_statement,
)
from symbolon.rpc.node import LEAF_FILE, LEAF_KEY_FILE, NEXT_LEAF_KEY_FILE, Node
from symbolon.rpc.renewal import renew_if_due
from typed_member import Member

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

BIRCH, CEDAR = "birch-ngo", "cedar-co"
_LIST = (
    "supplier_id,name,address,city,postal_code,country,lei\n"
    "{0}-1,Orlandia Yard,4 Mill Lane,Zorvanpur,10002,BD,5299000J2N45DDNE4Y28\n"
)
_VETTED = ("--vetted-by", "Ben", "--criteria", "called back")


@pytest.fixture(scope="module")
def coalition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCoalition]:
    with served_coalition(tmp_path_factory.mktemp("coalition"), BIRCH, CEDAR) as made:
        yield made


def entry(coalition: ServedCoalition, member: str) -> MemberRecord:
    found = coalition[FOUNDER].members().find(member)
    assert found is not None
    return found


def refused_again(coalition: ServedCoalition, member: str, *more: str, code: int = 77) -> Any:
    """What an invitation with which a member gets new keys ends with."""
    return coalition[FOUNDER].run("coalition", "invite", member, "--again", *_VETTED, *more, code=code)


def invited_again(coalition: ServedCoalition, member: str) -> str:
    """The code with which a member gets new keys."""
    return coalition[FOUNDER].quick("coalition", "invite", member, "--again", *_VETTED)[0].strip()


def answered(coalition: ServedCoalition, credentials: tuple[bytes, bytes]) -> str:
    """How the founder ends a call under a certificate."""
    with coalition[FOUNDER].channel(credentials) as channel:
        return called(channel)


def called(channel: grpc.Channel) -> str:
    call = health_pb2_grpc.HealthStub(channel).Check.future(health_pb2.HealthCheckRequest(), timeout=20)
    return call.code().name


def lost_renewal(coalition: ServedCoalition, member: str) -> None:
    """What `rotate` does, up to an answer that never arrives; the founder lists the certificate."""
    before = entry(coalition, member)
    with Node(coalition[member].home) as node:
        made = make_leaf_key_and_csr(node.member_id, node.config.node.coalition)
        node.leaf_files.prepare(made.key_pem)
        key = verify_csr(made.csr_pem, node.member_id, node.config.node.coalition)
        asks = Renewal(public_key_sha256(key), certificate_fingerprint(node.credentials.certificate))
        signed = sign_statement(coalition[FOUNDER].members(), node.member_id, asks, node.signing_key)
    request = pb.RenewRequest(
        csr_pem=made.csr_pem, statement=encode_statement(signed.statement), signature=signed.signature
    )
    with coalition[FOUNDER].channel(coalition[member].credentials) as channel:
        stubs.MembershipServiceStub(channel).Renew(request, timeout=30)
    assert entry(coalition, member).certificates[-1] not in before.certificates


def test_member_whose_folder_is_lost_joins_again_under_its_id_and_the_old_folder_is_refused(
    tmp_path: Path,
) -> None:
    founder, member = Member("founder-co", tmp_path), Member("laptop-ngo", tmp_path)
    founder.found("spring")
    founder.allow(member.name)
    (tmp_path / "list.csv").write_text(_LIST.format("F"), encoding="utf-8")
    founder.quick("suppliers", "import", str(tmp_path / "list.csv"))
    founder.serve()
    try:
        founder.admit(member)
        before = founder.members().find(member.name)
        assert before is not None
        thief = Member(member.name, tmp_path / "stolen")
        thief.home.parent.mkdir()
        shutil.move(member.home, thief.home)

        done = founder.run("coalition", "invite", member.name, "--again", *_VETTED)
        assert "Its present keys hold until laptop-ngo has joined again." in done.stderr
        # Until it has, nothing has changed.
        assert founder.members().find(member.name) == before
        told = member.join(done.stdout.strip())
        assert "laptop-ngo is a member of spring." in told
        assert "founder-co reaches this node." in told
        after = founder.members().find(member.name)
        assert after is not None
        assert (after.kind, after.jurisdiction, after.roles) == (
            before.kind,
            before.jurisdiction,
            before.roles,
        )
        assert after.signing_key != before.signing_key
        assert set(after.certificates).isdisjoint(before.certificates)
        assert after.due_diligence.vetting.criteria == "called back"
        # The code is used, by whoever has it and with whichever keys.
        other = Member(member.name, tmp_path / "other")
        other.home.parent.mkdir()
        assert "Ask the founder" in other.run(*other.joining(done.stdout.strip()), code=77).stderr

        member.quick("suppliers", "import", str(tmp_path / "list.csv"))
        member.allow(founder.name)
        _, rows = member.match(founder)
        assert [row["band"] for row in rows] == ["certain"]

        thief.quick("suppliers", "import", str(tmp_path / "list.csv"))
        thief.allow(founder.name)
        shape = ("--purpose", "due-diligence", "--mode", "intersection", "--tiers", "A")
        refused = thief.run("match", founder.name, *shape, code=77)
        assert "does not take this node for a current member" in refused.stderr
        refused = thief.run("coalition", "rotate", "certificate", "--stolen", code=77)
        assert "does not take this node for a current member" in refused.stderr
        assert founder.members().find(member.name) == after
    finally:
        assert founder.stop() == 0


def test_member_whose_certificate_has_ended_joins_again_in_its_own_folder(coalition: ServedCoalition) -> None:
    home, before = coalition[CEDAR].home, entry(coalition, CEDAR)
    keys = [(home / name).read_bytes() for name in (LEAF_KEY_FILE, "signing-key.pem", "seal.key")]
    with Node(coalition[FOUNDER].home) as founder, Node(home) as node:
        made = make_leaf_key_and_csr(node.member_id, founder.config.node.coalition)
        node.leaf_files.prepare(made.key_pem)
        public_key = verify_csr(made.csr_pem, node.member_id, founder.config.node.coalition)
        issued = datetime.now(UTC) - LEAF_VALIDITY - timedelta(days=1)
        ended = founder.founding.keys.issue(CEDAR, founder.config.node.coalition, public_key, issued)
        node.leaf_files.install(ended)
    told = coalition[CEDAR].quick("coalition", "sync", code=(75, 77))[1]
    assert f"symbolon coalition invite {CEDAR} --again" in coalition[CEDAR].run("serve", code=77).stderr, told
    # What an earlier joining left behind is not asked for again.
    (home / "request.pem").write_bytes(made.csr_pem)
    told = coalition[CEDAR].join(invited_again(coalition, CEDAR))
    assert f"{CEDAR} is a member" in told
    assert f"{FOUNDER} reaches this node." in told
    after = entry(coalition, CEDAR)
    assert after.signing_key != before.signing_key
    assert after.certificates == (certificate_fingerprint((home / LEAF_FILE).read_bytes()),)
    now = [(home / name).read_bytes() for name in (LEAF_KEY_FILE, "signing-key.pem", "seal.key")]
    assert [one == other for one, other in zip(keys, now, strict=True)] == [False, False, True]
    left = {"request.pem", "next-signing-key.pem", NEXT_LEAF_KEY_FILE}
    assert left.isdisjoint(path.name for path in home.iterdir())
    # Its new keys speak for it.
    coalition[CEDAR].quick("coalition", "rotate", "certificate")


def test_stolen_certificate_is_refused_at_the_next_message_and_the_new_one_is_in_use(
    coalition: ServedCoalition,
) -> None:
    stolen = coalition[BIRCH].credentials
    with coalition[FOUNDER].channel(stolen) as channel:
        assert called(channel) == "OK"
        told = coalition[BIRCH].run("coalition", "rotate", "certificate", "--stolen").stderr
        assert "Every earlier one is refused" in told
        # The connection that the thief has open, and any other.
        assert called(channel) == "UNAUTHENTICATED"
    assert answered(coalition, stolen) == "UNAUTHENTICATED"
    new = coalition[BIRCH].credentials
    assert entry(coalition, BIRCH).certificates == (certificate_fingerprint(new[1]),)
    assert answered(coalition, new) == "OK"
    # An ordinary one leaves the one before it in force.
    coalition[BIRCH].quick("coalition", "rotate", "certificate")
    assert answered(coalition, new) == answered(coalition, coalition[BIRCH].credentials) == "OK"


@pytest.mark.parametrize("stolen", [(), ("--stolen",)], ids=["renewed", "stolen"])
def test_rotation_whose_answers_were_lost_is_completed_by_the_same_command(
    coalition: ServedCoalition, stolen: tuple[str, ...]
) -> None:
    before = certificate_fingerprint(coalition[BIRCH].credentials[1])
    for _ in range(3):
        lost_renewal(coalition, BIRCH)
    assert entry(coalition, BIRCH).certificates[0] == before
    coalition[BIRCH].run("coalition", "rotate", "certificate", *stolen)
    after = certificate_fingerprint(coalition[BIRCH].credentials[1])
    assert entry(coalition, BIRCH).certificates == ((after,) if stolen else (before, after))
    assert answered(coalition, coalition[BIRCH].credentials) == "OK"


def test_rotation_with_a_key_that_may_be_stolen_too_takes_another(coalition: ServedCoalition) -> None:
    """A key that waits in the folder is used by the next attempt, but not once the folder was seen."""
    waiting = coalition[BIRCH].home / NEXT_LEAF_KEY_FILE
    for stolen in ((), ("--stolen",)):
        made = make_leaf_key_and_csr(BIRCH, COALITION)
        waiting.write_bytes(made.key_pem)
        coalition[BIRCH].quick("coalition", "rotate", "certificate", *stolen)
        assert (coalition[BIRCH].credentials[0] == made.key_pem) == (not stolen)


def test_node_that_was_off_for_90_days_after_its_last_renewal_renews_by_itself(
    coalition: ServedCoalition,
) -> None:
    """30 days after it got its certificate it was switched off; this is the day it is on again."""
    home = coalition[BIRCH].home
    with Node(coalition[FOUNDER].home) as founder:
        own = founder.founding.keys
    key, issued = make_leaf_key(), datetime.now(UTC) - timedelta(days=30 + 89)
    old = own.issue(BIRCH, COALITION, key.public_key(), issued)
    list_certificate(coalition, old, leaf_key_pem(key))

    async def due() -> bool:
        with Node(home) as node:
            return await renew_if_due(node)

    assert asyncio.run(due())
    after = coalition[BIRCH].credentials
    assert after[1] != old
    assert answered(coalition, after) == "OK"
    assert not asyncio.run(due())


def list_certificate(coalition: ServedCoalition, leaf: bytes, key: bytes) -> None:
    """Has the founder list a certificate of `BIRCH`, which then uses it."""
    with Node(coalition[FOUNDER].home) as founder, Node(coalition[BIRCH].home) as node:
        shown = certificate_fingerprint(node.credentials.certificate)
        asks = Renewal(public_key_sha256(load_certificate(leaf).public_key()), shown)
        members = founder.coalition.state().members
        signed = sign_statement(members, node.member_id, asks, node.signing_key)
        founder.founding.propose([Renew(leaf, signed)])
        node.leaf_files.prepare(key)
        node.leaf_files.install(leaf)


@pytest.mark.parametrize(
    ("member", "more", "told"),
    [
        ("nobody-co", (), "is no member"),
        (FOUNDER, (), "coalition founders --drop"),
        (BIRCH, ("--jurisdiction", "KE"), "Leave out --jurisdiction"),
        (BIRCH, ("--kind", "ngo"), "Leave out --jurisdiction"),
        (BIRCH, ("--relay",), "Leave out --jurisdiction"),
    ],
)
def test_invite_again_that_cannot_be_is_refused_before_a_code_is_made(
    coalition: ServedCoalition, member: str, more: tuple[str, ...], told: str
) -> None:
    done = refused_again(coalition, member, *more, code=2 if more else 77)
    assert told in done.stderr
    assert "hint: " in done.stderr
    assert done.stdout == ""


def test_rotate_of_epoch_keys_as_stolen_is_wrong_usage(coalition: ServedCoalition) -> None:
    told = coalition[BIRCH].run("coalition", "rotate", "epoch-keys", "--stolen", code=2).stderr
    assert "--stolen is for a certificate" in told


def test_rotate_of_epoch_keys_for_a_peer_that_has_none_says_that_nothing_was_erased(
    coalition: ServedCoalition,
) -> None:
    told = coalition[BIRCH].run("coalition", "rotate", "epoch-keys", "--peer", "adler", code=2).stderr
    assert "no match key was made for adler: nothing was erased" in told


def test_invite_of_a_member_without_again_names_it(coalition: ServedCoalition) -> None:
    invite = ("coalition", "invite", BIRCH, "--jurisdiction", "KE", *_VETTED)
    told = coalition[FOUNDER].run(*invite, code=77).stderr
    assert f"`symbolon coalition invite {BIRCH} --again --vetted-by NAME --criteria TEXT`" in told


def test_invite_of_whom_a_code_is_open_for_says_how_many(coalition: ServedCoalition) -> None:
    invite = ("coalition", "invite", "elm-co", "--jurisdiction", "KE", *_VETTED)
    first, told = coalition[FOUNDER].quick(*invite)
    assert "besides" not in told
    second = coalition[FOUNDER].run(*invite)
    assert "Open for elm-co besides this one: 1. `symbolon coalition invitations`" in second.stderr
    coalition["elm-co"].quick_join(first.strip())
    # Once it has joined with one of them the other is of no use.
    told = coalition["other-laptop"].join(second.stdout.strip(), code=77)
    assert "This id is a member already" in told
    # Two that replace the same keys: the second would replace those of the first.
    again = [invited_again(coalition, "elm-co") for _ in range(2)]
    coalition["new-laptop"].quick_join(again[0])
    told = coalition["third-laptop"].join(again[1], code=77)
    assert "got new keys since the code was written" in told


@pytest.mark.parametrize(
    "decision",
    [
        ("expel", "nobody-co", "--reason", "x"),
        ("suspend", "nobody-co", "--reason", "x"),
        ("reinstate", "nobody-co"),
        ("vet", "nobody-co", "--person", "Ben", "--criteria", "x"),
    ],
    ids=lambda each: each[0],
)
def test_decision_on_an_unknown_member_says_who_is_one(
    coalition: ServedCoalition, decision: tuple[str, ...]
) -> None:
    told = coalition[FOUNDER].run("coalition", *decision, code=77).stderr
    assert "'nobody-co' is not a member" in told
    assert "hint: `symbolon coalition members` shows who is." in told


def test_expel_of_the_only_founder_says_what_has_to_come_first(coalition: ServedCoalition) -> None:
    told = coalition[FOUNDER].run("coalition", "expel", FOUNDER, "--reason", "x", code=77).stderr
    assert f"{FOUNDER} is the only founder" in told
    assert f"symbolon coalition founders --add LINE --drop {FOUNDER} --threshold 1" in told


def test_invite_again_of_a_suspended_or_expelled_member_is_refused(coalition: ServedCoalition) -> None:
    coalition[FOUNDER].admit(coalition["dogwood-co"])
    code = invited_again(coalition, "dogwood-co")
    coalition[FOUNDER].quick("coalition", "suspend", "dogwood-co", "--reason", "silent")
    told = refused_again(coalition, "dogwood-co").stderr
    assert "symbolon coalition reinstate dogwood-co" in told
    # A code from before is no way around it either.
    told = coalition["elsewhere"].join(code, code=77)
    assert "This member is suspended" in told
    coalition[FOUNDER].quick("coalition", "expel", "dogwood-co", "--reason", "sold data")
    assert "not given again" in refused_again(coalition, "dogwood-co").stderr
    coalition["elsewhere"].join(code, code=(75, 77))
    assert coalition[FOUNDER].members().is_expelled("dogwood-co")
