"""The bundle: everything that decides, as one document with one SHA-256.

Handles: putting together the shipped policies, the operator's own and the generated ones; checking all of
it against the schema, with every problem told at once; the canonical document and its reading. An own policy
with the `@id` of a shipped one stands in its place. Refuses: what Cedar does not read or the schema does not
know, a policy without a plain `@id`, two with one, an annotation that is not known or stands on the wrong
kind of policy, templates, and a document that is not canonical or would not pass the same checks.
Specification: docs/adr/0014.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, get_args

import cedarpy

from symbolon.errors import PolicyError
from symbolon.policy.canonical_json import (
    decode_canonical,
    encode_canonical,
    malformed,
    read_array,
    read_object,
    read_text,
    read_texts,
)
from symbolon.policy.obligations import parse_obligations
from symbolon.policy.policy_text import ParsedPolicy, parse_policy, require_plain_schema, split_policies

MAX_BUNDLE_BYTES: Final = 1024 * 1024
"""Schema and a thousand policies of the usual length; it is stored once for each change."""

MAX_POLICIES: Final = 1_000
"""A decision looks at each; with a thousand it still takes a few milliseconds."""

MAX_ADVICE_CHARS: Final = 300
"""A line or two of a terminal."""

Refusal = Literal["agreement", "attestation", "enumeration", "purpose", "suite"]
"""What a peer can be told, since each says what the peer can do about it."""

REFUSALS: Final[tuple[Refusal, ...]] = get_args(Refusal)

Kind = Literal["shipped", "own", "generated"]
_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

GENERATED_ID: Final = "allow-table-"
"""The ids that begin like this are those of tables, so that an id says where a permit stands."""

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}")
_SOURCE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
_ANNOTATIONS: Final = frozenset({"id", "obligation", "advice", "refusal"})
_BUNDLE_FIELDS: Final = frozenset({"policies", "replaced", "schema"})
_POLICY_FIELDS: Final = frozenset({"id", "kind", "source", "text"})
_CEDAR_ID: Final = re.compile(r"(?:for policy )?`policy\d+`,? ?")
SCHEMA_SOURCE: Final = "schema.cedarschema"


@dataclass(frozen=True, slots=True)
class PolicySource:
    """A file of policies, or what stands for one.

    Attributes:
        name: of the file, for people.
        text: policies in Cedar.
    """

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """What keeps policies from being used.

    Attributes:
        source: name of the file.
        policy: its id, or '' where it has none or the file as a whole is meant.
        line: where the policy begins, or 0.
        detail: what is wrong.
        advice: what to do.
    """

    source: str
    policy: str
    line: int
    detail: str
    advice: str

    def __str__(self) -> str:
        where = self.source + (f", line {self.line}" if self.line else "")
        return f"{where}{f', policy {self.policy}' if self.policy else ''}: {self.detail}"


class PolicyProblemsError(PolicyError):
    """Policies cannot be put in force.

    Args:
        problems: all of them, at least one.
    """

    def __init__(self, problems: tuple[PolicyProblem, ...]) -> None:
        super().__init__("; ".join(map(str, problems[:5])), hint=problems[0].advice, code="policy.problems")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class BundledPolicy:
    """One policy.

    Attributes:
        policy_id: its `@id`.
        kind: where it comes from.
        source: name of the file.
        text: in Cedar, with the comments above it.
    """

    policy_id: str
    kind: Kind
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class PolicyBundle:
    """What decides. `build_bundle` and `decode_bundle` check; this class by itself does not.

    Attributes:
        schema: in Cedar.
        policies: in order.
        replaced: ids of the shipped policies in whose place an own one stands, ascending.
    """

    schema: str
    policies: tuple[BundledPolicy, ...]
    replaced: tuple[str, ...] = ()

    def document(self) -> bytes:
        """The canonical document."""
        return encode_canonical(
            {
                "policies": [
                    {"id": each.policy_id, "kind": each.kind, "source": each.source, "text": each.text}
                    for each in self.policies
                ],
                "replaced": self.replaced,
                "schema": self.schema,
            }
        )

    def sha256(self) -> bytes:
        """SHA-256 of the document, 32 bytes."""
        return hashlib.sha256(self.document()).digest()

    def open_permits(self) -> tuple[BundledPolicy, ...]:
        """Own permits without a condition that allow every member whatever it says; for a warning."""
        own = (each for each in self.policies if each.kind == "own")
        return tuple(each for each in own if (p := parse_policy(each.text)).permits and p.for_everybody)


def build_bundle(
    schema: str,
    shipped: Iterable[PolicySource],
    own: Iterable[PolicySource] = (),
    generated: Iterable[PolicySource] = (),
) -> PolicyBundle:
    """Puts a bundle together and checks it.

    Args:
        schema: of the release, in Cedar.
        shipped: the release's policies.
        own: the operator's.
        generated: from tables of the configuration.

    Raises:
        PolicyProblemsError: with every problem that was found.
    """
    problems: list[PolicyProblem] = []
    found: dict[Kind, list[_Read]] = {
        "shipped": _read_sources("shipped", shipped, problems),
        "own": _read_sources("own", own, problems),
        "generated": _read_sources("generated", generated, problems),
    }
    own_by_id = {each.policy.policy_id: each for each in found["own"]}
    shipped_ids = {each.policy.policy_id for each in found["shipped"]} - {""}
    replaced = tuple(sorted(shipped_ids & own_by_id.keys()))
    reads = [own_by_id.get(each.policy.policy_id, each) for each in found["shipped"]]
    reads += [each for each in found["own"] if each.policy.policy_id not in shipped_ids]
    reads += found["generated"]
    bundle = PolicyBundle(schema, tuple(each.policy for each in reads), replaced)
    problems += _whole(bundle, reads)
    if problems:
        raise PolicyProblemsError(tuple(problems))
    return bundle


def decode_bundle(document: bytes) -> PolicyBundle:
    """Reads a bundle, which passes every check that one has to pass to be in force.

    Raises:
        PolicyError: `policy.too_large`, `policy.malformed` or `policy.problems`.
    """
    fields = read_object(decode_canonical(document, MAX_BUNDLE_BYTES), _BUNDLE_FIELDS)
    problems: list[PolicyProblem] = []
    reads = []
    entries = read_array(fields["policies"])
    if len(entries) > MAX_POLICIES:
        raise malformed(f"a bundle has at most {MAX_POLICIES} policies")
    for entry in entries:
        values = read_object(entry, _POLICY_FIELDS)
        kind = next((each for each in _KINDS if each == values["kind"]), None)
        if kind is None:
            raise malformed("there is no such kind of policy")
        source = read_text(values["source"])
        read = _read_policy(kind, source, read_text(values["text"]), 0, problems)
        if read is not None:
            if read.policy.policy_id != values["id"]:
                raise malformed("a policy has another @id than its entry says")
            reads.append(read)
    bundle = PolicyBundle(
        read_text(fields["schema"]), tuple(each.policy for each in reads), read_texts(fields["replaced"])
    )
    own = {each.policy_id for each in bundle.policies if each.kind == "own"}
    if list(bundle.replaced) != sorted(set(bundle.replaced) & own):
        raise malformed("what is replaced has no own policy in its place")
    for kind in _KINDS:
        _require_distinct([each for each in reads if each.policy.kind == kind], problems)
    problems += _whole(bundle, reads)
    if problems:
        raise PolicyProblemsError(tuple(problems))
    return bundle


@dataclass(frozen=True, slots=True)
class _Read:
    policy: BundledPolicy
    line: int


def _read_sources(kind: Kind, sources: Iterable[PolicySource], problems: list[PolicyProblem]) -> list[_Read]:
    reads = []
    for source in sources:
        if not _SOURCE.fullmatch(source.name):
            problems.append(_problem(source.name[:64], "the name of the file is not usable", "Rename it."))
            continue
        try:
            pieces = split_policies(source.text)
        except PolicyError as error:
            problems.append(_problem(source.name, error.detail, "Mend the file at that place."))
            continue
        for piece in pieces:
            read = _read_policy(kind, source.name, piece.text, piece.line, problems)
            if read is not None:
                reads.append(read)
    _require_distinct(reads, problems)
    return reads


def _read_policy(
    kind: Kind, source: str, text: str, line: int, problems: list[PolicyProblem]
) -> _Read | None:
    try:
        parsed = parse_policy(text)
    except PolicyError as error:
        problems.append(_problem(source, error.detail, "Mend it; policies/README.md has examples.", line))
        return None
    policy_id = parsed.annotations.get("id", "")
    for detail, advice in _annotation_faults(kind, policy_id, parsed):
        problems.append(_problem(source, detail, advice, line, policy_id[:64]))
    return _Read(BundledPolicy(policy_id, kind, source, text), line)


def _annotation_faults(kind: Kind, policy_id: str, parsed: ParsedPolicy) -> Iterable[tuple[str, str]]:
    notes = parsed.annotations
    if not _ID.fullmatch(policy_id):
        yield (
            "it has no @id, or one that is not a plain word",
            'Write @id("…") above it, with at most 64 letters, digits, dots and hyphens.',
        )
    elif policy_id.startswith(GENERATED_ID) != (kind == "generated"):
        yield (
            f"ids that begin with {GENERATED_ID} are those of [[allow]] tables",
            "Give the policy another @id.",
        )
    for name in sorted(notes.keys() - _ANNOTATIONS):
        yield (
            f"there is no annotation @{name}",
            "Known are @id, @obligation, @advice and @refusal.",
        )
    if "obligation" in notes:
        if not parsed.permits:
            yield "@obligation stands on a forbid, which gives nothing", "Move it to the permit."
        try:
            parse_obligations(notes["obligation"])
        except PolicyError as error:
            yield error.detail, error.hint or ""
    for name in ("advice", "refusal"):
        if name in notes and parsed.permits:
            yield f"@{name} stands on a permit, which refuses nothing", "Move it to the forbid."
    advice = notes.get("advice")
    if advice is not None and not (0 < len(advice) <= MAX_ADVICE_CHARS and advice.isprintable()):
        yield (
            f"its @advice is not one line of 1 to {MAX_ADVICE_CHARS} printable characters",
            "Say shortly what an operator can do.",
        )
    if "refusal" in notes and notes["refusal"] not in REFUSALS:
        yield (
            f"there is no refusal {notes['refusal'][:32]!r}",
            f"Known are {', '.join(REFUSALS)}.",
        )


def _require_distinct(reads: list[_Read], problems: list[PolicyProblem]) -> None:
    seen: dict[str, str] = {}
    for each in reads:
        policy = each.policy
        if policy.policy_id in seen and policy.policy_id:
            detail = f"another policy has the same @id, in {seen[policy.policy_id]}"
            problems.append(
                _problem(policy.source, detail, "Give one of them another @id.", each.line, policy.policy_id)
            )
        seen.setdefault(policy.policy_id, policy.source)


def _whole(bundle: PolicyBundle, reads: list[_Read]) -> list[PolicyProblem]:
    """What only shows when all is together: the schema, the number of policies, the size."""
    if len(bundle.policies) > MAX_POLICIES:
        return [_problem("", f"there are more than {MAX_POLICIES} policies", "Put some of them together.")]
    if len(bundle.document()) > MAX_BUNDLE_BYTES:
        return [_problem("", f"all together have more than {MAX_BUNDLE_BYTES} bytes", "Shorten them.")]
    try:
        require_plain_schema(bundle.schema)
        schema = cedarpy.Schema.from_str(bundle.schema)
    except (PolicyError, ValueError) as error:
        return [_problem(SCHEMA_SOURCE, f"the schema cannot be read: {error}", "Install the release anew.")]
    result = cedarpy.validate_policies(joined(bundle.policies), schema)
    problems = []
    # That no action is left is what follows from a name that is not known: it comes after it.
    for fault in sorted(result.errors, key=lambda each: ("unable to find" in each.error, str(each))):
        detail = _CEDAR_ID.sub("", fault.error)
        index = fault.policy_id.removeprefix("policy")
        if index.isdecimal() and int(index) < len(reads):
            read = reads[int(index)]
            problems.append(
                _problem(read.policy.source, detail, _SCHEMA_ADVICE, read.line, read.policy.policy_id)
            )
        else:
            problems.append(_problem("", detail, _SCHEMA_ADVICE))
    if not result.validation_passed and not problems:
        problems.append(_problem("", "the policies do not fit the schema", _SCHEMA_ADVICE))
    return problems


def joined(policies: Iterable[BundledPolicy]) -> str:
    """The policies as one text, in which Cedar numbers them from `policy0`."""
    return "\n".join(each.text for each in policies)


_SCHEMA_ADVICE: Final = "policies/schema.cedarschema lists what a policy can ask for, by action."


def _problem(source: str, detail: str, advice: str, line: int = 0, policy: str = "") -> PolicyProblem:
    return PolicyProblem(source, policy, line, detail, advice)
