"""Cedar text before Cedar reads it: bounds, and where one policy ends and the next begins.

Handles: files of policies, which are split so that each policy keeps its own words and the comments above it;
reading one policy's effect and annotations. Refuses: what is too long, brackets nested too deeply, too many
words in one policy, and characters that a person does not see. The engine is compiled and keeps its own stack
on some constructions only: brackets a thousand deep, or ten thousand operators, end the process. So these
bounds come before every call of it with text that is not our own. Specification: docs/adr/0014.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import cedarpy

from symbolon.errors import PolicyError

MAX_FILE_CHARS: Final = 256 * 1024
"""A file of policies, or the schema: a hundred times what a person writes."""

MAX_NESTING: Final = 32
"""Brackets within brackets; Cedar overflows its stack between 500 and 1,000."""

MAX_WORDS: Final = 1_000
"""Names, numbers and operators of one policy, without texts and commas; Cedar overflows beyond 3,000.
A list of ten thousand member ids fits, since they are texts."""

MAX_SCHEMA_WORDS: Final = 10_000
"""Schemas are declarations side by side: only nesting is a danger, and this bounds the time."""

_LEXEME: Final = re.compile(
    r"""(?P<space>[ \t\r\n]+|//[^\r\n]*)|(?P<text>"(?:[^"\\]|\\.)*")|(?P<word>[A-Za-z0-9_]+)|(?P<mark>.)""",
    re.DOTALL,
)
_NOT_COUNTED: Final = frozenset(",;")


@dataclass(frozen=True, slots=True)
class PolicyText:
    """One policy as it stands in its file.

    Attributes:
        text: from the comment above it to its semicolon.
        line: of its first word, counted from 1.
    """

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class ParsedPolicy:
    """What the engine reads in one policy.

    Attributes:
        permits: whether it is a permit; a forbid otherwise.
        annotations: by name; one without a value has the empty text.
        for_everybody: nothing in it, beside the actions and the kind of resource, depends on the request.
        only_for: type and id of the one principal that its head names, or None where it names none.
    """

    permits: bool
    annotations: Mapping[str, str]
    for_everybody: bool
    only_for: tuple[str, str] | None


def split_policies(text: str) -> tuple[PolicyText, ...]:
    """Splits a file into its policies.

    Raises:
        PolicyError: `policy.text`, a bound does not hold.
    """
    _require_visible(text, MAX_FILE_CHARS)
    policies: list[PolicyText] = []
    start, first_word, words, depth, line = 0, 0, 0, 0, 1
    for found in _LEXEME.finditer(text):
        lexeme, kind = found[0], found.lastgroup
        if kind != "space":
            first_word = first_word or line
            words += kind != "text" and lexeme not in _NOT_COUNTED
            depth = _deeper(depth, lexeme if kind == "mark" else "", first_word)
            if words > MAX_WORDS:
                raise _unusable(f"the policy at line {first_word} has more than {MAX_WORDS} words")
        line += lexeme.count("\n")
        if kind == "mark" and lexeme == ";":
            policies.append(PolicyText(text[start : found.end()].strip(), first_word))
            start, first_word, words, depth = found.end(), 0, 0, 0
    if first_word:
        # Cedar says of it what is missing; the policies before it are told apart all the same.
        policies.append(PolicyText(text[start:].strip(), first_word))
    return tuple(policies)


def require_plain_schema(text: str) -> None:
    """Checks a schema's bounds, in which `<` is a bracket too.

    Raises:
        PolicyError: `policy.text`.
    """
    _require_visible(text, MAX_FILE_CHARS)
    words = depth = 0
    for found in _LEXEME.finditer(text):
        if found.lastgroup != "space":
            words += 1
            mark = found[0] if found.lastgroup == "mark" else ""
            depth = _deeper(depth, {"<": "(", ">": ")"}.get(mark, mark), 0)
            if words > MAX_SCHEMA_WORDS:
                raise _unusable(f"the schema has more than {MAX_SCHEMA_WORDS} words")


def parse_policy(text: str) -> ParsedPolicy:
    """Lets the engine read one policy.

    Args:
        text: what `split_policies` gave, or what it would leave whole.

    Raises:
        PolicyError: `policy.text`, it is not exactly one policy, or is a template.
    """
    pieces = split_policies(text)
    if [each.text for each in pieces] != [text]:
        raise _unusable("this is not the text of exactly one policy")
    try:
        content = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        raise _unusable(f"Cedar does not read it: {error}") from None
    if content["templates"]:
        raise _unusable("it has a slot (?principal or ?resource); templates are not used here")
    if len(content["staticPolicies"]) != 1:
        raise _unusable("this is not the text of exactly one policy")
    (policy,) = content["staticPolicies"].values()
    principal = policy["principal"]
    named = principal["entity"] if principal["op"] == "==" else None
    return ParsedPolicy(
        permits=policy["effect"] == "permit",
        annotations={name: value or "" for name, value in policy.get("annotations", {}).items()},
        for_everybody=not policy["conditions"]
        and principal["op"] in ("All", "is")
        and "in" not in principal
        and policy["resource"]["op"] in ("All", "is"),
        only_for=None if named is None else (named["type"], named["id"]),
    )


def _deeper(depth: int, mark: str, line: int) -> int:
    if mark and mark in "([{":
        depth += 1
        if depth > MAX_NESTING:
            where = f"the policy at line {line}" if line else "the schema"
            raise _unusable(f"{where} has brackets more than {MAX_NESTING} deep")
    elif mark and mark in ")]}":
        depth = max(0, depth - 1)
    return depth


def _require_visible(text: str, limit_chars: int) -> None:
    if len(text) > limit_chars:
        raise _unusable(f"a text has {len(text)} characters, more than {limit_chars}")
    hidden = next((each for each in text if not (each.isprintable() or each in "\t\r\n")), None)
    if hidden is not None:
        raise _unusable(f"it holds the character U+{ord(hidden):04X}, which a person does not see")


def _unusable(detail: str) -> PolicyError:
    return PolicyError(detail, code="policy.text")
