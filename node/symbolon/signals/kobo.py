"""An export of KoboToolbox as CSV, to drafts and problems, in bounded memory.

Handles: the export "XML values and headers" with or without groups in the headers; questions of many answers
as one column of words, as one column for each choice, or both; the row of HXL tags below the header; the
submission's id, which becomes the draft's reference so that a second import knows it again. The questions
that fit without `--map` are named in docs/signals-import.md.
Never reads: who filled in the form and on which device (`username`, `_submitted_by`, `deviceid` and the
like); `--map` cannot name these either. Where it was filled in (`_…_latitude`) is no place of a supplier
and is read only where `--map` says that it is. When it was filled in is no period. A submission that a
reviewer in KoboToolbox put on hold or did not approve is left out and reported.
Refuses what `signal_table` refuses.

Sources: KoboToolbox, formpack `reporting/export.py` and `schema/fields.py` (separator, quotes, headers of
groups, choices and points), kpi `SubmissionExportTaskBase.COPY_FIELDS` (columns of the submission), support
pages "Advanced options for exporting data", "Form settings and metadata", "Record validation".
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from symbolon.errors import InputError
from symbolon.signals import author_words
from symbolon.signals.csv_table import CsvTable
from symbolon.signals.record_codec import SUBJECT_FIELDS
from symbolon.signals.signal_columns import FIELDS, ColumnMeaning, NeverRead, Recognise, ScreenColumn
from symbolon.signals.signal_table import SignalTable
from symbolon.suppliers.row_problem import RowProblem

GROUP_MARK: Final = "/"
"""Between group, question and choice, unless whoever exports chooses another mark."""

PERSONAL: Final = frozenset(
    (
        "_submitted_by username email phonenumber phone_number deviceid device_id imei simserial sim_serial"
        " simid subscriberid uri audit background-audio background_audio start-geopoint _geolocation"
    ).split()
)
"""Questions and columns about whoever filled in the form, or their device."""

SUBMISSION: Final = frozenset(
    (
        "_id _uuid _submission_time _validation_status _notes _status __version__ _version_ _tags _index"
        " _parent_index _parent_table_name _xform_id_string _attachments rooturl rootuuid instanceid"
        " instancename start end today meta"
    ).split()
)
"""Columns about the submission: none is a field of a signal, so none is screened as one."""

SUBJECT_GROUP: Final = "subject"
"""A name in another group may be a worker's: questions about the subject stand in this group or in none."""

_UUID: Final = "_uuid"
_FIRST_UUID: Final = "rootuuid"
_STATUS: Final = "_validation_status"
_WITHHELD: Final[Mapping[str, str]] = {
    "not approved": "not approved",
    "validation status not approved": "not approved",
    "flagged for removal": "flagged for removal",
    "on hold": "on hold",
    "validation status on hold": "on hold",
}
_EVERY_EXPORT: Final = frozenset({"_id", _UUID, "_submission_time"})
_CHOSEN: Final = ("purposes", "recipients")
_NO_MAP: Final[Mapping[str, str]] = MappingProxyType({})


def _parts(header: str) -> list[str]:
    return [part.strip() for part in header.lower().split(GROUP_MARK)]


def is_never_read(header: str) -> bool:
    """Whether a column is the submission's own, or about whoever filled in the form, or where."""
    last = _parts(header)[-1]
    return last.startswith("_") or last in PERSONAL or last in SUBMISSION


def recognise_question(header: str) -> ColumnMeaning | None:
    """What a header of an export means by itself."""
    if is_never_read(header):
        return None
    *groups, last = _parts(header)
    name = "subject_kind" if last == "kind" and SUBJECT_GROUP in groups else last
    if name != "subject_kind" and name.startswith("subject_"):
        name = name.removeprefix("subject_")
        return ColumnMeaning(name) if name in SUBJECT_FIELDS else None
    if name in SUBJECT_FIELDS:
        return ColumnMeaning(name) if not groups or SUBJECT_GROUP in groups else None
    if name in FIELDS and name != "reference":
        return ColumnMeaning(name)
    if groups and groups[-1] in _CHOSEN and last:
        return ColumnMeaning(groups[-1], last.replace("_", "-"))
    found = author_words.indicator(last)
    return None if found is None else ColumnMeaning("indicators", found.value)


class KoboTable(SignalTable):
    """Drafts and problems of an export; see `SignalTable`."""

    recognised: Recognise = staticmethod(recognise_question)
    never_read: NeverRead = staticmethod(is_never_read)

    def _look_at(self, header: Sequence[str], header_map: Mapping[str, str]) -> None:
        last = [_parts(cell)[-1] for cell in header]
        self._uuids = [place for name in (_FIRST_UUID, _UUID) for place in _places(last, name)]
        self._statuses = _places(last, _STATUS)
        self._at_tags = True
        for field, source in header_map.items():
            if _parts(source)[-1] in PERSONAL:
                raise InputError(
                    f"--map takes {field} from a column about whoever filled in the form",
                    hint="leave it out: no signal holds who collected it",
                    code="input.map",
                )

    def _left_out(self, row: int, cells: Sequence[str]) -> bool | RowProblem:
        at_tags, self._at_tags = self._at_tags, False
        if at_tags and all(cell.lstrip()[:1] in ("", "#") for cell in cells):
            return True
        for place in self._statuses:
            status = _WITHHELD.get(author_words.fold_words(cells[place]))
            if status is not None:
                return RowProblem(
                    row,
                    _STATUS,
                    f"the submission is {status} in KoboToolbox",
                    "approve it there and export again, or leave it out",
                    fatal=True,
                )
        return False

    def _completed(self, value: dict[str, Any], cells: Sequence[str]) -> dict[str, Any]:
        if "reference" not in value:
            for place in self._uuids:
                if uuid := cells[place].strip().removeprefix("uuid:"):
                    return {**value, "reference": uuid}
        return value


def _places(names: Sequence[str], wanted: str) -> list[int]:
    return [place for place, name in enumerate(names) if name == wanted]


def open_kobo(
    path: str | Path,
    *,
    today: date,
    header_map: Mapping[str, str] = _NO_MAP,
    encoding: str | None = None,
    screen_column: ScreenColumn | None = None,
) -> KoboTable:
    """Opens an export and reads its header.

    Args:
        path: CSV file of an export.
        today: by this node's clock; it decides which days are past.
        header_map: field, or indicator, to the header of a question, for questions with other names.
        encoding: name of the text encoding, or None to detect it.
        screen_column: what the screening says of a question's name.

    Raises:
        InputError: the file as a whole cannot be used; the hint says what to do.
    """
    return KoboTable(Path(path), today, header_map, encoding, screen_column)


def is_kobo_export(path: str | Path, encoding: str | None = None) -> bool:
    """Whether a CSV file is an export: its header has the submission's id, its unique id and its time.

    Raises:
        InputError: the file is no CSV.
    """
    table = CsvTable(Path(path), encoding, _own_columns)
    table.close()
    return _own_columns(table.header) == len(_EVERY_EXPORT)


def _own_columns(header: Sequence[str]) -> int:
    return len(_EVERY_EXPORT & {cell.strip().lower() for cell in header})
