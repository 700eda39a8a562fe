"""The one founder of a coalition on this machine: admits, moves and expels members without being served.

Everything goes through the same proposals, metadata and checks as in any coalition; only the carrying of it
is by function call.
"""

from datetime import date
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from symbolon.cli.init import create_node
from symbolon.errors import MembershipError
from symbolon.membership.acts import Act, Admit, Amend, Expel, Renew
from symbolon.membership.certificates import certificate_fingerprint
from symbolon.membership.coalition_roles import root_fingerprint
from symbolon.membership.coalition_store import CoalitionStore
from symbolon.membership.due_diligence import VETTING_VALIDITY, Acceptance, DueDiligence, Vetting
from symbolon.membership.enrolment import leaf_key_pem, make_leaf_key
from symbolon.membership.member import MemberId, MemberKind
from symbolon.membership.member_record import MemberRecord, Members, Status
from symbolon.membership.member_statement import (
    Place,
    Renewal,
    public_key_sha256,
    sign_statement,
)
from symbolon.rpc.founder_setup import STANDARD_TERMS, Charter, found, roles_for
from symbolon.rpc.node import COALITION_FOLDER, Node

FOUNDER: Final = MemberId("the-founder")
TERMS_VERSION: Final = "1"
PERSON: Final = "this machine"


class LocalFounder:
    """A founder whose node is a folder and no process.

    Args:
        node: a founder's, open; closed by `close`.
    """

    def __init__(self, node: Node) -> None:
        self.node = node

    @classmethod
    def create(cls, home: Path, coalition: str, purposes: tuple[str, ...]) -> "LocalFounder":
        """Founds a coalition.

        Args:
            home: where the founder's node is made.
            coalition: the coalition's id.
            purposes: all that its members may exchange for.
        """
        create_node(home, member=FOUNDER, coalition=coalition, listen="127.0.0.1:0")
        founder = cls(Node(home))
        found(
            founder.node,
            Charter(purposes, TERMS_VERSION, STANDARD_TERMS.read_bytes()),
            kind=MemberKind.COORDINATOR,
            jurisdiction="BE",
            place=Place("", (), ""),
            due_diligence=founder._due_diligence(),
        )
        return founder

    def close(self) -> None:
        """Closes its node."""
        self.node.close()

    @property
    def members(self) -> Members:
        """The present state."""
        return self.node.coalition.state().members

    def admit(self, home: Path, *, kind: str, place: Place | None = None) -> None:
        """Makes the node in a folder a member, with the metadata as it stands then."""
        member = Node(home)
        try:
            leaf = self._issue(member, _prepared(member))
            where = place or Place("", (), "")
            record = MemberRecord(
                member_id=member.member_id,
                kind=MemberKind(kind),
                roles=roles_for(where, founder=False),
                jurisdiction="BE",
                endpoint=where.endpoint,
                relays=where.relays,
                relay_endpoint=where.relay_endpoint,
                signing_key=member.signing_key.public_key().public_bytes_raw(),
                certificates=(certificate_fingerprint(leaf),),
                status=Status.ACTIVE,
                reason="",
                due_diligence=self._due_diligence(),
            )
            self._do(Admit(record, bytes(32), leaf, b"\0"))
            member.leaf_files.install(leaf)
        finally:
            member.close()
        self.tell(home)

    def move(self, home: Path, place: Place) -> None:
        """Writes down where a member is reached, as it states itself."""
        with Node(home) as member:
            self._do(Amend(sign_statement(self.members, member.member_id, place, member.signing_key)))

    def renew(self, home: Path) -> bytes:
        """Lists a further certificate of a member, for a new key that it keeps; it is not installed yet."""
        with Node(home) as member:
            public_key = _prepared(member)
            in_use = certificate_fingerprint(member.leaf_files.read().certificate)
            asks = Renewal(public_key_sha256(public_key), in_use)
            signed = sign_statement(self.members, member.member_id, asks, member.signing_key)
            leaf = self._issue(member, public_key)
        self._do(Renew(leaf, signed))
        return leaf

    def expel(self, member_id: str) -> None:
        """Expels a member."""
        self._do(Expel(MemberId(member_id), self.node.now.date(), "by order"))

    def tell(self, home: Path) -> None:
        """Gives a node the newest metadata."""
        mine = self.node.coalition
        theirs = CoalitionStore(home / COALITION_FOLDER, lambda: self.node.now)
        try:
            held = theirs.state()
        except MembershipError:
            root = mine.state().root_bytes
            parts = mine.parts_newer_than(1, 0)
            theirs.bootstrap(root, root_fingerprint(root), parts)
            return
        theirs.absorb(mine.parts_newer_than(held.root_version, held.timestamp_version))

    def _issue(self, member: Node, public_key: ec.EllipticCurvePublicKey) -> bytes:
        keys = self.node.founding.keys
        return keys.issue(member.member_id, self.members.coalition, public_key, self.node.now)

    def _do(self, act: Act) -> None:
        self.node.founding.propose([act])

    def _due_diligence(self) -> DueDiligence:
        today: date = self.node.now.date()
        try:
            terms = self.members.terms_version
        except MembershipError:
            terms = TERMS_VERSION
        return DueDiligence(
            Acceptance(terms, today, PERSON),
            Vetting(self.node.member_id, PERSON, today, "runs on this machine", today + VETTING_VALIDITY),
            today,
        )


def _prepared(member: Node) -> ec.EllipticCurvePublicKey:
    """Makes a key that a member keeps for its next certificate; its public half."""
    key = make_leaf_key()
    member.leaf_files.prepare(leaf_key_pem(key))
    return key.public_key()
