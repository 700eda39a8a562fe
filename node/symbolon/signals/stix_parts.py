"""The objects of a STIX file by their ids, and what stands around a report.

Handles: several versions of one object (the newest holds, and a revoked one stays revoked); notes, opinions,
sightings and relationships that point at an object; identities and locations as a subject; markings. Every
reference is followed one step, so that a circle ends. Refuses nothing: an id that two different objects claim
is known to be ambiguous, a reference to nothing is counted.
Source: STIX 2.1, OASIS Standard (2021). Specification: docs/signals-interchange.md, STIX.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from symbolon.signals import author_words
from symbolon.signals.foreign_signal import ForeignSignal, subject_texts
from symbolon.signals.json_tree import Tree, objects_in, text_in, texts_in
from symbolon.signals.stix_form import marking_of
from symbolon.signals.vocabulary import SubjectKind, Tlp

MAX_REFERENCES: Final = 1_000
"""From or to one object; an export has three."""

MAX_NOTE_TARGETS: Final = 10
"""A note or opinion about more objects is about no one of them; else one long note would be read into every
report of a file."""

PERSONAL_TYPES: Final = frozenset({"email-addr", "email-message", "user-account"})
"""Objects that point at a person; identities of individuals do as well."""

_IDENTIFIERS: Final[Mapping[str, str]] = {
    "open supply hub": "os_id",
    "open supply hub id": "os_id",
    "os id": "os_id",
    "lei": "lei",
    "gleif": "lei",
    "gln": "gln",
    "duns": "duns",
    "vat": "vat",
    "registration number": "registration_number",
    "imo": "imo",
}
_PLACES: Final[Mapping[str, str]] = {
    "street_address": "address",
    "city": "city",
    "administrative_area": "region",
    "postal_code": "postal_code",
    "country": "country",
    "latitude": "latitude",
    "longitude": "longitude",
}
_READ: Final = frozenset(
    "type spec_version id created modified created_by_ref revoked object_refs object_marking_refs "
    "granular_markings published labels confidence name description abstract content extensions lang "
    "external_references".split()
)
"""Properties of a report, grouping, incident or note that are read, or say nothing to a signal."""


class StixObjects:
    """The objects of one file.

    Attributes:
        rows: for each id, the place of its newest version in the file, from 1.
        ambiguous: ids of which two versions claim the same time.
        revoked: ids of which some version was revoked.
    """

    def __init__(self, objects: Iterable[object]) -> None:
        self.rows: dict[str, int] = {}
        self.ambiguous: set[str] = set()
        self.revoked: set[str] = set()
        self._newest: dict[str, Tree] = {}
        for row, each in enumerate(objects, 1):
            if isinstance(each, dict) and (name := text_in(each, "id")):
                self._add(row, name, each)
        self._pointing: dict[str, list[Tree]] = {}
        for each in self._newest.values():
            for target in self._targets(each):
                self._pointing.setdefault(target, []).append(each)

    def _add(self, row: int, name: str, each: Tree) -> None:
        if is_revoked(each):
            self.revoked.add(name)
        held = self._newest.get(name)
        if held is not None:
            if each == held:
                return
            old, new = modified(held), modified(each)
            if new == old:
                self.ambiguous.add(name)
            if new <= old:
                return
            self.ambiguous.discard(name)
        self._newest[name] = each
        self.rows[name] = row

    @staticmethod
    def _targets(each: Tree) -> set[str]:
        kind = text_in(each, "type")
        if kind in ("note", "opinion"):
            targets = texts_in(each.get("object_refs"))
            return set(targets) if len(targets) <= MAX_NOTE_TARGETS else set()
        if kind == "sighting":
            return {text_in(each, "sighting_of_ref")}
        return {text_in(each, "source_ref")} if kind == "relationship" else set()

    def __iter__(self) -> Iterator[Tree]:
        return iter(self._newest.values())

    def get(self, name: str) -> Tree | None:
        """The newest version of an object that stands; None for what is absent, revoked or ambiguous."""
        if name in self.ambiguous or name in self.revoked:
            return None
        return self._newest.get(name)

    def is_crowded(self, name: str) -> bool:
        """Whether more point at an object than are looked at."""
        return len(self._pointing.get(name, ())) > MAX_REFERENCES

    def pointing_at(self, name: str, kind: str) -> list[Tree]:
        """Standing notes, opinions or sightings about an object, or relationships from it."""
        found = self._pointing.get(name, [])[:MAX_REFERENCES]
        return [
            each for each in found if text_in(each, "type") == kind and self.get(text_in(each, "id")) is each
        ]


def is_revoked(each: Tree) -> bool:
    """Whether this version revokes its object."""
    return each.get("revoked") is True


def modified(each: Tree) -> datetime:
    """When this version was made; the oldest time there is, where it does not say."""
    try:
        moment = datetime.fromisoformat(text_in(each, "modified") or text_in(each, "created"))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def is_personal(each: Tree) -> bool:
    """Whether an object points at a person."""
    individual = text_in(each, "type") == "identity" and text_in(each, "identity_class") == "individual"
    return individual or text_in(each, "type") in PERSONAL_TYPES


def personal_kind(each: Tree) -> str:
    """What kind of personal object it is, in a word of the format."""
    return "identity (individual)" if text_in(each, "type") == "identity" else text_in(each, "type")


def gather_texts(each: Tree, found: ForeignSignal) -> None:
    """Gathers the texts of a report, grouping, incident or note, and counts what is not read of it."""
    for name in ("name", "abstract", "description", "content"):
        found.add_text(text_in(each, name))
    unread = len(each.keys() - _READ - {"authors", "report_types", "context"})
    if unread:
        found.leave_out("field", unread)
    if each.get("authors"):
        found.drop_personal("authors")


def gather_about(each: Tree, references: list[str], objects: StixObjects, found: ForeignSignal) -> None:
    """Gathers the subject among what an object refers to, and what others say of the object.

    Args:
        each: a report, grouping, incident or note.
        references: ids that it refers to, at most `MAX_REFERENCES`.
        objects: of the file.
        found: is added to.
    """
    identities: list[Tree] = []
    places: dict[str, Tree] = {}
    missing = 0
    for name in dict.fromkeys(references):
        target = objects.get(name)
        if target is None:
            missing += marking_of(name) is None
        elif text_in(target, "type") == "location":
            places[name] = target
        elif text_in(target, "type") == "identity" and not is_personal(target):
            identities.append(target)
    if missing:
        found.note(
            "object_refs",
            f"references that lead to nothing that stands in the file: {missing:,}",
            "export the objects with it",
        )
    for identity in identities:
        _gather_identity(identity, found)
    if len(found.subjects) == 1:
        for identity in identities:
            places |= _places_of(identity, objects)
        found.place_subject([texts for place in places.values() if (texts := _place(place, found))])
    name = text_in(each, "id")
    if objects.is_crowded(name):
        found.note(None, f"more than {MAX_REFERENCES:,} objects are about it", "split it", fatal=True)
    for note in objects.pointing_at(name, "note"):
        gather_texts(note, found)
    if sightings := len(objects.pointing_at(name, "sighting")):
        found.leave_out("sighting", sightings)


def _places_of(identity: Tree, objects: StixObjects) -> dict[str, Tree]:
    found = {}
    for each in objects.pointing_at(text_in(identity, "id"), "relationship"):
        name = text_in(each, "target_ref")
        place = objects.get(name)
        is_place = place is not None and text_in(place, "type") == "location"
        if place is not None and is_place and text_in(each, "relationship_type") == "located-at":
            found[name] = place
    return found


def _gather_identity(identity: Tree, found: ForeignSignal) -> None:
    roles = [author_words.subject_kind(each) for each in texts_in(identity.get("roles"))]
    kinds = {each for each in roles if each is not None}
    identity_class = text_in(identity, "identity_class")
    if identity_class not in ("organization", "unknown", "") and not kinds:
        found.leave_out("identity of another class")
        return
    if len(kinds) == 1:
        found.kind = kinds.pop()
    elif identity_class == "organization":
        found.kind = SubjectKind.ORGANISATION
    numbers = [
        (field, text_in(each, "external_id"))
        for each in objects_in(identity.get("external_references"))
        if (field := _IDENTIFIERS.get(author_words.fold_words(text_in(each, "source_name"))))
    ]
    found.add_subject(subject_texts([("name", text_in(identity, "name")), *numbers]))
    _leave_out_texts(identity, found)
    if identity.get("contact_information"):
        found.drop_personal("contact_information")


def _leave_out_texts(part: Tree, found: ForeignSignal) -> None:
    """What describes an organisation or a place is not read: many reports share it, and none is about it."""
    if part.get("description"):
        found.leave_out(f"description of {'a location' if part.get('type') == 'location' else 'an identity'}")


def _place(location: Tree, found: ForeignSignal) -> dict[str, str]:
    _leave_out_texts(location, found)
    if location.get("name"):
        found.leave_out("name of a location")
    pairs = []
    for name, field in _PLACES.items():
        value = location.get(name)
        if (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and field in ("latitude", "longitude")
        ):
            value = str(value)
        if isinstance(value, str):
            pairs.append((field, value))
    return subject_texts(pairs)


def marks_of(each: Tree, objects: StixObjects, found: ForeignSignal) -> set[Tlp]:
    """The TLP marks of an object and of its parts; other markings are told."""
    names = Counter(texts_in(each.get("object_marking_refs"))[:MAX_REFERENCES])
    for part in objects_in(each.get("granular_markings"))[:MAX_REFERENCES]:
        names[text_in(part, "marking_ref")] += 1
    marks: set[Tlp] = set()
    others = 0
    for name in names:
        mark = marking_of(name) or _defined_mark(objects.get(name))
        if mark is None:
            others += 1
        else:
            marks.add(mark)
    if others:
        found.note(
            "object_marking_refs",
            f"markings that are not TLP, by which its author sets further terms: {others:,}",
            "read them in the file before you publish it",
        )
    return marks


def _defined_mark(definition: Tree | None) -> Tlp | None:
    """The mark of a definition under another id, as some producers write it."""
    if definition is None or text_in(definition, "type") != "marking-definition":
        return None
    inner = definition.get("definition")
    colour = text_in(inner, "tlp") if isinstance(inner, dict) else ""
    return (
        author_words.tlp(colour or text_in(definition, "name"))
        if colour or text_in(definition, "name")
        else None
    )
