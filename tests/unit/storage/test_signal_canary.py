"""A source, a narrative, a supplier, a court: none of them ever stands in the database as it was written."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from signal_makers import TODAY, make_draft, make_subject
from stored_signals import Clock, signal_store, signed
from symbolon.signals.record_codec import encode_signal
from symbolon.signals.revisions import dispute, recall, reply, revise
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import RecallReason
from symbolon.storage.database import Database, database_file
from symbolon.storage.metadata import metadata
from symbolon.storage.signal_intake import NewSignal
from symbolon.storage.signal_store import SignalStore

DAY = timedelta(days=1)
CANARIES = {
    "source": "Zorvanpur gate guard",
    "narrative": "Velloquin dormitory",
    "statement": "Trimbelan contest",
    "reply": "Ostrakine answer",
    "subject": "Quimbara Works",
    "reference": "Fendrick file 7",
    "purpose": "purpose-Yarrowex",
    "recipient": "member-Pelloquar",
    "holder": "Court of Murtagloss",
    "chunks": "Brindlecott label",
}


def written(url: str, database: Database) -> Iterator[tuple[str, bytes]]:
    """All that is kept: every value of every column, and every byte of the files where there are some."""
    with database.read("read all") as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)):
                for column, value in row._mapping.items():
                    if isinstance(value, (bytes, str)):
                        yield f"{table.name}.{column}", value if isinstance(value, bytes) else value.encode()
    path = database_file(url)
    if path is not None:
        for each in Path(path.parent).iterdir():
            yield each.name, each.read_bytes()


def check_unreadable(url: str, database: Database, *more: bytes) -> None:
    wanted = {name: text.encode() for name, text in CANARIES.items()}
    wanted |= {f"signed {n}": each for n, each in enumerate(more)}
    wanted |= {f"{name} as hexadecimal": each.hex().encode() for name, each in wanted.items()}
    for place, content in written(url, database):
        found = [name for name, canary in wanted.items() if canary.lower() in content.lower()]
        assert not found, f"{found} in {place}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database: Database, clock: Clock) -> SignalStore:
    return signal_store(database, clock)


def step(store: SignalStore, after: Signal, note: str) -> Signal:
    if note == "recalled":
        store.recall(after, signed(after), forget_source=True)
    else:
        store.add_revision(after, signed(after), note)  # type: ignore[arg-type]
    return after


def test_canaries_stand_nowhere_at_any_step_of_a_signals_life(
    store: SignalStore, database: Database, database_url: str, clock: Clock
) -> None:
    draft = make_draft(
        subject=make_subject(name=CANARIES["subject"]),
        narrative=CANARIES["narrative"],
        source=CANARIES["source"],
        reference=CANARIES["reference"],
        purposes=(CANARIES["purpose"],),
        recipients=(CANARIES["recipient"],),
    )
    first = draft.first_revision(b"c" * 16, TODAY)
    new = NewSignal(first, signed(first), draft.source, draft.reference, store.content_of(draft))
    store.add_many([new])
    secrets = [signed(first), encode_signal(first)[:40]]
    check_unreadable(database_url, database, *secrets)
    store.save_forms(b"f" * 16, [(1, 1, CANARIES["chunks"].encode() * 8)])
    store.set_source(1, CANARIES["source"] + " again")
    store.hold(1, CANARIES["holder"], TODAY + 5 * DAY)
    check_unreadable(database_url, database, *secrets)
    store.release_hold(1)
    second = step(store, revise(first, TODAY, narrative=CANARIES["narrative"] + " 2"), "revised")
    third = step(store, dispute(second, TODAY, CANARIES["statement"]), "disputed")
    fourth = step(store, reply(third, TODAY, CANARIES["reply"]), "replied")
    secrets += [signed(each) for each in (second, third, fourth)]
    check_unreadable(database_url, database, *secrets)
    step(store, recall(fourth, TODAY, RecallReason.WITHDRAWN), "recalled")
    check_unreadable(database_url, database, *secrets)
    assert store.expire(clock.pass_days(800)) == 1
    check_unreadable(database_url, database, *secrets)


def test_erased_content_leaves_no_sealed_bytes_in_the_file(tmp_path: Path, clock: Clock) -> None:
    """Not even sealed: whoever gets the key later must not find in free pages what was erased."""
    url = f"sqlite:///{tmp_path}/node.db"
    with Database.open(url, create=True) as database:
        store = signal_store(database, clock)
        draft = make_draft(narrative="x" * 3000, source="y" * 3000)
        made = [draft.first_revision(bytes([n]) * 16, TODAY) for n in range(40)]
        store.add_many([NewSignal(each, signed(each), draft.source) for each in made])
        store.save_forms(b"f" * 16, [(n, 1, b"z" * 500) for n in range(1, 41)])
        values = written(url, database)
        sealed = [
            value[100:132] for place, value in values if place.startswith("signal") and len(value) > 500
        ]
        assert len(sealed) >= 80
        assert store.expire(clock.pass_days(800)) == 40
    # Closing the last connection writes the log back into the file, and removes it.
    content = (tmp_path / "node.db").read_bytes()
    assert not (tmp_path / "node.db-wal").exists()
    assert [each for each in sealed if each in content] == []
