"""A log in memory for tests: it keeps its nodes, signs its checkpoints and proves what it says."""

import hashlib
from collections.abc import Collection, Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from symbolon.audit.checkpoint import Checkpoint, log_origin, sign_checkpoint
from symbolon.audit.cosignature import WitnessKey
from symbolon.audit.merkle import Frontier, NodeKey, leaf_hash, prove_consistency, root_at
from symbolon.audit.signed_note import NoteKey, SignedNote, decode_note
from symbolon.audit.witness import AddCheckpoint, Decision, WitnessState, decide
from symbolon.membership.member import CoalitionId, MemberId

NOW_S = 1_795_000_000
COALITION = CoalitionId("cotton")


def private_key(seed: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())


def leaves(count: int, branch: str = "") -> list[bytes]:
    return [leaf_hash(f"{branch}{index}".encode()) for index in range(count)]


class MemoryNodes:
    """Every perfect sub-tree of a tree, and how often it was asked for them."""

    def __init__(self, leaf_hashes: Collection[bytes]) -> None:
        self.frontier, nodes = Frontier().extend(leaf_hashes)
        self.hashes: dict[NodeKey, bytes] = {(0, index): each for index, each in enumerate(leaf_hashes)}
        self.hashes.update({(node.level, node.position): node.hash for node in nodes})
        self.queries: list[Collection[NodeKey]] = []

    def lookup(self, keys: Collection[NodeKey]) -> Mapping[NodeKey, bytes]:
        self.queries.append(keys)
        return {key: self.hashes[key] for key in keys if key in self.hashes}


class MemoryLog:
    """A member's log. Two with one member and another branch from some entry on are a split view.

    Args:
        member: whose log it is.
        size: its entries.
        branch: what the entries hold beside their number.
        common: so many entries are those of the branch ''.
    """

    def __init__(self, member: str, size: int, *, branch: str = "", common: int = 0) -> None:
        self.origin = log_origin(COALITION, MemberId(member))
        self.key = private_key(member)
        self.nodes = MemoryNodes([*leaves(common), *leaves(size, branch)[common:]])
        self.size = size

    @property
    def public(self) -> NoteKey:
        return NoteKey(self.origin, self.key.public_key().public_bytes_raw())

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        size = self.size if size is None else size
        return Checkpoint(self.origin, size, root_at(size, self.nodes.lookup))

    def note(self, size: int | None = None) -> SignedNote:
        return sign_checkpoint(self.checkpoint(size), self.key)

    def asks(self, old: int, size: int | None = None) -> AddCheckpoint:
        size = self.size if size is None else size
        proof = prove_consistency(old, size, self.nodes.lookup) if old <= size else ()
        return AddCheckpoint(old, proof, self.note(size))


class MemoryWitness:
    """A member that witnesses one log and keeps what it is told to."""

    def __init__(self, member: str, log: NoteKey | None) -> None:
        self.name = log_origin(COALITION, MemberId(member))
        self.key = private_key(member)
        self.log = log
        self.state: WitnessState | None = None

    @property
    def public(self) -> WitnessKey:
        return WitnessKey(self.name, self.key.public_key().public_bytes_raw())

    @property
    def held(self) -> SignedNote:
        assert self.state is not None
        return decode_note(self.state.note)

    def decide(self, request: AddCheckpoint, now_s: int = NOW_S) -> Decision:
        return decide(request, log=self.log, state=self.state, name=self.name, key=self.key, now_s=now_s)

    def takes(self, request: AddCheckpoint, now_s: int = NOW_S) -> Decision:
        """Decides and keeps the new state, as a transaction would."""
        decision = self.decide(request, now_s)
        self.state = decision.state or self.state
        return decision
