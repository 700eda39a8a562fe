"""Who is a member now: the question that every RPC asks before it does anything else.

Handles: the interface `MemberDirectory`, the judgement `require_member`, and a directory over one file
that notices at the next question that the file was replaced, so that an expelled member is refused at its
next RPC without a restart. Refuses: an absent or expelled member, a certificate other than the listed one,
a list out of its time, an older list than one seen before (also before a restart), and two different lists
of one version. While the file is bad nobody is a member: the node is loud rather than wrong.

Specification: docs/PROTOCOL.md, membership; DESIGN section "Membership and transport".
"""

import hashlib
import hmac
import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from symbolon.errors import MembershipError, StorageError
from symbolon.membership.atomic_file import locked, read_bounded, write_atomically
from symbolon.membership.member import Member
from symbolon.membership.member_list import MAX_LIST_BYTES, MemberList, check_freshness, verify_member_list

Clock = Callable[[], datetime]
"""Returns the current time, aware."""

SETTLE_S: Final = 0.1
"""Two writes within one tick of the file system's clock (at most 10 ms in practice) can leave the same
stamp; until a stamp has stood this long, the bytes are compared as well."""

_MAX_STATE_BYTES: Final = 1024

_Stamp = tuple[int, int, int, int, int]


class MemberDirectory(Protocol):
    """The coalition's membership as one node sees it. Safe to use from several threads."""

    def current(self) -> MemberList:
        """Return the list that holds now.

        Raises:
            MembershipError: no list holds now; the code says why.
        """
        ...

    def require(self, member_id: str, fingerprint: bytes, now: datetime) -> Member:
        """Return the member, if it is one now and this is its certificate.

        Args:
            member_id: as `peer_identity` read it from the peer's leaf.
            fingerprint: 32 bytes, SHA-256 of that leaf.
            now: the current time, aware.

        Raises:
            MembershipError: `membership.unknown`, `membership.expelled`, `membership.fingerprint`, or the
                reason why no list holds.
        """
        ...


def require_member(member_list: MemberList, member_id: str, fingerprint: bytes, now: datetime) -> Member:
    """Judge a peer against a verified list; arguments and errors as `MemberDirectory.require`."""
    # Step 1: the list holds at this moment.
    check_freshness(member_list, now)
    # Step 2: the member is on it.
    member = member_list.find(member_id)
    if member is None:
        if member_list.is_expelled(member_id):
            raise MembershipError(f"{member_id} was expelled", code="membership.expelled")
        raise MembershipError(f"{member_id[:64]!r} is not a member", code="membership.unknown")
    # Step 3: this is the one certificate listed for it.
    if not hmac.compare_digest(member.certificate_sha256, fingerprint):
        raise MembershipError(
            f"the certificate presented for {member_id} is not the one in the member list",
            code="membership.fingerprint",
            hint="One side holds an older member list or an older certificate than the other.",
        )
    return member


@dataclass(frozen=True, slots=True)
class _Accepted:
    member_list: MemberList
    digest: bytes


class FileMemberDirectory:
    """A directory over one signed list in a file, which anyone may replace at any time.

    Each question looks at the file's stamp (device, inode, size, times); only when it changed is the file
    read and verified. Replace the file by renaming a complete one over it; a half-copied file refuses
    everyone until the copy is complete.

    Args:
        path: the signed member list.
        authority_public_key: the key it must be signed by.
        coalition: the coalition it must be for.
        clock: the current time, aware.
        state_path: where the highest version seen is kept; beside the list with the suffix `.seen` when
            not given. Removing it gives up the protection against a rollback over a restart.
        monotonic: seconds that never go back; used only to decide when a stamp can be relied on.
    """

    def __init__(
        self,
        path: Path,
        authority_public_key: Ed25519PublicKey,
        coalition: str,
        clock: Clock,
        *,
        state_path: Path | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._authority_key = authority_public_key
        self._coalition = coalition
        self._clock = clock
        self._state_path = state_path or path.with_name(path.name + ".seen")
        self._monotonic = monotonic
        self._mutex = threading.Lock()
        self._accepted: _Accepted | None = None
        self._stamp: _Stamp | None = None
        self._settled_at_s = 0.0

    def current(self) -> MemberList:
        """See `MemberDirectory.current`."""
        now = self._clock()
        member_list = self._load(now)
        check_freshness(member_list, now)
        return member_list

    def require(self, member_id: str, fingerprint: bytes, now: datetime) -> Member:
        """See `MemberDirectory.require`."""
        return require_member(self._load(now), member_id, fingerprint, now)

    def _load(self, now: datetime) -> MemberList:
        with self._mutex:
            stamp = self._read_stamp()
            unchanged = stamp == self._stamp
            if self._accepted is not None and unchanged and self._monotonic() >= self._settled_at_s:
                return self._accepted.member_list
            if not unchanged:
                self._settled_at_s = self._monotonic() + SETTLE_S
            document = self._read()
            digest = hashlib.sha256(document).digest()
            if self._accepted is None or self._accepted.digest != digest:
                self._accepted = None
                self._accepted = self._accept(document, digest, now)
            # The stamp was taken before the bytes were read: a write in between shows at the next question.
            self._stamp = stamp
            return self._accepted.member_list

    def _read_stamp(self) -> _Stamp:
        try:
            status = self._path.stat()
        except OSError as error:
            raise self._unreadable(str(error.strerror)) from error
        return _stamp_of(status)

    def _read(self) -> bytes:
        try:
            return read_bounded(self._path, MAX_LIST_BYTES)
        except StorageError as error:
            raise self._unreadable(error.detail) from error

    def _unreadable(self, reason: str) -> MembershipError:
        return MembershipError(
            f"the member list {self._path} cannot be read: {reason}",
            code="membership.unreadable",
            hint="Put the coalition's current member list there.",
        )

    def _accept(self, document: bytes, digest: bytes, now: datetime) -> _Accepted:
        with locked(self._state_path.with_name(self._state_path.name + ".lock")):
            seen_version, seen_digest = self._read_state()
            member_list = verify_member_list(
                document,
                self._authority_key,
                now=now,
                coalition=self._coalition,
                min_version=seen_version,
            )
            if member_list.version == seen_version:
                if digest != seen_digest:
                    raise MembershipError(
                        f"two different member lists carry version {seen_version}",
                        code="membership.fork",
                        hint="Ask other members which list they hold; the authority signed two.",
                    )
            else:
                # Durable before it is relied on: after a crash this version cannot be taken back.
                self._write_state(member_list.version, digest)
        return _Accepted(member_list, digest)

    def _read_state(self) -> tuple[int, bytes]:
        if not self._state_path.exists():
            return 0, b""
        try:
            fields = json.loads(read_bounded(self._state_path, _MAX_STATE_BYTES))
            version, digest = fields["version"], bytes.fromhex(fields["sha256"])
            if not isinstance(version, int) or version < 1 or len(digest) != hashlib.sha256().digest_size:
                raise ValueError("out of range")
        except (ValueError, KeyError, TypeError, StorageError) as error:
            raise MembershipError(
                f"the record of the highest list seen, {self._state_path}, cannot be read",
                code="membership.state",
                hint="Compare your member list with the coordinator's; if they agree, remove this file.",
            ) from error
        return version, digest

    def _write_state(self, version: int, digest: bytes) -> None:
        content = {"sha256": digest.hex(), "version": version}
        write_atomically(self._state_path, json.dumps(content).encode("ascii") + b"\n")


def _stamp_of(status: os.stat_result) -> _Stamp:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
