"""What a publisher, another member or a thief tries against the signals that a member received.

Entries come from an authenticated peer in a set of its own, so whatever is spoilt was spoilt by the peer:
the rules must hold against the publisher itself. A relay can only lose or repeat what is end to end sealed.
"""

import logging
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.exceptions import InvalidSignature
from hypothesis import given
from hypothesis import strategies as st

from received_labels import (
    PURPOSE,
    Contributor,
    alone,
    found,
    held_after,
    judged,
    signal_id,
    some_signal,
    trusting,
)
from signal_makers import TODAY
from stored_signals import SEALER, Clock
from symbolon.exchange.derive import entry_masks
from symbolon.exchange.labels import SIGNAL_CHUNKS, Places
from symbolon.exchange.limits import SIGNAL_SLOTS
from symbolon.exchange.messages import SIGNAL, Hello, TierAsk
from symbolon.exchange.receiver_set import NO_OUTPUTS, OwnOutputs, join
from symbolon.exchange.sender_set import tag_prefixes
from symbolon.signals import intake as rules
from symbolon.signals.bundle import CHUNK_BYTES, HEADER_BYTES, MAX_CHUNKS, group_chunks, signed_message
from symbolon.signals.intake import Change, Found, HeldSignal, Intake, Refusal, take_in
from symbolon.signals.revisions import dispute, recall, reply, revise
from symbolon.signals.signal import NO_DISPUTE
from symbolon.signals.vocabulary import RecallReason
from symbolon.storage.database import Database
from symbolon.storage.exchange_receiver_store import ReceiverStore, Update
from symbolon.storage.exchange_schema import received_part
from symbolon.storage.received_signal_columns import open_label, open_links, open_narrative
from symbolon.storage.received_signal_schema import (
    received_form,
    received_narrative,
    received_signal_link,
)
from symbolon.storage.received_signal_store import ReceivedSignalStore
from symbolon.storage.received_signal_writer import FeedPosition
from unit.exchange.harness import SUITE, rng_of

NGO, MILL = Contributor(), Contributor("mill", 3)
FIRST = some_signal(1)
ID = FIRST.signal_id
GONE = recall(FIRST, TODAY, RecallReason.DISPUTE_UPHELD)
_DAY_S = 86400
_STATE_BYTE, _STATE_BITS = 29, 0b11000
"""Where a label says whether it stands; see `signals.bundle`."""


def session(*labels: Found, held: dict[bytes, HeldSignal] | None = None, verify: Any = NGO.verify) -> Intake:
    return take_in(labels, held or {}, verify=verify, today=TODAY)


def after(*sessions: list[Found]) -> dict[bytes, HeldSignal]:
    held: dict[bytes, HeldSignal] = {}
    for labels in sessions:
        held = held_after(session(*labels, held=held), held)
    return held


# ------------------------------------------------------------------------------- recalls and revisions


def test_recall_replayed_as_a_signal_is_not_believed() -> None:
    header = bytearray(NGO.label(GONE)[0])
    assert header[_STATE_BYTE] & _STATE_BITS == 0b10000
    header[_STATE_BYTE] ^= _STATE_BITS
    intake = session(found((bytes(header),)))
    assert (intake.taken, intake.recalls, intake.refused) == ({}, {}, {Refusal.FORGED: 1})


def test_signal_replayed_after_its_recall_stays_recalled_through_every_session() -> None:
    label, gone = found(NGO.label(FIRST)), found(NGO.label(GONE))
    held = after([label], [gone])
    for replayed in ([label], [label, gone], [], [found(NGO.label(revise(FIRST, TODAY, confidence=2)))]):
        intake = session(*replayed, held=held)
        assert (intake.taken, intake.stands, intake.recalls) == ({}, {}, {})
        held = held_after(intake, held)


def test_revision_lowered_in_its_header_is_not_signed() -> None:
    label = NGO.label(revise(FIRST, TODAY, confidence=9))
    lowered = label[0][:18] + (1).to_bytes(2) + label[0][20:]
    assert session(found((lowered,))).refused == {Refusal.FORGED: 1}


def test_older_revision_replayed_does_not_undo_a_correction() -> None:
    """The first one accused of more than the contributor maintains."""
    milder = revise(FIRST, TODAY, confidence=9)
    held = after([found(NGO.label(FIRST))], [found(NGO.label(milder))])
    intake = session(found(NGO.label(FIRST)), held=held)
    assert (intake.taken, intake.vanished, intake.refused) == ({}, frozenset(), {Refusal.LOWER: 1})


def test_revision_that_silences_the_supplier_is_not_believed() -> None:
    spoken = reply(dispute(FIRST, TODAY, "Not so."), TODAY, "All wages were paid.")
    silent = replace(spoken, revision=9, reply=None, dispute=NO_DISPUTE)
    held = after([found(NGO.label(spoken))])
    for label in (NGO.label(silent), NGO.label(silent, "redact(indicators)")):
        intake = session(found(label), held=held)
        assert (intake.taken, intake.refused) == ({}, {Refusal.SUPPLIER_SIDE: 1})


# ----------------------------------------------------------------------------------------------- forgery


def test_forged_contributor_is_not_believed() -> None:
    """Another member's key; another member's true label; a label for another coalition."""
    stolen = MILL.label(FIRST)
    posing = Contributor("ngo", 3).label(FIRST)
    header = NGO.label(FIRST)[0][:HEADER_BYTES]
    elsewhere = (header + NGO.key.sign(signed_message("other-coalition", "ngo", header)),)
    bare = (header + NGO.key.sign(header),)
    intake = session(*(found(each) for each in (stolen, posing, elsewhere, bare)))
    assert (intake.taken, intake.refused) == ({}, {Refusal.FORGED: 4})


def test_signature_of_one_header_under_another_is_not_believed() -> None:
    one, other = NGO.label(FIRST)[0], NGO.label(some_signal(2))[0]
    assert session(found((one[:HEADER_BYTES] + other[HEADER_BYTES:],))).refused == {Refusal.FORGED: 1}


def test_attachments_of_one_signal_under_another_are_not_believed() -> None:
    one, other = reply(FIRST, TODAY, "We paid them all."), reply(FIRST, TODAY, "We paid none. It")
    mixed = (NGO.label(one)[0], *NGO.label(other)[1:])
    assert session(found(mixed)).refused == {Refusal.MALFORMED: 1}


def test_verifier_that_fails_with_the_librarys_own_error_ends_nothing() -> None:
    def verify(header: bytes, signature: bytes) -> None:
        raise InvalidSignature

    assert session(found(NGO.label(FIRST)), verify=verify).refused == {Refusal.FORGED: 1}


@given(st.lists(st.binary(max_size=160), max_size=4), st.binary(min_size=HEADER_BYTES, max_size=HEADER_BYTES))
def test_publisher_that_signs_noise_raises_nothing_and_is_not_believed(
    noise: list[bytes], header: bytes
) -> None:
    signed = tuple(each.ljust(CHUNK_BYTES, b"\0")[:CHUNK_BYTES] for each in noise)
    numbered = tuple(bytes((2, at)) + each[2:] for at, each in enumerate(signed, 1))
    for head in (header, bytes((1, 1 + len(signed))) + header[2:]):
        first = head + NGO.sign(head)
        for label in ((first,), (first, *signed), (first, *numbered), tuple(noise)):
            intake = session(found(label))
            assert sum(intake.refused.values()) + len(intake.taken) + len(intake.recalls) == 1


@pytest.mark.parametrize("text", [b"[" * 4914, b'{"reply":' * 540, b"\xff" * 4914, b'{"a":1e999999}'])
def test_publisher_that_signs_nested_or_broken_attachments_raises_nothing(text: bytes) -> None:
    pieces = [text[at : at + CHUNK_BYTES - 2] for at in range(0, len(text), CHUNK_BYTES - 2)][
        : MAX_CHUNKS - 1
    ]
    attached = b"".join(pieces).rstrip(b"\0")
    header = bytearray(NGO.label(FIRST)[0][:HEADER_BYTES])
    header[1] = 1 + len(pieces)
    header[-20:] = sha256(attached).digest()[:20]
    chunks = [bytes((2, at)) + piece.ljust(CHUNK_BYTES - 2, b"\0") for at, piece in enumerate(pieces, 1)]
    label = (bytes(header) + NGO.sign(bytes(header)), *chunks)
    assert session(found(label)).refused == {Refusal.MALFORMED: 1}


# ------------------------------------------------------------------------------------------ equivocation


def test_equivocation_under_the_keys_of_two_suppliers_is_believed_for_neither() -> None:
    mild, grave = replace(FIRST, confidence=1), replace(FIRST, confidence=99)
    intake = session(found(NGO.label(mild), 1), found(NGO.label(grave), 2))
    assert (intake.taken, intake.stands, intake.refused) == ({}, {}, {Refusal.CONTRADICTORY: 2})


def test_equivocation_hidden_behind_a_form_that_tells_less_is_believed_for_none() -> None:
    """The narrow form agrees with both others, which contradict each other."""
    mild, grave = replace(FIRST, confidence=1), replace(FIRST, confidence=99)
    labels = NGO.label(mild), NGO.label(grave), NGO.label(mild, "redact(confidence)")
    for held in ({}, after([found(labels[0])]), after([found(labels[2])])):
        intake = session(*(found(each, at) for at, each in enumerate(labels, 1)), held=held)
        assert intake.taken == {}
        assert intake.refused[Refusal.CONTRADICTORY] >= 2


def test_equivocation_over_sessions_leaves_what_was_believed_first() -> None:
    held = after([found(NGO.label(replace(FIRST, confidence=1)))])
    intake = session(found(NGO.label(replace(FIRST, confidence=99))), held=held)
    assert (intake.taken, intake.kept, intake.refused) == ({}, frozenset({ID}), {Refusal.CONTRADICTORY: 1})


def test_equivocation_with_a_recall_takes_the_signal_back_in_every_order() -> None:
    """Whoever signed both has taken it back at least once."""
    stands, gone = NGO.label(replace(FIRST, revision=2)), NGO.label(GONE)
    for labels in ([found(stands), found(gone)], [found(gone), found(stands)]):
        assert list(session(*labels).recalls) == [ID]
    assert list(session(found(gone), held=after([found(stands)])).recalls) == [ID]
    assert session(found(stands), held=after([found(gone)])).taken == {}


def test_recall_of_a_lower_number_still_ends_the_signal() -> None:
    """A publisher that numbers badly, or lies, has taken it back all the same."""
    held = after([found(NGO.label(replace(FIRST, revision=7)))])
    assert list(session(found(NGO.label(GONE)), held=held).recalls) == [ID]


# ------------------------------------------------------------------------------------- too much of it


def test_entry_planted_under_many_keys_is_one_signal_about_many_suppliers() -> None:
    label = NGO.label(FIRST)
    planted = [found(label, 10 * at, 10 * at + 1, tier="ABC"[at % 3], key_id=at) for at in range(1, 5001)]
    started = time.monotonic()
    intake = session(*planted)
    assert time.monotonic() - started < 20
    assert intake.counts()["added"] == 1
    links = intake.links(ID)
    assert len(links) == 10_000
    assert {len(each.key_ids) for each in links} == {1}


def test_ten_thousand_junk_labels_under_one_key_take_bounded_time_and_hide_nothing() -> None:
    rng = rng_of("junk")
    own = NGO.label(FIRST)
    junk = [b"\x01\x01" + rng(CHUNK_BYTES - 2) for _ in range(4_000)]
    junk += [b"\x01\x28" + rng(CHUNK_BYTES - 2) for _ in range(2_000)]
    junk += [own[0][:-1] + rng(1) + b"" for _ in range(1_000)]
    junk += [b"\x02\x01" + rng(CHUNK_BYTES - 2) for _ in range(1_000)]
    junk += [rng(CHUNK_BYTES) for _ in range(1_000)]
    # As many contents of one number as there is time to sign.
    junk += [
        NGO.label(replace(some_signal(2), confidence=at % 100, revision=at + 1))[0] for at in range(1_000)
    ]
    started = time.monotonic()
    groups = group_chunks([*junk, *own])
    intake = session(*(found(each, 1) for each in groups))
    assert time.monotonic() - started < 60
    assert intake.taken[ID].chunks == own
    assert intake.refused[Refusal.FORGED] > 4_000
    assert intake.taken[signal_id(2)].signal.revision == 1_000
    assert SIGNAL_SLOTS < 10_000


def test_ten_thousand_contents_of_one_number_take_bounded_time() -> None:
    labels = [
        NGO.label(replace(FIRST, native=None, confidence=at % 101, review=TODAY + timedelta(days=at // 101)))
        for at in range(10_000)
    ]
    started = time.monotonic()
    intake = session(*(found(each, 1) for each in labels))
    assert time.monotonic() - started < 60
    assert intake.refused == {Refusal.CONTRADICTORY: 10_000}


def test_flood_of_signed_labels_is_cut_off_and_the_next_session_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rules, "MAX_JUDGED", 20)
    looked_at = 0

    def verify(header: bytes, signature: bytes) -> None:
        nonlocal looked_at
        looked_at += 1
        NGO.verify(header, signature)

    labels = [found(NGO.label(some_signal(number))) for number in range(50)]
    held: dict[bytes, HeldSignal] = {}
    for total in (20, 40, 50):
        intake = session(*labels, held=held, verify=verify)
        held = held_after(intake, held)
        assert (len(held), looked_at) == (total, total)


def test_refused_labels_leave_no_word_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    spoken = reply(FIRST, TODAY, "canary of the supplier")
    label = NGO.label(spoken)
    session(
        found(MILL.label(spoken)),
        found(label[:1]),
        found(label),
        found(NGO.label(replace(spoken, confidence=1))),
    )
    assert "canary" not in caplog.text
    assert ID.hex() not in caplog.text


# ------------------------------------------------------------------------------------------- the store


@dataclass
class Member:
    """A member that asks others, with its database in a file."""

    path: Path
    database: Database
    clock: Clock

    def __post_init__(self) -> None:
        self.store = ReceivedSignalStore(self.database, SEALER, self.clock)
        self.receiving = ReceiverStore(self.database, SEALER, self.clock)

    def looks(self, *labels: Found, who: Contributor = NGO, purpose: str = PURPOSE) -> Intake:
        intake = judged(self.store, labels, self.clock.today, who=who, purpose=purpose)
        positions = [FeedPosition(each, 1, 1) for each in "ABC"]
        with self.database.transaction("a lookup") as connection:
            self.store.save(connection, who.name, purpose, intake, key_id=who.key_id, positions=positions)
        return intake

    def shown(self) -> dict[str, int]:
        """Revisions by publisher."""
        return {view.peer: view.signal.revision for view in self.store.views(trusting(NGO, MILL))}

    def rows(self, table: Any) -> list[Any]:
        with self.database.read("look") as connection:
            return list(connection.execute(table.select()))

    def files(self) -> bytes:
        """Every byte of the database once its write-ahead log was taken in."""
        with sqlite3.connect(self.path) as connection:
            assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        connection.close()
        return b"".join(
            each.read_bytes()
            for each in sorted(self.path.parent.iterdir())
            if each.name.startswith("node.db")
        )


@pytest.fixture
def member(tmp_path: Path) -> Iterator[Member]:
    path = tmp_path / "node.db"
    with Database.open(f"sqlite:///{path}", create=True) as database:
        yield Member(path, database, Clock())


def test_recall_and_revision_of_anothers_id_touch_nothing_of_it(member: Member) -> None:
    member.looks(found(NGO.label(FIRST)))
    member.looks(found(MILL.label(replace(FIRST, revision=50, confidence=1))), who=MILL)
    assert member.shown() == {"ngo": 1, "mill": 50}
    member.looks(found(MILL.label(replace(GONE, revision=60))), who=MILL)
    assert member.shown() == {"ngo": 1}
    assert member.looks(found(NGO.label(revise(FIRST, TODAY, confidence=2)))).ids(Change.REVISED) == {ID}


def test_id_of_another_peer_taken_first_does_not_keep_the_true_one_out(member: Member) -> None:
    """Members that share a peer see the same ids; one that copies them must not silence their author."""
    member.looks(found(MILL.label(GONE)), who=MILL)
    member.looks(found(NGO.label(FIRST)))
    assert member.shown() == {"ngo": 1}
    (view,) = member.store.views(trusting(NGO, MILL))
    assert view.also_under == ("mill",)


def test_signal_withdrawn_and_given_again_does_not_outlast_its_terms(member: Member) -> None:
    label = found(NGO.label(FIRST, "retain(10)"))
    started_s = member.clock()
    for _ in range(5):
        member.looks(label)
        (view,) = member.store.views(trusting(NGO))
        assert view.erase_at_s == started_s + 10 * _DAY_S
        member.clock.pass_days(1)
        member.looks()
        member.clock.pass_days(1)
    assert member.looks(label).refused == {Refusal.RETENTION_OVER: 1}
    assert member.shown() == {}


def test_labels_of_one_purpose_are_never_shown_for_another(member: Member) -> None:
    member.looks(found(NGO.label(FIRST), 1))
    for reading in (
        member.store.views(trusting(NGO), purpose="training"),
        member.store.export(trusting(NGO), purpose="training"),
        member.store.by_supplier([1], trusting(NGO), purpose="training")[1],
    ):
        assert list(reading) == []


# --------------------------------------------------------------------------------- a thief after a recall

_TAG_BYTES = 10
_CONTEXT = b"context"
_NARRATIVE = "The canary of the narrative. " * 600


def _entries(given: dict[int, tuple[bytes, ...]], outputs: dict[int, bytes], rng: Any) -> bytes:
    """A delta with one label under each key, and dummies."""
    kind = SIGNAL_CHUNKS
    rows = [rng(kind.entry_bytes(_TAG_BYTES)) for _ in range(40)]
    for key, label in given.items():
        for slot, chunk in enumerate(label):
            mask = entry_masks(outputs[key], slot, _TAG_BYTES, kind.secret_bytes, kind.use)
            tag = mask[:, :_TAG_BYTES]
            place = Places(_CONTEXT, tag, np.array([slot], np.uint8), np.array([1], np.uint32))
            hidden = kind.hide(
                mask[:, _TAG_BYTES:], np.frombuffer(chunk, np.uint8).reshape(1, -1), place, rng
            )
            rows.append(tag.tobytes() + hidden.tobytes())
    array = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1)
    return array[np.argsort(tag_prefixes(array))].tobytes()


def _receive(member: Member, given: dict[int, tuple[bytes, ...]], purpose: str) -> OwnOutputs:
    """What a session leaves of the exchange; gives the own outputs before anything was opened."""
    rng = rng_of(f"thief {purpose}")
    outputs = {key: rng(64) for key in given}
    joined = b"".join(outputs.values())
    kind = SIGNAL_CHUNKS
    probes = entry_masks(joined, 0, _TAG_BYTES, kind.secret_bytes, kind.use).tobytes()
    own = OwnOutputs(np.array(list(given), np.uint64), joined, np.zeros(len(given), np.uint8), probes)
    deltas = {1: _entries(given, outputs, rng)}
    _, moved, hits = join(NO_OUTPUTS, own, {}, deltas, tag_bytes=_TAG_BYTES, kind=kind, context=_CONTEXT)
    assert len(hits) == sum(map(len, given.values()))
    hello = Hello(rng(16), SUITE.name, "grove", SIGNAL, "lookup", purpose, 0, (TierAsk("A", 64),))
    with member.database.transaction("a session") as connection:
        update = Update("A", _TAG_BYTES, NO_OUTPUTS, moved, hits, deltas)
        member.receiving.save(connection, hello, "ngo", 1, [update])
    return own


def _everything_sealed(member: Member) -> list[bytes]:
    """The plaintext of every sealed value, as somebody reads it who has the key as well."""
    found = [
        b"".join(open_label(SEALER, row.peer, row.purpose, bytes.fromhex(row.signal_id), row.content).chunks)
        for row in member.rows(received_form)
    ]
    found += [
        open_narrative(SEALER, row.peer, row.purpose, bytes.fromhex(row.signal_id), row.text).encode()
        for row in member.rows(received_narrative)
    ]
    found += [
        open_links(SEALER, row.peer, row.purpose, row.tier, row.payload).encode()
        for row in member.rows(received_signal_link)
    ]
    for row in member.rows(received_part):
        place = f"{row.set_id}/{row.kind}/{row.number}"
        found.append(SEALER.open("received_part", "payload", place, row.payload))
    return found


def _sealed_of_the_signal(member: Member) -> list[bytes]:
    """Pieces of every sealed value that holds something of the signal, as they lie in the file."""
    values = [row.content for row in member.rows(received_form) if row.signal_id == ID.hex()]
    values += [row.text for row in member.rows(received_narrative)]
    values += [row.payload for row in member.rows(received_part) if row.kind in ("hits", "entries")]
    values += [row.payload for row in member.rows(received_signal_link) if len(row.payload) > 100]
    return [each[at : at + 24] for each in values for at in range(0, len(each) - 24, 48)]


@pytest.mark.parametrize("end", ["recall", "expiry"])
def test_thief_of_file_and_key_finds_nothing_of_what_was_recalled_or_has_expired(
    member: Member, end: str
) -> None:
    told = reply(FIRST, TODAY, "The canary of the reply. " * 40)
    label, other = NGO.label(told), NGO.label(some_signal(2, expires=TODAY + timedelta(days=900)))
    own = {}
    for purpose in (PURPOSE, "training"):
        own[purpose] = _receive(member, {71: label, 72: other}, purpose)
        member.looks(found(label, 1, key_id=71), found(other, 2, key_id=72), purpose=purpose)
        with member.database.transaction("a narrative") as connection:
            member.store.save_narrative(connection, "ngo", purpose, ID, 2, _NARRATIVE)
    pieces = _sealed_of_the_signal(member)
    before = member.files()
    assert sum(each in before for each in pieces) > 0.9 * len(pieces) > 500
    assert sum(label[1] in each for each in _everything_sealed(member)) == 4

    if end == "recall":
        member.looks(found(NGO.label(recall(told, TODAY, RecallReason.ERROR))), found(other, 2, key_id=72))
    else:
        member.clock.pass_days(730)
        assert member.store.erase_due(member.clock(), alone).forms == 2

    after_it = member.files()
    assert [each for each in pieces if each in after_it] == []
    values = _everything_sealed(member)
    for chunk in label:
        assert not any(chunk in each for each in values)
    assert not any(b"canary" in each for each in values)
    for purpose, outputs in own.items():
        held = member.receiving.held("ngo", SIGNAL, purpose, SUITE.name, "A")
        assert held is not None
        deltas = member.receiving.open(held).deltas
        about = {"tag_bytes": _TAG_BYTES, "kind": SIGNAL_CHUNKS, "context": _CONTEXT}
        hits = join(NO_OUTPUTS, outputs, {}, deltas, **about)[2]  # type: ignore[arg-type]
        assert hits.labels.tobytes() == b"".join(other)
    assert member.shown() == {"ngo": 1}


@pytest.mark.parametrize("refusal", [Refusal.RETENTION_OVER, Refusal.EXPIRED, Refusal.RECALL_UNDONE])
def test_label_that_may_not_be_kept_is_not_kept_as_an_entry_of_the_exchange_either(
    member: Member, refusal: Refusal
) -> None:
    """What a peer sends once its time is over, or after its recall, was opened by the session itself."""
    label, other = (
        NGO.label(FIRST, "retain(3)"),
        NGO.label(some_signal(2, expires=TODAY + timedelta(days=900))),
    )
    both = found(label, 1, key_id=71), found(other, 2, key_id=72)
    member.looks(*both)
    if refusal is Refusal.RECALL_UNDONE:
        member.looks(found(NGO.label(GONE)), both[1])
    else:
        member.clock.pass_days(3 if refusal is Refusal.RETENTION_OVER else 730)
    own = _receive(member, {71: label, 72: other}, PURPOSE)
    assert refusal in member.looks(*both).refused
    assert not any(label[0] in each for each in _everything_sealed(member))
    held = member.receiving.held("ngo", SIGNAL, PURPOSE, SUITE.name, "A")
    assert held is not None
    deltas = member.receiving.open(held).deltas
    about = {"tag_bytes": _TAG_BYTES, "kind": SIGNAL_CHUNKS, "context": _CONTEXT}
    hits = join(NO_OUTPUTS, own, {}, deltas, **about)[2]  # type: ignore[arg-type]
    assert hits.labels.tobytes() == b"".join(other)


def test_thief_of_file_and_key_finds_nothing_once_a_hold_is_over(member: Member) -> None:
    label = NGO.label(FIRST)
    member.looks(found(label))
    member.store.hold("ngo", ID, "the canary court", TODAY + timedelta(days=5))
    member.looks(found(NGO.label(GONE)))
    with sqlite3.connect(member.path) as connection:
        rows = connection.execute("SELECT payload FROM received_hold_content").fetchall()
        rows += connection.execute("SELECT holder FROM received_hold").fetchall()
    connection.close()
    pieces = [value[at : at + 24] for (value,) in rows for at in range(0, len(value) - 24, 24)]
    assert all(each in member.files() for each in pieces)
    member.clock.pass_days(5)
    member.store.erase_due(member.clock(), alone)
    held = member.files()
    assert not any(each in held for each in pieces)
