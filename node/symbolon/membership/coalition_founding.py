"""Founding a coalition: its first state, signed by its one founder.

Handles: root, targets, snapshot and timestamp of version 1 and the first `members.json`, taken in by the
founder's own node like metadata from anywhere. Refuses: a founder whose entry, keys and certificate authority
are not of one member, or who is not in good standing under its own terms. Whoever is invited later pins the
root in force by then, so that one founder alone decides only until it has named others.
Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from symbolon.errors import MembershipError
from symbolon.membership.authorities import Authorities
from symbolon.membership.certificates import verify_leaf
from symbolon.membership.coalition_parts import targets_part
from symbolon.membership.coalition_roles import (
    TARGETS_VALIDITY,
    make_root,
    make_targets,
    root_fingerprint,
    signature_over,
    with_signatures,
)
from symbolon.membership.coalition_state import State
from symbolon.membership.coalition_store import CoalitionStore
from symbolon.membership.due_diligence import require_standing
from symbolon.membership.founder_keys import FounderKeys
from symbolon.membership.member import FINGERPRINT_BYTES, CoalitionId
from symbolon.membership.member_record import MemberRecord, Members, Role, Status
from symbolon.membership.members_document import encode_members
from symbolon.membership.proposal_draft import content_parts, dated, require_terms_text

_FIRST: Final = 1


def found_coalition(
    store: CoalitionStore,
    keys: FounderKeys,
    root_key: Ed25519PrivateKey,
    record: MemberRecord,
    certificate_pem: bytes,
    *,
    coalition: CoalitionId,
    purposes: Iterable[str],
    terms_version: str,
    terms: bytes,
    now: datetime,
) -> State:
    """Founds a coalition of one member.

    Args:
        store: this node's copy of the metadata, still empty.
        keys: the founder's.
        root_key: the founder's; it signs the first root.
        record: the founder's entry, which names its certificate.
        certificate_pem: that certificate, which its own authority issued.
        coalition: the id, also the SPIFFE trust domain.
        purposes: all that anybody may exchange for, in any order.
        terms_version: as the coalition names its terms.
        terms: their text, UTF-8.
        now: the current time, aware.

    Returns:
        The state, in force at this node.

    Raises:
        MembershipError: `membership.founder` when the entry is not that of a founder of this name in good
            standing, or names another certificate; `membership.certificate.…` when the certificate was not
            issued by the authority that the coalition is going to trust, as every other node would find;
            `membership.root_key` when the key is another's, `membership.proposal.terms` when there
            is no text, `membership.lapsed.…`, `membership.malformed`, or `membership.metadata.exists` when
            the node follows a coalition already.
        StorageError: the disk cannot be written.
    """
    # Step 1: the founder is one member, with all that a member needs.
    _require_founder(keys, root_key, record)
    require_standing(record.due_diligence, terms_version, now.astimezone(UTC).date())
    require_terms_text(terms)
    # Step 2: what the coalition is.
    members = Members(
        coalition=coalition,
        version=_FIRST,
        previous=bytes(FINGERPRINT_BYTES),
        terms_version=terms_version,
        purposes=tuple(sorted(set(purposes))),
        members=(record,),
    )
    # Step 3: every node will take the founder for a member, by the one authority that there is.
    identity = verify_leaf(certificate_pem, keys.authority_pem, coalition, now=now)
    if identity.member_id != record.member_id or record.certificates != (identity.fingerprint,):
        raise _no_founder(f"the entry of {record.member_id} does not name its certificate")
    contents = (encode_members(members), Authorities.of([keys.authority_pem]).encode(), terms)
    # Step 4: signed, and taken in as from anywhere.
    root = make_root(_FIRST, [keys.founder], 1, now)
    targets = make_targets(*contents, _FIRST, now + TARGETS_VALIDITY)
    parts = {
        targets_part(_FIRST): with_signatures(targets, [signature_over(targets, keys.metadata_key)]),
        **content_parts(*contents),
        **dated(_FIRST, _FIRST, keys.metadata_key, now),
    }
    signed_root = with_signatures(root, [signature_over(root, root_key)])
    return store.bootstrap(signed_root, root_fingerprint(signed_root), parts)


def _require_founder(keys: FounderKeys, root_key: Ed25519PrivateKey, record: MemberRecord) -> None:
    founder = keys.founder
    if record.member_id != founder.member_id:
        raise _no_founder(
            f"the entry is that of {record.member_id}, the keys are those of {founder.member_id}"
        )
    if Role.FOUNDER not in record.roles or record.status is not Status.ACTIVE:
        raise _no_founder(
            f"{record.member_id} is not a founder in its own entry, or suspended from the start"
        )
    if root_key.public_key().public_bytes_raw() != founder.root_key:
        raise MembershipError(
            f"this is not the root key of {founder.member_id}",
            hint="Name the right file with --root-key.",
            code="membership.root_key",
        )


def _no_founder(detail: str) -> MembershipError:
    return MembershipError(detail, code="membership.founder")
