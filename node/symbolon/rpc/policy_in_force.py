"""The policies of a node at work: read from its files, put in force as a whole, asked before anything leaves.

Handles: the shipped policies, those in `policies/` of the node's folder and the [[allow]] tables of its
configuration, as one bundle; noticing a change of these files before each decision; the facts of the
coalition in force; the record of each decision for the audit log, with the documents that it rests on.
Refuses: what `policy.decision` denies; and to put policies in force that have any problem: those before stay,
and where there are none, everything is denied. docs/adr/0014.
"""

import logging
import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from itertools import product
from pathlib import Path
from typing import Final, Protocol

from symbolon import config as configuration
from symbolon.audit.decision_record import DecisionRecord
from symbolon.audit.document import Document
from symbolon.audit.entry import Entry
from symbolon.errors import ConfigError, PermissionDeniedError, PolicyError
from symbolon.exchange.messages import MODES, area_of
from symbolon.membership.agreement import SignedAgreement
from symbolon.membership.coalition_document import coalition_document
from symbolon.membership.coalition_state import State
from symbolon.membership.policy_facts import coalition_facts
from symbolon.oprf.suite import DEFAULT_SUITE, SUITE_NAMES
from symbolon.policy.bundle import PolicyBundle
from symbolon.policy.decision import Decider, Decision
from symbolon.policy.own_policies import OWN_FOLDER, own_files
from symbolon.policy.permission import ExchangeRequest, Grant, Permission, Usage
from symbolon.policy.request import (
    MatchContext,
    PolicyRequest,
    hour_text,
    match_request,
)
from symbolon.rpc.policy_sources import node_bundle
from symbolon.storage.audit_log import AuditLog
from symbolon.suppliers.tier import Tier

log = logging.getLogger(__name__)

_ALL_MODES: Final = tuple(mode for modes in MODES.values() for mode in modes)

MAX_SCOPES: Final = 1_000
"""Scopes remembered: one for each member and hour, of some kilobytes."""

MAX_DECIDED: Final = 20_000
"""Decisions about releases remembered, of the hour: some kilobyte each."""

_ScopeKey = tuple[str, frozenset[str], str]
"""Peer, purposes agreed on, hour."""

_Mark = tuple[tuple[str, int, int, int, int], ...]
"""Names, sizes, times (of the content, which a copy may keep, and of any change) and inodes of files."""


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
    """A decider, the document that says who the members are that it knows, and their purposes."""

    decider: Decider
    coalition: Document
    purposes: tuple[str, ...]
    scopes: dict[_ScopeKey, tuple[str, ...]] = field(default_factory=dict)
    decided: dict[Hashable, Decision] = field(default_factory=dict)


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
            # A file that could not be read may be readable now, and look as it did.
            if mark == self._mark and self.problem is None:
                return False
            try:
                bundle = node_bundle(self._home)
            except (PolicyError, ConfigError) as error:
                is_new = self.problem is None or self.problem.detail != error.detail
                self._mark, self.problem = mark, error
                # Where there are none, `bundle` raises it.
                if is_new and self._bundle is not None:
                    log.error("policies cannot be put in force: %s; those before stay", error.detail)
                return False
            self.problem = None
            changed = self._bundle is None or bundle.sha256() != self._bundle.sha256()
            if changed:
                self._keep(bundle)
                self._bundle = bundle
            # Last of all: what could not be kept now is taken up again.
            self._mark = mark
            return changed

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
        now = self._now()
        deciding = self._decider(now.astimezone(UTC).date())
        # Before the decision: an agreement that ends in between denies, or else the scope still tells of it.
        scope = self._scope(deciding, request.peer, now) if request.direction == "answer" else ()
        scope = tuple(word for word in scope if area_of(word.split(":")[1]) == request.area)
        decision, record = self._decide(deciding, request, now)
        if not decision.allowed:
            raise self._denial(request, decision, record)
        return Grant(
            basis=", ".join(decision.policies),
            scope=scope,
            policy=decision.bundle_sha256.hex(),
            decision=record,
            obligations=decision.obligations,
        )

    def scope(self, peer: str) -> tuple[str, ...]:
        """See `Permission.scope`: all that a peer which has asked nothing yet would be allowed now."""
        now = self._now()
        return self._scope(self._decider(now.astimezone(UTC).date()), peer, now)

    def _scope(self, deciding: _Deciding, peer: str, now: datetime) -> tuple[str, ...]:
        agreements = self._agreements.purposes(peer, now.astimezone(UTC).date())
        # Every request of an hour is decided alike.
        key = (peer, agreements, hour_text(now))
        if key not in deciding.scopes:
            if len(deciding.scopes) >= MAX_SCOPES:
                deciding.scopes.clear()
            deciding.scopes[key] = self._scope_of(deciding, peer, now, agreements)
        return deciding.scopes[key]

    def _scope_of(
        self, deciding: _Deciding, peer: str, now: datetime, agreements: frozenset[str]
    ) -> tuple[str, ...]:
        words, requests = [], []
        for purpose, mode, tier, suite in product(deciding.purposes, _ALL_MODES, Tier, SUITE_NAMES):
            word = f"{purpose}:{mode}:{tier.value}"
            words.append(word if suite == DEFAULT_SUITE else f"{word}:{suite}")
            agreed = purpose in agreements
            context = _context(purpose, mode, (tier.value,), suite, Usage(), agreed, now)
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
        """Decides requests that nobody made, all of one day, in their order; none of them is written down."""
        return self._decider(_day(requests[0])).decider.decide_many(requests) if requests else ()

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
        return self._recorded(self._decider(_day(request)), request, agreement)

    def decide_many(
        self, requests: Sequence[PolicyRequest], agreement: SignedAgreement | None
    ) -> tuple[tuple[Decision, Callable[[], str]], ...]:
        """Decides many requests about something of this member, all of one day.

        Args:
            requests: in any order; none is none.
            agreement: that made `agreed` true in them.

        Returns:
            For each its decision, and what gives the record of it for the audit log.
        """
        if not requests:
            return ()
        deciding = self._decider(_day(requests[0]))
        agreed = self._keep_agreement(agreement)

        def record(request: PolicyRequest, decision: Decision) -> str:
            return DecisionRecord(request, decision, deciding.coalition.sha256, agreed).text()

        # Of an hour all are alike: who looks up again asks nothing that was not decided.
        identities = [each.identity() for each in requests]
        decided = deciding.decided
        known = {each: found for each in identities if (found := decided.get(each)) is not None}
        new = {each: request for each, request in zip(identities, requests, strict=True) if each not in known}
        fresh = dict(zip(new, deciding.decider.decide_many(new.values()), strict=True))
        known |= fresh
        if len(decided) + len(fresh) > MAX_DECIDED:
            decided.clear()
        decided.update(fresh)
        return tuple(
            (known[identity], partial(record, request, known[identity]))
            for request, identity in zip(requests, identities, strict=True)
        )

    def _recorded(
        self, deciding: _Deciding, request: PolicyRequest, agreement: SignedAgreement | None
    ) -> tuple[Decision, str]:
        decision = deciding.decider.decide(request)
        agreed = self._keep_agreement(agreement)
        return decision, DecisionRecord(request, decision, deciding.coalition.sha256, agreed).text()

    def _keep_agreement(self, agreement: SignedAgreement | None) -> str:
        """Keeps the agreement that a decision rests on; returns its SHA-256, '' where there is none."""
        if agreement is None:
            return ""
        by_member = {str(member): each for member, each in agreement.signatures.items()}
        document = Document("agreement", agreement.document, by_member)
        self._audit.keep(document)
        return document.sha256

    def _decide(self, deciding: _Deciding, request: ExchangeRequest, now: datetime) -> tuple[Decision, str]:
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
        return self._recorded(deciding, asked, agreement)

    def _decider(self, day: date) -> _Deciding:
        """What decides by the policies and members of now, whose attestation is counted from a day."""
        with self._turn:
            bundle, state = self.bundle(), self._state()
            key = (bundle.sha256(), state.targets_bytes, day)
            if self._deciding is None or self._deciding[0] != key:
                coalition = Document("coalition", coalition_document(state))
                self._audit.keep(coalition)
                decider = Decider(bundle, coalition_facts(state.members, day))
                self._deciding = (key, _Deciding(decider, coalition, state.members.purposes))
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
    try:
        own = own_files(home)
    except PolicyError:
        own = []
    for path in (home / configuration.FILE_NAME, home / OWN_FOLDER, *own):
        try:
            about = path.stat()
        except OSError:
            continue
        found.append((path.name, about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino))
    return tuple(found)


def _day(request: PolicyRequest) -> date:
    """The day on which a request is made: whoever takes the decision again has no other."""
    return date.fromisoformat(str(request.context["now"])[:10])


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
