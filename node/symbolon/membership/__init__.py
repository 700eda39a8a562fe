"""Who belongs to the coalition: the authority, its certificates, the signed member list, the directory.

A small authority behind the interface `MemberDirectory`. Everything here is sync; clocks are passed in.
"""

from symbolon.membership.authority import ANCHOR_FILE, LIST_FILE, Authority
from symbolon.membership.certificates import (
    PeerIdentity,
    certificate_fingerprint,
    peer_identity,
    spiffe_uri,
    tls_target_name,
    verify_leaf,
)
from symbolon.membership.directory import Clock, FileMemberDirectory, MemberDirectory, require_member
from symbolon.membership.enrolment import LeafRequest, make_leaf_key_and_csr
from symbolon.membership.member import (
    CoalitionId,
    Member,
    MemberId,
    MemberKind,
    parse_coalition_id,
    parse_member_id,
)
from symbolon.membership.member_list import (
    MAX_LIST_BYTES,
    MemberList,
    sign_member_list,
    verify_member_list,
)
from symbolon.membership.trust_anchor import TrustAnchor

__all__ = [
    "ANCHOR_FILE",
    "LIST_FILE",
    "MAX_LIST_BYTES",
    "Authority",
    "Clock",
    "CoalitionId",
    "FileMemberDirectory",
    "LeafRequest",
    "Member",
    "MemberDirectory",
    "MemberId",
    "MemberKind",
    "MemberList",
    "PeerIdentity",
    "TrustAnchor",
    "certificate_fingerprint",
    "make_leaf_key_and_csr",
    "parse_coalition_id",
    "parse_member_id",
    "peer_identity",
    "require_member",
    "sign_member_list",
    "spiffe_uri",
    "tls_target_name",
    "verify_leaf",
    "verify_member_list",
]
