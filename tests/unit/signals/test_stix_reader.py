"""STIX bundles to drafts: own reports, other people's, versions, markings, what is refused and why."""

import json
from typing import Any

import pytest

from exported_signals import (
    GREEN,
    MILL,
    PLACE,
    TAGS,
    bundle,
    columns,
    export_of,
    foreign_report,
    read,
    stix_object,
    told,
    written,
)
from signal_makers import SIGNAL_ID, TODAY, make_signal
from symbolon.errors import InputError
from symbolon.signals import stix_reader
from symbolon.signals.revisions import dispute, recall
from symbolon.signals.signal import Signal
from symbolon.signals.stix_form import EXTENSION
from symbolon.signals.vocabulary import Evidence, Indicator, RecallReason, Reliability, SubjectKind, Tlp

_SECRET = "Kamal Hossain"
_TLP1_RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
_TLP1_WHITE = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"


def _own(signal: Signal | None = None) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(written("stix", export_of(signal)))
    return tree


def _of_type(tree: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in reversed(tree["objects"]) if each["type"] == kind)
    return found


# ------------------------------------------------------------------------------------- own exports


@pytest.mark.parametrize(
    "wrap", [lambda tree: tree, lambda tree: tree["objects"], lambda tree: {"objects": tree["objects"]}]
)
def test_own_export_is_read_as_a_bundle_a_list_or_an_envelope(wrap: Any) -> None:
    (draft,), problems = read("stix", wrap(_own()))
    assert not problems
    assert draft.narrative == "Workers repay recruitment debts from their wages."
    assert draft.reference == SIGNAL_ID.hex()


def test_own_report_with_a_changed_description_surfaces_the_change() -> None:
    tree = _own()
    _of_type(tree, "report")["description"] = "They paid 5 USD a piece."
    (draft,), problems = read("stix", tree)
    assert draft.narrative.split("\n\n")[1:] == ["They paid 5 USD a piece."]
    assert columns(problems) == ["narrative"]


def test_own_report_with_a_note_about_it_surfaces_the_note() -> None:
    tree = _own()
    report = _of_type(tree, "report")
    note = stix_object(
        "note",
        "n",
        abstract="Visit",
        content="A second visit.",
        authors=[_SECRET],
        object_refs=[report["id"]],
    )
    tree["objects"].append(note)
    (draft,), problems = read("stix", tree)
    assert draft.narrative.split("\n\n")[1:] == ["Visit", "A second visit."]
    assert columns(problems, fatal=False) == ["narrative", "authors"]
    assert _SECRET not in told(problems) + draft.narrative


def test_own_report_whose_identity_was_changed_keeps_what_the_export_said_and_tells() -> None:
    tree = _own()
    _of_type(tree, "identity")["name"] = "Another Company"
    (draft,), problems = read("stix", tree)
    assert draft.subject.record.name == "Blue River Garments Ltd"
    assert columns(problems) == ["subject"]


def test_own_report_whose_mark_was_made_stricter_keeps_the_stricter() -> None:
    tree = _own()
    _of_type(tree, "report")["object_marking_refs"].append(_TLP1_RED)
    assert read("stix", tree)[0][0].tlp is Tlp.RED


def test_own_contest_is_told_once_and_another_opinion_too() -> None:
    tree = _own(dispute(make_signal(), TODAY, "Wages were paid."))
    drafts, problems = read("stix", tree)
    assert len(drafts) == 1
    assert columns(problems) == ["dispute"]
    report = _of_type(tree, "report")
    tree["objects"].append(
        stix_object("opinion", "o", opinion="agree", explanation=_SECRET, object_refs=[report["id"]])
    )
    drafts, problems = read("stix", tree)
    assert columns(problems) == ["dispute", "opinion"]
    assert _SECRET not in told(problems)


def test_own_tombstone_is_recalled_elsewhere() -> None:
    drafts, (problem,) = read(
        "stix", written("stix", export_of(recall(make_signal(), TODAY, RecallReason.LEGAL)))
    )
    assert not drafts
    assert problem.fatal
    assert SIGNAL_ID.hex() in problem.message
    assert "signals recall" in problem.remedy


@pytest.mark.parametrize(
    "record", [{}, {"format": "symbolon-export-2"}, {"format": "symbolon-export-1", "signal": []}]
)
def test_own_report_with_a_spoilt_record_is_refused(record: dict[str, Any]) -> None:
    tree = _own()
    _of_type(tree, "report")["extensions"][EXTENSION] = record
    drafts, problems = read("stix", tree)
    assert not drafts
    assert columns(problems, fatal=True) == ["record"]


# ------------------------------------------------------------------------------------ other people


def test_foreign_report_is_read_by_its_labels_its_identity_its_place_and_its_texts() -> None:
    mill = MILL | {
        "roles": ["factory"],
        "external_references": [{"source_name": "LEI", "external_id": "213800KUD8LAJWSQ9D15"}],
    }
    link = stix_object(
        "relationship", "at", relationship_type="located-at", source_ref=MILL["id"], target_ref=PLACE["id"]
    )
    report = foreign_report(mill, labels=[*TAGS[1:], 'admiralty-scale:source-reliability="c"'], confidence=35)
    (draft,), problems = read("stix", bundle(mill, PLACE, link, report))
    assert not problems
    assert draft.subject.kind is SubjectKind.SITE
    record = draft.subject.record
    assert (record.name, record.country, record.city) == ("Riverside Mills", "VN", "Hanoi")
    assert record.lei == "213800KUD8LAJWSQ9D15"
    assert draft.indicators == {Indicator.DEBT_BONDAGE}
    assert draft.evidence is Evidence.WORKER_INTERVIEW
    assert (draft.confidence, draft.reliability, draft.tlp) == (35, Reliability.C, Tlp.GREEN)
    assert draft.narrative == "Debts at a mill\n\nWorkers repay debts."
    assert draft.reference == report["id"]


@pytest.mark.parametrize("kind", ["report", "grouping", "note", "incident"])
def test_foreign_object_of_each_kind_is_a_signal(kind: str) -> None:
    more: dict[str, Any] = {"object_refs": [MILL["id"]]}
    link = stix_object(
        "relationship", "to", relationship_type="targets", target_ref=MILL["id"], source_ref=""
    )
    if kind == "incident":
        more = {}
    each = stix_object(kind, "it", name="Debts", content="Debts", labels=list(TAGS[1:]), **more)
    link["source_ref"] = each["id"]
    (draft,), problems = read("stix", bundle(MILL, each, link))
    assert not columns(problems, fatal=True)
    assert draft.subject.record.name == "Riverside Mills"
    assert draft.tlp is Tlp.AMBER_STRICT


@pytest.mark.parametrize(
    ("objects", "column", "remedy"),
    [
        ([MILL, foreign_report(MILL, labels=[TAGS[1]])], "evidence", "label the report"),
        ([MILL, foreign_report(MILL, labels=[TAGS[2]])], "indicators", "label the report"),
        ([foreign_report(MILL)], "subject", "make one"),
        (
            [MILL, stix_object("identity", "x", name="Y", identity_class="organization")],
            "subject",
            "make one",
        ),
        ([MILL | {"identity_class": "unknown"}, foreign_report(MILL)], "subject.kind", "symbolon:subject"),
        ([MILL | {"identity_class": "class"}, foreign_report(MILL)], "subject", "make one"),
    ],
)
def test_foreign_report_that_leaves_something_to_guess_is_refused_with_a_remedy(
    objects: list[dict[str, Any]], column: str, remedy: str
) -> None:
    if not any(each["type"] == "report" for each in objects):
        objects = [*objects, foreign_report(*objects)]
    drafts, problems = read("stix", bundle(*objects))
    assert not drafts
    (problem,) = (each for each in problems if each.fatal)
    assert problem.column == column
    assert remedy in problem.remedy


@pytest.mark.parametrize(
    ("markings", "tlp"),
    [
        ([GREEN], Tlp.GREEN),
        ([_TLP1_WHITE], Tlp.CLEAR),
        ([GREEN, _TLP1_RED], Tlp.RED),
        ([], Tlp.AMBER_STRICT),
        (["marking-definition--00000000-0000-4000-8000-000000000001"], Tlp.AMBER),
    ],
)
def test_foreign_marking_is_the_strictest(markings: list[str], tlp: Tlp) -> None:
    custom = {
        "type": "marking-definition",
        "id": "marking-definition--00000000-0000-4000-8000-000000000001",
        "definition_type": "tlp",
        "definition": {"tlp": "amber"},
    }
    (draft,), _ = read("stix", bundle(MILL, PLACE, custom, foreign_report(object_marking_refs=markings)))
    assert draft.tlp is tlp


def test_foreign_marking_of_a_part_binds_the_whole() -> None:
    part = {"marking_ref": _TLP1_RED, "selectors": ["description"]}
    (draft,), _ = read("stix", bundle(MILL, PLACE, foreign_report(granular_markings=[part])))
    assert draft.tlp is Tlp.RED


def test_foreign_marking_under_an_official_id_cannot_be_redefined() -> None:
    forged = {
        "type": "marking-definition",
        "id": _TLP1_RED,
        "definition": {"tlp": "clear"},
        "name": "TLP:CLEAR",
    }
    (draft,), _ = read("stix", bundle(MILL, PLACE, forged, foreign_report(object_marking_refs=[_TLP1_RED])))
    assert draft.tlp is Tlp.RED


def test_foreign_marking_that_is_not_tlp_is_told() -> None:
    statement = {
        "type": "marking-definition",
        "id": "marking-definition--00000000-0000-4000-8000-000000000002",
        "definition_type": "statement",
        "definition": {"statement": _SECRET},
    }
    report = foreign_report(object_marking_refs=[GREEN, statement["id"]])
    (draft,), problems = read("stix", bundle(MILL, PLACE, statement, report))
    assert draft.tlp is Tlp.GREEN
    assert columns(problems) == ["object_marking_refs"]
    assert _SECRET not in told(problems)


@pytest.mark.parametrize(
    ("each", "kind"),
    [
        (stix_object("identity", "p", name=_SECRET, identity_class="individual"), "identity (individual)"),
        (stix_object("email-addr", "p", value=_SECRET), "email-addr"),
        (stix_object("user-account", "p", account_login=_SECRET), "user-account"),
    ],
)
def test_foreign_person_is_dropped_and_told_by_its_kind_alone(each: dict[str, Any], kind: str) -> None:
    (draft,), problems = read("stix", bundle(MILL, PLACE, each, foreign_report(MILL, PLACE, each)))
    assert columns(problems, fatal=False) == [kind]
    assert _SECRET not in told(problems) + repr(draft) + draft.narrative


def test_foreign_creator_of_a_report_is_not_read() -> None:
    person = stix_object("identity", "p", name=_SECRET, identity_class="individual")
    (draft,), _ = read("stix", bundle(MILL, PLACE, person, foreign_report(created_by_ref=person["id"])))
    assert _SECRET not in repr(draft) + draft.narrative + draft.source


def test_foreign_parts_that_have_no_place_are_counted() -> None:
    report = foreign_report(
        x_price=5, x_note="5 USD", external_references=[{"source_name": _SECRET, "description": "5 USD"}]
    )
    mill = MILL | {"description": "5 USD", "contact_information": _SECRET}
    malware = stix_object("malware", "m", name="5 USD", is_family=False)
    sighting = stix_object("sighting", "s", sighting_of_ref=report["id"], description="5 USD")
    (draft,), problems = read("stix", bundle(mill, PLACE, report, malware, sighting))
    text = told(problems)
    for part in (
        "left out, unread: 1",
        "2 fields",
        "1 external reference",
        "1 description of an identity",
        "1 sighting",
    ):
        assert part in text
    assert "contact_information" in columns(problems)
    assert "5 USD" not in text + draft.narrative
    assert _SECRET not in text + draft.narrative


@pytest.mark.parametrize("confidence", [-1, 101, True, "70", 1.5])
def test_foreign_confidence_that_is_none_is_left_out_and_told(confidence: object) -> None:
    (draft,), problems = read("stix", bundle(MILL, PLACE, foreign_report(confidence=confidence)))
    assert draft.confidence is None
    assert columns(problems) == ["confidence"]


# ---------------------------------------------------------------------------------------- versions


def test_newest_version_holds() -> None:
    old, new = foreign_report(), foreign_report(description="Newer.", modified="2026-02-01T00:00:00Z")
    for order in ((old, new), (new, old)):
        (draft,), _ = read("stix", bundle(MILL, PLACE, *order))
        assert "Newer." in draft.narrative


def test_revoked_version_revokes_even_what_claims_to_be_newer() -> None:
    revoked = foreign_report(revoked=True)
    newer = foreign_report(modified="2027-01-01T00:00:00.000Z")
    drafts, problems = read("stix", bundle(MILL, PLACE, newer, revoked))
    assert not drafts
    assert columns(problems) == ["revoked"]
    assert newer["id"] in problems[0].message


def test_label_of_a_state_recalls() -> None:
    drafts, problems = read("stix", bundle(MILL, PLACE, foreign_report(labels=['symbolon:state="recalled"'])))
    assert not drafts
    assert columns(problems) == ["revoked"]


def test_revoked_subject_is_none() -> None:
    drafts, problems = read("stix", bundle(MILL | {"revoked": True}, PLACE, foreign_report()))
    assert not drafts
    assert columns(problems, fatal=True) == ["subject"]


def test_note_about_a_report_is_part_of_it_and_no_signal() -> None:
    report = foreign_report()
    note = stix_object("note", "n", content="By night.", object_refs=[report["id"]], labels=list(TAGS))
    (draft,), problems = read("stix", bundle(MILL, PLACE, report, note))
    assert draft.narrative.endswith("\n\nBy night.")
    assert not problems


# ------------------------------------------------------------------------------------- whole files


@pytest.mark.parametrize(
    "tree", [{}, [], {"objects": []}, {"objects": [1]}, bundle(MILL), [MILL], 5, {"response": []}]
)
def test_file_without_a_signal_is_refused(tree: object) -> None:
    with pytest.raises(InputError) as caught:
        read("stix", tree)
    assert caught.value.full_code == "input.stix"


def test_file_with_too_many_reports_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stix_reader, "MAX_SIGNALS", 0)
    with pytest.raises(InputError) as caught:
        read("stix", bundle(foreign_report()))
    assert caught.value.full_code == "input.too_large"


def test_rows_are_places_in_the_file() -> None:
    good = foreign_report()
    bad = stix_object("report", "bad", name="x", object_refs=[MILL["id"]])
    drafts, problems = read("stix", bundle(MILL, PLACE, good, bad))
    assert len(drafts) == 1
    assert {each.row for each in problems if each.fatal} == {4}
