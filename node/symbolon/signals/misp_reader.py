"""MISP events to drafts: our own exports without loss, other people's as far as their words allow.

Handles: one event, a collection, a list of either. An own event is read from its record; what a person has
changed or added since is told, and free texts among it stand behind the narrative, where the screening sees
them. Any other event is read by its tags, its one organisation or vessel, its place, and its texts. Refuses
the whole file with `InputError` (`input.misp`, and what `json_tree` refuses); an event, by a fatal
`RowProblem`: deleted ones, two of one id, too many parts, and what `foreign_signal` refuses.
Source: MISP core format, draft-dulaunoy-misp-core-format-18.
Specification: docs/signals-interchange.md, MISP.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Final

from symbolon.errors import InputError
from symbolon.signals.draft import Draft
from symbolon.signals.exported import MAX_SIGNALS
from symbolon.signals.exported_record import read_record
from symbolon.signals.foreign_signal import ForeignSignal, Importing
from symbolon.signals.json_tree import Tree, objects_in, read_tree, text_in
from symbolon.signals.machine_tags import read_tags
from symbolon.signals.misp_form import (
    NARRATIVE,
    NARRATIVE_REST,
    RECORD,
    RISK_RELATIONS,
    RISK_SIGNAL,
    SIGNAL_ID,
    SUMMARY,
    placed_fields,
)
from symbolon.signals.misp_parts import gather_event, is_about, is_deleted, tag_names
from symbolon.signals.own_export import keep_stricter, own_draft, written_texts
from symbolon.signals.record_codec import SUBJECT_FIELDS
from symbolon.signals.vocabulary import Tlp
from symbolon.suppliers.row_problem import RowProblem

MAX_OBJECTS: Final = 1_000
"""In one event, attributes of its own included; an export has four objects."""

MAX_ATTRIBUTES: Final = 10_000
"""In one event and all its objects; an export has twenty."""

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEX_ID: Final = re.compile(r"[0-9a-f]{32}")


def read_misp(data: bytes, *, today: date, recipients: tuple[str, ...] = ()) -> Iterator[Draft | RowProblem]:
    """Reads a file of MISP events.

    Args:
        data: all of the file.
        today: by this node's clock; it decides which days are past.
        recipients: member ids that the drafts may go to; what is marked TLP:RED needs some.

    Returns:
        The problems of each event and then, unless one is fatal, its draft. An event's number is its place in
        the file, from 1.

    Raises:
        InputError: the file as a whole cannot be used.
    """
    events = _events(read_tree(data))
    if len(events) > MAX_SIGNALS:
        raise InputError(
            f"the file has {len(events):,} events, more than {MAX_SIGNALS:,}",
            hint="Export them in parts.",
            code="input.too_large",
        )
    return _read(events, Importing(today, recipients))


def _events(tree: object) -> list[object]:
    """The events of any of the forms in which MISP and its clients write them."""
    if isinstance(tree, dict) and "response" in tree:
        tree = tree["response"]
    if isinstance(tree, dict):
        tree = [tree]
    found = [_bare(each) for each in tree] if isinstance(tree, list) else []
    if not any(isinstance(each, dict) for each in found):
        raise InputError(
            "the file holds no MISP event",
            hint="Export it from MISP as MISP JSON; for STIX, choose that format.",
            code="input.misp",
        )
    return found


def _bare(entry: object) -> object:
    if isinstance(entry, dict) and "Event" in entry:
        entry = entry["Event"]
    return entry if isinstance(entry, dict) and ("info" in entry or "uuid" in entry) else None


def _read(events: list[object], importing: Importing) -> Iterator[Draft | RowProblem]:
    uuids = Counter(_uuid(each) for each in events if isinstance(each, dict))
    for row, event in enumerate(events, 1):
        if not isinstance(event, dict):
            yield RowProblem(row, None, "it is no MISP event", "export it again", fatal=True)
        elif uuids[_uuid(event)] > 1 and _uuid(event):
            yield RowProblem(
                row,
                "uuid",
                "events of the file share this id, and which one holds is not known",
                "keep the right one",
                fatal=True,
            )
        else:
            yield from _read_event(row, event, importing)


def _uuid(event: Tree) -> str:
    text = text_in(event, "uuid").lower()
    return text if _UUID.fullmatch(text) else ""


def _read_event(row: int, event: Tree, importing: Importing) -> Iterator[Draft | RowProblem]:
    objects = objects_in(event.get("Object"))
    attributes = sum(len(objects_in(each.get("Attribute"))) for each in (event, *objects))
    if len(objects) > MAX_OBJECTS or attributes > MAX_ATTRIBUTES:
        message = f"it has more than {MAX_OBJECTS:,} objects or {MAX_ATTRIBUTES:,} attributes"
        yield RowProblem(row, None, message, "split the event", fatal=True)
        return
    signals = [each for each in objects if _is_risk_signal(each)]
    words = read_tags(tag_names(event))
    about = [each for each in objects if is_about(each)]
    if words.over or any(map(is_deleted, signals)) or (about and all(map(is_deleted, about))):
        yield _recalled(row, event, signals)
        return
    if len(signals) > 1:
        yield RowProblem(row, None, "it holds several risk signals", "make one event for each", fatal=True)
        return
    found = ForeignSignal(row, _uuid(event), "tag the event", importing, words)
    if signals:
        rest = [_standing(each) for each in objects if each is not signals[0] and not is_deleted(each)]
        yield from _own_event({**_standing(event), "Object": rest}, _standing(signals[0]), found)
    else:
        _take_distribution(event, found)
        gather_event(event, found)
        yield from found.finish()


def _standing(part: Tree) -> Tree:
    """Without its deleted attributes: an update of ours deletes what an earlier export may have had."""
    attributes = objects_in(part.get("Attribute"))
    return {**part, "Attribute": [each for each in attributes if not is_deleted(each)]}


def _is_risk_signal(each: Tree) -> bool:
    return RISK_SIGNAL.name == each.get("name") or RISK_SIGNAL.template == each.get("template_uuid")


def _recalled(row: int, event: Tree, signals: list[Tree]) -> RowProblem:
    named = [text for each in signals if _HEX_ID.fullmatch(text := _values(each).get(SIGNAL_ID, ""))]
    which = (
        f"signal {named[0]}" if named else f"event {_uuid(event)}" if _uuid(event) else "an event without id"
    )
    return RowProblem(
        row,
        "deleted",
        f"it was recalled elsewhere, or has expired ({which})",
        "if it stands here, use `symbolon signals recall`",
        fatal=True,
    )


def _take_distribution(event: Tree, found: ForeignSignal) -> None:
    if str(event.get("distribution", "")) in ("0", "4"):
        found.strictest = Tlp.AMBER_STRICT
        found.note(
            "distribution",
            "MISP keeps it to one organisation or sharing group: taken as amber+strict or stricter",
            "ask its author before you publish it",
        )


def _values(risk_signal: Tree) -> dict[str, str]:
    """Values of an own object by relation, whether deleted or not."""
    found: dict[str, str] = {}
    for each in objects_in(risk_signal.get("Attribute")):
        relation = text_in(each, "object_relation")
        if relation in RISK_RELATIONS:
            found.setdefault(relation, text_in(each, "value"))
    return found


def _own_event(event: Tree, risk_signal: Tree, found: ForeignSignal) -> Iterator[Draft | RowProblem]:
    """Reads an own export.

    Args:
        event: without the risk signal.
        risk_signal: the object of ours.
        found: so far with the words of the event's tags.
    """
    values = _values(risk_signal)
    try:
        record = read_tree(values.get(RECORD, "").encode(errors="replace"))
    except InputError:
        record = None
    if not isinstance(record, dict) or not isinstance(record.get("signal"), dict):
        message = "its record cannot be read"
        yield RowProblem(found.row, RECORD, message, "ask for another export of this signal", fatal=True)
        return
    signal = dict(record["signal"])
    signal["narrative"] = values.get(NARRATIVE, "") + values.get(NARRATIVE_REST, "")
    keep_stricter(signal, found.words.tlp)
    read = read_record(found.row, {**record, "signal": signal}, found.importing)
    if read.draft is None:
        yield from read.problems
        return
    found.known = written_texts(read)
    gather_event(event, found)
    rest = [
        each
        for each in objects_in(risk_signal.get("Attribute"))
        if text_in(each, "object_relation") not in RISK_RELATIONS
    ]
    gather_event({"Attribute": rest}, found)
    for text in (values.get(SUMMARY, ""), text_in(risk_signal, "comment")):
        found.add_text(text)
    yield from own_draft(read, read.draft, found, _placed(read.draft))


def _placed(draft: Draft) -> dict[str, str]:
    """What the export placed in standard objects, by the names of a subject's fields."""
    record = draft.subject.record
    fields = {name: text for name in SUBJECT_FIELDS if (text := getattr(record, name))}
    return placed_fields(draft.subject.kind, fields)
