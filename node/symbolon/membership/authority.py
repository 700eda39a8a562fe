"""The coalition's authority: one directory that admits, renews and expels members.

Handles: making the coalition's keys, issuing leaves, and publishing the next signed list at every change.
The signed list is the authority's whole state: it is replaced in one rename, so a crash leaves the
coalition before or after a change, never within one, and versions only grow. Refuses: a second coalition
in the same directory, a member id already taken or once expelled, and keys that do not fit one another.

Two holders of a copied directory can sign two lists of one version; nodes that see both refuse the second
(`membership.fork`). Keys are drawn from the operating system by `cryptography` and stored unencrypted with
mode 0600: whoever reads this directory can admit members. Specification: docs/PROTOCOL.md, membership.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeVar

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from symbolon.errors import MembershipError, StorageError
from symbolon.membership.atomic_file import locked, read_bounded, write_atomically
from symbolon.membership.certificates import (
    LEAF_VALIDITY,
    certificate_fingerprint,
    issue_leaf,
    load_certificate,
    make_root,
)
from symbolon.membership.directory import Clock
from symbolon.membership.enrolment import verify_csr
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
    MAX_MEMBERS,
    MemberList,
    open_member_list,
    sign_member_list,
)
from symbolon.membership.trust_anchor import MAX_ANCHOR_BYTES, TrustAnchor

LIST_VALIDITY: Final = timedelta(days=30)
"""How long a member that gets no newer list may rely on this one; it bounds a freeze attack."""

LIST_FILE: Final = "members.list"
ANCHOR_FILE: Final = "anchor.json"
_ROOT_KEY_FILE: Final = "root_key.pem"
_LIST_KEY_FILE: Final = "list_key.pem"
_SETTINGS_FILE: Final = "settings.json"
_LOCK_FILE: Final = ".lock"
_MAX_SMALL_FILE_BYTES: Final = 16 * 1024

_Result = TypeVar("_Result")


class Authority:
    """An open authority directory. Make one with `create` or `load`.

    Every method that changes the coalition takes the directory's lock, reads the list afresh and publishes
    the next version, so several processes may hold the same directory open.
    """

    def __init__(
        self,
        directory: Path,
        anchor: TrustAnchor,
        root_key: ec.EllipticCurvePrivateKey,
        list_key: Ed25519PrivateKey,
        clock: Clock,
        *,
        leaf_validity: timedelta,
        list_validity: timedelta,
    ) -> None:
        self._directory = directory
        self._anchor = anchor
        self._root_key = root_key
        self._list_key = list_key
        self._clock = clock
        self._leaf_validity = leaf_validity
        self._list_validity = list_validity

    def __repr__(self) -> str:
        return f"Authority(coalition={self._anchor.coalition!r}, keys=<secret>)"

    @classmethod
    def create(
        cls,
        directory: Path,
        coalition: str,
        clock: Clock,
        *,
        leaf_validity: timedelta = LEAF_VALIDITY,
        list_validity: timedelta = LIST_VALIDITY,
    ) -> "Authority":
        """Found a coalition: make its keys, its root certificate and its first, empty list.

        Args:
            directory: where to keep it; made with mode 0700 when absent.
            coalition: the coalition's id.
            clock: the current time, aware.
            leaf_validity: how long a leaf is valid.
            list_validity: how long a list is valid.

        Raises:
            MembershipError: `membership.malformed` for a bad id, `membership.exists` when the directory
                already holds an authority.
            StorageError: the directory cannot be written.
        """
        parse_coalition_id(coalition)
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"cannot make {directory}: {error.strerror}") from error
        with locked(directory / _LOCK_FILE):
            if (directory / LIST_FILE).exists():
                raise MembershipError(
                    f"{directory} already holds an authority",
                    code="membership.exists",
                    hint="Choose an empty directory; keys in use are never overwritten.",
                )
            now = clock()
            root_key = ec.generate_private_key(ec.SECP256R1())
            list_key = Ed25519PrivateKey.generate()
            anchor = TrustAnchor(
                coalition=CoalitionId(coalition),
                root_pem=make_root(coalition, root_key, now),
                list_key_bytes=list_key.public_key().public_bytes_raw(),
            )
            settings = {
                "leaf_validity_s": int(leaf_validity.total_seconds()),
                "list_validity_s": int(list_validity.total_seconds()),
            }
            write_atomically(directory / _ROOT_KEY_FILE, _private_pem(root_key))
            write_atomically(directory / _LIST_KEY_FILE, _private_pem(list_key))
            write_atomically(directory / ANCHOR_FILE, anchor.to_bytes())
            write_atomically(directory / _SETTINGS_FILE, json.dumps(settings).encode("ascii") + b"\n")
            authority = cls(
                directory,
                anchor,
                root_key,
                list_key,
                clock,
                leaf_validity=leaf_validity,
                list_validity=list_validity,
            )
            issued = now.replace(microsecond=0)
            # Last, for it is the mark of a complete authority.
            authority._publish(MemberList(anchor.coalition, 1, issued, issued + list_validity, ()))
        return authority

    @classmethod
    def load(cls, directory: Path, clock: Clock) -> "Authority":
        """Open an existing authority.

        Raises:
            MembershipError: `membership.authority` when the directory does not hold one, or its keys,
                certificate and list do not fit one another.
        """
        try:
            anchor = TrustAnchor.from_bytes(read_bounded(directory / ANCHOR_FILE, MAX_ANCHOR_BYTES))
            root_key = _read_private_key(directory / _ROOT_KEY_FILE)
            list_key = _read_private_key(directory / _LIST_KEY_FILE)
            settings = json.loads(read_bounded(directory / _SETTINGS_FILE, _MAX_SMALL_FILE_BYTES))
            leaf_validity = timedelta(seconds=settings["leaf_validity_s"])
            list_validity = timedelta(seconds=settings["list_validity_s"])
        except (StorageError, MembershipError) as error:
            raise _not_an_authority(directory, error.detail) from error
        except (ValueError, TypeError, KeyError) as error:
            raise _not_an_authority(directory, "its files cannot be read") from error
        if (
            not isinstance(root_key, ec.EllipticCurvePrivateKey)
            or not isinstance(list_key, Ed25519PrivateKey)
            or root_key.public_key() != load_certificate(anchor.root_pem).public_key()
            or list_key.public_key().public_bytes_raw() != anchor.list_key_bytes
        ):
            raise _not_an_authority(directory, "its keys do not fit its trust anchor")
        authority = cls(
            directory,
            anchor,
            root_key,
            list_key,
            clock,
            leaf_validity=leaf_validity,
            list_validity=list_validity,
        )
        try:
            authority._read_list()
        except (StorageError, MembershipError) as error:
            raise _not_an_authority(directory, error.detail) from error
        return authority

    @property
    def anchor(self) -> TrustAnchor:
        """What every member must hold of this authority; public."""
        return self._anchor

    def current_list(self) -> bytes:
        """Return the signed list as last published; it may have expired, see `refresh`."""
        return read_bounded(self._directory / LIST_FILE, MAX_LIST_BYTES)

    def members(self) -> MemberList:
        """Return the list as last published, decoded."""
        return self._read_list()

    def enrol(
        self,
        member_id: str,
        kind: MemberKind,
        endpoint: str,
        csr_pem: bytes,
        *,
        jurisdiction: str = "",
    ) -> bytes:
        """Admit a new member and publish the next list.

        Args:
            member_id: the new member's id, never used before in this coalition.
            kind: what it is.
            endpoint: `host:port`, or '' when it only dials out.
            csr_pem: the request it made with `make_leaf_key_and_csr`.
            jurisdiction: ISO 3166-1 alpha-2, or ''.

        Returns:
            The member's leaf in PEM.

        Raises:
            MembershipError: `membership.duplicate`, `membership.expelled`, `membership.full`,
                `membership.malformed`, or the reason why the request was refused.
        """

        def admit(members: MemberList) -> tuple[MemberList, bytes]:
            if members.find(member_id) is not None:
                raise MembershipError(
                    f"{member_id} is a member already",
                    code="membership.duplicate",
                    hint="Renew its certificate instead, or choose another id.",
                )
            if members.is_expelled(member_id):
                raise MembershipError(
                    f"{member_id} was expelled",
                    code="membership.expelled",
                    hint="An id is never given again; readmit the organisation under another one.",
                )
            if len(members.members) >= MAX_MEMBERS:
                raise MembershipError(
                    f"the coalition has {MAX_MEMBERS} members already", code="membership.full"
                )
            leaf = self._issue(member_id, csr_pem)
            member = Member(MemberId(member_id), kind, endpoint, certificate_fingerprint(leaf), jurisdiction)
            return replace(members, members=_sorted((*members.members, member))), leaf

        parse_member_id(member_id)
        return self._change(admit)

    def renew(self, member_id: str, csr_pem: bytes, *, endpoint: str | None = None) -> bytes:
        """Give a current member a new leaf; the old one is refused from the next list on.

        Args:
            member_id: a current member.
            csr_pem: its request, with the old key or a new one.
            endpoint: its new endpoint, or None to keep it.

        Returns:
            The new leaf in PEM.

        Raises:
            MembershipError: `membership.unknown`, or the reason why the request was refused.
        """

        def renewed(members: MemberList) -> tuple[MemberList, bytes]:
            old = _require_current(members, member_id)
            leaf = self._issue(member_id, csr_pem)
            new = replace(
                old,
                certificate_sha256=certificate_fingerprint(leaf),
                endpoint=old.endpoint if endpoint is None else endpoint,
            )
            return replace(members, members=_sorted((*_without(members, member_id), new))), leaf

        return self._change(renewed)

    def move(self, member_id: str, endpoint: str) -> bytes:
        """Publish another endpoint for a current member.

        Args:
            member_id: a current member.
            endpoint: `host:port`, or '' when it only dials out.

        Returns:
            The new signed list.

        Raises:
            MembershipError: `membership.unknown` or `membership.malformed`.
        """

        def moved(members: MemberList) -> tuple[MemberList, None]:
            new = replace(_require_current(members, member_id), endpoint=endpoint)
            return replace(members, members=_sorted((*_without(members, member_id), new))), None

        self._change(moved)
        return self.current_list()

    def expel(self, member_id: str) -> bytes:
        """Expel a member and publish the next list.

        Returns:
            The new signed list: the expulsion holds at a node from the moment this list reaches it.

        Raises:
            MembershipError: `membership.unknown`.
        """

        def without(members: MemberList) -> tuple[MemberList, None]:
            expelled = _require_current(members, member_id).member_id
            return (
                replace(
                    members,
                    members=_without(members, member_id),
                    expelled=tuple(sorted((*members.expelled, expelled))),
                ),
                None,
            )

        self._change(without)
        return self.current_list()

    def refresh(self) -> bytes:
        """Publish the same members again with a new expiry.

        Returns:
            The new signed list.
        """
        self._change(lambda members: (members, None))
        return self.current_list()

    def _change(self, change: Callable[[MemberList], tuple[MemberList, _Result]]) -> _Result:
        with locked(self._directory / _LOCK_FILE):
            before = self._read_list()
            after, result = change(before)
            issued = self._clock().replace(microsecond=0)
            self._publish(
                replace(
                    after,
                    version=before.version + 1,
                    issued=issued,
                    expires=issued + self._list_validity,
                )
            )
        return result

    def _publish(self, members: MemberList) -> None:
        write_atomically(self._directory / LIST_FILE, sign_member_list(members, self._list_key))

    def _read_list(self) -> MemberList:
        return open_member_list(self.current_list(), self._list_key.public_key())

    def _issue(self, member_id: str, csr_pem: bytes) -> bytes:
        return issue_leaf(
            member_id,
            self._anchor.coalition,
            verify_csr(csr_pem, member_id, self._anchor.coalition),
            root_key=self._root_key,
            root_pem=self._anchor.root_pem,
            now=self._clock(),
            validity=self._leaf_validity,
        )


def _require_current(members: MemberList, member_id: str) -> Member:
    member = members.find(member_id)
    if member is None:
        raise MembershipError(f"{member_id[:64]!r} is not a member", code="membership.unknown")
    return member


def _without(members: MemberList, member_id: str) -> tuple[Member, ...]:
    return tuple(member for member in members.members if member.member_id != member_id)


def _sorted(members: tuple[Member, ...]) -> tuple[Member, ...]:
    return tuple(sorted(members, key=lambda member: member.member_id))


def _private_pem(key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _read_private_key(path: Path) -> object:
    return serialization.load_pem_private_key(read_bounded(path, _MAX_SMALL_FILE_BYTES), password=None)


def _not_an_authority(directory: Path, reason: str) -> MembershipError:
    return MembershipError(
        f"{directory} does not hold a usable authority: {reason}", code="membership.authority"
    )
