"""Signals on their way to and from other formats, for tests: exports as bytes, other people's files."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from signal_makers import TODAY, make_signal
from symbolon.policy.canonical_json import encode_canonical
from symbolon.policy.obligations import Obligations
from symbolon.signals.draft import Draft
from symbolon.signals.exported import Exported
from symbolon.signals.misp_reader import read_misp
from symbolon.signals.misp_writer import write_misp
from symbolon.signals.released import release
from symbolon.signals.signal import Signal
from symbolon.signals.stix_reader import read_stix
from symbolon.signals.stix_writer import write_stix
from symbolon.suppliers.row_problem import RowProblem

NOW = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)
ORGANISATION = "Labour Watch e.V."
WRITERS = {"misp": write_misp, "stix": write_stix}
READERS = {"misp": read_misp, "stix": read_stix}
_SPACE = UUID("00000000-0000-4000-8000-000000000000")


def export_of(signal: Signal | None = None, obligations: Obligations | None = None, **terms: Any) -> Exported:
    """A signal as it is handed to a writer; `terms` are further arguments of `release`."""
    signal = signal or make_signal()
    released = release(signal, obligations or Obligations(), **terms)
    return Exported(released, signal.subject, signal.narrative)


def written(form: str, *exported: Exported, **arguments: Any) -> bytes:
    """The file of an export, `misp` or `stix`; what may not be passed on is allowed here."""
    allowed = {each.released.signal_id for each in exported}
    arguments = {"organisation": ORGANISATION, "now": NOW, "onward_allowed": allowed, **arguments}
    return encode_canonical(WRITERS[form](exported, **arguments))


def read(
    form: str, data: bytes | object, *, recipients: tuple[str, ...] = ("mill",)
) -> tuple[list[Draft], list[RowProblem]]:
    """What a reader makes of a file, or of what becomes one."""
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    return split(READERS[form](data, today=TODAY, recipients=recipients))


def split(items: Iterable[Draft | RowProblem]) -> tuple[list[Draft], list[RowProblem]]:
    """Drafts and problems apart."""
    found = list(items)
    drafts = [each for each in found if isinstance(each, Draft)]
    return drafts, [each for each in found if isinstance(each, RowProblem)]


def columns(problems: Iterable[RowProblem], *, fatal: bool | None = None) -> list[str | None]:
    """The columns of problems, of the fatal ones or the others where asked for."""
    return [each.column for each in problems if fatal is None or each.fatal is fatal]


def told(problems: Iterable[RowProblem]) -> str:
    """All that a person is told."""
    return "\n".join(f"{each.row} {each.column} {each.message} {each.remedy}" for each in problems)


def as_content(draft: Draft) -> Draft:
    """A draft without what never leaves, as `read` gives it back from an export."""
    gone = {"purposes": (), "embargo": None, "source": "", "workers": None, "reference": ""}
    return replace(draft, recipients=("mill",), **gone)


# ------------------------------------------------------------------------------------------------- MISP


def uuid_of(name: str) -> str:
    """A UUID for a name."""
    return str(uuid5(_SPACE, ascii(name)))


def attribute(relation: str, value: str, type_: str = "text", **more: Any) -> dict[str, Any]:
    """A MISP attribute."""
    return {
        "uuid": uuid_of(f"{relation}/{value}"),
        "object_relation": relation,
        "type": type_,
        "category": "Other",
        "value": value,
        "deleted": False,
        **more,
    }


def misp_object(name: str, *attributes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A MISP object."""
    return {"uuid": uuid_of(name), "name": name, "deleted": False, "Attribute": list(attributes), **more}


TAGS = (
    "tlp:green",
    'symbolon:indicator="debt-bondage"',
    'symbolon:evidence="worker-interview"',
)


def foreign_event(*objects: dict[str, Any], tags: Iterable[str] = TAGS, **more: Any) -> dict[str, Any]:
    """Another party's event about one company; without `objects`, about Riverside Mills in Vietnam."""
    if not objects:
        objects = (
            misp_object("legal-entity", attribute("name", "Riverside Mills")),
            misp_object("geolocation", attribute("countrycode", "VN"), attribute("city", "Hanoi")),
        )
    return {
        "Event": {
            "uuid": uuid_of("event"),
            "info": "Debts at a mill",
            "date": "2026-03-01",
            "distribution": "1",
            "Tag": [{"name": each} for each in tags],
            "Object": list(objects),
            **more,
        }
    }


# ------------------------------------------------------------------------------------------------- STIX


def stix_object(kind: str, key: str, /, **more: Any) -> dict[str, Any]:
    """A STIX object whose id follows from its type and key."""
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--{uuid_of(kind + key)}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        **more,
    }


MILL = stix_object("identity", "mill", name="Riverside Mills", identity_class="organization")
PLACE = stix_object("location", "place", country="VN", city="Hanoi")
GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"


def foreign_report(*about: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Another party's report; without `about`, about Riverside Mills in Vietnam."""
    return stix_object(
        "report",
        "report",
        **{
            "name": "Debts at a mill",
            "description": "Workers repay debts.",
            "published": "2026-03-01T00:00:00Z",
            "object_refs": [each["id"] for each in about or (MILL, PLACE)],
            "object_marking_refs": [GREEN],
            "labels": list(TAGS[1:]),
            **more,
        },
    )


def bundle(*objects: object) -> dict[str, Any]:
    """A STIX bundle."""
    return {"type": "bundle", "id": f"bundle--{uuid_of('bundle')}", "objects": list(objects)}
