"""What a transparency report is made from, read from exported logs: no node is needed.

Handles: several exports of one coalition, checked as `audit verify` does, then read once more for their
entries; the newest list of members in them. Refuses: files that do not hold, proofs of single entries, two
files of one member, whose entries would count twice. Specification: docs/transparency.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from symbolon.audit.export_check import Progress, check_files
from symbolon.audit.export_file import read_lines
from symbolon.audit.export_format import EXPORT, DocumentLine, EntryLine, Header, LeafLine, RootLine
from symbolon.audit.report_tally import ReportRow
from symbolon.errors import AuditError
from symbolon.membership.coalition_document import read_coalition_document, verify_roots
from symbolon.membership.coalition_roles import read_root
from symbolon.membership.member_record import Members


@dataclass(frozen=True, slots=True)
class ExportedLogs:
    """Logs that were checked.

    Attributes:
        members: of the coalition, the newest list that any of the files has.
        written: by member whose log it is, the hour in which it was written, whole hours since 1970, UTC.
        root: fingerprint of the root that they rest on, hexadecimal.
    """

    members: Members
    written: Mapping[str, int]
    root: str
    _files: Sequence[tuple[str, BinaryIO]]

    def rows(self) -> Iterator[ReportRow]:
        """Their entries, log after log; read from the files as they are needed."""
        for _, stream in self._files:
            stream.seek(0)
            member = ""
            for line in read_lines(stream):
                match line:
                    case Header():
                        member = line.member
                    case EntryLine():
                        yield ReportRow(member, None, line.values)
                    case LeafLine():
                        yield ReportRow(member, None, None)


def read_exports(
    files: Sequence[tuple[str, BinaryIO]],
    fingerprint: bytes | None = None,
    progress: Progress = lambda *_: None,
) -> ExportedLogs:
    """Checks exports, and reads what a report needs of them.

    Args:
        files: names and streams, open for reading, that can be read again from their beginning.
        fingerprint: 32 bytes, of the oldest root that is trusted; None takes it from the files.
        progress: told how far the check has come.

    Raises:
        AuditError: `audit.report.broken`, `audit.report.files`, or `audit.export.…`.
    """
    # Step 1: all of it holds.
    verdict = check_files(files, fingerprint, progress)
    wrong = [each for each in verdict.findings if each.severity != "note"]
    if wrong:
        raise AuditError(
            f"the exports do not hold: {wrong[0].sentence}",
            hint="`symbolon audit verify` with the same files says all that is wrong.",
            code="audit.report.broken",
        )
    # Step 2: each is the whole log of another member.
    written: dict[str, int] = {}
    roots: dict[int, bytes] = {}
    documents: list[bytes] = []
    for name, stream in files:
        stream.seek(0)
        for line in read_lines(stream):
            match line:
                case Header():
                    if line.format != EXPORT or line.member in written:
                        raise AuditError(
                            f"{name} is not the export of a log that no other of the files is of",
                            hint="Give one file for each member, from `symbolon audit export`.",
                            code="audit.report.files",
                        )
                    written[line.member] = line.hour
                case RootLine():
                    roots.setdefault(read_root(line.content).version, line.content)
                case DocumentLine(kind="coalition"):
                    documents.append(line.content)
    # Step 3: who the members are, by the newest list.
    chain = verify_roots([roots[version] for version in sorted(roots)], bytes.fromhex(verdict.root))
    lists = [read_coalition_document(each, chain) for each in documents]
    if not lists:
        raise AuditError("no file says who the members are", code="audit.report.files")
    return ExportedLogs(max(lists, key=lambda each: each.version), written, verdict.root, files)
