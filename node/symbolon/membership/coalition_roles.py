"""The coalition's TUF metadata: the one form of each role, who holds which key, and signatures over it.

Handles: building root, targets, snapshot and timestamp; signing; telling which founders have yet to sign.
Everything is a function of bytes, so two founders who want the same get the same signed bytes. Refuses: a
root in any other form than `make_root` gives it: other keys than two of each founder's own, one key held
twice, or a threshold that two halves of the founders could reach apart. Nothing here says that metadata
holds: `coalition_store` verifies it.

A timestamp names its snapshot, and a snapshot its targets, by version alone. Any founder may sign either;
two who sign the same snapshot, each with its own key, make two files that say the same, and a hash in the
timestamp would tie it to one of them. What counts is bound by the threshold of signatures on targets, and
target files by their hashes in it. A snapshot is signed again, with a later expiry, under the version that it
has, since that is always the version of the targets.

Source: the TUF specification, 1.0.31, section 4. Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.signer import (  # type: ignore[attr-defined] # as below
    CryptoSigner,
    Signature,
    SSlibKey,
)
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (  # type: ignore[attr-defined] # documented there, marked private in its stubs
    Key,
    Metadata,
    MetaFile,
    Role,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
    VerificationResult,
)

from symbolon.errors import MembershipError
from symbolon.membership.member import MemberId, parse_member_id

ROOT_VALIDITY: Final = timedelta(days=2 * 365)
TARGETS_VALIDITY: Final = timedelta(days=365)
TIMESTAMP_VALIDITY: Final = timedelta(days=7)
"""Of snapshots too: for so long a thief of one key, or a peer that withholds, can keep a state in force."""

VALIDITY: Final = {
    Root.type: ROOT_VALIDITY,
    Targets.type: TARGETS_VALIDITY,
    Snapshot.type: TIMESTAMP_VALIDITY,
    Timestamp.type: TIMESTAMP_VALIDITY,
}
"""How long each role may last; metadata that lasts longer is refused."""

MEMBERS_FILE: Final = "members.json"
AUTHORITIES_FILE: Final = "authorities.pem"
TERMS_FILE: Final = "terms.txt"
TARGET_FILES: Final = (MEMBERS_FILE, AUTHORITIES_FILE, TERMS_FILE)

MAX_FOUNDERS: Final = 32
"""With so many, a root with all its signatures stays below 64 KiB."""

MAX_VERSION: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exact."""

KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64

_FOUNDERS_FIELD: Final = "x-symbolon-founders"
_SPEC_VERSION: Final = "1.0.31"
"""Written out: a newer library at one founder would sign other bytes than an older one at the next."""

_Signed = TypeVar("_Signed", Root, Targets, Snapshot, Timestamp)


@dataclass(frozen=True, slots=True)
class Founder:
    """A member that signs the coalition's metadata.

    Attributes:
        member_id: as in members.json.
        root_key: 32 bytes, its Ed25519 public key for root.
        metadata_key: likewise for targets, snapshot and timestamp.

    Raises:
        MembershipError: `membership.metadata.root`, at construction, for anything else.
    """

    member_id: MemberId
    root_key: bytes
    metadata_key: bytes

    def __post_init__(self) -> None:
        parse_member_id(self.member_id)
        if len(self.root_key) != KEY_BYTES or len(self.metadata_key) != KEY_BYTES:
            raise _not_a_root(f"a key of {self.member_id} does not have {KEY_BYTES} bytes")


@dataclass(frozen=True, slots=True)
class RootRecord:
    """What a root says.

    Attributes:
        version: from 1, one more with every root.
        founders: in strictly ascending order of their ids.
        threshold: so many of them sign root and targets.
        expires: UTC, whole seconds.

    Raises:
        MembershipError: `membership.metadata.root`, at construction, for founders who share a key or a name,
            or a threshold that is not a majority of them.
    """

    version: int
    founders: tuple[Founder, ...]
    threshold: int
    expires: datetime

    def __post_init__(self) -> None:
        _require_version(self.version)
        ids = [each.member_id for each in self.founders]
        keys = {key for each in self.founders for key in (each.root_key, each.metadata_key)}
        if not 1 <= len(ids) <= MAX_FOUNDERS or ids != sorted(set(ids)):
            raise _not_a_root(f"a coalition has 1 to {MAX_FOUNDERS} founders, each named once, in order")
        if len(keys) != 2 * len(ids):
            raise _not_a_root("a key has two holders or two purposes")
        # Two sets of signers always share one founder, who signs one proposal for a version.
        if type(self.threshold) is not int or not len(ids) < 2 * self.threshold <= 2 * len(ids):
            raise _not_a_root(f"a threshold of {self.threshold} is not a majority of {len(ids)} founders")


@dataclass(frozen=True, slots=True)
class Missing:
    """Signatures that a document lacks.

    Attributes:
        count: how many more, at least 1.
        founders: by whom they can come.
    """

    count: int
    founders: tuple[MemberId, ...]


def make_root(version: int, founders: Sequence[Founder], threshold: int, now: datetime) -> bytes:
    """Builds a root.

    Args:
        version: 1, or that of the root in force plus one.
        founders: in any order.
        threshold: how many of them sign root and targets; more than half.
        now: the current time, aware; the root expires `ROOT_VALIDITY` later.

    Returns:
        The unsigned document.

    Raises:
        MembershipError: `membership.metadata.root`.
    """
    ordered = tuple(sorted(founders, key=lambda each: each.member_id))
    return _unsigned(_root(RootRecord(version, ordered, threshold, _whole_seconds(now + ROOT_VALIDITY))))


def make_targets(
    members_json: bytes, authorities_pem: bytes, terms: bytes, version: int, expires: datetime
) -> bytes:
    """Builds targets.

    Args:
        members_json: the content of the three target files, as this and the two that follow.
        authorities_pem: the founders' certificate authorities.
        terms: what members accept, UTF-8.
        version: that of members.json.
        expires: aware; whole seconds of it count.

    Returns:
        The unsigned document, the same for the same arguments everywhere.

    Raises:
        MembershipError: `membership.metadata.malformed`.
    """
    contents = zip(TARGET_FILES, (members_json, authorities_pem, terms), strict=True)
    targets = {
        name: TargetFile(len(content), {"sha256": hashlib.sha256(content).hexdigest()}, name)
        for name, content in contents
    }
    return _unsigned(Targets(_require_version(version), _SPEC_VERSION, _whole_seconds(expires), targets))


def make_snapshot(targets_version: int, expires: datetime) -> bytes:
    """Builds the snapshot of a version of targets; its own version is the same.

    Returns:
        The unsigned document.

    Raises:
        MembershipError: `membership.metadata.malformed`.
    """
    version = _require_version(targets_version)
    meta = {f"{Targets.type}.json": MetaFile(version)}
    return _unsigned(Snapshot(version, _SPEC_VERSION, _whole_seconds(expires), meta))


def make_timestamp(version: int, snapshot_version: int, expires: datetime) -> bytes:
    """Builds a timestamp.

    Args:
        version: the highest one seen plus one.
        snapshot_version: of the snapshot that is to hold.
        expires: aware; whole seconds of it count.

    Returns:
        The unsigned document.

    Raises:
        MembershipError: `membership.metadata.malformed`.
    """
    snapshot = MetaFile(_require_version(snapshot_version))
    return _unsigned(Timestamp(_require_version(version), _SPEC_VERSION, _whole_seconds(expires), snapshot))


def parse_metadata(role: type[_Signed], metadata: bytes) -> Metadata[_Signed]:
    """Parses a document of a role; its signatures and its form are for the caller to check.

    Raises:
        MembershipError: `membership.metadata.malformed`.
    """
    try:
        parsed = Metadata[_Signed].from_bytes(metadata)
        parsed.signed_bytes  # noqa: B018 - what cannot be encoded cannot have been signed
    except RepositoryError as error:
        raise _malformed(f"a document is not {role.type} metadata: {error}") from error
    if not isinstance(parsed.signed, role):
        raise _malformed(f"a document is {parsed.signed.type} instead of {role.type} metadata")
    return parsed


def read_root(root: bytes) -> RootRecord:
    """Reads a root whose signatures the caller has verified or will verify.

    Raises:
        MembershipError: `membership.metadata.root` when it is in any other form than `make_root` gives it.
    """
    try:
        parsed = parse_metadata(Root, root)
        signed = parsed.signed
        founders = tuple(
            Founder(MemberId(member_id), _public(signed, held["root"]), _public(signed, held["metadata"]))
            for member_id, held in signed.unrecognized_fields[_FOUNDERS_FIELD].items()
        )
        record = RootRecord(
            signed.version,
            tuple(sorted(founders, key=lambda each: each.member_id)),
            signed.roles[Root.type].threshold,
            signed.expires,
        )
        in_form = _payload(_root(record)) == parsed.signed_bytes
    except MembershipError as error:
        raise _not_a_root(error.detail) from error
    except (KeyError, TypeError, ValueError, AttributeError, UnsupportedAlgorithm) as error:
        raise _not_a_root("a root does not say which founder holds which key") from error
    if not in_form:
        raise _not_a_root("a root has other roles, keys or fields than a coalition's")
    return record


def root_fingerprint(root: bytes) -> bytes:
    """Returns what an invitation pins: the SHA-256 of the root's signed part in its canonical form.

    Members may hold one root under different signatures of its founders; this is the same at all of them.

    Returns:
        32 bytes.

    Raises:
        MembershipError: `membership.metadata.malformed`.
    """
    return hashlib.sha256(parse_metadata(Root, root).signed_bytes).digest()


def key_id(public_key: bytes) -> str:
    """Returns the TUF key id of a raw Ed25519 public key, 64 hexadecimal digits."""
    return _key(public_key).keyid


def signature_over(metadata: bytes, private_key: Ed25519PrivateKey) -> tuple[str, bytes]:
    """Signs what a document says; signatures that it already has play no part.

    Returns:
        The key id, and the signature of 64 bytes.

    Raises:
        MembershipError: `membership.metadata.malformed`.
    """
    signature = CryptoSigner(private_key).sign(_parse_any(metadata).signed_bytes)
    return signature.keyid, bytes.fromhex(signature.signature)


def signed_bytes(metadata: bytes) -> bytes:
    """Returns what a signature over a document is made over: its signed part in canonical form.

    Raises:
        MembershipError: `membership.metadata.malformed`.
    """
    signed: bytes = _parse_any(metadata).signed_bytes
    return signed


def with_signatures(metadata: bytes, signatures: Iterable[tuple[str, bytes]]) -> bytes:
    """Adds signatures to a document; it says nothing of whether they hold (see `missing_signatures`).

    Args:
        metadata: with or without signatures.
        signatures: key ids and signatures of 64 bytes; of two by one key, the later one stays.

    Returns:
        The document with its signatures in the order of their key ids.

    Raises:
        MembershipError: `membership.metadata.malformed`.
    """
    parsed = _parse_any(metadata)
    for signer, signature in signatures:
        if len(signature) != SIGNATURE_BYTES:
            raise _malformed(f"a signature has {len(signature)} bytes instead of {SIGNATURE_BYTES}")
        parsed.signatures[signer] = Signature(signer, signature.hex())
    parsed.signatures = dict(sorted(parsed.signatures.items()))
    return parsed.to_bytes()


def missing_signatures(root: bytes, role: str, metadata: bytes) -> tuple[Missing, ...]:
    """Tells what a document lacks to be valid under a root.

    Args:
        root: the root in force; for the first root, that root itself.
        role: `root`, `targets`, `snapshot` or `timestamp`.
        metadata: the document; signatures that do not hold do not count.

    Returns:
        Nothing when it has all that it needs. A new root needs enough signatures by the founders of the root
        in force and enough by its own: each of the two that lacks some is told apart.

    Raises:
        MembershipError: `membership.metadata.malformed`, or `.root` when a new root does not follow.
    """
    record, signer = read_root(root), parse_metadata(Root, root).signed
    document = _parse_any(metadata)
    if document.signed.type != role:
        raise _malformed(f"a document is {document.signed.type} instead of {role} metadata")
    payload, signatures = document.signed_bytes, document.signatures
    checks = [(record, signer.get_verification_result(role, payload, signatures))]
    if role == Root.type and payload != _payload(signer):
        new = read_root(metadata)
        if new.version != record.version + 1:
            raise _not_a_root(f"root {new.version} does not follow root {record.version}")
        own = cast("Root", document.signed).get_verification_result(role, payload, signatures)
        checks.append((new, own))
    return tuple(_missing(role, held, result) for held, result in checks if not result)


def _missing(role: str, record: RootRecord, result: VerificationResult) -> Missing:
    holders = {
        key_id(each.root_key if role == Root.type else each.metadata_key): each.member_id
        for each in record.founders
    }
    return Missing(result.missing, tuple(sorted(holders[each] for each in result.unsigned)))


def _root(record: RootRecord) -> Root:
    root_keys = [_key(each.root_key) for each in record.founders]
    metadata_keys = [_key(each.metadata_key) for each in record.founders]
    root_ids, metadata_ids = ([key.keyid for key in keys] for keys in (root_keys, metadata_keys))
    held = {
        each.member_id: {"root": root_id, "metadata": metadata_id}
        for each, root_id, metadata_id in zip(record.founders, root_ids, metadata_ids, strict=True)
    }
    return Root(
        record.version,
        _SPEC_VERSION,
        record.expires,
        {key.keyid: key for key in root_keys + metadata_keys},
        {
            Root.type: Role(root_ids, record.threshold),
            Targets.type: Role(metadata_ids, record.threshold),
            Snapshot.type: Role(metadata_ids, 1),
            Timestamp.type: Role(metadata_ids, 1),
        },
        consistent_snapshot=True,
        unrecognized_fields={_FOUNDERS_FIELD: held},
    )


def _key(public_key: bytes) -> Key:
    return SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(public_key))


def _public(root: Root, held: str) -> bytes:
    return bytes.fromhex(root.keys[held].keyval["public"])


def _parse_any(metadata: bytes) -> Metadata[Any]:
    try:
        parsed: Metadata[Any] = Metadata.from_bytes(metadata)
        parsed.signed_bytes  # noqa: B018 - as in parse_metadata
    except RepositoryError as error:
        raise _malformed(f"a document is not TUF metadata: {error}") from error
    return parsed


def _payload(signed: Root) -> bytes:
    return Metadata(signed).signed_bytes


def _unsigned(signed: Root | Targets | Snapshot | Timestamp) -> bytes:
    document: Metadata[Any] = Metadata(signed)
    return document.to_bytes()


def _require_version(version: int) -> int:
    if type(version) is not int or not 1 <= version <= MAX_VERSION:
        raise _malformed("a version is out of range")
    return version


def _whole_seconds(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _malformed(detail: str) -> MembershipError:
    return MembershipError(detail, code="membership.metadata.malformed")


def _not_a_root(detail: str) -> MembershipError:
    return MembershipError(detail, code="membership.metadata.root")
