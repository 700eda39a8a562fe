"""One session as receiver: what it asks, what is prepared for it, what it comes to; in either mode."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from symbolon.audit.document import Document
from symbolon.audit.receipt import Result
from symbolon.errors import PolicyError, RemoteProtocolError, UsageError
from symbolon.exchange.limits import MAX_ELEMENTS
from symbolon.exchange.messages import Invitation, area_of
from symbolon.exchange.receiver import Receiver
from symbolon.exchange.rules_agreement import Agreement
from symbolon.exchange.size_mode import SizeReceiver
from symbolon.matching.evidence import Evidence
from symbolon.policy.enforcement import Terms, travelling_terms
from symbolon.policy.obligations import NOTHING, parse_obligations
from symbolon.policy.permission import Direction
from symbolon.rpc.figures import Figures
from symbolon.signals.intake import Intake
from symbolon.storage.exchange_receiver_store import ReceivedState

Held = dict[str, ReceivedState]
"""What is held of the peer's sets, by tier, but for the hits."""

Progress = Callable[[str, int, int], None]
"""Told a phase in words, the items done and the items to do."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What to ask a peer.

    Attributes:
        tiers: letters of the tiers, strongest first.
    """

    peer: str
    mode: str
    purpose: str
    tiers: tuple[str, ...]
    direction: Direction = "ask"

    @property
    def area(self) -> str:
        """The area of its mode."""
        return area_of(self.mode)

    @classmethod
    def invited_by(cls, peer: str, invitation: object) -> "Ask":
        """What a peer invites this node to ask.

        Raises:
            RemoteProtocolError: the peer's first message is not an invitation.
        """
        if not isinstance(invitation, Invitation):
            raise RemoteProtocolError("the first message is not an invitation", code="protocol.state")
        tiers = tuple("".join(invitation.tiers))
        return cls(peer, invitation.mode, invitation.purpose, tiers, "invited")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an exchange ended.

    Attributes:
        counts: own suppliers matched, by band; of a lookup, signals by what happened to them; empty in size
            mode.
        evidence: of a match, all evidence by tier.
        shared: in words, size mode only.
        sentence: what this node revealed and learned.
        key_rules: whether both lists were keyed by the same rules; if not, the sentence says so.
        intake: of a lookup.
    """

    counts: Mapping[str, int]
    evidence: list[Evidence]
    shared: str
    sentence: str
    key_rules: Agreement
    intake: Intake | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A session ready to be held, and what to do with what it brings.

    Attributes:
        read: reads what is held of the peer's sets, but for the hits. Nothing that is said depends on it, so
            it is read while the peer works.
        request: as this member signed it.
        conclude: joins and stores, with what was read and what both ends signed.
    """

    session: Receiver | SizeReceiver
    request: Document
    read: Callable[[], Held]
    conclude: Callable[[Held, "Signed", Figures], Outcome]


@dataclass(frozen=True, slots=True)
class Signed:
    """What both ends signed of a session that is done.

    Attributes:
        request: by the receiver, before it.
        document: the result, by both.
        result: what that says.
    """

    request: Document
    document: Document
    result: Result

    @property
    def terms(self) -> Terms:
        """What the sender binds this member to.

        Raises:
            RemoteProtocolError: `protocol.receipt`, they are not understood.
        """
        try:
            return travelling_terms(parse_obligations(self.result.terms) if self.result.terms else NOTHING)
        except PolicyError as error:
            raise RemoteProtocolError(
                "the terms of the result are not understood", code="protocol.receipt"
            ) from error

    @property
    def terms_words(self) -> str:
        """The terms as a person is told them, after what the session brought; '' where there are none.

        Raises:
            RemoteProtocolError: as `terms`.
        """
        terms, words = self.terms, []
        if terms.no_onward:
            words.append("is not to be passed on")
        if terms.retain_days is not None:
            days = "1 day" if terms.retain_days == 1 else f"{terms.retain_days} days"
            words.append(f"is to be erased after {days}, which this node does with its own copy")
        return f" By its terms what was learned {' and '.join(words)}." if words else ""


def check_length(elements: int) -> None:
    """Refuses more elements than a session takes.

    Raises:
        UsageError: there are more.
    """
    if elements > MAX_ELEMENTS:
        raise UsageError(
            f"the list makes {elements} elements in one tier; a session takes {MAX_ELEMENTS}",
            hint="Ask for fewer tiers, or split the list over two nodes.",
        )
