"""Exports: each line has one form, both ways; a true log holds; a changed byte never goes unseen."""

import contextlib
import io
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from coalition_members import ACME, COALITION, DELTA
from exported_logs import MadeUpLog, Session, hold, two_logs, verdict_on
from symbolon.audit.document import KINDS
from symbolon.audit.entry import FIELDS, Entry
from symbolon.audit.export_file import read_lines, write_lines
from symbolon.audit.export_format import (
    EXPORT,
    MAX_ENTRIES,
    MAX_HOUR,
    PROOF,
    CheckpointLine,
    DocumentLine,
    EndLine,
    EntryLine,
    Header,
    LeafLine,
    Line,
    ProofLine,
    RootLine,
    decode_line,
    encode_line,
)
from symbolon.audit.signed_note import encode_note
from symbolon.errors import AuditError

HASHES = st.binary(min_size=32, max_size=32)
NUMBERS = st.integers(0, MAX_ENTRIES)
MEMBERS = st.sampled_from([ACME, DELTA])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@st.composite
def entries(draw: st.DrawFn) -> EntryLine:
    opened = draw(st.sets(st.sampled_from(FIELDS), min_size=1))
    return EntryLine(
        draw(NUMBERS),
        {name: draw(TEXTS) for name in FIELDS if name in opened},
        {name: draw(HASHES) for name in FIELDS if name in opened},
        {name: draw(HASHES) for name in FIELDS if name not in opened},
    )


@cache
def note() -> str:
    return encode_note(MadeUpLog(DELTA).sign(ACME)).decode()


LINES: st.SearchStrategy[Line] = st.one_of(
    st.builds(
        Header,
        st.sampled_from([EXPORT, PROOF]),
        st.just(COALITION),
        MEMBERS,
        NUMBERS,
        st.integers(0, MAX_HOUR),
        st.just("") | MEMBERS,
    ),
    st.builds(RootLine, st.binary(max_size=200)),
    st.builds(
        DocumentLine,
        st.sampled_from(sorted(KINDS)),
        st.binary(max_size=200),
        st.dictionaries(TEXTS, st.binary(max_size=64), max_size=8),
    ),
    st.builds(CheckpointLine, st.builds(note)),
    entries(),
    st.builds(LeafLine, NUMBERS, HASHES),
    st.builds(ProofLine, st.lists(HASHES, max_size=63).map(tuple)),
    st.builds(EndLine, NUMBERS, HASHES.map(bytes.hex)),
)


@given(LINES)
def test_line_is_read_as_it_was_written(line: Line) -> None:
    data = encode_line(line)
    assert data.count(b"\n") == 1
    assert decode_line(data) == line


@given(st.binary(max_size=200))
def test_line_of_any_bytes_is_refused_or_is_the_one_form(data: bytes) -> None:
    try:
        line = decode_line(data)
    except AuditError:
        return
    assert encode_line(line) == data


@given(LINES, st.data())
def test_line_with_one_byte_changed_is_refused_or_says_something_else(
    line: Line, data: st.DataObject
) -> None:
    whole = encode_line(line)
    at = data.draw(st.integers(0, len(whole) - 1))
    other = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    with contextlib.suppress(AuditError):
        assert decode_line(other) != line


@st.composite
def logs(draw: st.DrawFn) -> tuple[MadeUpLog, MadeUpLog]:
    """Two members that hold sessions in both directions, and do other things between them."""
    one, two = MadeUpLog(ACME), MadeUpLog(DELTA)
    for number in range(draw(st.integers(0, 3))):
        mode = draw(st.sampled_from(["size", "intersection"]))
        tier = draw(st.sampled_from(["A", "AB"] if mode == "size" else ["A", "B"]))
        sent = draw(st.integers(64, 5000))
        made = Session(
            number + 1,
            mode,
            ((tier, draw(st.integers(64, 5000))),),
            ((tier, sent),),
            agreed=mode == "intersection" or draw(st.booleans()),
        )
        hold(*((one, two) if draw(st.booleans()) else (two, one)), made)
        one.hour += draw(st.integers(0, 40))
        two.hour = one.hour + draw(st.integers(0, 20))
        for each in (one, two):
            if draw(st.booleans()):
                each.tell(Entry("operator", "", purpose="added", note=draw(TEXTS)), draw(TEXTS))
    return one, two


@settings(max_examples=15, deadline=None)
@given(logs(), st.sampled_from([FIELDS, tuple(set(FIELDS) - {"note", "operator"})]))
def test_true_logs_hold_alone_and_together(
    made: tuple[MadeUpLog, MadeUpLog], fields: tuple[str, ...]
) -> None:
    files = [each.export(fields=fields) for each in made]
    for chosen in ([files[0]], [files[1]], files, files[::-1]):
        told = verdict_on(*chosen)
        assert told.holds, told.findings
    sessions = {each.values["session"] for log in made for each in log.told} - {""}
    assert {each.session for each in told.disclosures} == sessions
    assert all(each.receipts == "both" and len(each.told_by) == 2 for each in told.disclosures)


@settings(max_examples=15, deadline=None)
@given(logs(), st.sets(st.integers(0, 30)))
def test_true_log_with_closed_entries_breaks_nothing(
    made: tuple[MadeUpLog, MadeUpLog], closed: set[int]
) -> None:
    told = verdict_on(made[0].export(opens=lambda number: number not in closed))
    assert not [each for each in told.findings if each.severity == "broken"]


@cache
def true_file() -> bytes:
    return two_logs(1)[1].export()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(true_file()) - 1), st.integers(1, 255))
def test_file_with_one_byte_changed_is_refused_or_does_not_hold(at: int, change: int) -> None:
    whole = true_file()
    other = whole[:at] + bytes([whole[at] ^ change]) + whole[at + 1 :]
    with contextlib.suppress(AuditError):
        assert not verdict_on(other).holds


@given(st.integers(0, 400))
def test_file_cut_anywhere_is_refused(cut: int) -> None:
    whole = true_file()
    try:
        list(read_lines(io.BytesIO(whole[: len(whole) - 1 - cut])))
    except AuditError:
        return
    raise AssertionError("a cut went unseen")


def test_file_is_read_as_it_was_written() -> None:
    stream = io.BytesIO()
    write_lines(stream, read_lines(io.BytesIO(true_file())))
    assert stream.getvalue() == true_file()
