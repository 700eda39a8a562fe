"""Making a founder out of a node: its keys, its own certificate, and the coalition's first state."""

from dataclasses import dataclass
from pathlib import Path

from symbolon.errors import MembershipError
from symbolon.membership.certificates import certificate_fingerprint
from symbolon.membership.coalition_founding import found_coalition
from symbolon.membership.coalition_state import State
from symbolon.membership.due_diligence import DueDiligence
from symbolon.membership.enrolment import leaf_key_pem, make_leaf_key
from symbolon.membership.founder_keys import (
    ROOT_KEY_FILE,
    create_founder_keys,
    load_founder_keys,
    load_root_key,
)
from symbolon.membership.member import CoalitionId, MemberKind
from symbolon.membership.member_record import MemberRecord, Role, Status
from symbolon.membership.member_statement import Place
from symbolon.rpc.node import FOUNDER_FOLDER, Node

STANDARD_TERMS = Path(__file__).parent.parent / "membership" / "terms.txt"


@dataclass(frozen=True, slots=True)
class Charter:
    """What a coalition is founded on.

    Attributes:
        purposes: all that anybody may exchange for.
        terms_version: as the coalition names its terms.
        terms: their text, UTF-8.
    """

    purposes: tuple[str, ...]
    terms_version: str
    terms: bytes


def found(
    node: Node,
    charter: Charter,
    *,
    kind: MemberKind,
    jurisdiction: str,
    place: Place,
    due_diligence: DueDiligence,
    passphrase: bytes | None = None,
) -> State:
    """Founds a coalition with this node's member as its only founder.

    Cut off at any point, it is done again by a second attempt, or was done: the state, which names the
    certificate, comes last.

    Args:
        node: which belongs to no coalition yet.
        charter: purposes and terms.
        kind: what the founder is.
        jurisdiction: ISO 3166-1 alpha-2.
        place: where the founder is reached.
        due_diligence: on the founder, by itself.
        passphrase: encrypts the root key.

    Raises:
        MembershipError: `membership.exists` when this node belongs to a coalition already, or what the
            documents refuse.
        StorageError: a file cannot be written.
    """
    member_id, coalition, now = node.member_id, CoalitionId(node.config.node.coalition), node.now
    folder = node.home / FOUNDER_FOLDER
    _require_alone(node)
    if node.is_founder:
        # An attempt that was refused or cut off half-way left keys, and no coalition that knows others.
        keys = load_founder_keys(folder, member_id)
    else:
        keys = create_founder_keys(folder, coalition, member_id, now, passphrase=passphrase)
    key = make_leaf_key()
    leaf = keys.issue(member_id, coalition, key.public_key(), now)
    record = MemberRecord(
        member_id=member_id,
        kind=kind,
        roles=roles_for(place, founder=True),
        jurisdiction=jurisdiction,
        endpoint=place.endpoint,
        relays=place.relays,
        relay_endpoint=place.relay_endpoint,
        signing_key=node.signing_key.public_key().public_bytes_raw(),
        certificates=(certificate_fingerprint(leaf),),
        status=Status.ACTIVE,
        reason="",
        due_diligence=due_diligence,
    )
    root_key = load_root_key(folder / ROOT_KEY_FILE, keys.founder, passphrase)
    node.leaf_files.prepare(leaf_key_pem(key))
    node.leaf_files.install(leaf)
    return found_coalition(
        node.coalition,
        keys,
        root_key,
        record,
        leaf,
        coalition=coalition,
        purposes=charter.purposes,
        terms_version=charter.terms_version,
        terms=charter.terms,
        now=now,
    )


def _require_alone(node: Node) -> None:
    """Checks that nothing is in force here: a member's certificate and keys must not be replaced."""
    try:
        coalition = node.coalition.state().members.coalition
    except MembershipError as error:
        if error.full_code == "membership.metadata.missing":
            return
        raise
    raise MembershipError(
        f"the node in {node.home} belongs to {coalition} already",
        hint="Name another folder with --home.",
        code="membership.exists",
    )


def roles_for(place: Place, *, founder: bool) -> tuple[Role, ...]:
    """The roles of a member that is a founder or not, and runs a relay or not."""
    roles = ([Role.FOUNDER] if founder else []) + ([Role.RELAY] if place.relay_endpoint else [])
    return tuple(sorted(roles))
