"""Who the members were, as a document that somebody outside can check: members.json and what vouches for it.

Handles: the document of a state, the chain of roots from one that the reader trusts, and reading the members
from a document under these. Refuses: a chain that is not signed from one root to the next, targets that no
root of it signed, members.json in another form or with another hash. Expiry does not matter here: what was in
force then is asked, not what is in force now. Specification: docs/adr/0015; the TUF specification, 1.0.31.
"""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from tuf.api.metadata import Root, Targets  # type: ignore[attr-defined] # as in coalition_roles

from symbolon.errors import MembershipError
from symbolon.membership.canonical_json import (
    decode_json,
    encode_canonical,
    malformed,
    read_object,
    read_text,
)
from symbolon.membership.coalition_parts import MAX_TARGETS_BYTES
from symbolon.membership.coalition_roles import MEMBERS_FILE, parse_metadata, root_fingerprint
from symbolon.membership.coalition_state import State, require_signatures
from symbolon.membership.member_record import Members
from symbolon.membership.members_document import MAX_MEMBERS_BYTES, decode_members

MAX_DOCUMENT_BYTES: Final = 2 * (MAX_MEMBERS_BYTES + MAX_TARGETS_BYTES)
"""Both as JSON texts: quotes within them are escaped."""

_FIELDS: Final = frozenset({"members", "targets"})


def coalition_document(state: State) -> bytes:
    """The document of a state: members.json and the targets metadata that names it."""
    content = {"members": state.members_json.decode(), "targets": state.targets_bytes.decode()}
    return encode_canonical(content)


def verify_roots(roots: Sequence[bytes], fingerprint: bytes) -> tuple[Root, ...]:
    """Checks a chain of roots from the one that is trusted.

    Args:
        roots: root metadata in ascending order of version, without a gap.
        fingerprint: 32 bytes, `root_fingerprint` of one of them, learned on a way that is trusted.

    Returns:
        That root and all after it. Those before it are for nobody to check.

    Raises:
        MembershipError: `membership.metadata.root`, none is the trusted one; `.signatures`, one is not signed
            by the root before it and by itself; `.malformed`.
    """
    found = [at for at, each in enumerate(roots) if hmac.compare_digest(root_fingerprint(each), fingerprint)]
    if not found:
        raise MembershipError(
            "none of the roots is the one that is trusted",
            hint="Compare it with what `symbolon audit verify` shows at another member's own node.",
            code="membership.metadata.root",
        )
    chain: list[Root] = []
    for each in roots[found[0] :]:
        metadata = parse_metadata(Root, each)
        require_signatures(metadata.signed, metadata)
        if chain:
            if metadata.signed.version != chain[-1].version + 1:
                raise MembershipError("a root is missing", code="membership.metadata.signatures")
            require_signatures(chain[-1], metadata)
        chain.append(metadata.signed)
    return tuple(chain)


def read_coalition_document(document: bytes, roots: Sequence[Root]) -> Members:
    """Reads the members from a document.

    Args:
        document: from `coalition_document`.
        roots: from `verify_roots`.

    Raises:
        MembershipError: `membership.metadata.signatures`, no root vouches for it; `.mismatch`; or its form.
    """
    fields = read_object(decode_json(document, MAX_DOCUMENT_BYTES), _FIELDS)
    if encode_canonical(fields) != document:
        raise malformed("a coalition document is not in canonical form")
    members_json = read_text(fields["members"]).encode()
    targets = parse_metadata(Targets, read_text(fields["targets"]).encode())
    refused: MembershipError | None = None
    for root in roots:
        try:
            require_signatures(root, targets)
            break
        except MembershipError as error:
            refused = error
    else:
        raise refused or MembershipError("there is no root", code="membership.metadata.signatures")
    named = targets.signed.targets.get(MEMBERS_FILE)
    if named is None or named.hashes.get("sha256") != hashlib.sha256(members_json).hexdigest():
        raise MembershipError(
            "the targets metadata names another members.json", code="membership.metadata.mismatch"
        )
    members = decode_members(members_json)
    if members.version != targets.signed.version:
        raise MembershipError("members.json is of another version", code="membership.metadata.mismatch")
    return members
