"""Whatever is done to the audit log, in whatever order: what was said stays provable, and nothing else is."""

import contextlib
import json
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import insert, text

from symbolon.audit.checkpoint import Checkpoint, parse_checkpoint
from symbolon.audit.document import Document
from symbolon.audit.entry import EVENTS, FIELDS, Entry
from symbolon.audit.merkle import Frontier, prove_consistency, verify_consistency
from symbolon.errors import AuditError
from symbolon.storage.audit_checkpoints import CHECKPOINT_FILE
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.storage.exchange_schema import journal_line
from symbolon.storage.seal import Sealer
from whole_log import assert_checkpoints_fit, assert_log_whole, checkpoints_of, unproven

NewDatabase = Callable[[], contextlib.AbstractContextManager[str]]

MEMBERS = ("farm", "mill", "port")
HASHES = st.sampled_from(["", *(Document("request", bytes([n])).sha256 for n in range(3))])
# PostgreSQL keeps no NUL in text, and nothing that an entry says has one.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
ENTRIES = st.builds(
    Entry,
    event=st.sampled_from(sorted(EVENTS)),
    peer=st.sampled_from(("", *MEMBERS)),
    session=st.sampled_from(("", "ab" * 16)),
    mode=st.sampled_from(("", "size", "intersection")),
    purpose=TEXTS,
    counts=st.dictionaries(TEXTS, st.integers(0, 2**40), max_size=2),
    note=TEXTS,
    decision=TEXTS,
    request=HASHES,
    receipt=HASHES,
)
BATCHES = st.lists(ENTRIES, max_size=5)


class _UndoneError(Exception):
    pass


class LogOfANode(RuleBasedStateMachine):
    """Two openers of one database, as `serve` and a command of the operator are."""

    new_database: NewDatabase

    def __init__(self) -> None:
        super().__init__()
        self.stack = contextlib.ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        url = self.stack.enter_context(type(self).new_database())
        self.databases = [self.stack.enter_context(Database.open(url, create=True)) for _ in range(2)]
        self.now_s = 1_800_000_000.0
        self.logs = [AuditLog(each, Sealer(bytes(32)), lambda: self.now_s) for each in self.databases]
        self.file = folder / CHECKPOINT_FILE
        self.checkpoints = [
            checkpoints_of(*each, self.file) for each in zip(self.databases, self.logs, strict=True)
        ]
        self.said: list[tuple[int, dict[str, str] | None]] = []
        self.leaves: list[bytes] = []
        self.shown: list[Checkpoint] = []
        self.journal: list[tuple[int, dict[str, str]]] = []
        self.documents: dict[str, tuple[str, dict[str, bytes]]] = {}

    def teardown(self) -> None:
        self.stack.close()

    def _say(self, *entries: Entry) -> None:
        self.said += [(int(self.now_s), each.values(self.now_s, "local")) for each in entries]

    @rule(who=st.integers(0, 1), entries=BATCHES)
    def append(self, who: int, entries: list[Entry]) -> None:
        self.logs[who].append(*entries)
        self._say(*entries)

    @rule(who=st.integers(0, 1), first=BATCHES, then=BATCHES)
    def append_twice_in_one_transaction(self, who: int, first: list[Entry], then: list[Entry]) -> None:
        with self.databases[who].transaction("test") as connection:
            self.logs[who].append_in(connection, *first)
            self.logs[who].append_in(connection, *then)
        self._say(*first, *then)

    @rule(who=st.integers(0, 1), entries=BATCHES)
    def append_and_undo(self, who: int, entries: list[Entry]) -> None:
        def undone() -> None:
            with self.databases[who].transaction("test") as connection:
                self.logs[who].append_in(connection, *entries, documents=[Document("policy", b"undone")])
                raise _UndoneError

        with pytest.raises(_UndoneError):
            undone()

    @rule(batches=st.lists(st.tuples(st.integers(0, 1), ENTRIES), min_size=2, max_size=4))
    def append_from_threads(self, batches: list[tuple[int, Entry]]) -> None:
        before = self.logs[0].size()
        threads = [threading.Thread(target=self.logs[who].append, args=(each,)) for who, each in batches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # In whichever order: that of the log counts.
        came = [dict(each.values) for each in self.logs[0].entries(before)]
        wanted = [each.values(self.now_s, "local") for _, each in batches]
        assert sorted(map(json.dumps, came)) == sorted(map(json.dumps, wanted))
        self.said += [(int(self.now_s), each) for each in came]

    @rule(seconds=st.sampled_from([1, 3600, 86400]))
    def wait(self, seconds: int) -> None:
        self.now_s += seconds

    @rule(who=st.integers(0, 1))
    def sign(self, who: int) -> None:
        shown = parse_checkpoint(self.checkpoints[who].sign().text)
        assert shown.size == len(self.said)
        if not self.shown or self.shown[-1] != shown:
            self.shown.append(shown)

    @rule(who=st.integers(0, 1), days=st.integers(0, 3))
    def erase(self, who: int, days: int) -> None:
        before_s = int(self.now_s) - 86400 * days
        old = [at for at, (at_s, values) in enumerate(self.said) if values is not None and at_s < before_s]
        assert self.logs[who].erase_before(before_s) == len(old)
        if not old:
            return
        for at in old:
            self.said[at] = (self.said[at][0], None)
        named = {
            values[name] for _, values in self.said if values is not None for name in ("request", "receipt")
        }
        self.documents = {
            sha256: each
            for sha256, each in self.documents.items()
            if sha256 in named or each[0] not in ("request", "result")
        }
        self._say(Entry("erased", "", counts={"entries": len(old)}))

    @rule(
        who=st.integers(0, 1),
        kind=st.sampled_from(["request", "result", "policy"]),
        number=st.integers(0, 2),
        signers=st.sets(st.sampled_from(MEMBERS)),
        in_entry=st.booleans(),
    )
    def keep(self, who: int, kind: Any, number: int, signers: set[str], in_entry: bool) -> None:
        signatures = {each: bytes([len(self.said) % 256]) * 64 for each in sorted(signers)}
        document = Document(kind, bytes([number]), signatures)
        if in_entry:
            entry = Entry("ended", "farm", receipt=document.sha256)
            self.logs[who].append(entry, documents=[document])
            self._say(entry)
        else:
            self.logs[who].keep(document)
        known, held = self.documents.get(document.sha256, (kind, {}))
        self.documents[document.sha256] = (known, {**signatures, **held})

    @rule(
        lines=st.lists(
            st.tuples(st.integers(0, 10**9), st.dictionaries(TEXTS, st.integers(0, 9)), TEXTS), max_size=3
        )
    )
    def write_as_an_earlier_release(self, lines: list[tuple[int, dict[str, int], str]]) -> None:
        for at_s, counts, note in lines:
            entry = Entry("released", "farm", "cd" * 16, "size", "due-diligence", counts, note)
            values = entry.values(at_s, "op-1")
            row = {name: values[name] for name in ("event", "peer", "mode", "purpose", "counts", "note")}
            with self.databases[0].transaction("test") as connection:
                connection.execute(
                    insert(journal_line).values(at_s=at_s, session_id="cd" * 16, operator="op-1", **row)
                )
            self.journal.append((at_s, values))

    @rule(who=st.integers(0, 1))
    def adopt(self, who: int) -> None:
        assert self.logs[who].adopt_journal() == len(self.journal)
        assert self.logs[1 - who].adopt_journal() == 0
        self.said += self.journal
        self.journal = []

    @rule()
    def lose_the_file(self) -> None:
        self.file.unlink(missing_ok=True)

    @precondition(lambda self: len(self.shown) > 1)
    @rule(data=st.data())
    def tell_that_the_head_was_set_back(self, data: st.DataObject) -> None:
        """And put it right again: the log is whole afterwards as if nobody had tried."""
        size = data.draw(st.integers(0, self.shown[-1].size - 1))
        frontier = self.logs[0].frontier()
        move = "UPDATE audit_head SET size = :size, frontier = :frontier"
        back = Frontier().extend(self.leaves[:size])[0]
        for each in (back, frontier):
            with self.databases[0].transaction("attack") as connection:
                connection.execute(text(move), {"size": each.size, "frontier": each.to_bytes()})
            if each is back:
                with pytest.raises(AuditError, match="missing"):
                    self.checkpoints[1].require_whole()

    @invariant()
    def log_is_what_was_said(self) -> None:
        entries = assert_log_whole(self.databases[0], self.logs[1])
        assert [each.leaf for each in entries[: len(self.leaves)]] == self.leaves
        self.leaves = [each.leaf for each in entries]
        for each, (at_s, values) in zip(entries, self.said, strict=True):
            assert each.at_s == at_s
            assert dict(each.values) == (values or dict.fromkeys(FIELDS, ""))
            assert (each.salts is None) == (values is None)

    @invariant()
    def checkpoints_lead_to_one_another(self) -> None:
        entries = list(self.logs[0].entries())
        kept = assert_checkpoints_fit(self.checkpoints[0], self.file, entries)
        assert kept[: len(self.shown)] == self.shown
        for old, new in zip(self.shown, self.shown[1:], strict=False):
            proof = prove_consistency(old.size, new.size, self.logs[1].nodes)
            if old.size:
                verify_consistency(old.size, new.size, old.root, new.root, proof)
        if self.shown:
            assert unproven(self.logs[1], self.shown[-1]) == set()

    @invariant()
    def documents_keep_every_signature(self) -> None:
        for number in range(3):
            sha256 = Document("policy", bytes([number])).sha256
            held = self.logs[1].document(sha256)
            found = None if held is None else (held.kind, dict(held.signatures))
            assert found == self.documents.get(sha256)
        assert self.logs[0].document(Document("policy", b"undone").sha256) is None


def test_audit_log_holds_whatever_is_done_in_whatever_order(
    new_database: NewDatabase, request: pytest.FixtureRequest
) -> None:
    class Machine(LogOfANode):
        pass

    Machine.new_database = staticmethod(new_database)  # type: ignore[assignment]
    # A database on a server takes longer to make than all that is done to it.
    most = 3 if "postgresql" in request.node.name else 8
    run_state_machine_as_test(Machine, settings=settings(max_examples=most, stateful_step_count=20))
