"""Checks exported audit logs offline: from the files alone, and one fingerprint.

Handles: one or several files, of one coalition, and proofs of single entries among them. The steps: the
roots, from the one that is trusted; each file by itself; the files against each other. All that does not hold
is in the verdict, in words. Refuses, by raising: a file that cannot be read.

Without a fingerprint, who the members are rests on the files themselves: whoever made them could have made up
the coalition. The verdict says so, and which fingerprint to compare.
Specification: docs/adr/0015, Export; docs/audit.md.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, Final

from tuf.api.metadata import Root  # type: ignore[attr-defined] # as in membership.coalition_roles

from symbolon.audit.export_across import compare, merged, named_policies
from symbolon.audit.export_file import read_lines
from symbolon.audit.export_format import PROOF, EntryLine, Header, LeafLine, Line, RootLine
from symbolon.audit.export_log import ExportedLog
from symbolon.audit.export_members import ListedMembers
from symbolon.audit.verdict import Findings, Verdict
from symbolon.errors import AuditError, MembershipError
from symbolon.membership.coalition_document import verify_roots
from symbolon.membership.coalition_roles import read_root, root_fingerprint

MAX_FILES: Final = 64
"""Files of one check: each member's, of a coalition that somebody checks as a whole."""

Progress = Callable[[str, int, int], None]
"""Told: the name of a file, entries checked, entries it has."""

_TOLD_EVERY: Final = 500


def check_files(
    files: Sequence[tuple[str, BinaryIO]],
    fingerprint: bytes | None = None,
    progress: Progress = lambda *_: None,
) -> Verdict:
    """Checks files.

    Args:
        files: names and streams, open for reading.
        fingerprint: 32 bytes, `root_fingerprint` of the oldest root that is trusted; None takes the oldest in
            the files.
        progress: told how far it has come.

    Raises:
        AuditError: `audit.export.…`, a file cannot be read.
    """
    return check_lines([(name, _read(name, stream)) for name, stream in files], fingerprint, progress)


def check_lines(
    files: Sequence[tuple[str, Iterator[Line]]],
    fingerprint: bytes | None = None,
    progress: Progress = lambda *_: None,
) -> Verdict:
    """Checks files whose lines were read; as `check_files`."""
    if not 1 <= len(files) <= MAX_FILES:
        raise AuditError(f"1 to {MAX_FILES} files are checked at once", code="audit.export.files")
    begun = [_Begun(name, lines) for name, lines in files]
    findings = Findings("")
    # Step 1: one coalition, one chain of roots.
    coalitions = {each.header.coalition for each in begun}
    if len(coalitions) > 1:
        named = ", ".join(sorted(coalitions))
        findings.add("broken", "coalition", f"The files are of different coalitions: {named}.")
        return Verdict("", fingerprint is not None, (), findings.all(), ())
    roots, root = _roots(begun, fingerprint, findings)
    if not roots:
        return Verdict(root, fingerprint is not None, (), findings.all(), ())
    # Step 2: each file by itself.
    logs = [each.check(roots, progress) for each in begun]
    # Step 3: each against the others.
    exports = [log for log in logs if log.header.format != PROOF]
    proofs = [log for log in logs if log.header.format == PROOF]
    compare(exports, proofs, findings)
    own = tuple(finding for log in logs for finding in log.findings.all())
    return Verdict(
        root=root,
        trusted=fingerprint is not None,
        files=tuple(log.summary() for log in logs),
        findings=(*own, *findings.all()),
        disclosures=merged(exports),
        policies=named_policies(exports),
    )


def _read(name: str, stream: BinaryIO) -> Iterator[Line]:
    try:
        yield from read_lines(stream)
    except AuditError as error:
        raise AuditError(f"{name}: {error.detail}", hint=error.hint, code=error.full_code) from error


class _Begun:
    """A file of which header and roots were read."""

    def __init__(self, name: str, lines: Iterator[Line]) -> None:
        self.name = name
        self.roots: list[bytes] = []
        self._lines = lines
        header = next(lines, None)
        if not isinstance(header, Header):
            raise AuditError(f"{name} has no header", code="audit.export.order")
        self.header = header
        self._next: Line | None = None
        for line in lines:
            if not isinstance(line, RootLine):
                self._next = line
                break
            self.roots.append(line.content)

    def check(self, roots: tuple[Root, ...], progress: Progress) -> ExportedLog:
        """Checks the rest."""
        members = ListedMembers(self.header.coalition, roots)
        log = ExportedLog(self.name, self.header, members, Findings(self.name))
        if self._next is not None:
            log.take(self._next)
        for line in self._lines:
            log.take(line)
            if isinstance(line, EntryLine | LeafLine) and line.number % _TOLD_EVERY == 0:
                progress(self.name, line.number, self.header.size)
        log.finish()
        progress(self.name, self.header.size, self.header.size)
        return log


def _roots(
    begun: Sequence[_Begun], fingerprint: bytes | None, findings: Findings
) -> tuple[tuple[Root, ...], str]:
    """The roots of all files as one chain, verified; and the fingerprint that it begins with.

    A node has the roots since it joined: of several files, each may lack what another has.
    """
    chain: dict[int, bytes] = {}
    shown = fingerprint.hex() if fingerprint is not None else ""
    try:
        for each in begun:
            for root in each.roots:
                held = chain.setdefault(read_root(root).version, root)
                if root_fingerprint(held) != root_fingerprint(root):
                    findings.add(
                        "broken",
                        "roots",
                        f"The root in {each.name} is another one than the root of the same version in an "
                        "earlier file: they are of two coalitions, or of a coalition that was split.",
                    )
                    return (), shown
        ordered = [chain[version] for version in sorted(chain)]
        if fingerprint is None:
            fingerprint = root_fingerprint(ordered[0])
        return verify_roots(ordered, fingerprint), fingerprint.hex()
    except (MembershipError, IndexError) as error:
        why = error.detail if isinstance(error, MembershipError) else "there is none"
        findings.add("broken", "roots", f"The founders' keys cannot be established: {why}.")
        return (), shown
