"""Checks one exported log by itself: its tree, its checkpoints, its documents, its decisions, its sessions.

Handles: the lines of one file in their order. Only hashes, documents and sessions are kept. What does not
hold is a finding, and the check goes on. Refuses, by raising: a file whose form is wrong.
Specification: docs/adr/0015, Export.
"""

from collections.abc import Iterable
from typing import Final

from symbolon.audit.checkpoint import Checkpoint, parse_checkpoint
from symbolon.audit.cosignature import CosignedCheckpoint
from symbolon.audit.entry import commit, leaf_bytes
from symbolon.audit.export_decisions import Decisions
from symbolon.audit.export_documents import Claim, Documents
from symbolon.audit.export_entry import Said, is_readable, read_entry
from symbolon.audit.export_format import (
    PROOF,
    CheckpointLine,
    DocumentLine,
    EntryLine,
    Header,
    LeafLine,
    Line,
    ProofLine,
)
from symbolon.audit.export_members import ListedMembers
from symbolon.audit.export_sessions import Sessions
from symbolon.audit.merkle import HASH_BYTES, Frontier, leaf_hash, verify_inclusion
from symbolon.audit.signed_note import SignedNote, decode_note
from symbolon.audit.verdict import FileSummary, Findings, hour_words
from symbolon.errors import AuditError, SymbolonError

CLOCK_HOURS: Final = 24
"""How far the hours of a log may go back without a word: a clock that was put right."""

_LEAVES_AT_ONCE: Final = 4_096
"""Leaves whose nodes are held at once."""


class ExportedLog:
    """One file, while and after it is checked.

    Args:
        file: its name.
        header: its first line.
        members: with the roots that the file has to be read under.
        findings: filled on the way.
    """

    def __init__(self, file: str, header: Header, members: ListedMembers, findings: Findings) -> None:
        self.file = file
        self.header = header
        self.findings = findings
        self.documents = Documents(members, findings)
        self.sessions = Sessions(header.member, header.coalition, self.documents, findings)
        self._members = members
        self._decisions = Decisions(header, members, self.documents, findings)
        self._leaves = bytearray()
        self._notes: list[SignedNote] = []
        self._opened = 0
        self._closed = 0
        self._partly = 0
        self._latest_hour = 0
        self._shown: tuple[int, bytes] | None = None
        self._cosigned: CosignedCheckpoint | None = None
        self._checkpoint: Checkpoint | None = None

    def take(self, line: Line) -> None:
        """Takes the next line after the roots, in the order that `export_file` keeps."""
        match line:
            case DocumentLine():
                self.documents.take(line)
            case CheckpointLine():
                self._take_checkpoint(line)
            case EntryLine():
                self._take_entry(line)
            case LeafLine():
                self._closed += 1
                self._add_leaf(line.number, line.leaf)
            case ProofLine():
                self._check_proof(line)
            case _:
                raise AuditError("a root stands among other lines", code="audit.export.order")

    def finish(self) -> None:
        """Checks what only shows once the whole file was read."""
        if self.header.format != PROOF:
            self._check_tree()
        if self._closed + self._partly and self.header.format != PROOF:
            self.findings.add(
                "note",
                "closed",
                f"{self._closed + self._partly} of {self.header.size} entries are closed: they expired, or "
                "were withheld. That they were not changed is proven; what they say is not shown.",
            )
        self._check_cosignatures()

    def own_claim(self) -> Claim | None:
        """The newest checkpoint in the file, as what the member signed."""
        found = self._checkpoint
        if found is None:
            return None
        return Claim(
            self.header.member, found.size, found.root, self.header.hour, f"the reader of {self.file}"
        )

    def roots_at(self, sizes: Iterable[int]) -> dict[int, bytes]:
        """The roots that the log had at some sizes, each at most its own.

        Returns:
            32 bytes for each size.
        """
        found, frontier, at = {}, Frontier(), 0
        for size in sorted(set(sizes)):
            while at < size:
                end = min(size, at + _LEAVES_AT_ONCE)
                leaves = (bytes(self._leaves[HASH_BYTES * n : HASH_BYTES * (n + 1)]) for n in range(at, end))
                frontier, _ = frontier.extend(leaves)
                at = end
            found[size] = frontier.root()
        return found

    def summary(self) -> FileSummary:
        """The file in a few numbers."""
        cosigned = self._cosigned
        cosignatures = cosigned.cosignatures if cosigned is not None else ()
        return FileSummary(
            file=self.file,
            proof=self.header.format == PROOF,
            coalition=self.header.coalition,
            member=self.header.member,
            hour=self.header.hour,
            recipient=self.header.recipient,
            entries=self.header.size,
            opened=self._opened,
            checkpoints=len(self._notes),
            cosigned_by=tuple(each.witness.rpartition("/")[2] for each in cosignatures),
            cosigned_entries=cosigned.checkpoint.size if cosigned is not None else 0,
            cosigned_at_s=max((each.timestamp_s for each in cosignatures), default=0),
            witnesses=len(self._members.others(self.header.member)),
        )

    def _take_checkpoint(self, line: CheckpointLine) -> None:
        note = decode_note(line.note.encode())
        size = parse_checkpoint(note.text).size
        try:
            found = self._members.cosigned(note, self.header.member)
        except SymbolonError as error:
            self.findings.add(
                "broken",
                "checkpoint.signature",
                f"The checkpoint over {size} entries is not validly signed: {error.detail}.",
            )
            return
        self._notes.append(note)
        self._checkpoint = found.checkpoint
        if found.cosignatures:
            self._cosigned = found

    def _take_entry(self, line: EntryLine) -> None:
        committed = {name: commit(name, value, line.salts[name]) for name, value in line.values.items()}
        self._add_leaf(line.number, leaf_hash(leaf_bytes(committed | dict(line.commitments))))
        if not is_readable(line):
            self._partly += 1
            return
        self._opened += 1
        try:
            said = read_entry(line)
        except AuditError as error:
            self.findings.add(
                "broken", "entry", f"Entry {line.number} cannot be read: {error.detail}.", line.number
            )
            return
        if self.header.format == PROOF:
            return
        self._check_clock(said)
        whole = self._closed + self._partly == 0
        self._decisions.take(said, whole=whole)
        self.sessions.take(said, whole=whole)
        if said.event == "policy" and said.receipt and said.receipt not in self.documents.policies:
            self.findings.add(
                "missing",
                "decision.document",
                f"Entry {said.number} puts policies in force that are not in the file.",
                said.number,
            )

    def _check_clock(self, said: Said) -> None:
        if said.hour < self._latest_hour - CLOCK_HOURS:
            self.findings.add(
                "note",
                "clock",
                f"Entry {said.number} bears the hour {hour_words(said.hour)}, an earlier entry a later one, "
                f"{hour_words(self._latest_hour)}: the clock was wrong, or put back.",
                said.number,
            )
        self._latest_hour = max(self._latest_hour, said.hour)

    def _add_leaf(self, number: int, leaf: bytes) -> None:
        self._leaves += leaf
        self._shown = (number, leaf)

    def _check_proof(self, line: ProofLine) -> None:
        checkpoint = self._checkpoint
        if checkpoint is None or self._shown is None:
            return
        number, leaf = self._shown
        try:
            if checkpoint.size != self.header.size:
                raise AuditError("the checkpoint is of another size than the header says", code="audit.proof")
            verify_inclusion(leaf, number, checkpoint.size, line.hashes, checkpoint.root)
        except AuditError as error:
            self.findings.add(
                "broken", "proof", f"Entry {number} is not proven to be in the log: {error.detail}.", number
            )

    def _check_tree(self) -> None:
        checkpoints = [parse_checkpoint(note.text) for note in self._notes]
        beyond = [each for each in checkpoints if each.size > self.header.size]
        for each in beyond:
            self.findings.add(
                "broken",
                "checkpoint.beyond",
                f"The member signed a checkpoint over {each.size} entries; the file has {self.header.size}: "
                "entries at the end were left out.",
            )
        within = [each for each in checkpoints if each.size <= self.header.size]
        roots = self.roots_at(each.size for each in within)
        for each in within:
            if roots[each.size] != each.root:
                self.findings.add(
                    "broken",
                    "tree",
                    f"The first {each.size} entries are not those over which the member signed a checkpoint: "
                    "one of them was altered, taken out, put in or moved.",
                )
        covered = max((each.size for each in checkpoints), default=0)
        if covered < self.header.size:
            self.findings.add(
                "broken",
                "checkpoint.behind",
                f"The newest valid checkpoint covers {covered} of {self.header.size} entries: nobody vouches "
                "for those after it.",
            )

    def _check_cosignatures(self) -> None:
        others = self._members.others(self.header.member)
        cosigned = self._cosigned
        count = len(cosigned.cosignatures) if cosigned is not None else 0
        majority = len(others) // 2 + 1
        if count < majority and others:
            covered = cosigned.checkpoint.size if cosigned is not None else 0
            self.findings.add(
                "note",
                "cosignatures",
                f"{count} of {len(others)} other members cosigned a checkpoint of this log, the newest over "
                f"{covered} entries; a majority would be {majority}. What nobody cosigned, this member could "
                "have written anew, but for what the other ends of its sessions hold.",
            )
