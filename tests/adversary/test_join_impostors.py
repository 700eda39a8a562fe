"""Attacks on whoever joins: another answers in the sponsor's place, or the sponsor itself lies.

The joining node is a real one, over real TLS; who answers has real metadata, and tells some of it.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from forged_certificates import leaf, names_of
from lying_member import Liar, Metadata, answering
from real_nodes import MALLORY, Nodes, real_nodes
from symbolon.api.membership.v1 import membership_pb2 as pb
from symbolon.cli.init import create_node
from symbolon.cli.local_coalition import COALITION, PURPOSE
from symbolon.cli.local_founder import FOUNDER, LocalFounder
from symbolon.errors import SymbolonError, UsageError
from symbolon.membership.acts import Refresh
from symbolon.membership.certificates import issue_leaf, make_root
from symbolon.membership.coalition_parts import root_part
from symbolon.membership.coalition_state import State
from symbolon.membership.due_diligence import Acceptance
from symbolon.membership.enrolment import make_leaf_key_and_csr, verify_csr
from symbolon.membership.founder_keys import ROOT_KEY_FILE, load_root_key
from symbolon.membership.invitation_code import InvitationCode
from symbolon.membership.member import MemberId
from symbolon.membership.member_statement import Place
from symbolon.membership.proposal import NewFounders
from symbolon.rpc.inviting import write_invitation
from symbolon.rpc.join_node import join_with
from symbolon.rpc.membership_codec import encode_parts
from symbolon.rpc.node import FOUNDER_FOLDER, LEAF_FILE, Node
from typed_member import invited

DAY_S = 86400.0
NOWHERE = "127.0.0.1:1"
Parts = dict[str, bytes]
Credentials = tuple[bytes, bytes]

_NAMES = (f"joiner-{number}" for number in count())


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with real_nodes() as made:
        made.add(MALLORY)
        made.founder.move(made.founder.node.home, Place(NOWHERE, (), ""))
        yield made


def everything(nodes: Nodes) -> Parts:
    """The state that the founder holds, whole."""
    return nodes.founder.node.coalition.parts_newer_than(0, 0)


def truly(nodes: Nodes) -> Metadata:
    """What the founder's own node would answer."""
    store = nodes.founder.node.coalition
    return lambda asked: encode_parts(store.parts_newer_than(asked.root_version, asked.timestamp_version))


def always(parts: Parts) -> Metadata:
    """The same answer to every question."""
    return lambda _: encode_parts(parts)


def sponsor(nodes: Nodes) -> Credentials:
    """The founder's own key and certificate."""
    held = nodes.founder.node.read_credentials()
    return held.private_key, held.certificate


def new_code(nodes: Nodes) -> InvitationCode:
    """A code of the founder's, for a member that nobody is yet; good for two weeks."""
    today = nodes.founder.node.now.date()
    wanted = invited(next(_NAMES), today, open_for=timedelta(days=14))
    return write_invitation(nodes.founder.node, wanted)


class Joiner:
    """A node that joins, and what came of it."""

    def __init__(self, folder: Path, code: InvitationCode, ahead_s: float = 0.0) -> None:
        self.home = folder / code.member_id
        self.accepts = True
        self.shown = 0
        self._code = code
        self._ahead_s = ahead_s
        create_node(self.home, member=code.member_id, coalition=code.coalition, listen="127.0.0.1:0")

    def joins(self, answerer: Liar) -> str:
        """The code of the refusal, when somebody answers at the address that the invitation names; or ''."""
        code = replace(self._code, endpoints=(answerer.address,))
        with Node(self.home, clock=lambda: time.time() + self._ahead_s) as node:

            def accept(state: State) -> Acceptance:
                self.shown += 1
                if not self.accepts:
                    raise UsageError("not accepted")
                return Acceptance(state.members.terms_version, node.now.date(), "Carol")

            try:
                asyncio.run(join_with(node, code, Place(NOWHERE, (), ""), accept))
            except SymbolonError as error:
                assert not (self.home / LEAF_FILE).exists()
                return error.full_code
        return ""

    def holds(self) -> bool:
        """Whether it believes in any coalition."""
        return (self.home / "coalition" / "current").exists()


# Another in the sponsor's place


@pytest.mark.parametrize(
    "certificate", ["of the authority's misuse", "of an authority of its own", "of a member"]
)
def test_impostor_that_passes_the_metadata_on_is_sent_nothing(
    nodes: Nodes, tmp_path: Path, certificate: str
) -> None:
    """A third party in the middle has neither the sponsor's key nor the code."""

    def own_authority() -> Credentials:
        key, now = ec.generate_private_key(ec.SECP256R1()), nodes.founder.node.now
        root, made = make_root(COALITION, key, now), make_leaf_key_and_csr(FOUNDER, COALITION)
        public = verify_csr(made.csr_pem, FOUNDER, COALITION)
        return made.key_pem, issue_leaf(FOUNDER, COALITION, public, root_key=key, root_pem=root, now=now)

    credentials, code = {
        "of the authority's misuse": lambda: (leaf(nodes, names_of(FOUNDER)), "membership.fingerprint"),
        "of an authority of its own": lambda: (own_authority(), "membership.fingerprint"),
        "of a member": lambda: (nodes.credentials(MALLORY), "unavailable"),
    }[certificate]()
    joiner = Joiner(tmp_path, new_code(nodes))
    with answering(credentials, truly(nodes)) as impostor:
        assert joiner.joins(impostor) == code
        # Not even the terms were shown to a person.
        assert (impostor.joins, joiner.shown) == ([], 0)


def test_impostor_with_a_coalition_of_its_own_under_the_same_name_is_sent_nothing(
    nodes: Nodes, tmp_path: Path
) -> None:
    other = LocalFounder.create(tmp_path / "false-founder", COALITION, (PURPOSE,))
    try:
        parts, held = other.node.coalition.parts_newer_than(0, 0), other.node.read_credentials()
    finally:
        other.close()
    joiner = Joiner(tmp_path, new_code(nodes))
    with answering((held.private_key, held.certificate), always(parts)) as impostor:
        assert joiner.joins(impostor) == "membership.metadata.root"
        assert (impostor.joins, joiner.holds()) == ([], False)
    # With the true root before it, its own signatures count for nothing.
    true = everything(nodes)[root_part(1)]
    with answering((held.private_key, held.certificate), always({**parts, root_part(1): true})) as impostor:
        assert joiner.joins(impostor) == "membership.metadata.signatures"
        assert (impostor.joins, joiner.holds()) == ([], False)


def test_member_that_writes_codes_of_its_own_is_no_sponsor(nodes: Nodes, tmp_path: Path) -> None:
    code = replace(new_code(nodes), sponsor=MemberId(MALLORY))
    joiner = Joiner(tmp_path, code)
    with answering(nodes.credentials(MALLORY), truly(nodes)) as impostor:
        assert joiner.joins(impostor) == "membership.founder"
        assert (impostor.joins, joiner.shown) == ([], 0)


# A sponsor that tells of what was


@pytest.mark.parametrize("told", ["older", "older renamed", "none", "skipped"])
def test_founder_that_answers_a_join_with_an_older_root_is_sent_nothing(
    nodes: Nodes, tmp_path: Path, told: str
) -> None:
    """What an older root says, keys that were replaced since could have signed."""
    old = everything(nodes)
    before = nodes.founder.node.coalition.state()
    rotate(nodes)
    code = new_code(nodes)
    assert code.root_version == before.root_version + 1
    new = everything(nodes)
    parts = {
        "older": old,
        "older renamed": {**old, root_part(code.root_version): before.root_bytes},
        "none": {name: part for name, part in new.items() if not name.endswith(".root.json")},
        "skipped": {**new, root_part(code.root_version): before.root_bytes},
    }[told]
    joiner = Joiner(tmp_path, code)
    with answering(sponsor(nodes), always(parts)) as answerer:
        # Also where there is none of that version.
        assert joiner.joins(answerer) == "membership.metadata.root"
        assert (answerer.joins, joiner.holds()) == ([], False)
    # The control: with the root that the code names, the same node comes as far as to ask.
    with answering(sponsor(nodes), always(new)) as answerer:
        joiner.joins(answerer)
        assert len(answerer.joins) == 1


def rotate(nodes: Nodes) -> None:
    """The founder signs a new root, with the same keys."""
    node = nodes.founder.node
    state = node.coalition.state()
    key = load_root_key(node.home / FOUNDER_FOLDER / ROOT_KEY_FILE, node.founding.keys.founder)
    same = NewFounders(state.founders, 1, state.authorities_pem)
    node.founding.propose([Refresh()], founding=same, root_key=key)


def test_founder_that_answers_a_second_attempt_with_an_older_state_is_sent_nothing(
    nodes: Nodes, tmp_path: Path
) -> None:
    code = new_code(nodes)
    old = everything(nodes)
    nodes.founder.node.founding.propose([Refresh()])
    joiner = Joiner(tmp_path, code)
    joiner.accepts = False
    with answering(sponsor(nodes), truly(nodes)) as answerer:
        assert joiner.joins(answerer) == "usage"
    joiner.accepts = True
    with answering(sponsor(nodes), always(old)) as answerer:
        assert joiner.joins(answerer) == "membership.metadata.rollback"
        assert answerer.joins == []


def test_founder_that_answers_a_join_with_a_state_out_of_time_is_sent_nothing(
    nodes: Nodes, tmp_path: Path
) -> None:
    """The state that it froze was in force when the code was written, eight days ago."""
    joiner = Joiner(tmp_path, new_code(nodes), ahead_s=8 * DAY_S)
    with answering(sponsor(nodes), truly(nodes)) as answerer:
        assert joiner.joins(answerer) == "membership.metadata.expired"
        assert (answerer.joins, joiner.holds()) == ([], False)


# A sponsor that answers with another certificate


@pytest.mark.parametrize(
    ("trick", "refusal"),
    [
        ("another member's", "membership.certificate"),
        ("another authority's", "membership.certificate.issuer"),
        ("for a key of its own", "membership.key"),
        ("that is not listed", "membership.unknown"),
        ("none", "membership.certificate.malformed"),
    ],
)
def test_founder_that_answers_a_join_with_a_certificate_that_does_not_hold_is_not_believed(
    nodes: Nodes, tmp_path: Path, trick: str, refusal: str
) -> None:
    code = new_code(nodes)
    joiner = Joiner(tmp_path, code)

    def answered(request: pb.JoinRequest) -> bytes:
        keys, now = nodes.founder.node.founding.keys, nodes.founder.node.now
        public = verify_csr(request.csr_pem, code.member_id, COALITION)
        match trick:
            case "another member's":
                return nodes.credentials(MALLORY)[1]
            case "another authority's":
                key = ec.generate_private_key(ec.SECP256R1())
                root = make_root(COALITION, key, now)
                return issue_leaf(code.member_id, COALITION, public, root_key=key, root_pem=root, now=now)
            case "none":
                return b""
            case "for a key of its own":
                # Listed as it should be: founders that collude to speak in its name.
                nodes.founder.admit(own_home, kind="ngo")
                return (own_home / LEAF_FILE).read_bytes()
            case _:
                authority = {"root_key": keys.authority_key, "root_pem": keys.authority_pem}
                return issue_leaf(code.member_id, COALITION, public, **authority, now=now)  # type: ignore[arg-type]

    own_home = tmp_path / "own"
    create_node(own_home, member=code.member_id, coalition=COALITION, listen="127.0.0.1:0")

    def join(request: pb.JoinRequest) -> pb.JoinResponse:
        return pb.JoinResponse(certificate_pem=answered(request))

    with answering(sponsor(nodes), truly(nodes), join) as answerer:
        assert joiner.joins(answerer) == refusal
        assert len(answerer.joins) == 1
