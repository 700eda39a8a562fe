"""A node at work: its configuration and everything that answers for it, opened together.

Handles the folder of one node: configuration, database, sealing key, certificates, coalition metadata.
Refuses a folder in which any of them is missing, each with what to do.
"""

import contextlib
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from symbolon import config as configuration
from symbolon.audit.checkpoint import log_origin
from symbolon.audit.document import Document
from symbolon.audit.entry import Entry
from symbolon.config import Config
from symbolon.errors import MembershipError, SymbolonError, UnknownSuiteError
from symbolon.exchange.messages import MATCH, area_of
from symbolon.membership import key_file
from symbolon.membership.agreement import SignedAgreement
from symbolon.membership.atomic_file import (
    erase_left_over,
    read_bounded,
    require_writable_folder,
    write_atomically,
)
from symbolon.membership.certificates import MAX_AUTHORITIES, MAX_CERTIFICATE_BYTES
from symbolon.membership.coalition_directory import CoalitionDirectory
from symbolon.membership.coalition_store import CoalitionStore
from symbolon.membership.founder_keys import AUTHORITY_FILE, load_founder_keys
from symbolon.membership.member import CoalitionId, MemberId
from symbolon.membership.member_record import Status
from symbolon.membership.signing_key import load_signing_key
from symbolon.oprf.suite import Suite, get_suite
from symbolon.policy.operator_roles import LOCAL
from symbolon.policy.permission import Permission
from symbolon.rpc import own_certificate
from symbolon.rpc.founding import Founding
from symbolon.rpc.identity import Callers
from symbolon.rpc.policy_in_force import PolicyInForce
from symbolon.rpc.receipts import Receipts
from symbolon.rpc.tls_material import LeafFiles
from symbolon.storage.agreement_store import AgreementEvent, AgreementStore
from symbolon.storage.approval_store import ApprovalStore
from symbolon.storage.audit_checkpoints import CHECKPOINT_FILE, Checkpoints
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import WAIT_AND_RETRY, Database
from symbolon.storage.database_errors import StorageBusyError
from symbolon.storage.delegation_store import DelegationStore
from symbolon.storage.disclosure_store import DisclosureStore
from symbolon.storage.entrusted_store import EntrustedStore
from symbolon.storage.exchange_budget import BudgetLimits
from symbolon.storage.exchange_receiver_store import ReceiverStore
from symbolon.storage.exchange_sender_store import SenderStore
from symbolon.storage.exchange_session_store import SessionStore
from symbolon.storage.founding_store import FoundingStore
from symbolon.storage.match_store import MatchStore
from symbolon.storage.operator_store import OperatorStore
from symbolon.storage.received_signal_store import ReceivedSignalStore
from symbolon.storage.seal import Sealer
from symbolon.storage.seal_check import bind_key
from symbolon.storage.signal_clearance_store import SignalClearanceStore
from symbolon.storage.signal_response_store import SignalResponseStore
from symbolon.storage.signal_store import SignalStore
from symbolon.storage.subscription_store import SubscriptionStore
from symbolon.storage.supplier_store import SupplierStore

SEAL_KEY_FILE: Final = key_file.SEAL_KEY_FILE
LEAF_KEY_FILE: Final = "node-key.pem"
NEXT_LEAF_KEY_FILE: Final = "node-next-key.pem"
LEAF_FILE: Final = "node-cert.pem"
SIGNING_KEY_FILE: Final = "signing-key.pem"
COALITION_FOLDER: Final = "coalition"
FOUNDER_FOLDER: Final = "founder"
INVITATIONS_FILE: Final = "invitations.pem"
MAX_INVITATIONS_BYTES: Final = MAX_AUTHORITIES * MAX_CERTIFICATE_BYTES


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the node proves itself with, and which authorities it trusts, PEM."""

    private_key: bytes = field(repr=False)
    certificate: bytes
    authorities: bytes


class Node:
    """One node. Close it, or use it as a context manager.

    Args:
        home: the node's folder.
        clock: seconds since 1970-01-01 UTC.
        rng: random bytes.
        operator: pseudonym of who works with it, for its audit log.
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
        for folder in (home, home / FOUNDER_FOLDER):
            erase_left_over(folder, time.time())
        self.receipts = Receipts(self)
        self.suppliers = SupplierStore(self.database, self.sealer)
        self.audit = AuditLog(self.database, self.sealer, clock, operator, rng)
        self.audit.adopt_journal()
        own = self.config.node
        self.checkpoints = Checkpoints(
            self.database,
            self.audit,
            log_origin(CoalitionId(own.coalition), MemberId(own.member)),
            lambda: self.signing_key,
            home / CHECKPOINT_FILE,
            clock,
        )
        self.sending = SenderStore(self.database, self.sealer, clock, rng, operator)
        self.receiving = ReceiverStore(self.database, self.sealer, clock, operator)
        self.sessions = SessionStore(self.database, self.sealer, clock, operator)
        self.matches = MatchStore(self.database, self.sealer, clock)
        self.signals = SignalStore(self.database, self.sealer, clock, operator)
        self.received = ReceivedSignalStore(self.database, self.sealer, clock)
        self.disclosures = DisclosureStore(self.database, self.sealer)
        self.subscriptions = SubscriptionStore(self.database, clock)
        self.responses = SignalResponseStore(self.database, self.sealer, clock, operator)
        self.delegations = DelegationStore(self.database, self.sealer, clock, operator)
        self.entrusted = EntrustedStore(self.database, self.sealer, clock, operator)
        self.clearances = SignalClearanceStore(self.database, self.sealer, clock, operator)
        self.operators = OperatorStore(self.database, self.sealer, clock, rng)
        self.approvals = ApprovalStore(self.database, self.sealer, clock, rng, self.operators)
        self.founding_store = FoundingStore(self.database, clock)
        self.coalition = CoalitionStore(home / COALITION_FOLDER, lambda: self.now)
        self.directory = CoalitionDirectory(self.coalition, lambda: self.now)
        self.agreements = AgreementStore(
            self.database, self.member_id, clock, self.directory.current, self._note_agreement
        )
        self.policy = PolicyInForce(
            home, own.member, self.directory.state, self.agreements, self.audit, lambda: self.now
        )
        self.permission: Permission = self.policy

    def __enter__(self) -> "Node":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def asking_lock(self, peer: str, area: str) -> AbstractContextManager[None]:
        """What the one exchange that asks a peer holds, in whichever process; see `Database.exclusive`.

        Each area has its own: a peer that invites to a match must not learn by a refusal how long this node
        is busy with what it was told in a lookup.
        """
        return self._exchange_lock("ask" if area == MATCH else f"ask-{area}", peer)

    def answering_lock(self, peer: str) -> AbstractContextManager[None]:
        """What the one exchange that answers a peer holds, in whichever process; see `Database.exclusive`."""
        return self._exchange_lock("release", peer)

    def certificate_lock(self) -> AbstractContextManager[None]:
        """What the one renewal or joining of this node holds, in whichever process: its keys must not mix."""
        return self.database.exclusive("certificate", "renewal of this node's certificate, or joining,")

    def _exchange_lock(self, kind: str, peer: str) -> AbstractContextManager[None]:
        hint = f"{WAIT_AND_RETRY} `symbolon status` shows which sessions are still open."
        return self.database.exclusive(f"{kind}-{peer}", f"exchange with {peer}", hint)

    def _note_agreement(
        self, connection: Any, event: AgreementEvent, peer: str, words: str, signed: SignedAgreement
    ) -> None:
        """Tells the audit log of an agreement; a decision names the one that it rested on."""
        # An offer that nobody answers is not kept.
        by_member = {str(who): each for who, each in signed.signatures.items()}
        kept = [Document("agreement", signed.document, by_member)] if event == "agreed" else []
        self.audit.append_in(connection, Entry(event, peer, note=words), documents=kept)

    def close_left_over(self) -> int:
        """Marks sessions that a dead process left open as failed; those still being held are left alone.

        Returns:
            How many there were.
        """
        closed = 0
        for role, peer, mode in self.sessions.open_roles():
            asks = role == "receiver"
            lock = self.asking_lock(peer, area_of(mode)) if asks else self.answering_lock(peer)
            with contextlib.suppress(StorageBusyError), lock:
                closed += self.sessions.fail_open(role, peer, mode)
        return closed

    def require_writable(self) -> None:
        """Refuses a node that could not keep an audit entry, newer metadata or a renewed certificate.

        Raises:
            StorageError: its database, its folder or that of the metadata cannot be written.
        """
        self.audit.require_writable()
        for folder in (self.home, self.home / COALITION_FOLDER):
            if folder.exists():
                require_writable_folder(folder)

    def erase_narrowed(self) -> int:
        """Erases the key epochs of peers that may be answered less than when these began.

        Returns:
            How many there were.
        """
        try:
            self.directory.state()
        except MembershipError:
            # Nobody is permitted anything while no state holds, which is not for good.
            return 0
        peers = {each.peer for each in self.sending.live_epochs()}
        permitted = {peer: frozenset(self.permission.scope(peer)) for peer in peers}
        return self.sending.erase_where(
            lambda peer, scope: peer in permitted and not scope <= permitted[peer]
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
        """Key, certificate and trusted authorities as they are now, checked against each other.

        Raises:
            MembershipError: `membership.not_enrolled`, or what the certificate check says.
        """
        held = self.read_credentials()
        self.require_own(held.certificate, held.authorities)
        return held

    def read_credentials(self) -> Credentials:
        """Key, certificate and authorities as they are now; nothing says yet that the certificate holds.

        Raises:
            MembershipError: `membership.not_enrolled`, or `membership.key` when key and certificate do not
                fit.
            StorageError: a file cannot be read.
        """
        try:
            leaf = self.leaf_files.read()
        except FileNotFoundError as error:
            # A key that waits for its certificate is there while the node joins.
            joined = (self.home / COALITION_FOLDER).exists() and not self.leaf_files.next_key.exists()
            name = Path(str(error.filename)).name
            raise own_certificate.absent(name, self.member_id, joined=joined) from None
        return Credentials(leaf.private_key, leaf.certificate, self.coalition.state().authorities_pem)

    def require_own(self, certificate: bytes, authorities: bytes) -> None:
        """Checks that a certificate makes this node the member that it is configured to be.

        Args:
            certificate: a leaf.
            authorities: those of the coalition, PEM.

        Raises:
            MembershipError: as `own_certificate.require_own`.
        """
        own_certificate.require_own(
            certificate, authorities, self.config.node.coalition, self.config.node.member, self.now
        )

    @property
    def member_id(self) -> MemberId:
        """Who this node is."""
        return MemberId(self.config.node.member)

    @cached_property
    def signing_key(self) -> Ed25519PrivateKey:
        """The key that signs this member's own statements.

        Raises:
            MembershipError: `membership.signing_key` when it is missing or no such key.
        """
        return load_signing_key(self.home / SIGNING_KEY_FILE)

    @cached_property
    def founding(self) -> Founding:
        """The founder's side of this node.

        Raises:
            MembershipError: `membership.founder` when it is none.
        """
        keys = load_founder_keys(self.home / FOUNDER_FOLDER, self.member_id)
        return Founding(keys, self.founding_store, self.coalition, lambda: self.now)

    @property
    def callers(self) -> Callers:
        """Who may call this node."""
        return Callers(self.directory, self.config.node.coalition, lambda: self.now, self.open_invitations)

    def open_invitations(self) -> bytes:
        """The certificates by which those are known who hold an open invitation of this founder, PEM.

        Read at each handshake, so from a file; `write_open_invitations` keeps it.
        """
        path = self.home / FOUNDER_FOLDER / INVITATIONS_FILE
        return read_bounded(path, MAX_INVITATIONS_BYTES) if path.exists() else b""

    def write_open_invitations(self) -> None:
        """Writes the file that `open_invitations` reads, from the invitations that are open now.

        Those that were answered stay in it until they end, so that an answer that was lost is heard again,
        and whoever comes with the code of a member is told that it was used, which is how a stolen code
        shows; but not once the member is suspended or expelled, who would learn by it what members do.
        Where there are more than a server can trust, those that were answered go first: their holders are
        members, and need them only to hear the answer again.
        """
        path = self.home / FOUNDER_FOLDER / INVITATIONS_FILE
        # Looked at again after it was written: another process may have withdrawn one in between.
        while (document := self._open_now()) != self.open_invitations():
            write_atomically(path, document)

    def _open_now(self) -> bytes:
        members = self.coalition.state().members
        barred = {each.member_id for each in members.members if each.status is Status.SUSPENDED}
        barred |= {each.member_id for each in members.expelled}
        own = [
            each
            for state in ("approved", "used")
            for each in self.founding_store.invitations(state)
            if each.sponsor == self.member_id and (state == "approved" or each.member not in barred)
        ]
        return b"".join(each.authority for each in own[:MAX_AUTHORITIES])

    @property
    def signs(self) -> bool:
        """Whether this node is a founder's now: the root in force names its keys."""
        return self.is_founder and self.founding.keys.founder in self.coalition.state().founders

    @property
    def is_founder(self) -> bool:
        """Whether this node holds the keys of a founder, who may have been one, or be none yet."""
        return (self.home / FOUNDER_FOLDER / AUTHORITY_FILE).exists()
