"""Signals as MISP events: one event each, with the object `symbolon-risk-signal` and standard ones beside it.

Handles: events whose UUIDs and timestamps make a second export an update of the first; tombstones of signals
that no longer stand; saying what is gone, since MISP keeps what an update does not name. Refuses what
`ready_for_export` refuses, and a subject too long for MISP (`signal.too_long`). Equal input gives equal
output.
Source: MISP core format, draft-dulaunoy-misp-core-format-18.
Specification: docs/signals-interchange.md, MISP.
"""

import json
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any, Final
from uuid import uuid5

from symbolon.errors import SignalError
from symbolon.signals.exported import (
    NAMESPACE,
    OVER_TITLE,
    Exported,
    export_id,
    is_over,
    ready_for_export,
    subject_fields,
    summary,
    title,
    version_time,
)
from symbolon.signals.exported_record import export_record
from symbolon.signals.machine_tags import OVER_TAGS, all_export_tags, export_tags
from symbolon.signals.misp_form import (
    FLOATS,
    MAX_VALUE_BYTES,
    NARRATIVE,
    NARRATIVE_REST,
    ORGANISATION,
    PLACE,
    RECORD,
    RISK_RELATIONS,
    RISK_SIGNAL,
    SIGNAL_ID,
    SUMMARY,
    VESSEL,
    ObjectForm,
    placed_objects,
)
from symbolon.signals.vocabulary import State, Tlp

_DISTRIBUTIONS: Final = {Tlp.GREEN: "1", Tlp.CLEAR: "3"}
"""This community; all communities. Every other mark: your organisation only."""

_SPLIT_CHARS: Final = 14_000
"""A character takes four bytes at most."""

_GONE: Final = "deleted"
_TLP_COLOURS: Final = {
    "tlp:red": "#FF2B2B",
    "tlp:amber+strict": "#FFC000",
    "tlp:amber": "#FFC000",
    "tlp:green": "#33FF00",
    "tlp:clear": "#FFFFFF",
}


def write_misp(
    exported: Iterable[Exported],
    *,
    organisation: str,
    now: datetime,
    onward_allowed: Collection[bytes] = frozenset(),
) -> dict[str, Any]:
    """The signals as a MISP collection, one event each, in the order of their ids.

    Args:
        exported: distinct by id.
        organisation: name of whoever exports; it is the events' creator in MISP.
        now: by this node's clock, with its zone.
        onward_allowed: ids of signals that may be passed on though TLP:RED or `no_onward` says otherwise,
            since their contributor agreed.

    Returns:
        `{"response": [{"Event": …}, …]}`, for `canonical_json.encode_canonical`.

    Raises:
        SignalError: `signal.onward`, `signal.doubled`, `signal.too_many`, `signal.too_long`, `signal.value`.
    """
    ready = ready_for_export(exported, organisation=organisation, now=now, onward_allowed=onward_allowed)
    creator = {"name": organisation, "uuid": str(uuid5(NAMESPACE, f"organisation/{organisation}"))}
    return {"response": [{"Event": _event(each, creator, now)} for each in ready]}


def _event(exported: Exported, creator: dict[str, str], now: datetime) -> dict[str, Any]:
    released = exported.released
    over = is_over(exported, now)
    distribution = "0" if released.no_onward else _DISTRIBUTIONS.get(released.tlp, "0")
    return {
        "uuid": export_id(released.signal_id, "misp/event"),
        "info": OVER_TITLE if over else title(released),
        "date": released.issued.isoformat(),
        "timestamp": _timestamp(exported, now),
        "publish_timestamp": "0",
        "published": False,
        "analysis": "2",
        "threat_level_id": "4",
        "distribution": "0" if over else distribution,
        "sharing_group_id": "0",
        "extends_uuid": "",
        "Orgc": creator,
        "Tag": list(_tags(exported, over=over)),
        "Object": list(_objects(exported, now, over=over)),
    }


def _timestamp(exported: Exported, now: datetime) -> str:
    return str(int(version_time(exported, now).timestamp()))


def _may_replace(exported: Exported, *, over: bool) -> bool:
    """Whether an earlier export may have said more than this one."""
    return over or exported.released.revision > 1 or bool(exported.released.withheld)


def _tags(exported: Exported, *, over: bool) -> Iterator[dict[str, Any]]:
    released = exported.released
    if over:
        how = "recalled" if released.state is State.RECALLED else "expired"
        tags = [f"tlp:{released.tlp.value}", OVER_TAGS[how]]
    else:
        tags = export_tags(released)
    for name in tags:
        yield {"name": name, "colour": _TLP_COLOURS.get(name, "#5F6A72")}
    if _may_replace(exported, over=over):
        for name in all_export_tags():
            if name not in tags:
                yield {"name": name, "deleted": True}


def _objects(exported: Exported, now: datetime, *, over: bool) -> Iterator[dict[str, Any]]:
    signal_id, timestamp = exported.released.signal_id, _timestamp(exported, now)
    replaces = _may_replace(exported, over=over)
    contents = {} if over else _contents(exported)
    about = ORGANISATION if ORGANISATION.name in contents else VESSEL
    for form in (RISK_SIGNAL, ORGANISATION, VESSEL, PLACE):
        values = contents.get(form.name, {})
        if form is RISK_SIGNAL:
            values[SIGNAL_ID] = signal_id.hex()
        elif not values and not replaces:
            continue
        is_gone = over or not values
        relations = RISK_RELATIONS if form is RISK_SIGNAL else tuple(form.relations.values())
        attributes = [
            _attribute(signal_id, form, relation, values.get(relation), timestamp, is_gone=is_gone)
            for relation in relations
            if relation in values or replaces
        ]
        made = {
            "uuid": _object_id(signal_id, form),
            "name": form.name,
            "meta-category": form.meta_category,
            "description": form.description,
            "template_uuid": form.template,
            "template_version": form.version,
            "timestamp": timestamp,
            "distribution": "5",
            "sharing_group_id": "0",
            "comment": "",
            "deleted": is_gone,
            "Attribute": attributes,
        }
        if form is RISK_SIGNAL and about.name in contents:
            made["ObjectReference"] = [_reference(signal_id, form, about, "mentions", timestamp)]
        if form is about and values and PLACE.name in contents:
            made["ObjectReference"] = [_reference(signal_id, form, PLACE, "located-at", timestamp)]
        yield made


def _contents(exported: Exported) -> dict[str, dict[str, str]]:
    """Values by object and relation."""
    released = exported.released
    record = export_record(exported)
    narrative = record["signal"].pop("narrative", "")
    text = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if len(text.encode()) > MAX_VALUE_BYTES:
        raise SignalError(
            f"the subject of signal {released.hex_id} has too much text for MISP",
            hint="Export the signal as STIX, or shorten the subject's name and address.",
            code="signal.too_long",
        )
    risk = {RECORD: text, SUMMARY: summary(released, exported.publisher)}
    cut = _cut(narrative)
    parts = {NARRATIVE: narrative[:cut], NARRATIVE_REST: narrative[cut:]}
    risk |= {relation: part for relation, part in parts.items() if part}
    contents = {RISK_SIGNAL.name: risk}
    contents |= placed_objects(released.subject_kind, subject_fields(exported))
    return contents


def _cut(narrative: str) -> int:
    """Where a narrative is cut so that both parts fit: between two letters, since MISP trims values."""
    if len(narrative.encode()) <= MAX_VALUE_BYTES:
        return len(narrative)
    cut = _SPLIT_CHARS
    while cut > 1 and (narrative[cut - 1].isspace() or narrative[cut].isspace()):
        cut -= 1
    return cut


def _object_id(signal_id: bytes, form: ObjectForm) -> str:
    return export_id(signal_id, f"misp/object/{form.name}")


def _attribute(
    signal_id: bytes, form: ObjectForm, relation: str, value: str | None, timestamp: str, *, is_gone: bool
) -> dict[str, Any]:
    """An attribute with its value, or the same attribute without any content."""
    gone = is_gone or value is None
    if value is None:
        kind, value = "comment", _GONE
    else:
        kind = "float" if relation in FLOATS else "text"
    return {
        "uuid": export_id(signal_id, f"misp/attribute/{form.name}/{relation}"),
        "object_relation": relation,
        "type": kind,
        "category": "Other",
        "to_ids": False,
        "disable_correlation": form is RISK_SIGNAL or relation in FLOATS,
        "distribution": "5",
        "sharing_group_id": "0",
        "timestamp": timestamp,
        "comment": "",
        "deleted": gone,
        "value": value,
    }


def _reference(
    signal_id: bytes, source: ObjectForm, target: ObjectForm, relationship: str, timestamp: str
) -> dict[str, Any]:
    return {
        "uuid": export_id(signal_id, f"misp/reference/{source.name}/{target.name}"),
        "timestamp": timestamp,
        "object_uuid": _object_id(signal_id, source),
        "referenced_uuid": _object_id(signal_id, target),
        "relationship_type": relationship,
        "comment": "",
        "deleted": False,
    }
