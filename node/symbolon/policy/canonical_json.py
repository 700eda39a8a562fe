"""The one JSON form of what a decision is taken from, and of the decision itself.

Handles: ASCII, keys sorted, no white space, one newline at the end. Refuses: what is too large, is not JSON,
has another form than the canonical one (so a key that stands twice too), or holds a value of another type.
Specification: docs/adr/0014, docs/adr/0015.
"""

import json
from typing import Any, Final

from symbolon.errors import PolicyError

MAX_INTEGER: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exact."""

_ENCODE: Final = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
).encode


def encode_canonical(content: object) -> bytes:
    """Encodes a tree of objects, lists, texts, truth values and whole numbers."""
    return _ENCODE(content).encode("ascii") + b"\n"


def compact_text(content: object) -> str:
    """The canonical form without its newline, as Cedar takes it."""
    return _ENCODE(content)


def decode_canonical(document: bytes, limit_bytes: int) -> object:
    """Parses a document that has to be in canonical form.

    Args:
        document: from anywhere.
        limit_bytes: what it may have, checked before it is parsed.

    Raises:
        PolicyError: `policy.too_large` or `policy.malformed`.
    """
    if len(document) > limit_bytes:
        raise PolicyError(
            f"a document has {len(document)} bytes, more than {limit_bytes}", code="policy.too_large"
        )
    try:
        content: object = json.loads(document)
        canonical = encode_canonical(content)
    except (ValueError, RecursionError) as error:
        raise malformed("the document is not JSON") from error
    if canonical != document:
        raise malformed("the document is not in canonical form")
    return content


def read_object(value: object, names: frozenset[str]) -> dict[str, Any]:
    """Returns an object that has exactly these fields.

    Raises:
        PolicyError: `policy.malformed`, as all readers below.
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
    return value


def read_texts(value: object) -> tuple[str, ...]:
    """Returns a list of texts."""
    return tuple(read_text(each) for each in read_array(value))


def read_truth(value: object) -> bool:
    """Returns a truth value."""
    if not isinstance(value, bool):
        raise malformed("true or false is missing")
    return value


def malformed(detail: str) -> PolicyError:
    """The error for a document whose form is wrong."""
    return PolicyError(detail, code="policy.malformed")
