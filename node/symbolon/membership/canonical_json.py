"""The one JSON form in which the coalition's own documents are signed and hashed.

Handles: ASCII, keys sorted, no white space, one newline at the end; and reading the values back with exact
types. Refuses: every value of another type, an object with a field more or less, dates that the arithmetic of
the calendar could run out of. Whoever decodes compares the encoding of what it read with what it was given:
so there is one document for one value. Specification: docs/PROTOCOL.md, membership.
"""

import json
from datetime import date
from typing import Any, Final

from symbolon.errors import MembershipError

MAX_INTEGER: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exact."""

YEARS: Final = range(2000, 3000)
"""A date within them stays in the calendar, whatever validity is added to it."""


def encode_canonical(content: object) -> bytes:
    """Encodes a tree of objects, lists, texts and whole numbers."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.encode("ascii") + b"\n"


def decode_json(document: bytes, limit_bytes: int) -> object:
    """Parses a document; its canonical form is for the caller to compare.

    Args:
        document: from anywhere.
        limit_bytes: what it may have, checked before it is parsed.

    Raises:
        MembershipError: `membership.too_large` or `membership.malformed`.
    """
    require_size(document, limit_bytes)
    try:
        content: object = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise malformed("the document is not JSON") from error
    return content


def require_size(document: bytes, limit_bytes: int) -> bytes:
    """Returns a document that is not too large.

    Raises:
        MembershipError: `membership.too_large`.
    """
    if len(document) > limit_bytes:
        raise MembershipError(
            f"a document has {len(document)} bytes, more than {limit_bytes}", code="membership.too_large"
        )
    return document


def read_object(value: object, names: frozenset[str]) -> dict[str, Any]:
    """Returns an object that has exactly these fields.

    Raises:
        MembershipError: `membership.malformed`, as all readers below.
    """
    if not isinstance(value, dict) or set(value) != names:
        raise malformed("an object does not have exactly the fields it must have")
    return value


def read_array(value: object) -> list[Any]:
    """Returns a list."""
    if not isinstance(value, list):
        raise malformed("a list is missing")
    return value


def read_text(value: object) -> str:
    """Returns a text."""
    if not isinstance(value, str):
        raise malformed("a text is missing")
    try:
        # JSON can name halves of a character; whoever reads one has no bytes for it.
        value.encode()
    except UnicodeEncodeError:
        raise malformed("a text has no form in Unicode") from None
    return value


def read_integer(value: object) -> int:
    """Returns a whole number from 0 to `MAX_INTEGER`."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_INTEGER:
        raise malformed("a whole number is missing or out of range")
    return value


def read_bytes(value: object) -> bytes:
    """Returns bytes that are written in hexadecimal."""
    try:
        return bytes.fromhex(read_text(value))
    except ValueError as error:
        raise malformed("a key, hash or signature is not hexadecimal") from error


def read_date(value: object) -> date:
    """Returns a day that is written YYYY-MM-DD."""
    try:
        day = date.fromisoformat(read_text(value))
    except ValueError as error:
        raise malformed("a date is not of the form YYYY-MM-DD") from error
    return _require_year(day)


def date_text(day: date) -> str:
    """Returns a day as `read_date` reads it.

    Raises:
        MembershipError: `membership.malformed` for a year that it would refuse.
    """
    return _require_year(day).isoformat()


def malformed(detail: str) -> MembershipError:
    """The error for a document whose form is wrong."""
    return MembershipError(detail, code="membership.malformed")


def _require_year(day: date) -> date:
    if day.year not in YEARS:
        raise malformed("a date is out of range")
    return day
