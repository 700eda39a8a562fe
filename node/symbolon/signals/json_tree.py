"""A JSON file from outside, read whole within bounds.

Handles: UTF-8 with or without a byte order mark; looking into a tree whose form nobody vouches for. Refuses
the whole file with `InputError`: more bytes, values or levels than the limits (`input.too_large`), other
encodings (`input.encoding`), and what is no JSON, has a key twice in one object, or a number that is no
number or has too many digits (`input.json`). A message never quotes the file.
Source: RFC 8259.
"""

import json
import math
from typing import Any, Final

from symbolon.errors import InputError

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
"""Ten thousand signals in the MISP form, the wordier of the two; a larger export is made in parts."""

MAX_VALUES: Final = 4_000_000
"""Commas and opening brackets: an event has one in 25 bytes. The smallest objects of Python then take half a
gigabyte, whatever the file holds."""

MAX_DEPTH: Final = 32
"""MISP nests nine deep (response, event, object, attribute, tag, lists between them), STIX six."""

MAX_DIGITS: Final = 20
"""Of a number; times in seconds have ten."""

Tree = dict[str, Any]


class _NoJsonError(ValueError):
    """Why it is refused, fit to be shown."""


def read_tree(data: bytes) -> object:
    """Reads a file.

    Args:
        data: all of it.

    Raises:
        InputError: see the module.
    """
    if len(data) > MAX_FILE_BYTES:
        raise _too_large(f"{len(data):,} bytes, more than {MAX_FILE_BYTES:,}")
    if data.count(b",") + data.count(b"[") + data.count(b"{") > MAX_VALUES:
        raise _too_large(f"more than {MAX_VALUES:,} values")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"the file is no UTF-8: byte {error.start + 1} does not decode",
            hint="Save or export it as UTF-8.",
            code="input.encoding",
        ) from None
    try:
        tree: object = json.loads(
            text,
            object_pairs_hook=_distinct,
            parse_constant=_no_constant,
            parse_int=_integer,
            parse_float=_finite,
        )
    except json.JSONDecodeError as error:
        raise _no_json(f"{error.msg} (line {error.lineno}, column {error.colno})") from None
    except _NoJsonError as error:
        raise _no_json(str(error)) from None
    except RecursionError:
        raise _too_large(f"more than {MAX_DEPTH} levels") from None
    if _is_too_deep(tree):
        raise _too_large(f"more than {MAX_DEPTH} levels")
    return tree


def objects_in(value: object) -> list[Tree]:
    """The objects of a list; what is no list, or no object in it, is left out."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def texts_in(value: object) -> list[str]:
    """The texts of a list; what is no list, or no text in it, is left out."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def text_in(tree: Tree, name: str) -> str:
    """A text, or '' where there is none."""
    value = tree.get(name)
    return value if isinstance(value, str) else ""


def _is_too_deep(tree: object) -> bool:
    level: list[Any] = [tree] if isinstance(tree, (dict, list)) else []
    for _ in range(MAX_DEPTH):
        if not level:
            return False
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, (dict, list))
        ]
    return bool(level)


def _distinct(pairs: list[tuple[str, Any]]) -> Tree:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _NoJsonError("an object has one key twice")
    return found


def _no_constant(_text: str) -> object:
    raise _NoJsonError("NaN and Infinity are no JSON")


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise _NoJsonError(f"a number has more than {MAX_DIGITS} digits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _NoJsonError("a number is too large")
    return value


def _no_json(what: str) -> InputError:
    return InputError(
        f"the file cannot be read: {what}",
        hint="Export it again; a JSON checker shows the place.",
        code="input.json",
    )


def _too_large(what: str) -> InputError:
    return InputError(f"the file has {what}", hint="Export it in parts.", code="input.too_large")
