"""Takes the decisions of an exported log again, from what they rested on.

Handles: the policies, the members on the day of the decision, the agreement and the request that an entry
names; deciding anew; comparing the request with what the entry and the receiver's signed request say; and, in
a log that is open from its beginning, counting again what the peer had asked before. What differs is a
finding. Specification: docs/adr/0014; docs/adr/0015, A decision.
"""

import re
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final

from symbolon.audit.entry import HOUR_S
from symbolon.audit.export_documents import Documents, Request
from symbolon.audit.export_entry import Said
from symbolon.audit.export_format import Header
from symbolon.audit.export_members import ListedMembers
from symbolon.audit.verdict import Findings, hour_words
from symbolon.errors import MembershipError, PolicyError
from symbolon.membership.agreement import verify_agreement
from symbolon.membership.policy_facts import coalition_facts
from symbolon.policy.decision import Decider, Decision
from symbolon.policy.request import ContextValue, Resource

DECIDERS_KEPT: Final = 8
"""A log is in the order of time, so one for a day and its policies serves until the next."""

DECIDED_BEFORE_HOURS: Final = 2
"""How much earlier than its entry a decision may be: keys are loaded, and another session waited for."""

_ACTIONS: Final[Mapping[str, frozenset[str]]] = {
    "answered": frozenset({"match_size", "match_intersection", "lookup"}),
    "asked": frozenset({"ask", "match_mutual"}),
    "permitted": frozenset({"release"}),
    "narrated": frozenset({"release"}),
    "counted": frozenset({"release"}),
    "interested": frozenset({"ask"}),
    "exported": frozenset({"read_audit"}),
}
"""What an entry of an event is decided by; one that refuses may be of any action."""

_AGREEMENT: Final = re.compile(r"\bsha256 ([0-9a-f]{64})\b")
"""How the entry that tells of a withdrawal names the agreement."""

_ANSWERS: Final = _ACTIONS["answered"]

_ANSWER_OF: Final[Mapping[str, str]] = {
    "size": "match_size",
    "intersection": "match_intersection",
    "lookup": "lookup",
}
"""By mode: the action that an answer is decided by."""

_RESOURCES: Final[Mapping[str, Resource]] = {
    "read_audit": "AuditLog",
    "admit": "Coalition",
    "expel": "Coalition",
    "lookup": "Signals",
    "release": "Signals",
}
"""What an action is about, where it is not the list of suppliers."""


class Decisions:
    """Checks the decisions of one log, entry by entry.

    Args:
        header: of the file.
        members: of the file.
        documents: of the file.
        findings: of the file.
    """

    def __init__(
        self, header: Header, members: ListedMembers, documents: Documents, findings: Findings
    ) -> None:
        self._member = header.member
        self._coalition = header.coalition
        self._members = members
        self._documents = documents
        self._findings = findings
        self._deciders: OrderedDict[tuple[str, str, date], Decider] = OrderedDict()
        self._asked: dict[tuple[str, bool], _AskedBefore] = {}
        self._withdrawn: dict[str, int] = {}

    def take(self, said: Said, *, whole: bool) -> None:
        """Checks an entry.

        Args:
            said: in the order of the log.
            whole: every entry before it is open.
        """
        record = said.decision
        if record is None:
            if said.event in ("answered", "asked", "permitted", "narrated", "interested"):
                self._missing(said, "decision", "names no decision: nothing shows that it was permitted")
        else:
            self._check_request(said)
            self._check_agreement(said)
            self._check_again(said)
            if whole and record.request.action in _ANSWERS:
                self._check_usage(said)
        if said.event == "disagreed" and (named := _AGREEMENT.search(said.note)) is not None:
            self._withdrawn.setdefault(named[1], said.hour)
        if said.event == "answered":
            before = self._asked.setdefault(_counted(said), _AskedBefore())
            before.add(said.hour, _by_letter(said.asked))

    def _check_again(self, said: Said) -> None:
        record = said.decision
        if record is None:
            return
        wanted = {
            "answered": True,
            "asked": True,
            "permitted": True,
            "narrated": True,
            "counted": True,
            "interested": True,
            "exported": True,
            "denied": False,
        }.get(said.event)
        if wanted is not None and record.decision.allowed is not wanted:
            verb = "was forbidden" if wanted else "was permitted"
            self._broken(said, "decision.outcome", f"acts against its own decision, by which it {verb}")
        moment = _moment(record.request.context.get("now"))
        if moment is None:
            self._broken(said, "decision.time", "names a decision without a time")
            return
        early = said.hour - int(moment.timestamp()) // HOUR_S
        if not 0 <= early <= DECIDED_BEFORE_HOURS:
            self._broken(
                said,
                "decision.time",
                f"of {hour_words(said.hour)} was decided at {moment:%Y-%m-%d %H:00} UTC",
            )
        bundle, day = record.decision.bundle_sha256.hex(), moment.date()
        for what, sha256, there in (
            ("the policies", bundle, bundle in self._documents.policies),
            ("the list of members", record.coalition, self._members.state(record.coalition) is not None),
        ):
            if not there:
                self._missing(said, "decision.document", f"rests on {what} {sha256[:16]}…, not in the file")
                return
        try:
            again = self._decider(bundle, record.coalition, day).decide(record.request)
        except (PolicyError, MembershipError) as error:
            self._broken(said, "decision.again", f"cannot be decided again: {error.detail}")
            return
        if _essence(again) != _essence(record.decision):
            verb = "permit" if again.allowed else "do not permit"
            self._broken(
                said,
                "decision.again",
                f"says otherwise than its policies decide: they {verb} it, or by others",
            )

    def _decider(self, bundle: str, coalition: str, day: date) -> Decider:
        key = (bundle, coalition, day)
        if key not in self._deciders:
            members = self._members.state(coalition)
            if members is None:
                raise PolicyError("the list of members is missing")
            self._deciders[key] = Decider(self._documents.policies[bundle], coalition_facts(members, day))
            if len(self._deciders) > DECIDERS_KEPT:
                self._deciders.popitem(last=False)
        self._deciders.move_to_end(key)
        return self._deciders[key]

    def _check_request(self, said: Said) -> None:
        if said.decision is None:
            return
        asked = said.decision.request
        resource = _RESOURCES.get(asked.action, "SupplierList")
        owner = self._coalition if resource == "Coalition" else self._member
        if (asked.principal, asked.owner) != (said.peer, owner):
            self._broken(said, "decision.request", "names a decision about other members")
        actions = _ACTIONS.get(said.event)
        if actions is not None and asked.action not in actions:
            self._broken(said, "decision.request", f"names a decision about something else: {asked.action}")
        if asked.resource != resource:
            self._broken(said, "decision.request", "names a decision about something else")
        if asked.action not in _ANSWERS | _ACTIONS["asked"] | _ACTIONS["permitted"]:
            return
        context: dict[str, ContextValue] = {"purpose": said.purpose}
        if asked.action != "release":
            context["mode"] = said.mode
        signed = self._documents.requests.get(said.request)
        if signed is not None:
            context |= _as_context(signed, answered=asked.action in _ANSWERS)
        if asked.action in _ANSWERS and asked.action != _ANSWER_OF.get(said.mode):
            self._broken(said, "decision.request", "was decided as another kind of exchange than it was")
        wrong = [name for name, value in context.items() if asked.context.get(name) != value]
        if wrong:
            what = ", ".join(wrong)
            self._broken(said, "decision.context", f"was decided for other circumstances than it had: {what}")

    def _check_agreement(self, said: Said) -> None:
        record = said.decision
        if record is None:
            return
        agreed = record.request.context.get("agreed")
        if agreed is not True:
            if record.agreement:
                self._broken(
                    said, "decision.agreement", "names an agreement that its decision knew nothing of"
                )
            return
        signed = self._documents.agreements.get(record.agreement)
        members = self._members.state(record.coalition)
        if signed is None or members is None:
            self._missing(said, "decision.agreement", "was decided by an agreement that is not in the file")
            return
        try:
            agreement = verify_agreement(members, signed)
        except MembershipError as error:
            self._broken(
                said, "decision.agreement", f"rests on an agreement that does not hold: {error.detail}"
            )
            return
        moment = _moment(record.request.context.get("now"))
        withdrawn = self._withdrawn.get(record.agreement)
        # Within one hour either may have been first.
        if moment is not None and withdrawn is not None and int(moment.timestamp()) // HOUR_S > withdrawn:
            self._broken(said, "decision.agreement", "rests on an agreement that had been withdrawn")
        purpose = str(record.request.context.get("purpose"))
        parties = {record.request.principal, record.request.owner}
        if (
            moment is None
            or set(agreement.members) != parties
            or not agreement.covers(purpose, moment.date())
        ):
            self._broken(
                said,
                "decision.agreement",
                "rests on an agreement of others, on another purpose or for other days",
            )

    def _check_usage(self, said: Said) -> None:
        record = said.decision
        moment = None if record is None else _moment(record.request.context.get("now"))
        if record is None or moment is None:
            return
        context = record.request.context
        numbers = tuple(
            context.get(each) for each in ("keys", "list_size", "keys_epoch", "churn", "keys_year")
        )
        before = self._asked.setdefault(_counted(said), _AskedBefore())
        hour = int(moment.timestamp()) // HOUR_S
        signed = self._documents.requests.get(said.request)
        now = _by_letter(said.asked if signed is None else signed.tiers)
        if not any(before.fits(at, moment.year, numbers, now) for at in before.ends(hour)):
            self._broken(
                said,
                "decision.usage",
                f"was decided as if {said.peer} had asked for less, or for more, than the log itself counts",
            )

    def _broken(self, said: Said, code: str, what: str) -> None:
        self._findings.add("broken", code, f"Entry {said.number} {what}.", said.number)

    def _missing(self, said: Said, code: str, what: str) -> None:
        self._findings.add("missing", code, f"Entry {said.number} {what}.", said.number)


class _AskedBefore:
    """What one peer has asked in the sessions that were answered, in their order."""

    def __init__(self) -> None:
        self._sums = [0]
        self._of_tier: dict[str, list[tuple[int, int]]] = {}
        self._hours: list[int] = []
        self._years: dict[int, int] = {}

    def add(self, hour: int, tiers: Mapping[str, int]) -> None:
        """Adds a session, with its keys by tier."""
        for tier, keys in tiers.items():
            self._of_tier.setdefault(tier, []).append((len(self._hours), keys))
        self._sums.append(self._sums[-1] + sum(tiers.values()))
        self._hours.append(hour)
        year = _year(hour)
        # Sums up to the first session of each year, so that a year's own begin at 0.
        self._years.setdefault(year, self._sums[-2])

    def ends(self, hour: int) -> list[int]:
        """How many sessions may have been counted by a decision of this hour.

        A session that was answered in the same hour may have been decided after this one.
        """
        at = len(self._hours)
        found = [at]
        while at and self._hours[at - 1] >= hour:
            at -= 1
            found.append(at)
        return found

    def fits(
        self, at: int, year: int, numbers: tuple[ContextValue | None, ...], now: Mapping[str, int]
    ) -> bool:
        """Whether the numbers of a context are those that come out after so many sessions.

        A key epoch begins with one of the sessions, or with this one: which, the numbers themselves say. What
        is asked `now` by tier is unknown where it is empty; then the list may be as long as the numbers say.
        """
        keys, list_size, keys_epoch, churn, keys_year = numbers
        if not (isinstance(keys, int) and isinstance(keys_epoch, int) and isinstance(keys_year, int)):
            return False
        if not isinstance(list_size, int):
            return False
        if keys_year != max(0, self._sums[at] - self._years.get(year, self._sums[at])):
            return False
        first = bisect_left(self._sums, self._sums[at] - keys_epoch)
        if first > at or self._sums[first] != self._sums[at] - keys_epoch:
            return False
        listed = sum(self._list_of(first, at, now).values()) if now else list_size
        return (list_size, churn) == (listed, 1000 * (keys_epoch + keys - listed) // max(listed, 1))

    def _list_of(self, first: int, at: int, now: Mapping[str, int]) -> dict[str, int]:
        """Keys of each tier's first session from one to another, or of the one that is `now`."""
        listed = dict(now)
        for tier, asked in self._of_tier.items():
            found = bisect_left(asked, (first,))
            if found < len(asked) and asked[found][0] < at:
                listed[tier] = asked[found][1]
        return listed


def _counted(said: Said) -> tuple[str, bool]:
    """Whose keys are counted together: a peer's, those about signals apart from those about the list."""
    return said.peer, said.mode == "lookup"


def _as_context(signed: Request, *, answered: bool) -> dict[str, ContextValue]:
    letters = sorted({letter for tier in signed.tiers for letter in tier})
    context: dict[str, ContextValue] = {"suite": signed.suite, "tiers": tuple(letters)}
    return context | {"keys": sum(_by_letter(signed.tiers).values())} if answered else context


def _by_letter(tiers: Mapping[str, int]) -> dict[str, int]:
    """Elements of each tier; those that are asked for two tiers together count for each."""
    return {letter: elements for tier, elements in tiers.items() for letter in tier}


def _essence(decision: Decision) -> tuple[object, ...]:
    """What has to come out again; the words in which Cedar tells an error may change with its release."""
    return (
        decision.allowed,
        decision.policies,
        decision.obligations,
        decision.refusal,
        decision.advice,
        bool(decision.errors),
        decision.bundle_sha256,
    )


def _moment(text: ContextValue | None) -> datetime | None:
    try:
        return datetime.strptime(str(text), "%Y-%m-%dT%H:00:00Z").replace(tzinfo=UTC)
    except ValueError:
        return None


def _year(hour: int) -> int:
    try:
        return datetime.fromtimestamp(hour * HOUR_S, UTC).year
    except (OverflowError, ValueError, OSError):
        return 0
