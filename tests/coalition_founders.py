"""Founders who sign a coalition's metadata, each with keys of its own, and what they publish.

A test double for the founders' side: it signs whatever it is told to, also what no honest founder would.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tuf.api.metadata import Metadata

from coalition_members import ACME, BIRCH, CEDAR, COALITION, NOW, coalition
from symbolon.errors import MembershipError
from symbolon.membership.certificates import make_root as make_authority
from symbolon.membership.coalition_roles import (
    TARGETS_VALIDITY,
    TIMESTAMP_VALIDITY,
    Founder,
    make_root,
    make_snapshot,
    make_targets,
    make_timestamp,
    root_fingerprint,
    signature_over,
    with_signatures,
)
from symbolon.membership.coalition_store import CoalitionStore
from symbolon.membership.member import MemberId
from symbolon.membership.member_record import Members
from symbolon.membership.members_document import encode_members

Parts = dict[str, bytes]
TERMS_TEXT = b"Nothing here is for the police.\n"


@cache
def key(member_id: str, purpose: str, number: int = 0) -> Ed25519PrivateKey:
    """A founder's key for `root` or `metadata`, the same at each call; another one for each number."""
    return Ed25519PrivateKey.from_private_bytes(
        hashlib.sha256(f"{member_id} {purpose} {number}".encode()).digest()
    )


def founder(member_id: MemberId, number: int = 0) -> Founder:
    """A founder whose metadata key is the one of that number."""
    return Founder(
        member_id,
        key(member_id, "root").public_key().public_bytes_raw(),
        key(member_id, "metadata", number).public_key().public_bytes_raw(),
    )


def signed(document: bytes, *keys: Ed25519PrivateKey) -> bytes:
    """The document with a signature by each key."""
    return with_signatures(document, [signature_over(document, each) for each in keys])


def edited(document: bytes, change: Callable[[Any], object], *keys: Ed25519PrivateKey) -> bytes:
    """The document with its signed part changed by hand, under new signatures."""
    parsed: Metadata[Any] = Metadata.from_bytes(document)
    change(parsed.signed)
    parsed.signatures.clear()
    return signed(parsed.to_bytes(), *keys)


def target_parts(members_json: bytes, authorities_pem: bytes, terms: bytes) -> Parts:
    """The three target files under the names by which they travel."""
    contents = {"members.json": members_json, "authorities.pem": authorities_pem, "terms.txt": terms}
    return {f"{hashlib.sha256(content).hexdigest()}.{name}": content for name, content in contents.items()}


@cache
def authorities_pem() -> bytes:
    """One certificate authority."""
    return make_authority(COALITION, ec.generate_private_key(ec.SECP256R1()), NOW)


class Repository:
    """What the founders have published: three of them, two of whom are enough.

    Attributes:
        now: the founders' clock.
        members: of the newest version; `authorities` and `terms` are the other two files of the next one.
        parts: the newest state as parts, without roots.
        roots: all of them, the first one first.
    """

    def __init__(
        self,
        founders: Sequence[MemberId] = (ACME, BIRCH, CEDAR),
        threshold: int = 2,
        now: datetime = NOW,
    ) -> None:
        self.now = now
        self.founders = [founder(each) for each in founders]
        self.threshold = threshold
        self.signers = [key(each, "metadata") for each in founders]
        first = make_root(1, self.founders, threshold, self.now)
        self.roots = [signed(first, *(key(each, "root") for each in founders))]
        self.members: Members = coalition(version=1)
        self.authorities, self.terms = authorities_pem(), TERMS_TEXT
        self.timestamp_version = 0
        self.parts: Parts = {}
        self._put(self.members)

    @property
    def all_parts(self) -> Parts:
        """The newest state and every root."""
        return self.root_parts() | self.parts

    def root_parts(self) -> Parts:
        return {f"{number}.root.json": root for number, root in enumerate(self.roots, 1)}

    def publish(self, **changes: Any) -> Parts:
        """The next version of members.json, and a timestamp for it."""
        previous = hashlib.sha256(encode_members(self.members)).digest()
        changes = {"version": self.members.version + 1, "previous": previous} | changes
        self._put(replace(self.members, **changes))
        return dict(self.parts)

    def sign_again(self) -> Parts:
        """The daily timestamp, and the same snapshot with a later expiry."""
        version = self.members.version
        self.timestamp_version += 1
        expires = self.now + TIMESTAMP_VALIDITY
        snapshot = signed(make_snapshot(version, expires), self.signers[0])
        timestamp = signed(make_timestamp(self.timestamp_version, version, expires), self.signers[0])
        self.parts |= {f"{version}.snapshot.json": snapshot, "timestamp.json": timestamp}
        return {name: self.parts[name] for name in (f"{version}.snapshot.json", "timestamp.json")}

    def rotate(
        self,
        founders: Sequence[Founder] | None = None,
        threshold: int | None = None,
        root_signers: Sequence[Ed25519PrivateKey] | None = None,
        signers: Sequence[Ed25519PrivateKey] | None = None,
    ) -> Parts:
        """A new root, signed by all old and new founders, and the present targets signed under it."""
        old = self.founders
        self.founders = list(founders or old)
        self.threshold = threshold or self.threshold
        document = make_root(len(self.roots) + 1, self.founders, self.threshold, self.now)
        holders = sorted({each.member_id for each in (*old, *self.founders)})
        chosen = [key(each, "root") for each in holders] if root_signers is None else root_signers
        self.roots.append(signed(document, *chosen))
        self.signers = list(signers) if signers is not None else self._holders()
        version = f"{self.members.version}.targets.json"
        self.parts[version] = signed(with_signatures(self.parts[version], []), *self.signers)
        self.sign_again()
        return {f"{len(self.roots)}.root.json": self.roots[-1]} | self.parts

    def _holders(self) -> list[Ed25519PrivateKey]:
        keys = [key(each.member_id, "metadata", number) for each in self.founders for number in range(3)]
        wanted = {each.metadata_key for each in self.founders}
        return [each for each in keys if each.public_key().public_bytes_raw() in wanted]

    def _put(self, content: Members) -> None:
        self.members = content
        members_json = encode_members(content)
        expires = self.now + TARGETS_VALIDITY
        files = (members_json, self.authorities, self.terms)
        targets = make_targets(*files, content.version, expires)
        self.parts = {f"{content.version}.targets.json": signed(targets, *self.signers)}
        self.parts |= target_parts(*files)
        self.sign_again()


def store_of(folder: Path, repository: Repository) -> CoalitionStore:
    """A node's store that has taken in the repository's newest state, with the repository's clock."""
    store = CoalitionStore(folder, lambda: repository.now)
    store.bootstrap(repository.roots[0], root_fingerprint(repository.roots[0]), repository.all_parts)
    return store


def versions(store: CoalitionStore) -> tuple[int, int, int]:
    """Of root, targets and timestamp."""
    state = store.state()
    return state.root_version, state.targets_version, state.timestamp_version


def merged(*parts: Mapping[str, bytes]) -> Parts:
    """Parts of several states; of two with one name, the later one."""
    return {name: content for each in parts for name, content in each.items()}


def later(repository: Repository, **amount: float) -> None:
    """Moves the founders' clock, and that of the stores that share it."""
    repository.now += timedelta(**amount)


@dataclass
class Victim:
    """A node that holds what the founders published, and the folder it keeps it in."""

    folder: Path
    repository: Repository
    store: CoalitionStore

    def restarted(self) -> "Victim":
        store = CoalitionStore(self.folder, lambda: self.repository.now)
        return Victim(self.folder, self.repository, store)

    def refuses(self, parts: Mapping[str, bytes]) -> str:
        """The code of the refusal; the state in force and the folder stay as they were."""
        before, names = versions(self.store), sorted(each.name for each in self.folder.iterdir())
        with pytest.raises(MembershipError) as caught:
            self.store.absorb(parts)
        assert versions(self.store) == versions(self.restarted().store) == before
        assert sorted(each.name for each in self.folder.iterdir()) == names
        return caught.value.full_code.removeprefix("membership.metadata.")
