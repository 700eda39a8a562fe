"""Founders at work, without a network: each with its own folder, keys, database and copy of the metadata.

They share a clock that only the test moves. Messages are method calls, which a test may lose; the
conversation is the one that founders' nodes have over gRPC.
"""

import asyncio
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from coalition_members import COALITION, DELTA, NOW, TERMS, admission, leaf_key, member
from symbolon.errors import MembershipError, SymbolonError, UnavailableError
from symbolon.membership.acts import Act, Appoint
from symbolon.membership.authorities import Authorities
from symbolon.membership.certificates import certificate_fingerprint, issue_leaf
from symbolon.membership.coalition_founding import found_coalition
from symbolon.membership.coalition_state import State
from symbolon.membership.coalition_store import CoalitionStore
from symbolon.membership.founder_keys import (
    ROOT_KEY_FILE,
    FounderKeys,
    create_founder_keys,
    load_founder_keys,
    load_root_key,
)
from symbolon.membership.member import MemberId
from symbolon.membership.member_record import Role
from symbolon.membership.proposal import NewFounders, SignedRole
from symbolon.rpc.founding import Founding
from symbolon.rpc.gathering import gather
from symbolon.storage.database import Database
from symbolon.storage.founding_store import FoundingStore

NAMES = tuple(map(MemberId, ("acme", "birch", "cedar", "elder", "fir")))
"""Founders, in the order in which they are asked to sign."""

PLAIN = DELTA
"""A member that founds nothing."""

TERMS_TEXT = b"Nothing here is for the police.\n"

Carried = Callable[[MemberId, MemberId], bool]


@dataclass
class Clock:
    now: datetime = NOW

    def later(self, **amount: float) -> None:
        self.now += timedelta(**amount)


@dataclass
class FounderNode:
    """One founder's node.

    Attributes:
        off_by: how far its own clock is ahead.
    """

    folder: Path
    name: MemberId
    clock: Clock
    off_by: timedelta = timedelta(0)
    database: Database = field(init=False)

    def __post_init__(self) -> None:
        self.keys: FounderKeys = load_founder_keys(self.folder / "founder", self.name)
        self.start()

    def now(self) -> datetime:
        return self.clock.now + self.off_by

    def start(self) -> None:
        """Opens everything anew, as a process does that starts."""
        self.database = Database.open(f"sqlite:///{self.folder}/node.db", create=True)
        self.coalition = CoalitionStore(self.folder / "coalition", self.now)
        store = FoundingStore(self.database, lambda: self.now().timestamp())
        self.founding = Founding(self.keys, store, self.coalition, self.now)

    def stop(self) -> None:
        self.database.close()

    @property
    def root_key(self) -> Any:
        return load_root_key(self.folder / "founder" / ROOT_KEY_FILE, self.keys.founder)

    @property
    def state(self) -> State:
        return self.coalition.state()

    def parts(self) -> dict[str, bytes]:
        """All that it would give to somebody who has nothing but the first root."""
        return self.coalition.parts_newer_than(1, 0)

    def learn_from(self, other: "FounderNode") -> None:
        """Asks another node for what is newer; what is refused changes nothing."""
        parts = other.coalition.parts_newer_than(self.state.root_version, self.state.timestamp_version)
        if parts:
            with suppress(MembershipError):
                self.founding.adopt(parts)


@dataclass
class Founders:
    """The founders of one coalition; a member that is none of them has no node here.

    Attributes:
        failures: who could not be asked when a proposal was last carried, or refused, and why.
    """

    folder: Path
    clock: Clock = field(default_factory=Clock)
    nodes: dict[MemberId, FounderNode] = field(default_factory=dict)
    failures: dict[str, SymbolonError] = field(default_factory=dict)

    @classmethod
    def of(cls, count: int, folder: Path) -> "Founders":
        """A coalition with the first of `NAMES` as founders, a majority of whom signs, and with `PLAIN`."""
        shutil.copytree(_template(count).name, folder, symlinks=True)
        made = cls(folder)
        for name in NAMES[:count]:
            made.nodes[name] = FounderNode(folder / name, name, made.clock)
        return made

    def __iter__(self) -> Any:
        return iter(self.nodes.values())

    def __getitem__(self, name: MemberId) -> FounderNode:
        return self.nodes[name]

    def stop(self) -> None:
        for node in self:
            node.stop()

    def carry(
        self,
        sha256: bytes,
        by: FounderNode,
        *,
        to: Iterable[MemberId] | None = None,
        asked: Carried = lambda _, __: True,
        answered: Carried = lambda _, __: True,
    ) -> State | None:
        """One founder's node takes a proposal to the others until it has the signatures it needs.

        Args:
            sha256: names the proposal.
            by: whose node.
            to: founders that it can reach; all when None.
            asked: whether a message arrives.
            answered: whether the answer to it arrives.
        """
        reachable = self.nodes if to is None else dict.fromkeys(to)
        document = by.founding.document(sha256)

        async def ask(name: MemberId, sign: bool) -> bool:
            if name not in reachable or not asked(by.name, name):
                raise UnavailableError(f"{name} cannot be reached")
            signatures, pending = self[name].founding.take(document, by.name, sign=sign)
            if not answered(name, by.name):
                raise UnavailableError(f"{name} was cut off")
            by.founding.add_signatures(sha256, signatures)
            return not pending

        state, self.failures = asyncio.run(gather(by.founding, sha256, ask))
        return state

    def sync(self) -> None:
        """Every founder asks every other one, twice: what one learns the next can pass on."""
        for _ in range(2):
            for node in self:
                for other in self:
                    node.learn_from(other)

    def settle(self, sha256: bytes, by: FounderNode) -> State:
        """Carries a proposal to all, who put it in force and learn of it.

        Raises:
            AssertionError: it did not come into force.
        """
        stored = by.founding.store.proposal(sha256)
        assert stored is not None
        if by.founding.is_open(sha256):
            self.carry(sha256, by)
        self.sync()
        assert hashlib.sha256(by.state.members_json).digest() == stored.makes
        return by.state

    def names_all(self, count: int, threshold: int) -> NewFounders:
        """The first founders of `NAMES`, with their present keys."""
        keys = [self[name].keys for name in NAMES[:count]]
        authorities = Authorities.of([each.authority_pem for each in keys]).encode()
        return NewFounders(tuple(each.founder for each in keys), threshold, authorities)


def own_leaf(keys: FounderKeys, member_id: str = "", coalition: str = COALITION) -> bytes:
    """A founder's certificate, PEM, issued by its own authority; or one for another name."""
    name = MemberId(member_id or keys.founder.member_id)
    signer = {"root_key": keys.authority_key, "root_pem": keys.authority_pem}
    return issue_leaf(name, coalition, leaf_key(name), **signer, now=NOW)  # type: ignore[arg-type]


def majority(count: int) -> int:
    return count // 2 + 1


def sign_all(nodes: Sequence[FounderNode], document: bytes) -> Mapping[tuple[SignedRole, str], bytes]:
    """What founders sign who are asked without further ado, by somebody who keeps to no order."""
    found: dict[tuple[SignedRole, str], bytes] = {}
    for node in nodes:
        found |= node.founding.take(document, nodes[0].name, sign=True)[0]
    return found


@cache
def _template(count: int) -> "tempfile.TemporaryDirectory[str]":
    """A folder with the nodes of a coalition; copied for each test, since making it takes long."""
    kept = tempfile.TemporaryDirectory(prefix=f"symbolon-founders-{count}-")
    folder = Path(kept.name)
    founders = Founders(folder)
    for name in NAMES[:count]:
        create_founder_keys(folder / name / "founder", COALITION, name, NOW)
    first = founders.nodes[NAMES[0]] = FounderNode(folder / NAMES[0], NAMES[0], founders.clock)
    certificate = own_leaf(first.keys)
    state = found_coalition(
        first.coalition,
        first.keys,
        first.root_key,
        member(NAMES[0], (Role.FOUNDER,), certificates=(certificate_fingerprint(certificate),)),
        certificate,
        coalition=COALITION,
        purposes=("due-diligence", "remediation"),
        terms_version=TERMS,
        terms=TERMS_TEXT,
        now=founders.clock.now,
    )
    root_sha256 = state.root_sha256()
    acts: list[Act] = [admission(member(name)) for name in (*NAMES[1:count], PLAIN)]
    first.founding.propose(acts)
    for name in NAMES[1:count]:
        founders.nodes[name] = node = FounderNode(folder / name, name, founders.clock)
        node.coalition.bootstrap(first.state.root_bytes, root_sha256, first.parts())
    if count > 1:
        appointed = [Appoint(name, (Role.FOUNDER,)) for name in NAMES[1:count]]
        new = founders.names_all(count, majority(count))
        sha256 = first.founding.propose(appointed, founding=new, root_key=first.root_key)
        for node in list(founders)[1:]:
            node.founding.take(first.founding.document(sha256), first.name, sign=False)
            node.founding.approve(sha256, root_key=node.root_key)
        founders.settle(sha256, first)
    assert all(len(node.state.founders) == count for node in founders)
    founders.stop()
    return kept
