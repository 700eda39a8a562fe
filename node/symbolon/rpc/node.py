"""A node at work: its configuration and everything that answers for it, opened together.

Handles the folder of one node: configuration, database, sealing key, certificates, member list. Refuses a
folder in which any of them is missing, each with what to do.
"""

import contextlib
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from symbolon import config as configuration
from symbolon.config import Config
from symbolon.errors import MembershipError, StorageError, SymbolonError, UnknownSuiteError
from symbolon.membership.certificates import verify_leaf
from symbolon.membership.directory import FileMemberDirectory, MemberDirectory
from symbolon.membership.trust_anchor import TrustAnchor
from symbolon.oprf.suite import Suite, get_suite
from symbolon.policy.operator_roles import LOCAL
from symbolon.policy.permission import ConfiguredPermission, Direction, Permission, Rule
from symbolon.rpc.tls_material import LeafFiles
from symbolon.storage.approval_store import ApprovalStore
from symbolon.storage.database import WAIT_AND_RETRY, Database
from symbolon.storage.database_errors import StorageBusyError
from symbolon.storage.exchange_budget import BudgetLimits
from symbolon.storage.exchange_receiver_store import ReceiverStore
from symbolon.storage.exchange_sender_store import SenderStore
from symbolon.storage.exchange_session_store import SessionStore
from symbolon.storage.journal_store import JournalStore
from symbolon.storage.match_store import MatchStore
from symbolon.storage.operator_store import OperatorStore
from symbolon.storage.seal import Sealer
from symbolon.storage.seal_check import bind_key
from symbolon.storage.supplier_store import SupplierStore

SEAL_KEY_FILE: Final = "seal.key"
LEAF_KEY_FILE: Final = "node-key.pem"
NEXT_LEAF_KEY_FILE: Final = "node-next-key.pem"
LEAF_FILE: Final = "node-cert.pem"
ANCHOR_FILE: Final = "coalition.json"
MEMBERS_FILE: Final = "members.list"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the node proves itself with, PEM."""

    private_key: bytes
    certificate: bytes
    anchor: TrustAnchor

    def __repr__(self) -> str:
        return f"Credentials(coalition={self.anchor.coalition!r}, private_key=<redacted>)"


class Node:
    """One node. Close it, or use it as a context manager.

    Args:
        home: the node's folder.
        clock: seconds since 1970-01-01 UTC.
        rng: random bytes.
        operator: pseudonym of who works with it, for its journal.
    """

    def __init__(
        self,
        home: Path,
        *,
        clock: Callable[[], float] = time.time,
        rng: Callable[[int], bytes] = os.urandom,
        operator: str = LOCAL,
    ) -> None:
        self.operator = operator
        self.config: Config = configuration.load(home)
        self.clock = clock
        self.rng = rng
        self.sealer = Sealer.load(home / SEAL_KEY_FILE)
        self.database = Database.open(self.config.database_url)
        try:
            bind_key(self.database, self.sealer)
        except SymbolonError:
            self.database.close()
            raise
        self.suppliers = SupplierStore(self.database, self.sealer)
        self.journal = JournalStore(self.database, clock, operator)
        self.sending = SenderStore(self.database, self.sealer, clock, rng, operator)
        self.receiving = ReceiverStore(self.database, self.sealer, clock, operator)
        self.sessions = SessionStore(self.database, clock, operator)
        self.matches = MatchStore(self.database, self.sealer, clock)
        self.operators = OperatorStore(self.database, self.sealer, clock, rng)
        self.approvals = ApprovalStore(self.database, self.sealer, clock, rng, self.operators)
        self.permission: Permission = ConfiguredPermission(_rules(self.config))

    def __enter__(self) -> "Node":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def asking_lock(self, peer: str) -> AbstractContextManager[None]:
        """What the one exchange that asks a peer holds, in whichever process; see `Database.exclusive`."""
        return self._exchange_lock("ask", peer)

    def answering_lock(self, peer: str) -> AbstractContextManager[None]:
        """What the one exchange that answers a peer holds, in whichever process; see `Database.exclusive`."""
        return self._exchange_lock("release", peer)

    def _exchange_lock(self, kind: str, peer: str) -> AbstractContextManager[None]:
        hint = f"{WAIT_AND_RETRY} `symbolon status` shows which sessions are still open."
        return self.database.exclusive(f"{kind}-{peer}", f"exchange with {peer}", hint)

    def close_left_over(self) -> int:
        """Marks sessions that a dead process left open as failed; those still being held are left alone.

        Returns:
            How many there were.
        """
        closed = 0
        for role, peer in self.sessions.open_roles():
            lock = self.answering_lock(peer) if role == "sender" else self.asking_lock(peer)
            with contextlib.suppress(StorageBusyError), lock:
                closed += self.sessions.fail_open(role, peer)
        return closed

    def erase_narrowed(self) -> int:
        """Erases the key epochs of peers that may be answered less than when these began.

        Returns:
            How many there were.
        """
        return self.sending.erase_where(
            lambda peer, scope: not scope <= frozenset(self.permission.scope(peer))
        )

    def close(self) -> None:
        """Closes the database."""
        self.database.close()

    @property
    def home(self) -> Path:
        """The node's folder."""
        return self.config.home

    @property
    def now(self) -> datetime:
        """The current time, aware."""
        return datetime.fromtimestamp(self.clock(), UTC)

    @property
    def budget(self) -> BudgetLimits:
        """The limits that the configuration grants."""
        each = self.config.budget
        return BudgetLimits(each.window_days, each.per_window, each.per_member_year, each.all_members_year)

    def suite(self, name: str, *, answering: bool) -> Suite:
        """A suite ready to multiply.

        Raises:
            UnknownSuiteError: unknown, or not among `exchange.suites_answered` while answering.
        """
        if answering and name not in self.config.exchange.suites_answered:
            raise UnknownSuiteError("the peer asked for a suite that this node is not configured to answer")
        return get_suite(name, self.config.exchange.backend)

    @property
    def leaf_files(self) -> LeafFiles:
        """Where this node's certificate and its key lie."""
        return LeafFiles(self.home / LEAF_FILE, self.home / LEAF_KEY_FILE, self.home / NEXT_LEAF_KEY_FILE)

    @property
    def credentials(self) -> Credentials:
        """Key, certificate and trust anchor as they are now, checked against each other.

        Raises:
            MembershipError: `membership.not_enrolled`, or what the certificate check says.
        """
        held = self.read_credentials()
        self.require_own(held.certificate, held.anchor.root_pem)
        return held

    def read_credentials(self) -> Credentials:
        """Key, certificate and trust anchor as they are now; nothing says yet that the certificate holds.

        Raises:
            MembershipError: `membership.not_enrolled`, or `membership.key` when key and certificate do not
                fit.
            StorageError: a file cannot be read.
        """
        try:
            anchor = TrustAnchor.from_bytes((self.home / ANCHOR_FILE).read_bytes())
            leaf = self.leaf_files.read()
        except FileNotFoundError as error:
            raise MembershipError(
                f"this node is not enrolled yet: {Path(str(error.filename)).name} is missing",
                hint="Send request.json to the coordinator, then run `symbolon coalition accept ENROLMENT`.",
                code="membership.not_enrolled",
            ) from None
        except OSError as error:
            raise StorageError(f"cannot read {error.filename}: {error.strerror}") from error
        return Credentials(leaf.private_key, leaf.certificate, anchor)

    def require_own(self, certificate: bytes, authorities: bytes) -> None:
        """Checks that a certificate makes this node the member that it is configured to be.

        Args:
            certificate: a leaf.
            authorities: those of the coalition, PEM.

        Raises:
            MembershipError: `membership.not_enrolled`, or what the certificate check says.
        """
        identity = verify_leaf(certificate, authorities, self.config.node.coalition, now=self.now)
        if identity.member_id != self.config.node.member:
            raise MembershipError(
                f"the certificate is for {identity.member_id}, not for {self.config.node.member}",
                hint="Set node.member in symbolon.toml, or accept the enrolment made for this member.",
                code="membership.not_enrolled",
            )

    @cached_property
    def directory(self) -> MemberDirectory:
        """The member list in force, read again whenever its file changes."""
        anchor = self.credentials.anchor
        coalition = self.config.node.coalition
        return FileMemberDirectory(self.home / MEMBERS_FILE, anchor.list_key, coalition, lambda: self.now)


def _rules(config: Config) -> tuple[Rule, ...]:
    rules = []
    for allow in config.allow:
        directions: set[Direction] = set()
        if allow.answer:
            directions.add("answer")
        if allow.ask:
            directions.add("ask")
        if allow.invited:
            directions.add("invited")
        rules.append(
            Rule(
                allow.peer,
                frozenset(allow.purposes),
                frozenset(allow.modes),
                frozenset(allow.tiers),
                frozenset(directions),
            )
        )
    return tuple(rules)
