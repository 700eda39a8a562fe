"""Cases: examples of requests with what has to be decided, in files that `cedar run-tests` reads too.

Handles: files that are a list of objects with `name`, `request`, `entities` (a list, or the name of a file in
the same folder), `decision`, `reason` (ids that have to be among those that determined it) and `num_errors`.
Refuses a file that is anything else, and names of files that lead out of the folder. A case passes only when
the node itself would decide so: an Allow beside an error is a deny here. Specification: policies/README.md.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from symbolon.errors import PolicyError
from symbolon.policy.bundle import PolicyBundle
from symbolon.policy.decision import Decider
from symbolon.policy.facts import NAMESPACE
from symbolon.policy.request import PolicyRequest

MAX_CASES_CHARS: Final = 4 * 1024 * 1024
"""One file: ten thousand cases, or the entities of a large coalition."""

_UID: Final = re.compile(rf'{NAMESPACE}::([A-Za-z]+)::"([^"\\]*)"')
_FIELDS: Final = frozenset({"name", "request", "entities", "decision", "reason", "num_errors"})
_REQUEST_FIELDS: Final = frozenset({"principal", "action", "resource", "context"})
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.json")

Entities = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class PolicyCase:
    """One example.

    Attributes:
        source: name of its file.
        entities: as Cedar's JSON has them.
        reason: ids that have to be among the policies that determined the decision.
        num_errors: policies that could not be evaluated, or 1 for a request that does not fit the schema.
    """

    source: str
    name: str
    request: PolicyRequest
    entities: Entities
    decision: Literal["allow", "deny"]
    reason: tuple[str, ...]
    num_errors: int


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came of a case.

    Attributes:
        failure: what differs from what was expected, or ''.
    """

    case: PolicyCase
    failure: str


def read_cases(source: str, text: str, entities_in: Callable[[str], str]) -> tuple[PolicyCase, ...]:
    """Reads a file of cases.

    Args:
        source: its name.
        text: the file.
        entities_in: reads a file of entities in the same folder, by its name.

    Raises:
        PolicyError: `policy.case`.
    """
    content = _json(source, text)
    if not isinstance(content, list):
        raise _wrong(source, "a file of cases is a list of them")
    files: dict[str, Entities] = {}
    cases = []
    for number, entry in enumerate(content, 1):
        where = f"case {number}"
        if not isinstance(entry, dict) or entry.keys() != _FIELDS:
            raise _wrong(source, f"{where} does not have exactly the fields {', '.join(sorted(_FIELDS))}")
        where = f"case {number} ({str(entry['name'])[:80]})"
        entities = entry["entities"]
        if isinstance(entities, str):
            if not _FILE_NAME.fullmatch(entities):
                raise _wrong(source, f"{where}: entities are a list, or the name of a file in this folder")
            if entities not in files:
                files[entities] = _json(entities, entities_in(entities))
            entities = files[entities]
        cases.append(_case(source, where, entry, entities))
    return tuple(cases)


def run_cases(bundle: PolicyBundle, cases: Sequence[PolicyCase]) -> tuple[CaseResult, ...]:
    """Runs cases, in their order."""
    deciders: dict[int, Decider | str] = {}
    results = []
    for case in cases:
        key = id(case.entities)
        if key not in deciders:
            deciders[key] = _decider(bundle, case.entities)
        decider = deciders[key]
        failure = decider if isinstance(decider, str) else _compare(case, decider)
        results.append(CaseResult(case, failure))
    return tuple(results)


@dataclass(frozen=True, slots=True)
class _Given:
    given: Entities

    def entities(self) -> Entities:
        return self.given


def _decider(bundle: PolicyBundle, entities: Entities) -> Decider | str:
    try:
        return Decider(bundle, _Given(entities))
    except PolicyError as error:
        return error.detail


def _compare(case: PolicyCase, decider: Decider) -> str:
    answer = decider.decide(case.request)
    decided = "allow" if answer.allowed else "deny"
    if decided != case.decision:
        by = f" by {', '.join(answer.policies)}" if answer.policies else ""
        errors = f" ({'; '.join(answer.errors)})" if answer.errors else ""
        return f"expected {case.decision}, it was {decided}{by}{errors}"
    missing = [each for each in case.reason if each not in answer.policies]
    if missing:
        return f"{', '.join(missing)} did not determine it, but {', '.join(answer.policies) or 'nothing'}"
    if len(answer.errors) != case.num_errors:
        return (
            f"expected {case.num_errors} errors, there were {len(answer.errors)}: {'; '.join(answer.errors)}"
        )
    return ""


def _case(source: str, where: str, entry: Mapping[str, Any], entities: Any) -> PolicyCase:
    request = entry["request"]
    if not isinstance(request, dict) or request.keys() != _REQUEST_FIELDS:
        raise _wrong(source, f"{where}: a request has {', '.join(sorted(_REQUEST_FIELDS))}")
    principal = _uid(source, where, request["principal"])
    action = _uid(source, where, request["action"])
    resource = _uid(source, where, request["resource"])
    if principal[0] != "Member" or action[0] != "Action":
        raise _wrong(source, f"{where}: the principal is a Member, the action an Action")
    reason, errors = entry["reason"], entry["num_errors"]
    if not isinstance(reason, list) or not all(isinstance(each, str) for each in reason):
        raise _wrong(source, f"{where}: the reason is a list of ids")
    if not isinstance(errors, int) or isinstance(errors, bool):
        raise _wrong(source, f"{where}: num_errors is a number")
    if entry["decision"] not in ("allow", "deny"):
        raise _wrong(source, f"{where}: the decision is allow or deny")
    if not isinstance(request["context"], dict) or not isinstance(entities, list):
        raise _wrong(source, f"{where}: the context is an object, the entities are a list")
    asked = PolicyRequest(principal[1], action[1], *resource, request["context"])
    return PolicyCase(source, str(entry["name"]), asked, entities, entry["decision"], tuple(reason), errors)


def _uid(source: str, where: str, value: object) -> tuple[str, str]:
    found = _UID.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise _wrong(source, f'{where}: {str(value)[:80]} is not of the form {NAMESPACE}::Member::"…"')
    return found[1], found[2]


def _json(source: str, text: str) -> Any:
    if len(text) > MAX_CASES_CHARS:
        raise _wrong(source, f"it has more than {MAX_CASES_CHARS} characters")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong(source, f"it is not JSON: {error}") from None


def _wrong(source: str, detail: str) -> PolicyError:
    return PolicyError(
        f"{source}: {detail}", code="policy.case", hint="policies/README.md shows how a case is written."
    )
