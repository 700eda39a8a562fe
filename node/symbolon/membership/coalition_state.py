"""One verified state of a coalition: what its metadata says, read from the folder that holds it.

Handles: loading a folder as the TUF updater left it, with every signature, version, hash and form checked
again, so that nothing is believed because it lies on the disk, but for the root. Refuses: metadata in another
form than `coalition_roles` gives it, parts that do not fit each other, a state out of its time.
Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

from cryptography import x509
from tuf.api.exceptions import RepositoryError, UnsignedMetadataError
from tuf.api.metadata import (  # type: ignore[attr-defined] # documented there, marked private in its stubs
    Metadata,
    Root,
    Snapshot,
    Targets,
    Timestamp,
)

from symbolon.errors import MembershipError
from symbolon.membership.atomic_file import read_bounded
from symbolon.membership.coalition_parts import (
    MAX_AUTHORITIES_BYTES,
    MAX_ROOT_BYTES,
    MAX_SNAPSHOT_BYTES,
    MAX_TARGETS_BYTES,
    MAX_TERMS_BYTES,
    refusal,
)
from symbolon.membership.coalition_roles import (
    AUTHORITIES_FILE,
    MEMBERS_FILE,
    TERMS_FILE,
    VALIDITY,
    Founder,
    RootRecord,
    make_snapshot,
    make_targets,
    make_timestamp,
    parse_metadata,
    read_root,
    root_fingerprint,
)
from symbolon.membership.member_record import Members
from symbolon.membership.members_document import MAX_MEMBERS_BYTES, decode_members

ASK_FOR_NEWER: Final = (
    "`symbolon coalition sync`; if nobody has newer metadata, a founder's node has to be started"
)
"""What to run where the metadata held has ended, or soon will."""

CLOCK_SKEW: Final = timedelta(days=1)
"""How far a founder's clock may be ahead of this one when an expiry is judged too distant."""

_Signed = TypeVar("_Signed", Root, Targets, Snapshot, Timestamp)


@dataclass(frozen=True, slots=True)
class State:
    """What a coalition's metadata says at one time.

    Attributes:
        members: the content of members.json.
        members_json: its bytes.
        authorities_pem: the certificates of the founders' authorities, at least one.
        terms: what members accept, UTF-8.
        root: founders, threshold and version.
        timestamp_version: of the timestamp.
        expiries: until when each role holds, by its name; UTC.
        root_bytes, targets_bytes, snapshot_bytes, timestamp_bytes: the signed metadata.
    """

    members: Members
    members_json: bytes = field(repr=False)
    authorities_pem: bytes = field(repr=False)
    terms: bytes = field(repr=False)
    root: RootRecord
    timestamp_version: int
    expiries: Mapping[str, datetime]
    root_bytes: bytes = field(repr=False)
    targets_bytes: bytes = field(repr=False)
    snapshot_bytes: bytes = field(repr=False)
    timestamp_bytes: bytes = field(repr=False)

    @property
    def root_version(self) -> int:
        """The version of the root in force."""
        return self.root.version

    @property
    def targets_version(self) -> int:
        """The version of members.json, targets and snapshot."""
        return self.members.version

    @property
    def founders(self) -> tuple[Founder, ...]:
        """Who signs."""
        return self.root.founders

    @property
    def expires(self) -> datetime:
        """The earliest expiry of any role, UTC."""
        return min(self.expiries.values())

    def root_sha256(self) -> bytes:
        """Returns the fingerprint of the root, 32 bytes; see `root_fingerprint`."""
        return root_fingerprint(self.root_bytes)

    def require_fresh(self, now: datetime) -> None:
        """Checks that every role holds.

        Args:
            now: the current time, aware.

        Raises:
            MembershipError: `membership.expired`.
        """
        role, expires = min(self.expiries.items(), key=lambda each: each[1])
        if now >= expires:
            raise MembershipError(
                f"the coalition's {role} metadata expired at {expires:%Y-%m-%d %H:%M} UTC",
                hint=f"Check this machine's clock, then run {ASK_FOR_NEWER}.",
                code="membership.expired",
            )

    def require_bounded(self, now: datetime) -> None:
        """Checks that no role lasts longer than its kind may, which a thief of a key would want.

        Args:
            now: the current time, aware.

        Raises:
            MembershipError: `membership.metadata.validity`.
        """
        for role, expires in self.expiries.items():
            if expires > now + VALIDITY[role] + CLOCK_SKEW:
                raise MembershipError(
                    f"the {role} metadata lasts until {expires:%Y-%m-%d}, "
                    f"more than {VALIDITY[role].days} days",
                    hint="Check this machine's clock; if it is right, tell the founders of a misused key.",
                    code="membership.metadata.validity",
                )


def load_state(folder: Path) -> State:
    """Reads and verifies the state in a folder.

    Args:
        folder: as the TUF updater left it, with the target files beside the metadata.

    Raises:
        MembershipError: `membership.metadata.…`, or what `decode_members` raises.
        StorageError: a file cannot be read.
    """
    # Step 1: the root, in its one form and signed by its own founders.
    root_bytes = _read(folder / "root.json", MAX_ROOT_BYTES)
    root_record = read_root(root_bytes)
    root = parse_metadata(Root, root_bytes)
    require_signatures(root.signed, root)
    # Step 2: the other roles, each signed under that root.
    timestamp_bytes = _read(folder / "timestamp.json", MAX_SNAPSHOT_BYTES)
    timestamp = _signed_under(root.signed, Timestamp, timestamp_bytes)
    snapshot_bytes = _read(folder / "snapshot.json", MAX_SNAPSHOT_BYTES)
    snapshot = _signed_under(root.signed, Snapshot, snapshot_bytes)
    targets_bytes = _read(folder / "targets.json", MAX_TARGETS_BYTES)
    targets = _signed_under(root.signed, Targets, targets_bytes)
    # Step 3: one version for all, and nothing in them beyond what a coalition's metadata says.
    version = targets.signed.version
    if not version == snapshot.signed.version == timestamp.signed.snapshot_meta.version:
        raise _mismatch("timestamp, snapshot and targets are not of one version")
    _require_form(snapshot, make_snapshot(version, snapshot.signed.expires))
    _require_form(timestamp, make_timestamp(timestamp.signed.version, version, timestamp.signed.expires))
    # Step 4: the target files are those that targets names.
    members_json = _read(folder / MEMBERS_FILE, MAX_MEMBERS_BYTES)
    authorities_pem = _read(folder / AUTHORITIES_FILE, MAX_AUTHORITIES_BYTES)
    terms = _read(folder / TERMS_FILE, MAX_TERMS_BYTES)
    _require_form(
        targets, make_targets(members_json, authorities_pem, terms, version, targets.signed.expires)
    )
    # Step 5: they say something.
    members = decode_members(members_json)
    if members.version != version:
        raise _mismatch(f"members.json of version {members.version} is in targets of version {version}")
    _require_certificates(authorities_pem)
    _require_text(terms)
    return State(
        members=members,
        members_json=members_json,
        authorities_pem=authorities_pem,
        terms=terms,
        root=root_record,
        timestamp_version=timestamp.signed.version,
        expiries={
            each.type: each.expires
            for each in (root.signed, targets.signed, snapshot.signed, timestamp.signed)
        },
        root_bytes=root_bytes,
        targets_bytes=targets_bytes,
        snapshot_bytes=snapshot_bytes,
        timestamp_bytes=timestamp_bytes,
    )


def require_signatures(root: Root, metadata: Metadata[_Signed]) -> None:
    """Checks that a document carries enough signatures under a root.

    Raises:
        MembershipError: `membership.metadata.signatures`.
    """
    role = metadata.signed.type
    try:
        root.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    except (UnsignedMetadataError, RepositoryError) as error:
        raise refusal(f"{role}.json", error) from error


def _signed_under(root: Root, role: type[_Signed], metadata: bytes) -> Metadata[_Signed]:
    parsed = parse_metadata(role, metadata)
    require_signatures(root, parsed)
    return parsed


def _require_form(found: Metadata[_Signed], expected: bytes) -> None:
    role = type(found.signed)
    if parse_metadata(role, expected).signed_bytes != found.signed_bytes:
        raise _malformed(f"{role.type} metadata says something else than a coalition's does")


def _require_certificates(authorities_pem: bytes) -> None:
    try:
        x509.load_pem_x509_certificates(authorities_pem)
    except ValueError as error:
        raise _malformed(f"{AUTHORITIES_FILE} does not hold certificates: {error}") from error


def _require_text(terms: bytes) -> None:
    try:
        terms.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _malformed(f"{TERMS_FILE} is not UTF-8") from error


def _read(path: Path, limit_bytes: int) -> bytes:
    content = read_bounded(path, limit_bytes)
    if len(content) > limit_bytes:
        raise MembershipError(
            f"{path.name} has more than {limit_bytes} bytes", code="membership.metadata.too_large"
        )
    return content


def _mismatch(detail: str) -> MembershipError:
    return MembershipError(detail, code="membership.metadata.mismatch")


def _malformed(detail: str) -> MembershipError:
    return MembershipError(detail, code="membership.metadata.malformed")
