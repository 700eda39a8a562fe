"""The form that a signal has in MISP: its objects, and which field of a subject stands where.

Handles: the object `symbolon-risk-signal`, the standard objects beside it, their relations. Refuses nothing.
Sources: MISP core format, draft-dulaunoy-misp-core-format-18; templates of the project misp-objects:
organization version 9, geolocation version 8, ftm-Vessel version 1.
Specification: docs/signals-interchange.md, MISP.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from symbolon.signals.vocabulary import SubjectKind


@dataclass(frozen=True, slots=True)
class ObjectForm:
    """An object template as far as an export uses it.

    Attributes:
        name, meta_category, template, version, description: as MISP has them.
        relations: a subject's field to the relation that it stands in.
    """

    name: str
    meta_category: str
    template: str
    version: str
    description: str
    relations: Mapping[str, str]


RISK_SIGNAL: Final = ObjectForm(
    "symbolon-risk-signal",
    "misc",
    "dee2f621-2c3e-411c-9052-05b2726f5e38",
    "1",
    "A risk signal about a supplier, released by a member of a Symbolon coalition.",
    {},
)
SIGNAL_ID: Final = "signal-id"
RECORD: Final = "record"
SUMMARY: Final = "summary"
NARRATIVE: Final = "narrative"
NARRATIVE_REST: Final = "narrative-rest"
RISK_RELATIONS: Final = (SIGNAL_ID, RECORD, SUMMARY, NARRATIVE, NARRATIVE_REST)
"""Of `RISK_SIGNAL`. Few, since MISP keeps what an update does not name: the record is replaced as a whole."""

ORGANISATION: Final = ObjectForm(
    "organization",
    "misc",
    "f750e12b-127a-432c-b022-b3f9153c4e2a",
    "9",
    "An object which describes an organization.",
    {
        "name": "name",
        "address": "address",
        "vat": "VAT",
        "registration_number": "registration-number",
    },
)
VESSEL: Final = ObjectForm(
    "ftm-Vessel",
    "followthemoney",
    "2ee3df38-7756-4179-abea-ba8d2fbb7c6c",
    "1",
    "A boat or ship",
    {
        "name": "name",
        "address": "address",
        "registration_number": "registrationNumber",
        "imo": "imoNumber",
    },
)
PLACE: Final = ObjectForm(
    "geolocation",
    "misc",
    "cd6f2238-ba55-4888-82c4-104e6e1acf21",
    "8",
    "An object to describe a geographic location.",
    {
        "city": "city",
        "region": "region",
        "postal_code": "zipcode",
        "country": "countrycode",
        "latitude": "latitude",
        "longitude": "longitude",
    },
)
FLOATS: Final = frozenset({"latitude", "longitude"})
"""Fields that are numbers to MISP."""

MAX_VALUE_BYTES: Final = 60_000
"""A column of MISP's database holds 65,535; the rest is kept free."""


def placed_objects(kind: SubjectKind | None, fields: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """What of a subject stands in standard objects; the rest, and all of a nameless one, is in the record.

    Args:
        kind: of the subject, None where it was withheld.
        fields: texts of the subject by the names of its fields.

    Returns:
        Values by object and relation; a number that MISP would refuse is left to the record.
    """
    if "name" not in fields:
        return {}
    about = VESSEL if kind is SubjectKind.VESSEL else ORGANISATION
    found = {}
    for form in (about, PLACE):
        values = {
            relation: fields[name]
            for name, relation in form.relations.items()
            if name in fields and (name not in FLOATS or _is_number(fields[name]))
        }
        if values:
            found[form.name] = values
    return found


def placed_fields(kind: SubjectKind | None, fields: Mapping[str, str]) -> dict[str, str]:
    """The same texts by the names of a subject's fields."""
    placed = placed_objects(kind, fields)
    return {
        name: placed[form.name][relation]
        for form in (ORGANISATION, VESSEL, PLACE)
        for name, relation in form.relations.items()
        if relation in placed.get(form.name, {})
    }


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
