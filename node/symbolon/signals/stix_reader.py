"""STIX 2.1 bundles to drafts: our own reports without loss, other people's as far as their words allow.

Handles: a bundle, or a list of objects as a TAXII server sends it. Each report, grouping, incident, and note
about neither, is one signal. An own report is read from its extension; what was changed or added since is
told, and free texts among it stand behind the narrative. Any other is read by its labels, its one
organisation, that organisation's place, and its texts. Refuses the whole file with `InputError`
(`input.stix`, and what `json_tree` refuses); an object, by a fatal `RowProblem`: revoked ones, an id that two
objects claim, too many references, and what `foreign_signal` refuses.
Source: STIX 2.1, OASIS Standard (2021). Specification: docs/signals-interchange.md, STIX.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from symbolon.errors import InputError
from symbolon.signals.draft import Draft
from symbolon.signals.exported import MAX_SIGNALS, Exported
from symbolon.signals.exported_record import ReadRecord, read_record
from symbolon.signals.foreign_signal import ForeignSignal, Importing
from symbolon.signals.json_tree import Tree, objects_in, read_tree, text_in, texts_in
from symbolon.signals.machine_tags import read_tags
from symbolon.signals.own_export import keep_stricter, own_draft, written_texts
from symbolon.signals.stix_form import CREATED, EXTENSION, SYMBOLON
from symbolon.signals.stix_parts import (
    MAX_NOTE_TARGETS,
    MAX_REFERENCES,
    StixObjects,
    gather_about,
    gather_texts,
    is_personal,
    marks_of,
    personal_kind,
)
from symbolon.signals.stix_writer import stix_id, subject_objects
from symbolon.suppliers.row_problem import RowProblem

_SIGNAL_TYPES: Final = ("report", "grouping", "incident")
_BESIDE_TYPES: Final = frozenset(
    {
        *_SIGNAL_TYPES,
        "note",
        "opinion",
        "sighting",
        "relationship",
        "identity",
        "location",
        "marking-definition",
        "extension-definition",
    }
)
_STIX_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,60}--[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEX_ID: Final = re.compile(r"[0-9a-f]{32}")


def read_stix(data: bytes, *, today: date, recipients: tuple[str, ...] = ()) -> Iterator[Draft | RowProblem]:
    """Reads a STIX 2.1 file.

    Args:
        data: all of the file.
        today: by this node's clock; it decides which days are past.
        recipients: member ids that the drafts may go to; what is marked TLP:RED needs some.

    Returns:
        The problems of each object and then, unless one is fatal, its draft. An object's number is its place
        in the file, from 1.

    Raises:
        InputError: the file as a whole cannot be used.
    """
    tree = read_tree(data)
    entries: Any = tree.get("objects") if isinstance(tree, dict) else tree
    if not isinstance(entries, list) or not objects_in(entries):
        raise _no_stix("it holds no STIX objects")
    objects = StixObjects(entries)
    signals = [each for each in objects if _is_signal(each, objects)]
    if not signals:
        raise _no_stix("it holds no report, grouping, incident or note")
    if len(signals) > MAX_SIGNALS:
        raise InputError(
            f"the file has {len(signals):,} reports, more than {MAX_SIGNALS:,}",
            hint="Export them in parts.",
            code="input.too_large",
        )
    return _read(entries, signals, objects, Importing(today, recipients))


def _no_stix(what: str) -> InputError:
    return InputError(
        f"the file is no STIX 2.1: {what}",
        hint="Export a STIX 2.1 bundle; for MISP events, choose that format.",
        code="input.stix",
    )


def _is_signal(each: Tree, objects: StixObjects) -> bool:
    kind = text_in(each, "type")
    if kind != "note":
        return kind in _SIGNAL_TYPES
    # A note about a report is part of what is said of the report.
    about = (objects.get(name) for name in texts_in(each.get("object_refs"))[:MAX_REFERENCES])
    return not any(target is not None and text_in(target, "type") in _SIGNAL_TYPES for target in about)


def _read(
    entries: list[object], signals: list[Tree], objects: StixObjects, importing: Importing
) -> Iterator[Draft | RowProblem]:
    yield from _left_out(entries, {text_in(each, "id") for each in signals})
    for each in signals:
        yield from _read_signal(each, objects, importing)


def _left_out(entries: list[object], signals: set[str]) -> Iterator[RowProblem]:
    """What of the file is personal, or has no place in a signal, by kind."""
    personal: Counter[str] = Counter()
    first: dict[str, int] = {}
    others = 0
    for row, each in enumerate(entries, 1):
        if isinstance(each, dict) and is_personal(each):
            personal[personal_kind(each)] += 1
            first.setdefault(personal_kind(each), row)
        elif not isinstance(each, dict) or not _is_read(each, signals):
            others += 1
            first.setdefault("", row)
    for kind, count in sorted(personal.items()):
        yield RowProblem(
            first[kind],
            kind,
            f"objects of this kind point at a person; dropped, unread: {count:,}",
            "write roles in place of names; keep who told you in the source",
            fatal=False,
        )
    if others:
        yield RowProblem(
            first[""],
            None,
            f"objects that a signal has no place for; left out, unread: {others:,}",
            "write what matters into the description of a report",
            fatal=False,
        )


def _is_read(each: Tree, signals: set[str]) -> bool:
    kind, name = text_in(each, "type"), text_in(each, "id")
    if kind in ("note", "opinion") and name not in signals:
        return bool(name) and len(texts_in(each.get("object_refs"))) <= MAX_NOTE_TARGETS
    return bool(name) and kind in _BESIDE_TYPES


def _read_signal(each: Tree, objects: StixObjects, importing: Importing) -> Iterator[Draft | RowProblem]:
    name = text_in(each, "id")
    row = objects.rows[name]
    record = _record(each)
    words = read_tags(texts_in(each.get("labels")))
    if name in objects.revoked or words.over:
        yield _recalled(row, each)
        return
    if name in objects.ambiguous:
        yield RowProblem(
            row,
            "id",
            "two objects of the file share this id and this time, and which one holds is not known",
            "keep the right one",
            fatal=True,
        )
        return
    references = texts_in(each.get("object_refs"))
    if text_in(each, "type") == "incident":
        links = objects.pointing_at(name, "relationship")
        references = [*references, *(text_in(link, "target_ref") for link in links)]
    if len(references) > MAX_REFERENCES:
        message = f"it refers to more than {MAX_REFERENCES:,} objects"
        yield RowProblem(row, "object_refs", message, "split it", fatal=True)
        return
    where = f"label the {text_in(each, 'type')}"
    found = ForeignSignal(row, name if _STIX_ID.fullmatch(name) else "", where, importing, words)
    found.words.tlps |= marks_of(each, objects, found)
    references = [reference for reference in references if reference != SYMBOLON]
    if record is not None:
        yield from _own_report(each, record, references, objects, found)
        return
    gather_texts(each, found)
    gather_about(each, references, objects, found)
    _take_confidence(each, found)
    if cited := len(objects_in(each.get("external_references"))):
        found.leave_out("external reference", cited)
    _tell_opinions(objects, name, set(), found)
    yield from found.finish()


def _record(each: Tree) -> Tree | None:
    extensions = each.get("extensions")
    record = extensions.get(EXTENSION) if isinstance(extensions, dict) else None
    return record if isinstance(record, dict) else None


def _recalled(row: int, each: Tree) -> RowProblem:
    named = [text_in(part, "external_id") for part in objects_in(each.get("external_references"))[:1]]
    which = f"object {row}"
    if named and _HEX_ID.fullmatch(named[0]):
        which = f"signal {named[0]}"
    elif _STIX_ID.fullmatch(text_in(each, "id")):
        which = text_in(each, "id")
    return RowProblem(
        row,
        "revoked",
        f"it was recalled elsewhere, or has expired ({which})",
        "if it stands here, use `symbolon signals recall`",
        fatal=True,
    )


def _take_confidence(each: Tree, found: ForeignSignal) -> None:
    confidence = each.get("confidence")
    if isinstance(confidence, int) and not isinstance(confidence, bool) and 0 <= confidence <= 100:
        found.confidence = confidence
    elif confidence is not None:
        found.note("confidence", "it is no whole number from 0 to 100; it was left out", "correct the number")


def _tell_opinions(objects: StixObjects, name: str, known: set[str], found: ForeignSignal) -> None:
    opinions = [each for each in objects.pointing_at(name, "opinion") if text_in(each, "id") not in known]
    if opinions:
        found.note(
            "opinion",
            f"a draft has no place for opinions about it; left out, unread: {len(opinions):,}",
            "if one is the subject's, use `symbolon signals dispute`",
        )


def _own_report(
    each: Tree, record: Tree, references: list[str], objects: StixObjects, found: ForeignSignal
) -> Iterator[Draft | RowProblem]:
    signal = record.get("signal")
    if isinstance(signal, dict):
        signal = dict(signal)
        keep_stricter(signal, found.words.tlp)
        record = {**record, "signal": signal}
    read = read_record(found.row, record, found.importing)
    if read.draft is None:
        yield from read.problems
        return
    found.known = written_texts(read)
    gather_texts(each, found)
    gather_about(each, references, objects, found)
    ours = {stix_id("opinion", read.released.signal_id)} if read.released is not None else set[str]()
    _tell_opinions(objects, text_in(each, "id"), ours, found)
    yield from own_draft(read, read.draft, found, _placed(read, found))


def _placed(read: ReadRecord, found: ForeignSignal) -> dict[str, str]:
    """What the export wrote of the subject beside the record, as this reader would read it."""
    if read.draft is None or read.released is None:
        return {}
    made = subject_objects(Exported(read.released, read.draft.subject), CREATED)
    expected = ForeignSignal(found.row, found.reference, found.where, found.importing)
    gather_about({}, [each["id"] for each in made], StixObjects(made), expected)
    return expected.subjects[0] if expected.subjects else {}
