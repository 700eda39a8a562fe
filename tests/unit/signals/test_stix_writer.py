"""A signal as a STIX 2.1 report: its form, its ids and versions, what a revoked one leaves."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from exported_signals import NOW, ORGANISATION, export_of, written
from signal_makers import SIGNAL_ID, TODAY, make_signal, make_subject
from symbolon.policy.obligations import Obligations, Redact
from symbolon.signals.exported import OVER_TITLE, Exported
from symbolon.signals.revisions import dispute, recall, revise, settle
from symbolon.signals.stix_form import EXTENSION, SYMBOLON
from symbolon.signals.vocabulary import DisputeState, RecallReason, SubjectKind, Tlp

_ID = re.compile(r"([a-z-]+)--[0-9a-f]{8}-[0-9a-f]{4}-[45][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")

# STIX 2.1, section 4: what each type requires beside the common properties.
_REQUIRED = {
    "identity": {"name"},
    "location": set(),
    "relationship": {"relationship_type", "source_ref", "target_ref"},
    "report": {"name", "published", "object_refs"},
    "opinion": {"opinion", "object_refs"},
    "sighting": {"sighting_of_ref"},
    "extension-definition": {"name", "schema", "version", "extension_types", "created_by_ref"},
    "marking-definition": {"name", "extensions"},
}
_OPINIONS = {"strongly-disagree", "disagree", "neutral", "agree", "strongly-agree"}


def _bundle(exported: Exported, **arguments: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(written("stix", exported, **arguments))
    return found


def _by_type(bundle: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["type"]: each for each in bundle["objects"] if each["id"] != SYMBOLON}


def _everything() -> Exported:
    subject = make_subject(lei="213800KUD8LAJWSQ9D15", latitude="23.99", longitude="90.42", region="Dhaka")
    signal = dispute(make_signal(subject=subject), TODAY, "Wages were paid.")
    return export_of(signal, contributors=3)


@pytest.mark.parametrize(
    "exported",
    [
        _everything(),
        replace(_everything(), subject=None),
        export_of(recall(make_signal(), TODAY, RecallReason.ERROR)),
    ],
    ids=["full", "without a subject", "recalled"],
)
def test_bundle_holds_to_the_rules_of_stix(exported: Exported) -> None:
    bundle = _bundle(exported)
    assert bundle.keys() == {"type", "id", "objects"}
    assert _ID.fullmatch(bundle["id"])
    ids = [each["id"] for each in bundle["objects"]]
    assert len(set(ids)) == len(ids)
    uuids = [each.split("--")[1] for each in ids]
    assert len(set(uuids)) == len(uuids), "no UUID under two types"
    for each in bundle["objects"]:
        kind = each["type"]
        assert _ID.fullmatch(each["id"])[1] == kind  # type: ignore[index]
        assert each["spec_version"] == "2.1"
        assert each.keys() >= _REQUIRED[kind]
        assert _TIME.fullmatch(each["created"])
        if kind != "marking-definition":
            assert _TIME.fullmatch(each["modified"])
            assert each["created"] <= each["modified"]
        references = [
            *each.get("object_refs", ()),
            *each.get("object_marking_refs", ()),
            *(each[name] for name in each if name.endswith("_ref")),
        ]
        assert set(references) <= set(ids), "every reference leads to an object of the bundle"
        assert all(value not in ([], {}, "") for value in each.values()), "STIX has no empty properties"
        assert each.get("opinion", "neutral") in _OPINIONS
        for name in each.get("extensions", ()):
            assert name.startswith("extension-definition--")


def test_report_holds_the_signal_for_whoever_knows_no_extension() -> None:
    objects = _by_type(_bundle(_everything()))
    report = objects["report"]
    assert report["name"] == "Risk signal: withholding of wages, debt bondage"
    assert "Evidence: worker interview." in report["description"]
    assert report["description"].endswith("\n\nWorkers repay recruitment debts from their wages.")
    assert report["confidence"] == 70
    assert report["published"] == "2026-07-01T00:00:00.000Z"
    assert 'admiralty-scale:source-reliability="b"' in report["labels"]
    assert not any(each.startswith("tlp:") for each in report["labels"])
    assert report["external_references"][0]["external_id"] == SIGNAL_ID.hex()
    assert ORGANISATION in report["external_references"][0]["description"]
    assert report["extensions"][EXTENSION]["signal"]["subject"]["os_id"] == "CN2021250D1DTN7"
    identity, location = objects["identity"], objects["location"]
    assert (identity["name"], identity["identity_class"]) == ("Blue River Garments Ltd", "organization")
    assert identity["roles"] == ["site"]
    assert {"source_name": "lei", "external_id": "213800KUD8LAJWSQ9D15"} in identity["external_references"]
    assert (location["country"], location["city"], location["administrative_area"]) == (
        "BD",
        "Gazipur",
        "Dhaka",
    )
    assert (location["latitude"], location["longitude"]) == (23.99, 90.42)
    assert set(report["object_refs"]) == {identity["id"], location["id"], objects["relationship"]["id"]}


def test_contest_is_an_opinion_and_further_voices_a_sighting() -> None:
    objects = _by_type(_bundle(_everything()))
    opinion, sighting = objects["opinion"], objects["sighting"]
    assert opinion["opinion"] == "disagree"
    assert opinion["explanation"].endswith("Wages were paid.")
    assert opinion["object_refs"] == [objects["report"]["id"]]
    assert sighting["count"] == 2
    assert sighting["sighting_of_ref"] == objects["report"]["id"]
    plain = _by_type(_bundle(export_of()))
    assert not {"opinion", "sighting"} & plain.keys()


@pytest.mark.parametrize(
    ("state", "opinion"),
    [
        (DisputeState.MAINTAINED, "disagree"),
        (DisputeState.CORRECTED, "neutral"),
        (DisputeState.REMEDIED, "neutral"),
    ],
)
def test_contest_that_was_settled_is_told_with_its_end(state: DisputeState, opinion: str) -> None:
    signal = settle(dispute(make_signal(), TODAY, "No."), TODAY, state)
    assert _by_type(_bundle(export_of(signal)))["opinion"]["opinion"] == opinion


@pytest.mark.parametrize("tlp", list(Tlp))
def test_marking_is_that_of_tlp_2(tlp: Tlp) -> None:
    objects = _by_type(_bundle(export_of(make_signal(tlp=tlp, recipients=("mill",)))))
    marking = objects["marking-definition"]
    assert marking["name"] == f"TLP:{tlp.value.upper()}"
    (extension,) = marking["extensions"].values()
    assert extension == {"extension_type": "property-extension", "tlp_2_0": tlp.value}
    for kind in ("report", "identity", "location", "relationship"):
        assert objects[kind]["object_marking_refs"] == [marking["id"]]


def test_kind_that_is_withheld_stands_nowhere() -> None:
    hidden = Obligations(redact=Redact(frozenset({"subject_kind"})))
    bundle = _bundle(export_of(make_signal(subject=make_subject(SubjectKind.RECRUITER)), hidden))
    assert "recruiter" not in json.dumps(bundle)
    assert _by_type(bundle)["identity"]["identity_class"] == "unknown"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"country": ""}, None),
        ({"country": "", "latitude": "23.99", "longitude": "90.42"}, {"latitude": 23.99, "longitude": 90.42}),
        ({"latitude": "91", "longitude": "90.42"}, {"country": "BD"}),
        ({"latitude": "nan", "longitude": "1"}, {"country": "BD"}),
        ({"latitude": "23.99"}, {"country": "BD"}),
    ],
)
def test_location_has_a_country_or_a_position(
    changes: dict[str, str], expected: dict[str, Any] | None
) -> None:
    objects = _by_type(_bundle(export_of(make_signal(subject=make_subject(**changes)))))
    if expected is None:
        assert not {"location", "relationship"} & objects.keys()
    else:
        found = {name: objects["location"].get(name) for name in ("country", "latitude", "longitude")}
        assert {name: value for name, value in found.items() if value is not None} == expected


def test_subject_without_a_name_goes_by_its_first_identifier() -> None:
    objects = _by_type(_bundle(export_of(make_signal(subject=make_subject(name="")))))
    assert objects["identity"]["name"] == "open-supply-hub CN2021250D1DTN7"


def test_second_export_is_a_later_version_of_the_same_objects() -> None:
    first = _by_type(_bundle(export_of()))
    second = _by_type(_bundle(export_of(revise(make_signal(), TODAY, confidence=40))))
    for kind in ("report", "identity", "location", "relationship"):
        assert second[kind]["id"] == first[kind]["id"]
        assert second[kind]["created"] == first[kind]["created"]
        assert second[kind]["created_by_ref"] == first[kind]["created_by_ref"]
        assert second[kind]["modified"] > first[kind]["modified"]


@pytest.mark.parametrize("how", ["recalled", "expired"])
def test_revoked_report_has_what_stix_requires_and_nothing_that_was_said(how: str) -> None:
    before = _by_type(_bundle(_everything()))
    if how == "recalled":
        signal = recall(make_signal(revision=2), TODAY, RecallReason.ERROR)
        bundle = _bundle(Exported(export_of(signal).released, signal.subject))
    else:
        bundle = _bundle(_everything(), now=NOW + timedelta(days=800))
    after = _by_type(bundle)
    assert not {"identity", "location", "relationship"} & after.keys()
    for kind in ("report", "opinion", "sighting"):
        assert after[kind]["id"] == before[kind]["id"]
        assert after[kind]["revoked"] is True
        assert after[kind]["modified"] > before[kind]["modified"]
    assert after["report"]["name"] == OVER_TITLE
    assert after["report"]["object_refs"] == [SYMBOLON]
    for word in ("Blue River", "Canal", "Gazipur", "CN2021", "debt", "error", "Wages", "indicator="):
        assert word not in json.dumps(bundle)


def test_bundle_id_follows_from_its_content() -> None:
    assert _bundle(export_of())["id"] == _bundle(export_of())["id"]
    assert _bundle(export_of())["id"] != _bundle(export_of(make_signal(confidence=1)))["id"]


def test_writer_names_no_term_that_is_the_contributors_own() -> None:
    signal = make_signal(purposes=("canary-purpose",), recipients=("canary-member",), embargo=TODAY)
    assert b"canary" not in written("stix", export_of(signal))
    assert b"embargo" not in written("stix", export_of(signal))
