"""One supplier as the node knows it, and its compact bytes for sealed storage (docs/matching.md, Records).

Handles: the canonical columns, the optional ones, and a two-way JSON codec that leaves empty fields out.
Refuses: bytes that are not such a JSON object, unknown fields, and values that are not text, with
`StorageError` (`storage.record`), because only storage feeds this codec.
"""

import json
from dataclasses import dataclass
from typing import Final

from symbolon.errors import StorageError

CANONICAL_HEADER: Final[tuple[str, ...]] = (
    "supplier_id",
    "name",
    "address",
    "city",
    "region",
    "postal_code",
    "country",
    "sector",
)
"""The columns that every list is asked for, in their order."""

OPTIONAL_HEADER: Final[tuple[str, ...]] = (
    "os_id",
    "lei",
    "gln",
    "duns",
    "vat",
    "registration_number",
    "imo",
    "parent_name",
    "latitude",
    "longitude",
)
"""The columns that a list may have besides."""


@dataclass(frozen=True, slots=True)
class Supplier:
    """A site, an organisation, a recruiter or a vessel, as one list names it.

    Every field is text, and empty text where the list says nothing. The reader cleans white space and control
    characters and normalises `country`; it leaves everything else as it was typed.

    Attributes:
        supplier_id: the member's own id of the row, unique within its list.
        name: the name as typed.
        address: street address as typed, possibly the whole address in one line.
        city: the place.
        region: state or province.
        postal_code: as typed.
        country: ISO 3166 alpha-2 in upper case, or empty.
        sector: the member's own words.
        os_id: Open Supply Hub id.
        lei: Legal Entity Identifier, ISO 17442.
        gln: GS1 Global Location Number.
        duns: D-U-N-S number.
        vat: VAT number, with or without its country prefix.
        registration_number: number in a national register of companies.
        imo: IMO number of a ship.
        parent_name: the organisation that owns this supplier; makes no match key.
        latitude: decimal degrees as text.
        longitude: decimal degrees as text.
    """

    supplier_id: str
    name: str
    address: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    sector: str = ""
    os_id: str = ""
    lei: str = ""
    gln: str = ""
    duns: str = ""
    vat: str = ""
    registration_number: str = ""
    imo: str = ""
    parent_name: str = ""
    latitude: str = ""
    longitude: str = ""

    def to_json(self) -> bytes:
        """Compact JSON in UTF-8, fields in header order, empty fields left out."""
        filled = {field: value for field in _FIELDS if (value := getattr(self, field))}
        text = json.dumps(filled, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "surrogatepass")

    @classmethod
    def from_json(cls, data: bytes) -> "Supplier":
        """Read what `to_json` wrote.

        Raises:
            StorageError: the bytes are not a record.
        """
        try:
            filled = json.loads(data.decode("utf-8", "surrogatepass"))
        except ValueError as error:
            raise StorageError("a stored supplier is not JSON", code="storage.record") from error
        if not isinstance(filled, dict):
            raise StorageError("a stored supplier is not a JSON object", code="storage.record")
        for field, value in filled.items():
            if field not in _FIELD_SET or not isinstance(value, str):
                raise StorageError("a stored supplier has a field that is not text", code="storage.record")
        return cls(**{"supplier_id": "", "name": "", **filled})


_FIELDS: Final = (*CANONICAL_HEADER, *OPTIONAL_HEADER)
_FIELD_SET: Final = frozenset(_FIELDS)
