"""The policies of a node at work: read from its files, put in force as a whole, asked before anything leaves.

Handles: the shipped policies, those in `policies/` of the node's folder and the [[allow]] tables of its
configuration, as one bundle; noticing a change of these files before each decision; the facts of the
coalition in force; the record of each decision for the audit log, with the documents that it rests on.
Refuses: what `policy.decision` denies; and to put policies in force that have any problem: those before stay,
and where there are none, everything is denied. docs/adr/0014.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, Protocol

from symbolon import config as configuration
from symbolon.audit.decision_record import DecisionRecord
from symbolon.audit.document import Document
from symbolon.audit.entry import Entry
from symbolon.errors import ConfigError, PermissionDeniedError, PolicyError
from symbolon.membership.agreement import SignedAgreement
from symbolon.membership.coalition_document import coalition_document
from symbolon.membership.coalition_state import State
from symbolon.membership.policy_facts import coalition_facts
from symbolon.oprf.suite import DEFAULT_SUITE
from symbolon.policy.bundle import PolicyBundle
from symbolon.policy.decision import Decider, Decision
from symbolon.policy.own_policies import OWN_FOLDER
from symbolon.policy.permission import ExchangeRequest, Grant, Permission, Usage
from symbolon.policy.request import MatchContext, PolicyRequest, match_request
from symbolon.rpc.policy_sources import node_bundle
from symbolon.storage.audit_log import AuditLog
from symbolon.suppliers.tier import Tier

log = logging.getLogger(__name__)

_MODES: Final = ("size", "intersection")
_Mark = tuple[tuple[str, int, int, int], ...]
"""Names, sizes, times and inode numbers of the files that policies come from."""


class Agreements(Protocol):
    """What this member has agreed with others."""

    def in_force(self, peer: str, purpose: str, day: date) -> SignedAgreement | None:
        """The agreement with a peer on a purpose that both signed, or None."""
        ...

    def purposes(self, peer: str, day: date) -> frozenset[str]:
        """The purposes of all such agreements with a peer."""
        ...


@dataclass(frozen=True, slots=True)
class _Deciding:
    """A decider, and the document that says who the members are that it knows."""

    decider: Decider
    coalition: Document


class PolicyInForce(Permission):
    """Decides by the node's policies. Safe to ask from several threads.

    Args:
        home: the node's folder.
        owner: this member.
        state: the coalition's, as in force; raises where none is.
        agreements: of this member.
        audit: where documents are kept that decisions rest on.
        now: the current time, aware.
    """

    def __init__(
        self,
        home: Path,
        owner: str,
        state: Callable[[], State],
        agreements: Agreements,
        audit: AuditLog,
        now: Callable[[], datetime],
    ) -> None:
        self._home = home
        self._owner = owner
        self._state = state
        self._agreements = agreements
        self._audit = audit
        self._now = now
        self._turn = threading.RLock()
        self._mark: _Mark | None = None
        self._bundle: PolicyBundle | None = None
        self._deciding: tuple[tuple[bytes, bytes, date], _Deciding] | None = None
        self.problem: PolicyError | ConfigError | None = None

    def refresh(self) -> bool:
        """Puts in force what the files say now, where they have changed.

        Returns:
            Whether other policies are in force than before.
        """
        with self._turn:
            mark = _mark(self._home)
            if mark == self._mark:
                return False
            self._mark = mark
            try:
                bundle = node_bundle(self._home)
            except (PolicyError, ConfigError) as error:
                self.problem = error
                stays = "the policies before stay in force" if self._bundle else "everything is denied"
                log.error("policies cannot be put in force: %s; %s", error.detail, stays)
                return False
            self.problem = None
            if self._bundle is not None and bundle.sha256() == self._bundle.sha256():
                return False
            self._keep(bundle)
            self._bundle = bundle
            return True

    def bundle(self) -> PolicyBundle:
        """The policies in force.

        Raises:
            PolicyError: there are none, for this problem.
            ConfigError: the same, of the configuration.
        """
        with self._turn:
            self.refresh()
            if self._bundle is None:
                raise self.problem or PolicyError("there are no policies")
            return self._bundle

    def require(self, request: ExchangeRequest) -> Grant:
        """See `Permission.require`."""
        decision, record = self._decide(request)
        if not decision.allowed:
            raise self._denial(request, decision, record)
        return Grant(
            basis=", ".join(decision.policies),
            scope=self.scope(request.peer) if request.direction == "answer" else (),
            policy=decision.bundle_sha256.hex(),
            decision=record,
            obligations=decision.obligations,
        )

    def scope(self, peer: str) -> tuple[str, ...]:
        """See `Permission.scope`: what a peer that has asked nothing yet would be allowed now."""
        deciding = self._decider()
        state, now = self._state(), self._now()
        day = now.astimezone(UTC).date()
        agreements = self._agreements.purposes(peer, day)
        words, requests = [], []
        for purpose in state.members.purposes:
            agreed = purpose in agreements
            for mode in _MODES:
                for tier in Tier:
                    words.append(f"{purpose}:{mode}:{tier.value}")
                    context = _context(purpose, mode, (tier.value,), DEFAULT_SUITE, Usage(), agreed, now)
                    requests.append(match_request("answer", peer, self._owner, context))
        decisions = deciding.decider.decide_many(requests)
        # What binds is part of it: where it changes, what was sent under another one may not be kept open.
        allowed = [
            f"{word}:{each.obligations.text()}".rstrip(":")
            for word, each in zip(words, decisions, strict=True)
            if each.allowed
        ]
        return tuple(sorted(allowed))

    def try_out(self, requests: Sequence[PolicyRequest]) -> tuple[Decision, ...]:
        """Decides requests that nobody made, in their order; nothing is written down."""
        return self._decider().decider.decide_many(requests)

    def decide(
        self, request: PolicyRequest, agreement: SignedAgreement | None = None
    ) -> tuple[Decision, str]:
        """Decides any request.

        Args:
            request: about something of this member.
            agreement: that made `agreed` true in it.

        Returns:
            The decision, and its record for the audit log, whose documents are kept by then.
        """
        deciding = self._decider()
        decision = deciding.decider.decide(request)
        agreed = ""
        if agreement is not None:
            document = Document(
                "agreement",
                agreement.document,
                {str(member): each for member, each in agreement.signatures.items()},
            )
            self._audit.keep(document)
            agreed = document.sha256
        return decision, DecisionRecord(request, decision, deciding.coalition.sha256, agreed).text()

    def _decide(self, request: ExchangeRequest) -> tuple[Decision, str]:
        now = self._now()
        day = now.astimezone(UTC).date()
        agreement = self._agreements.in_force(request.peer, request.purpose, day)
        context = _context(
            request.purpose,
            request.mode,
            request.tiers,
            request.suite,
            request.usage,
            agreement is not None,
            now,
        )
        asked = match_request(request.direction, request.peer, self._owner, context)
        return self.decide(asked, agreement)

    def _decider(self) -> _Deciding:
        with self._turn:
            bundle, state, day = self.bundle(), self._state(), self._now().astimezone(UTC).date()
            key = (bundle.sha256(), state.targets_bytes, day)
            if self._deciding is None or self._deciding[0] != key:
                coalition = Document("coalition", coalition_document(state))
                self._audit.keep(coalition)
                decider = Decider(bundle, coalition_facts(state.members, day))
                self._deciding = (key, _Deciding(decider, coalition))
            return self._deciding[1]

    def _keep(self, bundle: PolicyBundle) -> None:
        """Keeps the bundle, and says in the log that other policies are in force than it names last."""
        document = Document("policy", bundle.document())
        last = self._audit.newest_of("policy")
        if last is None or last.entry.receipt != document.sha256:
            entry = Entry("policy", "", receipt=document.sha256, counts={"policies": len(bundle.policies)})
            self._audit.append(entry, documents=(document,))

    def _denial(self, request: ExchangeRequest, decision: Decision, record: str) -> PermissionDeniedError:
        wanted = f"{request.direction} {request.peer}: {request.mode} for {request.purpose}, tiers "
        wanted += ", ".join(request.tiers)
        if decision.errors:
            detail = f"{wanted}: a policy could not be decided: {'; '.join(decision.errors)}"
            hint = "Run `symbolon policy check`."
        elif decision.policies:
            detail = f"{wanted}: forbidden by {', '.join(decision.policies)}"
            hint = decision.advice or "`symbolon policy explain` shows it."
            if decision.refusal == "purpose":
                detail = f"{request.purpose} is no purpose of this coalition"
                hint = f"Its members agreed on: {', '.join(self._state().members.purposes)}."
        else:
            detail = f"no [[allow]] table and no policy covers: {wanted}"
            hint = "To allow it, add it to an [[allow]] table of symbolon.toml."
        error = PermissionDeniedError(detail, hint=hint, code=f"permission.{decision.refusal or 'denied'}")
        error.decision = record
        return error


def _mark(home: Path) -> _Mark:
    """What shows that a file was changed, came or went."""
    found = []
    folder = home / OWN_FOLDER
    own = sorted(folder.glob("*.cedar")) if folder.is_dir() else []
    for path in (home / configuration.FILE_NAME, *own):
        try:
            about = path.stat()
        except OSError:
            continue
        found.append((path.name, about.st_size, about.st_mtime_ns, about.st_ino))
    return tuple(found)


def _context(
    purpose: str,
    mode: str,
    tiers: tuple[str, ...],
    suite: str,
    usage: Usage,
    agreed: bool,
    now: datetime,
) -> MatchContext:
    return MatchContext(
        purpose=purpose,
        mode=mode,
        tiers=frozenset(tiers),
        suite=suite,
        keys=usage.keys,
        list_size=usage.list_size,
        keys_epoch=usage.keys_epoch,
        keys_year=usage.keys_year,
        churn=usage.churn,
        agreed=agreed,
        now=now,
    )
