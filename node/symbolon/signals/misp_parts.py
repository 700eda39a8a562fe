"""What stands in a MISP event beside a risk signal of ours, gathered part by part.

Handles: attributes, objects, reports and notes: organisations, vessels and places become the subject, texts
become paragraphs of the narrative with the name of their relation before them, times become the period.
Personal data is dropped by its kind, what is deleted stays unread, the rest is counted. Refuses nothing.
Source: MISP core format, draft-dulaunoy-misp-core-format-18, categories and types; templates of the project
misp-objects. Specification: docs/signals-interchange.md, MISP.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from symbolon.signals import author_words
from symbolon.signals.foreign_signal import ForeignSignal, subject_texts
from symbolon.signals.free_text import clean
from symbolon.signals.json_tree import Tree, objects_in, text_in
from symbolon.signals.machine_tags import read_tags
from symbolon.signals.signal import Period
from symbolon.signals.vocabulary import SubjectKind

_FTM: Final[Mapping[str, str]] = {
    "name": "name",
    "address": "address",
    "mainCountry": "country",
    "country": "country",
    "jurisdiction": "country",
    "registrationNumber": "registration_number",
    "vatCode": "vat",
    "dunsCode": "duns",
}
_ABOUT: Final[Mapping[str, tuple[SubjectKind, Mapping[str, str]]]] = {
    "organization": (
        SubjectKind.ORGANISATION,
        {
            "name": "name",
            "address": "address",
            "VAT": "vat",
            "registration-number": "registration_number",
        },
    ),
    "legal-entity": (
        SubjectKind.ORGANISATION,
        {"name": "name", "commercial-name": "name", "registration-number": "registration_number"},
    ),
    "ftm-Organization": (SubjectKind.ORGANISATION, _FTM),
    "ftm-Company": (SubjectKind.ORGANISATION, _FTM),
    "ftm-LegalEntity": (SubjectKind.ORGANISATION, _FTM),
    "ftm-Vessel": (SubjectKind.VESSEL, {**_FTM, "imoNumber": "imo", "flag": "country"}),
}
"""Objects that a signal can be about, and which relation is which field of a subject."""

_PLACES: Final[Mapping[str, str]] = {
    "address": "address",
    "city": "city",
    "region": "region",
    "zipcode": "postal_code",
    "countrycode": "country",
    "country": "country",
    "latitude": "latitude",
    "longitude": "longitude",
}
_PERSONAL_OBJECTS: Final = frozenset(
    "person ftm-Person employee identity email phone phone-number persnona personification contact-list "
    "user-account credential facebook-account facebook-post instagram-account twitter-account twitter-post "
    "telegram-account reddit-account github-user gitlab-user google-account microblog instant-message "
    "instant-message-group short-message-service chat-message irc facial-composite interpol-notice tattoo "
    "fbi-most-wanted ftm-Email ftm-Message ftm-Passport ftm-UserAccount ftm-Family ftm-Associate "
    "ftm-Directorship ftm-Membership ftm-Representation ftm-Call pgp-meta whois "
    "intelligence-source-assessment".split()
)
"""The last one is about a source."""

_PERSONAL_TYPES: Final = frozenset(
    "first-name middle-name last-name full-name date-of-birth place-of-birth gender passport-number "
    "passport-country passport-expiration redress-number nationality visa-number issue-date-of-the-visa "
    "primary-residence country-of-residence special-service-request frequent-flyer-number travel-details "
    "payment-details place-port-of-original-embarkation place-port-of-clearance "
    "place-port-of-onward-foreign-destination passenger-name-record-locator-number identity-card-number "
    "phone-number prtn email email-src email-dst email-subject email-body email-attachment email-header "
    "email-reply-to email-src-display-name email-dst-display-name email-message-id email-thread-index "
    "email-x-mailer email-mime-boundary dns-soa-email eppn jabber-id twitter-id github-username target-user "
    "target-email whois-registrant-email whois-registrant-name whois-registrant-org whois-registrant-phone "
    "whois-registrar iban bic bank-account-nr aba-rtn cc-number bin ip-src ip-dst mac-address".split()
)
_PERSONAL_RELATIONS: Final = frozenset(
    "contact_information e-mail email phone phone-number fax-number instant-messaging-used author authors "
    "user".split()
)
"""Of text attributes whose type does not tell."""

_TEXT_TYPES: Final = frozenset(
    {"text", "comment", "other", "target-org", "target-location", "target-external"}
)
_SUBJECT_TYPES: Final = frozenset({"text", "float"})
_PLAIN_RELATIONS: Final = frozenset(
    {"", "text", "comment", "description", "summary", "title", "notes", "annotation", "content"}
)
"""Their names add nothing to a text; every other name does: a price, an amount, a grade."""

_BESIDE: Final[Mapping[str, str]] = {
    "ShadowAttribute": "proposal",
    "RelatedEvent": "related event",
    "Galaxy": "galaxy cluster",
    "Opinion": "opinion",
    "Relationship": "relationship",
    "Sighting": "sighting",
}
_SEEN: Final = ("first_seen", "last_seen")


def is_deleted(part: Tree) -> bool:
    """Whether an event's part was revoked."""
    return part.get("deleted") in (True, 1, "1", "true")


def is_about(part: Tree) -> bool:
    """Whether an object is one that a signal can be about."""
    return text_in(part, "name") in _ABOUT


def tag_names(part: Tree) -> Iterator[str]:
    """The tags of an event or attribute that are not taken back."""
    return (text_in(each, "name") for each in objects_in(part.get("Tag")) if not is_deleted(each))


def gather_event(event: Tree, found: ForeignSignal) -> None:
    """Gathers all parts of an event; its own tags are read elsewhere."""
    found.add_text(text_in(event, "info"))
    places: list[dict[str, str]] = []
    for each in objects_in(event.get("Object")):
        if is_deleted(each):
            found.leave_out("deleted object")
        else:
            _gather_object(each, found, places)
    for each in objects_in(event.get("Attribute")):
        if text_in(each, "type") == "target-org" and not is_deleted(each) and text_in(each, "value").strip():
            found.kind = found.kind or SubjectKind.ORGANISATION
            found.add_subject(subject_texts([("name", text_in(each, "value"))]))
            _gather_marks(each, found)
        else:
            _gather_attribute(each, found)
    for each in objects_in(event.get("EventReport")):
        if is_deleted(each):
            found.leave_out("deleted report")
        else:
            found.add_text(text_in(each, "name"))
            found.add_text(text_in(each, "content"))
    _gather_beside(event, found)
    found.place_subject(places)


def _gather_object(each: Tree, found: ForeignSignal, places: list[dict[str, str]]) -> None:
    name = text_in(each, "name")
    if name in _PERSONAL_OBJECTS:
        found.drop_personal(name)
        return
    found.add_text(text_in(each, "comment"))
    _take_times(each, found)
    _gather_beside(each, found)
    kind, relations = _ABOUT.get(name, (None, _PLACES if name == "geolocation" else {}))
    told: dict[str, list[str]] = {}
    for attribute in objects_in(each.get("Attribute")):
        relation = text_in(attribute, "object_relation")
        if (
            relation not in relations
            or is_deleted(attribute)
            or text_in(attribute, "type") not in _SUBJECT_TYPES
        ):
            _gather_attribute(attribute, found)
            continue
        told.setdefault(relation, []).append(text_in(attribute, "value"))
        _gather_marks(attribute, found)
    texts = subject_texts((field, told[name][0]) for name, field in relations.items() if name in told)
    for name, values in told.items():
        for value in values:
            # A second name or address is a text like any other; a country is not.
            if relations[name] != "country" and " ".join(clean(value).split()) != texts.get(relations[name]):
                found.add_text(value, name)
    if kind is not None:
        found.kind = kind
        found.add_subject(texts)
    elif texts:
        places.append(texts)


def _gather_attribute(attribute: Tree, found: ForeignSignal) -> None:
    if is_deleted(attribute):
        found.leave_out("deleted attribute")
        return
    kind, relation = text_in(attribute, "type"), text_in(attribute, "object_relation")
    if kind in _PERSONAL_TYPES:
        found.drop_personal(kind)
        return
    if relation in _PERSONAL_RELATIONS:
        found.drop_personal(relation)
        return
    if text_in(attribute, "category") == "Person":
        found.drop_personal("Person")
        return
    _gather_marks(attribute, found)
    if kind in _TEXT_TYPES:
        found.add_text(text_in(attribute, "value"), "" if relation in _PLAIN_RELATIONS else relation)
    else:
        found.leave_out("attribute of another type")


def _gather_marks(attribute: Tree, found: ForeignSignal) -> None:
    """What stands beside an attribute's value: a comment, times, tags, what others did with it."""
    found.add_text(text_in(attribute, "comment"))
    _take_times(attribute, found)
    words = read_tags(tag_names(attribute))
    found.words.tlps |= words.tlps
    _gather_beside(attribute, found)


def _gather_beside(part: Tree, found: ForeignSignal) -> None:
    """What others have put to an event, object or attribute: their notes are texts, the rest is counted."""
    for each in objects_in(part.get("Note")):
        found.add_text(text_in(each, "note"))
    for name, what in _BESIDE.items():
        if count := len(objects_in(part.get(name))):
            found.leave_out(what, count)


def _take_times(part: Tree, found: ForeignSignal) -> None:
    """Widens the period by when an object or attribute was seen; of the days, the months are kept."""
    for name in _SEEN:
        month = author_words.month(text_in(part, name))
        if month is None:
            continue
        period = found.period or Period(month[0], month[0])
        found.period = Period(min(period.first, month[0]), max(period.last, month[0]))
