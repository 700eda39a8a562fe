"""JSON Schema as far as this project's schemas use it; a keyword that it does not know is an error.

Source: JSON Schema Core and Validation, draft 2020-12.
"""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

_NOTES = {"$schema", "$id", "$defs", "title", "description", "default", "examples"}
_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: _is_number(value) and value == int(value),
}


def _is_number(value: Any) -> bool:
    finite = not isinstance(value, float) or abs(value) < float("inf")
    return isinstance(value, int | float) and not isinstance(value, bool) and finite


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _same(one: Any, other: Any) -> bool:
    """1 and 1.0 are one number; true is no number."""
    return bool(one == other and isinstance(one, bool) == isinstance(other, bool))


def accepts(schema: dict[str, Any], value: Any, root: dict[str, Any] | None = None) -> bool:
    """Whether a value is valid."""
    root = root or schema
    return all(_KEYWORDS[keyword](schema, value, root) for keyword in schema if keyword not in _NOTES)


def _properties(schema: dict[str, Any], value: Any, root: dict[str, Any]) -> bool:
    return not isinstance(value, dict) or all(
        accepts(each, value[name], root) for name, each in schema["properties"].items() if name in value
    )


def _no_others(schema: dict[str, Any], value: Any, _root: dict[str, Any]) -> bool:
    assert schema["additionalProperties"] is False
    return not isinstance(value, dict) or value.keys() <= schema["properties"].keys()


_KEYWORDS: dict[str, Callable[[dict[str, Any], Any, dict[str, Any]], bool]] = {
    "type": lambda schema, value, _: _TYPES[schema["type"]](value),
    "enum": lambda schema, value, _: any(_same(each, value) for each in schema["enum"]),
    "anyOf": lambda schema, value, root: any(accepts(each, value, root) for each in schema["anyOf"]),
    "allOf": lambda schema, value, root: all(accepts(each, value, root) for each in schema["allOf"]),
    "$ref": lambda schema, value, root: accepts(root["$defs"][schema["$ref"].split("/")[-1]], value, root),
    "properties": _properties,
    "additionalProperties": _no_others,
    "required": lambda schema, value, _: (
        not isinstance(value, dict) or value.keys() >= set(schema["required"])
    ),
    "items": lambda schema, value, root: (
        not isinstance(value, list) or all(accepts(schema["items"], each, root) for each in value)
    ),
    "minItems": lambda schema, value, _: not isinstance(value, list) or len(value) >= schema["minItems"],
    "maxItems": lambda schema, value, _: not isinstance(value, list) or len(value) <= schema["maxItems"],
    "minLength": lambda schema, value, _: not isinstance(value, str) or len(value) >= schema["minLength"],
    "maxLength": lambda schema, value, _: not isinstance(value, str) or len(value) <= schema["maxLength"],
    "minimum": lambda schema, value, _: not _is_number(value) or value >= schema["minimum"],
    "maximum": lambda schema, value, _: not _is_number(value) or value <= schema["maximum"],
    "pattern": lambda schema, value, _: (
        not isinstance(value, str) or bool(re.search(schema["pattern"].replace("$", r"\Z"), value))
    ),
    "format": lambda schema, value, _: (
        schema["format"] != "date" or not isinstance(value, str) or _is_day(value)
    ),
}
