"""The form that a signal has in STIX 2.1: fixed ids, TLP 2.0 marks, the extension with the record.

Handles: which marking a mark is, both ways, older TLP 1 markings among them. Refuses nothing.
Sources: STIX 2.1, OASIS Standard (2021), 4.1 and 7.2; OASIS extension definition for TLP 2.0, whose ids and
dates the five marks have. Specification: docs/signals-interchange.md, STIX.
"""

from collections.abc import Mapping
from typing import Any, Final

from symbolon.signals.vocabulary import Tlp

EXTENSION: Final = "extension-definition--39d6ea5a-51d3-4c4e-bf6b-878ac0900b89"
"""Of the record in a report."""

SYMBOLON: Final = "identity--791cc253-3fb2-4593-8419-aba4a10e0495"
"""The system that made an object; the same whoever exports, so that the versions of one object agree."""

CREATED: Final = "2020-01-01T00:00:00.000Z"
"""Of every object, since it may not change between versions, and no label tells when a signal was first
issued. `published` has the day of the revision."""

FIXED_OBJECTS: Final[tuple[dict[str, Any], ...]] = (
    {
        "type": "identity",
        "spec_version": "2.1",
        "id": SYMBOLON,
        "created": CREATED,
        "modified": CREATED,
        "name": "Symbolon",
        "description": "Software with which members of a coalition against forced labour share risk signals.",
        "identity_class": "system",
    },
    {
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": EXTENSION,
        "created_by_ref": SYMBOLON,
        "created": CREATED,
        "modified": CREATED,
        "name": "Symbolon risk signal",
        "description": "A risk signal about a supplier, as its contributor released it, in a report.",
        "schema": (
            "format: the text symbolon-export-1. signal_id: 32 hexadecimal digits. revision: from 1. "
            "issued: day of this revision. signal: an object of the schema urn:symbolon:signal-file:1, "
            "without what was withheld. contributors: how many say so independently. Optional: dispute "
            "(state, since, statement), reply (received, text), shown_as, no_onward, retain_days."
        ),
        "version": "1.0.0",
        "extension_types": ["property-extension"],
    },
)

_TLP2_EXTENSION: Final = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
_TLP2: Final[Mapping[Tlp, str]] = {
    Tlp.RED: "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
    Tlp.AMBER_STRICT: "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    Tlp.AMBER: "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    Tlp.GREEN: "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    Tlp.CLEAR: "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
}
_TLP1: Final[Mapping[str, Tlp]] = {
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": Tlp.CLEAR,
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": Tlp.GREEN,
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": Tlp.AMBER,
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": Tlp.RED,
}
_BY_ID: Final[Mapping[str, Tlp]] = {**{marking: tlp for tlp, marking in _TLP2.items()}, **_TLP1}


def marking_id(tlp: Tlp) -> str:
    """The id of a mark's definition."""
    return _TLP2[tlp]


def marking_of(marking: str) -> Tlp | None:
    """The mark of a definition's id, None where it is none of TLP's."""
    return _BY_ID.get(marking)


def marking_definition(tlp: Tlp) -> dict[str, Any]:
    """The definition of a mark, as its extension has published it."""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": _TLP2[tlp],
        "created": "2022-10-01T00:00:00.000Z",
        "name": f"TLP:{tlp.value.upper()}",
        "extensions": {_TLP2_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": tlp.value}},
    }
