"""A received signal as people and programs see it.

Handles: reading it again from the label that its publisher signed, with the signature checked once more; the
own suppliers that it is about, with what a person decided about them; a recalled one, of which there is only
that it was recalled. Where the signature does not hold under the publisher's key of today, because that key
was replaced or the publisher has left, the signal is shown as not verified: it held on arrival, and to drop
it would let whoever replaces a key make unwelcome signals vanish. Specification: docs/signals.md, Taking in.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from cryptography.exceptions import InvalidSignature

from symbolon.errors import SymbolonError
from symbolon.matching.evidence import Match
from symbolon.signals.bundle import HEADER_BYTES, decode_bundle
from symbolon.signals.released import ReleasedSignal
from symbolon.signals.signature_checks import Verify
from symbolon.signals.supplier_link import Hit, SupplierLink, supplier_links
from symbolon.signals.vocabulary import RecallReason
from symbolon.storage.match_store import Decision
from symbolon.storage.received_signal_columns import Label


@dataclass(frozen=True, slots=True)
class Publisher:
    """How the labels of one member are checked now.

    Attributes:
        key_id: names the key, up to `MAX_KEY_ID_BYTES`; the public key itself will do.
        verify: told header and signature; raises where that key did not sign it.
    """

    key_id: bytes
    verify: Verify


Publishers = Callable[[str], Publisher | None]
"""Told a member id; None where that is no member any more."""


@dataclass(frozen=True, slots=True)
class ReceivedLink:
    """One own supplier that a signal is about.

    Attributes:
        link: the supplier, the band and the reasons.
        evidence: keyed digest of the keys that hit, as `MatchStore` has it.
        decision: what a person decided about these keys and this peer, in a match or here; None: nothing yet.
    """

    link: SupplierLink
    evidence: bytes
    decision: Decision | None

    @property
    def match(self) -> Match:
        """What to hand to `MatchStore.decide`."""
        return match_of(self.link)


@dataclass(frozen=True, slots=True)
class ReceivedView:
    """A signal that stands, as released for one purpose.

    Attributes:
        peer: its publisher.
        purpose: what it may be used for.
        signal: what it says.
        links: own suppliers that it is about, strongest first.
        verified: its signature holds under the publisher's key of today.
        key_id: names the key under which it held on arrival.
        first_received_at_s: when this signal was first received, seconds since 1970-01-01 UTC.
        received_at_s: when what it says now was.
        erase_at_s: when its time is over here.
        newest_revision: the highest that was received for any purpose: above that of `signal`, another
            lookup brought a newer one.
        also_under: other members that used the same id: one of them copied it, so they are not two voices.
        has_text: whether its narrative was asked for and is held.
        is_own: the publisher publishes it for this member: it is no second voice.
    """

    peer: str
    purpose: str
    signal: ReleasedSignal
    links: tuple[ReceivedLink, ...]
    verified: bool
    key_id: bytes
    first_received_at_s: int
    received_at_s: int
    erase_at_s: int
    newest_revision: int
    also_under: tuple[str, ...] = ()
    has_text: bool = False
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A signal that was recalled; nothing is left of what it said but whom it was about here.

    Attributes:
        peer: its publisher.
        revision: that took it back.
        reason: why.
        issued: day of the recall.
        recalled_at_s: when that arrived here, seconds since 1970-01-01 UTC.
        until: the day on which this is erased too.
        suppliers: own suppliers that it was about, by number, ascending; none where it was `withdrawn`, where
            it was not held when the recall came, and where that came before they were noted.
    """

    peer: str
    signal_id: bytes
    revision: int
    reason: RecallReason
    issued: date
    recalled_at_s: int
    until: date
    suppliers: tuple[int, ...] = ()

    @property
    def hex_id(self) -> str:
        """Its id as people and programs name it."""
        return self.signal_id.hex()


@dataclass(frozen=True, slots=True)
class Read:
    """What a label says.

    Attributes:
        verified: see `ReceivedView`.
    """

    signal: ReleasedSignal
    verified: bool


@dataclass(frozen=True, slots=True)
class ReceivedCounts:
    """How many signals of one publisher there are.

    Attributes:
        active: that stand.
        recalled: of which there is only that they were recalled.
        gone: withdrawn, expired or no longer permitted.
    """

    active: int = 0
    recalled: int = 0
    gone: int = 0


@dataclass(frozen=True, slots=True)
class Feed:
    """How far the signals of a peer were followed.

    Attributes:
        epoch: the peer's key epoch.
        last_delta: the highest delta taken in.
        last_looked_at_s: seconds since 1970-01-01 UTC.
    """

    peer: str
    purpose: str
    tier: str
    epoch: int
    last_delta: int
    last_looked_at_s: int


@dataclass(frozen=True, slots=True)
class KeptContent:
    """One piece of what a legal hold keeps.

    Attributes:
        purpose: that it was released for.
        revision: that it belongs to.
        kept_at_s: when it would have been erased, seconds since 1970-01-01 UTC.
        label: of a signal; None of a narrative.
        text: of a narrative; None of a signal.
    """

    purpose: str
    revision: int
    kept_at_s: int
    label: Label | None = field(default=None, repr=False)
    text: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ReceivedHold:
    """A duty to keep a received signal.

    Attributes:
        holder: who has to keep it, and why.
        until: the day on which the duty is over.
        noted_at_s: seconds since 1970-01-01 UTC.
        pieces: how many it keeps by now; none while all that there is stands.
    """

    peer: str
    signal_id: bytes
    holder: str
    until: date
    noted_at_s: int
    pieces: int


def read_label(label: Label, publisher: Publisher | None) -> Read:
    """Reads a label as it was stored and checks its signature again.

    Raises:
        SignalError: it is no label that this release reads.
    """
    signal = decode_bundle(label.chunks, lambda header, signature: None)
    if publisher is None:
        return Read(signal, verified=False)
    header, signature = label.chunks[0][:HEADER_BYTES], label.chunks[0][HEADER_BYTES:]
    try:
        publisher.verify(header, signature)
    except (SymbolonError, InvalidSignature):
        return Read(signal, verified=False)
    return Read(signal, verified=True)


def match_of(link: SupplierLink) -> Match:
    """A link in the form in which people decide about matches; signals have no handle."""
    return Match(link.supplier_no, 0, link.tier, link.reasons, link.key_ids)


def received_links(
    hits: Iterable[Hit],
    digest: Callable[[Match], bytes],
    decisions: Mapping[tuple[int, bytes], Decision],
) -> tuple[ReceivedLink, ...]:
    """The links of one signal.

    Args:
        hits: of all tiers.
        digest: `MatchStore.evidence_digest`.
        decisions: `MatchStore.decisions` of the publisher.
    """
    found = []
    for link in supplier_links(hits):
        evidence = digest(match_of(link))
        found.append(ReceivedLink(link, evidence, decisions.get((link.supplier_no, evidence))))
    return tuple(found)
