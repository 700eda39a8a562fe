"""A signal as a MISP event: its form, its ids, what an update replaces, what a tombstone leaves."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from exported_signals import NOW, ORGANISATION, export_of, written
from signal_makers import SIGNAL_ID, TODAY, make_signal, make_subject
from symbolon.errors import SignalError
from symbolon.policy.obligations import Obligations, Redact
from symbolon.signals.exported import OVER_TITLE, Exported
from symbolon.signals.machine_tags import all_export_tags
from symbolon.signals.misp_writer import write_misp
from symbolon.signals.revisions import recall, revise
from symbolon.signals.vocabulary import RecallReason, SubjectKind, Tlp

# Keys of the JSON Schema in draft-dulaunoy-misp-core-format-18, which allows no others.
_EVENT_KEYS = {
    *("id", "orgc_id", "org_id", "date", "extends_uuid", "threat_level_id", "info", "published", "uuid"),
    *("attribute_count", "analysis", "timestamp", "first_publication", "distribution", "locked"),
    *("publish_timestamp", "sharing_group_id", "Org", "Orgc", "Attribute", "Object", "Tag"),
}
_OBJECT_KEYS = {
    *("uuid", "name", "event_id", "description", "template_uuid", "template_version", "id", "meta-category"),
    *("deleted", "timestamp", "first_seen", "last_seen", "distribution", "sharing_group_id", "comment"),
    *("ObjectReference", "Attribute"),
}
_ATTRIBUTE_KEYS = {
    *("id", "type", "category", "to_ids", "uuid", "event_id", "distribution", "timestamp", "first_seen"),
    *("last_seen", "comment", "sharing_group_id", "deleted", "disable_correlation", "value", "data"),
    *("object_relation", "object_id", "Tag"),
}
_REFERENCE_KEYS = {
    *("deleted", "object_id", "event_id", "timestamp", "id", "uuid", "type", "referenced_id", "comment"),
    *("referenced_uuid", "referenced_type", "relationship_type", "object_uuid"),
}


def _event(exported: Exported, **arguments: Any) -> dict[str, Any]:
    (entry,) = json.loads(written("misp", exported, **arguments))["response"]
    assert entry.keys() == {"Event"}
    found: dict[str, Any] = entry["Event"]
    return found


def _objects(event: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in event["Object"]}


def _values(each: dict[str, Any]) -> dict[str, str]:
    return {one["object_relation"]: one["value"] for one in each["Attribute"]}


def _uuids(event: dict[str, Any]) -> list[str]:
    parts = [event, *event["Object"], *(one for each in event["Object"] for one in each["Attribute"])]
    return [each["uuid"] for each in parts]


def test_event_has_only_keys_and_types_of_the_core_format() -> None:
    event = _event(export_of(make_signal(native=None)))
    assert event.keys() <= _EVENT_KEYS
    for key in ("uuid", "info", "date", "timestamp", "publish_timestamp", "distribution", "analysis"):
        assert isinstance(event[key], str)
    assert event["published"] is False
    for each in event["Object"]:
        assert each.keys() <= _OBJECT_KEYS
        assert each["deleted"] is False
        for one in each["Attribute"]:
            assert one.keys() <= _ATTRIBUTE_KEYS
            assert one["category"] == "Other"
            assert one["type"] in ("text", "float")
            assert one["to_ids"] is False
            assert isinstance(one["value"], str)
            assert one["value"]
        for one in each.get("ObjectReference", ()):
            assert one.keys() <= _REFERENCE_KEYS
    assert len(set(_uuids(event))) == len(_uuids(event))


def test_event_holds_the_signal_for_whoever_knows_no_record() -> None:
    exported = export_of(make_signal(subject=make_subject(latitude="23.99", vat="DE136695976")))
    event = _event(exported)
    objects = _objects(event)
    assert event["info"] == "Risk signal: withholding of wages, debt bondage"
    assert event["date"] == "2026-07-01"
    assert event["Orgc"]["name"] == ORGANISATION
    assert "tlp:amber" in [each["name"] for each in event["Tag"]]
    assert _values(objects["organization"]) == {
        "name": "Blue River Garments Ltd",
        "address": "12 Canal Road",
        "VAT": "DE136695976",
    }
    assert _values(objects["geolocation"]) == {
        "city": "Gazipur",
        "zipcode": "1700",
        "countrycode": "BD",
        "latitude": "23.99",
    }
    risk = _values(objects["symbolon-risk-signal"])
    assert risk["narrative"] == "Workers repay recruitment debts from their wages."
    assert "Evidence: worker interview." in risk["summary"]
    assert risk["signal-id"] == SIGNAL_ID.hex()
    (mention,) = objects["symbolon-risk-signal"]["ObjectReference"]
    assert mention["referenced_uuid"] == objects["organization"]["uuid"]


@pytest.mark.parametrize(
    ("tlp", "distribution"),
    [(Tlp.RED, "0"), (Tlp.AMBER_STRICT, "0"), (Tlp.AMBER, "0"), (Tlp.GREEN, "1"), (Tlp.CLEAR, "3")],
)
def test_event_is_distributed_no_further_than_its_mark(tlp: Tlp, distribution: str) -> None:
    signal = make_signal(tlp=tlp, recipients=("mill",))
    assert _event(export_of(signal))["distribution"] == distribution
    assert _event(export_of(signal, Obligations(no_onward=True)))["distribution"] == "0"


def test_vessel_stands_in_an_object_for_ships() -> None:
    subject = make_subject(SubjectKind.VESSEL, name="Ocean Star", imo="9074729", address="")
    objects = _objects(_event(export_of(make_signal(subject=subject))))
    assert _values(objects["ftm-Vessel"]) == {"name": "Ocean Star", "imoNumber": "9074729"}
    assert "organization" not in objects


@pytest.mark.parametrize("latitude", ["north", "nan", "1e999", "23°"])
def test_position_that_misp_would_refuse_is_left_to_the_record(latitude: str) -> None:
    objects = _objects(_event(export_of(make_signal(subject=make_subject(latitude=latitude)))))
    assert "latitude" not in _values(objects["geolocation"])
    assert json.loads(_values(objects["symbolon-risk-signal"])["record"])["signal"]["subject"]["latitude"]


def test_subject_without_a_name_stands_in_the_record_alone() -> None:
    objects = _objects(_event(export_of(make_signal(subject=make_subject(name="")))))
    assert objects.keys() == {"symbolon-risk-signal"}


@pytest.mark.parametrize("letter", ["a", "\u09ac", "\U00010d00"])
def test_narrative_of_any_script_fits_the_database_of_misp(letter: str) -> None:
    narrative = (letter * 9 + " ") * 2_000
    exported = Exported(export_of().released, make_subject(), narrative[:-1])
    risk = _objects(_event(exported))["symbolon-risk-signal"]
    values = _values(risk)
    assert values["narrative"] + values.get("narrative-rest", "") == narrative[:-1]
    for each in values.values():
        assert len(each.encode()) <= 65_535
        assert each == each.strip(), "MISP trims values"


def test_subject_too_long_for_misp_is_refused_by_name_of_the_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symbolon.signals.misp_writer.MAX_VALUE_BYTES", 500)
    with pytest.raises(SignalError) as caught:
        _event(export_of())
    assert caught.value.full_code == "signal.too_long"
    assert SIGNAL_ID.hex() in caught.value.detail


# ------------------------------------------------------------------------------------------ updates


def test_second_export_updates_the_first() -> None:
    first = _event(export_of())
    second = _event(export_of(revise(make_signal(), TODAY, confidence=40)))
    assert second["uuid"] == first["uuid"]
    assert set(_uuids(first)) <= set(_uuids(second))
    assert int(second["timestamp"]) > int(first["timestamp"])
    again = _event(export_of(), now=NOW + timedelta(hours=3))
    assert again == first


def test_events_of_two_signals_share_no_id() -> None:
    other = make_signal(signal_id=bytes(16))
    assert not set(_uuids(_event(export_of()))) & set(_uuids(_event(export_of(other))))


def test_update_says_what_is_gone_since_misp_keeps_what_is_not_named() -> None:
    signal = make_signal(subject=make_subject(latitude="23.99"))
    first = _event(export_of(signal))
    hidden = Redact(frozenset({"narrative", "indicators", "subject_kind"}))
    second = _event(export_of(revise(signal, TODAY, confidence=40), Obligations(redact=hidden)))
    gone = {each["name"] for each in second["Tag"] if each.get("deleted")}
    kept = {each["name"] for each in second["Tag"]} - gone
    assert {'symbolon:indicator="debt-bondage"', 'symbolon:subject="site"', "tlp:green"} <= gone
    assert gone | kept == set(all_export_tags())
    parts = {one["uuid"]: one for each in second["Object"] for one in each["Attribute"]}
    for each in first["Object"]:
        for one in each["Attribute"]:
            assert one["uuid"] in parts
    narrative = next(each for each in parts.values() if each["object_relation"] == "narrative")
    assert (narrative["deleted"], narrative["value"]) == (True, "deleted")


def test_update_without_a_subject_deletes_the_objects_that_named_it() -> None:
    signal = revise(make_signal(), TODAY, confidence=40)
    event = _event(replace(export_of(signal), subject=None))
    objects = _objects(event)
    assert objects["organization"]["deleted"] is objects["geolocation"]["deleted"] is True
    assert "Blue River" not in json.dumps(event)
    assert "ObjectReference" not in objects["symbolon-risk-signal"]


# --------------------------------------------------------------------------------------- tombstones


@pytest.mark.parametrize("how", ["recalled", "expired"])
def test_tombstone_leaves_the_id_and_overwrites_all_content(how: str) -> None:
    signal = make_signal(subject=make_subject(latitude="23.99", vat="DE136695976"))
    before = _event(export_of(signal))
    if how == "recalled":
        event = _event(
            Exported(export_of(recall(signal, TODAY, RecallReason.ERROR)).released, signal.subject)
        )
    else:
        event = _event(export_of(signal), now=NOW + timedelta(days=800))
    assert event["uuid"] == before["uuid"]
    assert int(event["timestamp"]) > int(before["timestamp"])
    assert event["info"] == OVER_TITLE
    standing = {each["name"] for each in event["Tag"] if not each.get("deleted")}
    assert standing == {"tlp:amber", f'symbolon:state="{how}"'}
    parts = {one["uuid"]: one for each in event["Object"] for one in each["Attribute"]}
    for each in before["Object"]:
        assert _objects(event)[each["name"]]["deleted"] is True
        for one in each["Attribute"]:
            assert parts[one["uuid"]]["deleted"] is True
    assert {one["value"] for one in parts.values()} == {"deleted", SIGNAL_ID.hex()}
    for word in ("Blue River", "Canal", "Gazipur", "136695976", "debts", "error", "70 of 100"):
        assert word not in json.dumps(event)


def test_writer_names_no_source_and_no_term_that_is_the_contributors_own() -> None:
    signal = make_signal(purposes=("canary-purpose",), recipients=("canary-member",), embargo=TODAY)
    assert b"canary" not in written("misp", export_of(signal))
    assert b"embargo" not in written("misp", export_of(signal))


def test_export_of_nothing_is_an_empty_collection() -> None:
    assert write_misp([], organisation=ORGANISATION, now=NOW) == {"response": []}
