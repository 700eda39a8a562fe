"""Signals as a STIX 2.1 bundle: a report for each, about the identity of its subject.

Handles: reports whose extension holds the record and whose own properties say the same to whoever does not
know the extension; the subject's identity and location; a contest as an opinion, corroboration as a sighting;
revoked reports for signals that no longer stand. Ids and times make a second export an update of the first.
Refuses what `ready_for_export` refuses. Equal input gives equal output.
Source: STIX 2.1, OASIS Standard (2021). Specification: docs/signals-interchange.md, STIX.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import uuid5

from symbolon.policy.canonical_json import encode_canonical
from symbolon.signals.exported import (
    NAMESPACE,
    OVER_TITLE,
    Exported,
    description,
    export_id,
    is_over,
    other_side,
    ready_for_export,
    subject_fields,
    title,
    version_time,
)
from symbolon.signals.exported_record import export_record
from symbolon.signals.machine_tags import export_tags
from symbolon.signals.stix_form import (
    CREATED,
    EXTENSION,
    FIXED_OBJECTS,
    SYMBOLON,
    marking_definition,
    marking_id,
)
from symbolon.signals.vocabulary import DisputeState, SubjectKind, Tlp

_IDENTIFIERS: Final[Mapping[str, str]] = {
    "os_id": "open-supply-hub",
    "lei": "lei",
    "gln": "gln",
    "duns": "duns",
    "vat": "vat",
    "registration_number": "registration-number",
    "imo": "imo",
}
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_DEGREES: Final = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{1,15})?")
_OPINIONS: Final = {
    DisputeState.OPEN: "disagree",
    DisputeState.MAINTAINED: "disagree",
    DisputeState.CORRECTED: "neutral",
    DisputeState.REMEDIED: "neutral",
}


def write_stix(
    exported: Iterable[Exported],
    *,
    organisation: str,
    now: datetime,
    onward_allowed: Collection[bytes] = frozenset(),
) -> dict[str, Any]:
    """The signals as a bundle, in the order of their ids.

    Args:
        exported: distinct by id.
        organisation: name of whoever exports; it stands in a report's external reference.
        now: by this node's clock, with its zone.
        onward_allowed: ids of signals that may be passed on though TLP:RED or `no_onward` says otherwise,
            since their contributor agreed.

    Returns:
        The bundle, for `canonical_json.encode_canonical`.

    Raises:
        SignalError: `signal.onward`, `signal.doubled`, `signal.too_many`, `signal.value`.
    """
    ready = ready_for_export(exported, organisation=organisation, now=now, onward_allowed=onward_allowed)
    marks = {each.released.tlp for each in ready}
    objects = [*FIXED_OBJECTS, *(marking_definition(each) for each in Tlp if each in marks)]
    for each in ready:
        if is_over(each, now):
            objects.extend(_tombstone(each, now))
        else:
            objects.extend(_report_objects(each, organisation, now))
    bundle_id = uuid5(NAMESPACE, encode_canonical(objects).decode("ascii"))
    return {"type": "bundle", "id": f"bundle--{bundle_id}", "objects": objects}


def stix_id(kind: str, signal_id: bytes) -> str:
    """The id of a signal's object of a type; each type has a UUID of its own."""
    return f"{kind}--{export_id(signal_id, f'stix/{kind}')}"


def _modified(exported: Exported, now: datetime) -> str:
    return version_time(exported, now).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _head(kind: str, exported: Exported, modified: str) -> dict[str, Any]:
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": stix_id(kind, exported.released.signal_id),
        "created_by_ref": SYMBOLON,
        "created": CREATED,
        "modified": modified,
        "object_marking_refs": [marking_id(exported.released.tlp)],
    }


def _published(exported: Exported) -> str:
    return f"{exported.released.issued.isoformat()}T00:00:00.000Z"


def _report_objects(exported: Exported, organisation: str, now: datetime) -> Iterator[dict[str, Any]]:
    released, modified = exported.released, _modified(exported, now)
    about = subject_objects(exported, modified)
    yield from about
    report = {
        **_head("report", exported, modified),
        "name": title(released),
        "description": description(released, exported.narrative, exported.publisher),
        "report_types": ["identity"],
        "published": _published(exported),
        "object_refs": [each["id"] for each in about] or [SYMBOLON],
        "labels": [each for each in export_tags(released) if not each.startswith("tlp:")],
        "external_references": [
            {
                "source_name": "symbolon",
                "external_id": released.hex_id,
                "description": f"Exported by {organisation}.",
            }
        ],
        "extensions": {EXTENSION: {"extension_type": "property-extension", **export_record(exported)}},
    }
    if not report["labels"]:
        del report["labels"]
    if released.confidence is not None:
        report["confidence"] = released.confidence
    yield report
    if released.dispute.state in _OPINIONS:
        yield {
            **_head("opinion", exported, modified),
            "opinion": _OPINIONS[released.dispute.state],
            "explanation": other_side(released)[0],
            "authors": ["the subject of the report"],
            "object_refs": [report["id"]],
        }
    if released.contributors > 1:
        yield {
            **_head("sighting", exported, modified),
            "description": "Further contributors that say so independently; counted by hand.",
            "count": released.contributors - 1,
            "sighting_of_ref": report["id"],
        }


def _tombstone(exported: Exported, now: datetime) -> Iterator[dict[str, Any]]:
    """What STIX requires of a revoked object, and nothing that was said."""
    modified = _modified(exported, now)
    report = {
        **_head("report", exported, modified),
        "revoked": True,
        "name": OVER_TITLE,
        "published": _published(exported),
        "object_refs": [SYMBOLON],
        "external_references": [{"source_name": "symbolon", "external_id": exported.released.hex_id}],
    }
    yield report
    yield {
        **_head("opinion", exported, modified),
        "revoked": True,
        "opinion": "neutral",
        "object_refs": [report["id"]],
    }
    yield {**_head("sighting", exported, modified), "revoked": True, "sighting_of_ref": report["id"]}


def subject_objects(exported: Exported, modified: str) -> list[dict[str, Any]]:
    """The subject's identity and, where its country or position is known, its location; none without one."""
    fields, kind = subject_fields(exported), exported.released.subject_kind
    numbers = [
        {"source_name": source, "external_id": fields[name]}
        for name, source in _IDENTIFIERS.items()
        if name in fields
    ]
    if "name" not in fields and not numbers:
        return []
    identity = {
        **_head("identity", exported, modified),
        "name": fields.get("name") or " ".join(numbers[0].values()),
        "identity_class": "unknown" if kind in (None, SubjectKind.VESSEL) else "organization",
    }
    if kind is not None:
        identity["roles"] = [kind.value]
    if numbers:
        identity["external_references"] = numbers
    place = _place(fields)
    if not place:
        return [identity]
    location = {**_head("location", exported, modified), **place}
    relationship = {
        **_head("relationship", exported, modified),
        "relationship_type": "located-at",
        "source_ref": identity["id"],
        "target_ref": location["id"],
    }
    return [identity, location, relationship]


def _place(fields: Mapping[str, str]) -> dict[str, Any]:
    """A location has a country or a position; without either, the address stands in the record alone."""
    place: dict[str, Any] = {}
    if _COUNTRY.fullmatch(fields.get("country", "")):
        place["country"] = fields["country"]
    latitude, longitude = _degrees(fields.get("latitude"), 90), _degrees(fields.get("longitude"), 180)
    if latitude is not None and longitude is not None:
        place["latitude"], place["longitude"] = latitude, longitude
    if not place:
        return {}
    for name, ours in (
        ("administrative_area", "region"),
        ("city", "city"),
        ("street_address", "address"),
        ("postal_code", "postal_code"),
    ):
        if ours in fields:
            place[name] = fields[ours]
    return place


def _degrees(text: str | None, most: int) -> float | None:
    if text is None or not _DEGREES.fullmatch(text):
        return None
    value = float(text)
    return value if abs(value) <= most else None
