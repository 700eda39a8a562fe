"""The sessions of an exported log: in their order, within their permission, and as their receipts say.

Handles: what may follow what in a session; that nothing left without an answer that was permitted, or after
its end; each signed request and result against the entries that name them; and the table of what was
disclosed to whom. What does not fit is a finding. Specification: docs/adr/0015, Receipts and Export.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from symbolon.audit.export_documents import Documents, Request, SignedResult
from symbolon.audit.export_entry import Said
from symbolon.audit.verdict import Disclosure, Findings, Outcome, Receipts, hour_words
from symbolon.policy.obligations import Obligations

CLOCK_HOURS: Final = 49
"""How far the hour of a document may be from that of its entry: the 25 hours by which rpc.receipts lets two
clocks differ, and a session of a day."""

_OF_SESSIONS: Final = frozenset(
    {"asked", "answered", "permitted", "released", "withdrawn", "learned", "denied", "failed", "ended"}
)
_PARTS: Final = {
    "asked": False,
    "learned": False,
    "answered": True,
    "permitted": True,
    "released": True,
    "withdrawn": True,
    "ended": True,
}
"""Whether this end answered in a session with an entry of that event; what is refused says neither."""

_REFUSALS: Final = frozenset({"denied", "failed"})
_ENDS: Final = frozenset({"learned", "denied", "failed", "ended"})


@dataclass(slots=True)
class Session:
    """One session as one end tells it; filled while the log is read.

    Attributes:
        session: hexadecimal.
        peer: the other end.
        answered: whether this end answered; else it asked. None where it refused before either.
        number: of its first entry.
        hour: of the same.
        asked: elements by tier.
        permitted: whether the decision of its first entry allowed it; None where that names none.
        policies: that decided.
        terms: of the decision, those that the other end has to keep.
        policy: SHA-256 of the policies, hexadecimal, or ''.
        released: entries and tokens that left in it for the first time.
        end: event that ended it, or ''.
        request: SHA-256 of the signed request, or ''.
        receipt: the same of the result.
    """

    session: str
    peer: str
    answered: bool | None
    number: int
    hour: int
    purpose: str
    mode: str
    asked: Mapping[str, int] = field(default_factory=dict)
    permitted: bool | None = None
    policies: tuple[str, ...] = ()
    terms: str = ""
    policy: str = ""
    released: int = 0
    end: str = ""
    request: str = ""
    receipt: str = ""

    def is_continued_by(self, said: Said) -> bool:
        """Whether an entry that tells of a failure is about this session, which is under way."""
        same = (said.purpose, said.mode) == (self.purpose, self.mode)
        return self.answered is not None and not self.end and same and said.request in ("", self.request)


class Sessions:
    """Checks the sessions of one log, entry by entry.

    Args:
        member: whose log it is.
        coalition: that it is of.
        documents: of the file.
        findings: of the file.
    """

    def __init__(self, member: str, coalition: str, documents: Documents, findings: Findings) -> None:
        self._member = member
        self._coalition = coalition
        self._documents = documents
        self._findings = findings
        self._released: dict[tuple[str, str, str], int] = {}
        self.found: dict[tuple[str, str], Session] = {}

    def take(self, said: Said, *, whole: bool) -> None:
        """Checks an entry.

        Args:
            said: in the order of the log.
            whole: every entry before it is open.
        """
        if said.event not in _OF_SESSIONS or not said.session:
            return
        held = self.found.get((said.session, said.peer))
        if said.event in _REFUSALS and (held is None or not held.is_continued_by(said)):
            # A peer can name the id of another session in what is refused: that says nothing about this one.
            held = self._begun(said)
            self.found.setdefault((said.session, said.peer), held)
        elif said.event in ("asked", "answered"):
            if held is not None and held.answered is not None:
                self._broken(said, "session.twice", "opens a session that was held before")
            held = self.found[said.session, said.peer] = self._begun(said)
        elif held is None or held.answered is None:
            self._unopened(said, whole=whole)
            held = self.found[said.session, said.peer] = self._begun(said)
        else:
            self._continued(said, held)
        if said.event in ("released", "withdrawn"):
            self._release(said, held)
        if said.event in _ENDS:
            held.end = said.event
        if said.request:
            self._check_request(said, held)
        if said.event in ("ended", "learned") and said.receipt:
            self._check_result(said, held, whole=whole)

    def disclosures(self, file: str) -> list[Disclosure]:
        """What was disclosed in each session, in no order."""
        return [self._disclosure(each, file) for each in self.found.values()]

    def _begun(self, said: Said) -> Session:
        """A session as its first entry tells it."""
        held = Session(
            session=said.session,
            peer=said.peer,
            answered=_PARTS.get(said.event),
            number=said.number,
            hour=said.hour,
            purpose=said.purpose,
            mode=said.mode,
            asked=said.asked,
            request=said.request,
        )
        record = said.decision
        if record is not None:
            obligations = record.decision.obligations
            held.permitted = record.decision.allowed
            held.policies = record.decision.policies
            held.terms = Obligations(no_onward=obligations.no_onward, retain=obligations.retain).text()
            held.policy = record.decision.bundle_sha256.hex()
        return held

    def _continued(self, said: Said, held: Session) -> None:
        if (said.purpose, said.mode) != (held.purpose, held.mode):
            self._broken(said, "session.changed", "names another purpose or mode than its session has")
        if held.end in _REFUSALS:
            self._findings.add(
                "note",
                "session.failed",
                f"Entry {said.number} tells of a session after an entry that said it had failed: the peer "
                "may have asked twice under one id.",
                said.number,
            )
        elif held.end:
            self._broken(said, "session.ended", f"tells of a session that had ended ({held.end})")

    def _unopened(self, said: Said, *, whole: bool) -> None:
        what = "ends a session that no earlier entry opens"
        if said.event in ("permitted", "released", "withdrawn"):
            what = "let something leave in a session that no earlier entry permits"
        if whole:
            self._broken(said, "session.unopened", what)
        else:
            self._missing(said, "session.unopened", f"{what}; it may be one of those that are closed")

    def _release(self, said: Said, held: Session) -> None:
        if held.answered is False:
            self._broken(said, "session.role", "let something leave in a session in which this member asked")
        if held.permitted is False:
            self._broken(said, "session.denied", "let something leave although the decision forbade it")
        if said.event == "released":
            count = sum(said.counts.get(name, 0) for name in ("entries", "tokens"))
            held.released += count
            so_far = (said.peer, said.purpose, said.mode)
            self._released[so_far] = self._released.get(so_far, 0) + count

    def _check_request(self, said: Said, held: Session) -> None:
        request = self._documents.requests.get(said.request)
        if request is None:
            self._missing(said, "request", "names a signed request that is not in the file, or does not hold")
            return
        if held.request and held.request != said.request:
            self._broken(said, "request.other", "names another signed request than its session began with")
        held.request = said.request
        if wrong := self._differs(request, said, held):
            self._broken(
                said, "request.differs", f"does not say what the signed request says: {', '.join(wrong)}"
            )

    def _differs(self, request: Request, said: Said, held: Session) -> list[str]:
        ends = (said.peer, self._member) if held.answered is False else (self._member, said.peer)
        pairs = {
            "members": ((request.sender, request.receiver), ends),
            "coalition": (request.coalition, self._coalition),
            "session": (request.session, said.session),
            "purpose": (request.purpose, said.purpose),
            "mode": (request.mode, said.mode),
            "keys asked": (dict(request.tiers), dict(held.asked or request.tiers)),
        }
        wrong = [name for name, (signed, told) in pairs.items() if signed != told]
        if said.event in ("asked", "answered", "denied") and abs(request.hour - said.hour) > CLOCK_HOURS:
            wrong.append("hour")
        return wrong

    def _check_result(self, said: Said, held: Session, *, whole: bool) -> None:
        signed = self._documents.results.get(said.receipt)
        if signed is None:
            self._missing(said, "receipt", "names a signed result that is not in the file, or does not hold")
            return
        held.receipt = said.receipt
        result = signed.result
        if result.request != held.request:
            self._broken(said, "receipt.other", "names a result of another session")
        if held.asked and dict(result.asked) != dict(held.asked):
            self._broken(said, "receipt.asked", "names a result with another number of keys asked")
        if abs(result.hour - said.hour) > CLOCK_HOURS:
            self._broken(said, "receipt.hour", f"names a result signed at {hour_words(result.hour)}")
        if said.event == "ended":
            self._check_own(said, held, signed, whole=whole)

    def _check_own(self, said: Said, held: Session, signed: SignedResult, *, whole: bool) -> None:
        """What only the end that answered can be held to: it signed by what it decided and sent."""
        result, sent = signed.result, sum(signed.result.sent.values())
        if held.policy and (result.policy, result.terms) != (held.policy, held.terms):
            self._broken(
                said, "receipt.policy", "names a result by other policies or terms than were decided"
            )
        so_far = self._released.get((said.peer, said.purpose, said.mode), 0)
        # What left in earlier sessions of a key epoch is sent again to who lost it.
        more = sent > so_far or (held.mode == "size" and sent != held.released)
        if sent < held.released or (whole and more):
            self._broken(
                said,
                "receipt.sent",
                f"names a result by which {sent} entries left; the log tells of {held.released} in this "
                f"session and {so_far} in all",
            )

    def _disclosure(self, held: Session, file: str) -> Disclosure:
        signed = self._documents.results.get(held.receipt)
        ends = (held.peer, self._member) if held.answered is not False else (self._member, held.peer)
        receipts: Receipts = "none"
        if signed is not None:
            receipts = "both" if len(signed.signers) == len(set(ends)) else "one"
        outcome: Outcome = "complete" if held.end in ("ended", "learned") else "ended early"
        if held.end == "denied" and not held.released:
            outcome = "refused"
        terms = held.terms
        asked, sent, policies = held.asked, held.released, held.policies
        if signed is not None:
            sent, terms = sum(signed.result.sent.values()), signed.result.terms
        request = self._documents.requests.get(held.request)
        if not asked and request is not None:
            asked = request.tiers
        return Disclosure(
            session=held.session,
            asker=ends[0],
            owner=ends[1],
            hour=held.hour,
            purpose=held.purpose,
            mode=held.mode,
            asked=dict(asked),
            sent=sent,
            policies=policies if held.answered is not False else (),
            terms="".join(filter(str.isprintable, terms)),
            receipts=receipts,
            outcome=outcome,
            told_by=(file,),
        )

    def _broken(self, said: Said, code: str, what: str) -> None:
        self._findings.add("broken", code, f"Entry {said.number} {what}.", said.number)

    def _missing(self, said: Said, code: str, what: str) -> None:
        self._findings.add("missing", code, f"Entry {said.number} {what}.", said.number)
