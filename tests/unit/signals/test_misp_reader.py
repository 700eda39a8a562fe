"""MISP events to drafts: own exports that were worked on, other people's events, what is refused and why."""

import json
from typing import Any

import pytest

from exported_signals import (
    ORGANISATION,
    TAGS,
    attribute,
    columns,
    export_of,
    foreign_event,
    misp_object,
    read,
    told,
    uuid_of,
    written,
)
from signal_makers import SIGNAL_ID, TODAY, make_signal
from symbolon.errors import InputError
from symbolon.policy.obligations import Coarsen, Obligations
from symbolon.policy.obligations import Period as Step
from symbolon.signals import misp_reader
from symbolon.signals.misp_reader import read_misp
from symbolon.signals.revisions import dispute, recall, reply
from symbolon.signals.signal import Month, Period
from symbolon.signals.vocabulary import (
    Evidence,
    Indicator,
    Level,
    RecallReason,
    Reliability,
    SubjectKind,
    Tlp,
)


def _own(**changes: Any) -> dict[str, Any]:
    """An own export as a tree, its event changed."""
    tree: dict[str, Any] = json.loads(written("misp", export_of()))
    tree["response"][0]["Event"].update(changes)
    return tree


def _event(tree: dict[str, Any]) -> dict[str, Any]:
    event: dict[str, Any] = tree["response"][0]["Event"]
    return event


def _part(tree: dict[str, Any], name: str, relation: str) -> dict[str, Any]:
    (each,) = (each for each in _event(tree)["Object"] if each["name"] == name)
    found: dict[str, Any] = next(one for one in each["Attribute"] if one["object_relation"] == relation)
    return found


# ------------------------------------------------------------------------------------- own exports


@pytest.mark.parametrize(
    "wrap", [lambda tree: tree, lambda tree: tree["response"], lambda tree: _event(tree)]
)
def test_own_export_is_read_in_every_form_that_misp_gives_it(wrap: Any) -> None:
    drafts, problems = read("misp", wrap(_own()))
    assert not problems
    assert drafts[0].narrative == "Workers repay recruitment debts from their wages."
    assert drafts[0].reference == SIGNAL_ID.hex()
    assert drafts[0].confidence == 70


def test_own_export_with_added_texts_surfaces_them_behind_the_narrative() -> None:
    tree = _own(info="Debts at Blue River")
    _event(tree)["Attribute"] = [
        attribute("", "They paid 5 USD a piece.", "comment"),
        attribute("", "10.0.0.1", "ip-dst"),
    ]
    _event(tree)["EventReport"] = [{"name": "Visit", "content": "A second visit.", "deleted": False}]
    drafts, problems = read("misp", tree)
    assert drafts[0].narrative.split("\n\n") == [
        "Workers repay recruitment debts from their wages.",
        "Debts at Blue River",
        "They paid 5 USD a piece.",
        "Visit",
        "A second visit.",
    ]
    assert columns(problems, fatal=False) == ["narrative", "ip-dst"]


def test_own_export_with_a_changed_summary_surfaces_the_change() -> None:
    tree = _own()
    _part(tree, "symbolon-risk-signal", "summary")["value"] = "Call Kamal."
    drafts, problems = read("misp", tree)
    assert drafts[0].narrative.endswith("\n\nCall Kamal.")
    assert columns(problems) == ["narrative"]


def test_own_export_with_other_line_ends_is_unchanged() -> None:
    tree = _own()
    part = _part(tree, "symbolon-risk-signal", "summary")
    part["value"] = part["value"].replace("\n", "\r\n") + " "
    assert not read("misp", tree)[1]


def test_own_export_whose_organisation_was_changed_keeps_what_the_export_said_and_tells() -> None:
    tree = _own()
    _part(tree, "organization", "name")["value"] = "Another Company"
    drafts, problems = read("misp", tree)
    assert drafts[0].subject.record.name == "Blue River Garments Ltd"
    assert columns(problems) == ["subject"]


def test_own_export_with_more_text_than_a_narrative_has_is_refused() -> None:
    tree = _own(Attribute=[attribute("", "x" * 19_990, "comment")])
    drafts, problems = read("misp", tree)
    assert not drafts
    assert columns(problems, fatal=True) == ["narrative"]


def test_own_export_whose_mark_was_made_stricter_keeps_the_stricter() -> None:
    stricter = _own(Tag=[{"name": "tlp:amber"}, {"name": "tlp:red"}])
    assert read("misp", stricter)[0][0].tlp is Tlp.RED
    looser = _own(Tag=[{"name": "tlp:clear"}])
    assert read("misp", looser)[0][0].tlp is Tlp.AMBER


def test_own_export_with_a_contest_and_an_answer_says_how_to_bring_them_in() -> None:
    signal = reply(dispute(make_signal(), TODAY, "Wages were paid."), TODAY, "We pay on the fifth.")
    drafts, problems = read("misp", written("misp", export_of(signal)))
    assert len(drafts) == 1
    assert columns(problems, fatal=False) == ["dispute", "reply"]
    assert "signals dispute" in told(problems)
    assert "signals reply" in told(problems)
    assert "Wages" not in told(problems)


def test_own_tombstone_is_recalled_elsewhere() -> None:
    tombstone = written("misp", export_of(recall(make_signal(), TODAY, RecallReason.ERROR)))
    drafts, (problem,) = read("misp", tombstone)
    assert not drafts
    assert problem.fatal
    assert SIGNAL_ID.hex() in problem.message
    assert "signals recall" in problem.remedy


def test_own_export_whose_object_was_deleted_is_recalled_elsewhere() -> None:
    tree = _own()
    _event(tree)["Object"][0]["deleted"] = "1"
    drafts, (problem,) = read("misp", tree)
    assert not drafts
    assert problem.column == "deleted"


@pytest.mark.parametrize(
    "record", ["", "[]", "{", '{"format":"symbolon-export-2"}', "[" * 100, '{"format":"symbolon-export-1"}']
)
def test_own_export_with_a_spoilt_record_is_refused(record: str) -> None:
    tree = _own()
    _part(tree, "symbolon-risk-signal", "record")["value"] = record
    drafts, problems = read("misp", tree)
    assert not drafts
    assert columns(problems, fatal=True) == ["record"]


def test_own_export_never_brings_terms_that_are_the_importers_own() -> None:
    tree = _own()
    part = _part(tree, "symbolon-risk-signal", "record")
    record = json.loads(part["value"])
    record["signal"] |= {
        "purposes": ["x"],
        "recipients": ["x"],
        "source": "x",
        "workers": 3,
        "embargo": "2026-08-01",
    }
    part["value"] = json.dumps(record)
    drafts, problems = read("misp", tree, recipients=())
    assert (drafts[0].purposes, drafts[0].recipients, drafts[0].source, drafts[0].workers) == (
        (),
        (),
        "",
        None,
    )
    assert drafts[0].embargo is None
    assert columns(problems, fatal=False) == ["record"]


def test_two_signals_in_one_event_are_refused() -> None:
    tree = _own()
    first = _event(tree)["Object"][0]
    _event(tree)["Object"].append({**first, "uuid": uuid_of("second")})
    drafts, (problem,) = read("misp", tree)
    assert not drafts
    assert "several" in problem.message


# ------------------------------------------------------------------------------------ other people


def test_foreign_event_is_read_by_its_tags_its_company_its_place_and_its_texts() -> None:
    event = foreign_event(
        misp_object(
            "organization",
            attribute("name", "Riverside Mills", first_seen="2026-02-14T00:00:00+00:00"),
            attribute("registration-number", "0301234567"),
            attribute("description", "A spinning mill.", last_seen="2026-04-02T00:00:00+00:00"),
            comment="seen twice",
        ),
        misp_object("geolocation", attribute("country", "Viet Nam"), attribute("city", "Hanoi")),
        tags=(
            *TAGS,
            'admiralty-scale:source-reliability="b"',
            'admiralty-scale:information-credibility="2"',
            'estimative-language:likelihood-probability="likely"',
            'symbolon:severity-scale="high"',
            'symbolon:subject="factory"',
        ),
    )
    (draft,), problems = read("misp", event)
    assert not columns(problems, fatal=True)
    assert draft.subject.kind is SubjectKind.SITE
    record = draft.subject.record
    assert (record.name, record.country, record.city) == ("Riverside Mills", "VN", "Hanoi")
    assert record.registration_number == "0301234567"
    assert draft.indicators == {Indicator.DEBT_BONDAGE}
    assert draft.evidence is Evidence.WORKER_INTERVIEW
    assert (draft.reliability, draft.confidence, draft.likelihood) == (Reliability.B, 70, Level.HIGH)
    assert draft.severity.scale is Level.HIGH
    assert draft.period == Period(Month(2026, 2), Month(2026, 4))
    assert draft.tlp is Tlp.GREEN
    assert draft.narrative.split("\n\n") == ["Debts at a mill", "seen twice", "A spinning mill."]
    assert draft.reference == uuid_of("event")


@pytest.mark.parametrize(
    ("name", "relation", "kind"),
    [
        ("legal-entity", "name", SubjectKind.ORGANISATION),
        ("organization", "name", SubjectKind.ORGANISATION),
        ("ftm-Company", "name", SubjectKind.ORGANISATION),
        ("ftm-Vessel", "name", SubjectKind.VESSEL),
    ],
)
def test_foreign_object_decides_what_the_subject_is(name: str, relation: str, kind: SubjectKind) -> None:
    (draft,), _ = read("misp", foreign_event(misp_object(name, attribute(relation, "Riverside"))))
    assert draft.subject.kind is kind


def test_foreign_targeted_organisation_is_a_subject() -> None:
    event = foreign_event(
        misp_object("annotation", attribute("text", "As told.")),
        Attribute=[attribute("", "Riverside Mills", "target-org", category="Targeting data")],
    )
    (draft,), _ = read("misp", event)
    assert draft.subject.record.name == "Riverside Mills"
    assert "As told." in draft.narrative


@pytest.mark.parametrize(
    ("change", "column", "remedy"),
    [
        ({"tags": TAGS[:2]}, "evidence", "symbolon:evidence"),
        ({"tags": (TAGS[0], TAGS[2])}, "indicators", "symbolon:indicator"),
        ({"tags": (*TAGS, 'symbolon:evidence="media"')}, "evidence", "leave one"),
        (
            {"tags": (*TAGS, 'symbolon:subject="site"', 'symbolon:subject="vessel"')},
            "subject.kind",
            "leave one",
        ),
        ({"objects": [misp_object("url", attribute("text", "x"))]}, "subject", "one event"),
        (
            {
                "objects": [
                    misp_object("legal-entity", attribute("name", "One")),
                    misp_object("organization", attribute("name", "Two")),
                ]
            },
            "subject",
            "one event",
        ),
    ],
)
def test_foreign_event_that_leaves_something_to_guess_is_refused_with_a_remedy(
    change: dict[str, Any], column: str, remedy: str
) -> None:
    event = foreign_event(*change.pop("objects", ()), **change)
    drafts, problems = read("misp", event)
    assert not drafts
    (problem,) = (each for each in problems if each.fatal)
    assert problem.column == column
    assert remedy in problem.remedy


def test_foreign_event_without_a_mark_is_amber_strict_and_says_so() -> None:
    (draft,), problems = read("misp", foreign_event(tags=TAGS[1:]))
    assert draft.tlp is Tlp.AMBER_STRICT
    assert "tlp" in columns(problems, fatal=False)


def test_foreign_event_takes_the_strictest_mark_of_its_attributes_too() -> None:
    event = foreign_event(Attribute=[attribute("", "a note", "comment", Tag=[{"name": "tlp:red"}])])
    assert read("misp", event)[0][0].tlp is Tlp.RED
    drafts, problems = read("misp", event, recipients=())
    assert not drafts
    assert columns(problems, fatal=True) == ["tlp"]


@pytest.mark.parametrize("distribution", ["0", "4", 0])
def test_foreign_event_that_misp_keeps_to_one_organisation_is_no_looser(distribution: object) -> None:
    (draft,), problems = read("misp", foreign_event(distribution=distribution))
    assert draft.tlp is Tlp.AMBER_STRICT
    assert "distribution" in columns(problems)


def test_foreign_text_of_an_unknown_relation_keeps_its_name_for_the_screening() -> None:
    event = foreign_event(
        misp_object("legal-entity", attribute("name", "Riverside Mills")),
        misp_object("ftm-Contract", attribute("amount", "5", "float"), attribute("price", "5 USD a piece")),
    )
    (draft,), problems = read("misp", event)
    assert "price: 5 USD a piece" in draft.narrative
    assert "1 attribute of another type" in told(problems)


def test_foreign_second_address_is_a_text() -> None:
    event = foreign_event(
        misp_object(
            "organization",
            attribute("name", "Riverside Mills"),
            attribute("address", "1 Mill Road"),
            attribute("address", "2 Mill Road"),
        )
    )
    (draft,), _ = read("misp", event)
    assert draft.subject.record.address == "1 Mill Road"
    assert "address: 2 Mill Road" in draft.narrative


def test_foreign_places_of_two_are_nobodys() -> None:
    event = foreign_event(
        misp_object("legal-entity", attribute("name", "Riverside Mills")),
        misp_object("geolocation", attribute("city", "Hanoi")),
        misp_object("geolocation", attribute("city", "Hue")),
    )
    (draft,), problems = read("misp", event)
    assert draft.subject.record.city == ""
    assert "subject" in columns(problems, fatal=False)


_SECRET = "Kamal Hossain"


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ({"objects": [misp_object("person", attribute("full-name", _SECRET, "full-name"))]}, "person"),
        ({"objects": [misp_object("ftm-Person", attribute("name", _SECRET))]}, "ftm-Person"),
        (
            {
                "objects": [
                    misp_object("intelligence-source-assessment", attribute("source-summary", _SECRET))
                ]
            },
            "intelligence-source-assessment",
        ),
        ({"Attribute": [attribute("", _SECRET, "email-src")]}, "email-src"),
        ({"Attribute": [attribute("", _SECRET, "phone-number")]}, "phone-number"),
        ({"Attribute": [attribute("", _SECRET, "whois-registrant-name")]}, "whois-registrant-name"),
        ({"Attribute": [attribute("", _SECRET, "text", category="Person")]}, "Person"),
        ({"objects": [misp_object("report", attribute("author", _SECRET))]}, "author"),
    ],
)
def test_foreign_personal_part_is_dropped_and_told_by_its_kind_alone(part: dict[str, Any], kind: str) -> None:
    objects = [misp_object("legal-entity", attribute("name", "Riverside Mills")), *part.pop("objects", ())]
    (draft,), problems = read("misp", foreign_event(*objects, **part))
    assert kind in columns(problems, fatal=False)
    assert _SECRET not in draft.narrative
    assert _SECRET not in repr(draft)
    assert _SECRET not in told(problems)


def test_foreign_contact_of_a_company_is_dropped() -> None:
    event = foreign_event(
        misp_object(
            "organization",
            attribute("name", "Riverside Mills"),
            attribute("contact_information", _SECRET),
            attribute("e-mail", "a@b.example", "email-src"),
        )
    )
    (draft,), problems = read("misp", event)
    assert {"contact_information", "email-src"} <= set(columns(problems, fatal=False))
    assert _SECRET not in draft.narrative


def test_foreign_deleted_parts_stay_unread() -> None:
    event = foreign_event(
        misp_object("legal-entity", attribute("name", "Riverside Mills")),
        misp_object("annotation", attribute("text", "withdrawn"), deleted=True),
        Attribute=[attribute("", "withdrawn too", "comment", deleted=True)],
        EventReport=[{"name": "withdrawn", "content": "withdrawn", "deleted": True}],
    )
    (draft,), problems = read("misp", event)
    assert "withdrawn" not in draft.narrative
    assert "1 deleted attribute, 1 deleted object, 1 deleted report" in told(problems)


def test_foreign_event_whose_company_was_deleted_is_recalled_elsewhere() -> None:
    event = foreign_event(misp_object("legal-entity", attribute("name", "Riverside Mills"), deleted=True))
    drafts, (problem,) = read("misp", event)
    assert not drafts
    assert problem.column == "deleted"
    assert uuid_of("event") in problem.message


def test_foreign_tag_that_was_taken_back_is_not_read() -> None:
    event = foreign_event()
    event["Event"]["Tag"].append({"name": "tlp:red", "deleted": True})
    assert read("misp", event)[0][0].tlp is Tlp.GREEN


def test_foreign_analysts_notes_are_texts_and_their_opinions_are_counted() -> None:
    event = foreign_event(
        Note=[{"note": "Seen by night.", "authors": _SECRET}], Opinion=[{"opinion": "0", "comment": _SECRET}]
    )
    (draft,), problems = read("misp", event)
    assert "Seen by night." in draft.narrative
    assert "1 opinion" in told(problems)
    assert _SECRET not in draft.narrative + told(problems)


# ------------------------------------------------------------------------------------ whole files


@pytest.mark.parametrize(
    "tree", [{}, [], [1, 2], {"response": []}, {"objects": []}, {"type": "bundle"}, 5, "x"]
)
def test_file_without_an_event_is_refused(tree: object) -> None:
    with pytest.raises(InputError) as caught:
        read("misp", tree)
    assert caught.value.full_code == "input.misp"


def test_file_with_a_good_and_a_bad_event_gives_the_good_one() -> None:
    bad = foreign_event(tags=())["Event"] | {"uuid": uuid_of("bad")}
    drafts, problems = read("misp", {"response": [foreign_event(), {"Event": bad}, 7]})
    assert len(drafts) == 1
    assert {each.row for each in problems if each.fatal} == {2, 3}


def test_events_of_one_id_are_all_refused() -> None:
    first, second = foreign_event(), foreign_event(info="Another story")
    drafts, problems = read("misp", [first, second])
    assert not drafts
    assert [(each.row, each.column) for each in problems] == [(1, "uuid"), (2, "uuid")]


def test_file_with_too_many_events_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(misp_reader, "MAX_SIGNALS", 1)
    with pytest.raises(InputError) as caught:
        read_misp(json.dumps([foreign_event(), foreign_event()]).encode(), today=TODAY)
    assert caught.value.full_code == "input.too_large"


@pytest.mark.parametrize("limit", ["MAX_OBJECTS", "MAX_ATTRIBUTES"])
def test_event_with_too_many_parts_is_refused(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(misp_reader, limit, 1)
    drafts, (problem,) = read("misp", foreign_event())
    assert not drafts
    assert "more than" in problem.message


def test_export_of_one_member_is_read_by_another() -> None:
    data = written(
        "misp", export_of(), export_of(make_signal(signal_id=bytes(16))), organisation=ORGANISATION
    )
    drafts, problems = read("misp", data)
    assert len(drafts) == 2
    assert not problems


@pytest.mark.parametrize("form", ["misp", "stix"])
def test_own_export_with_a_widened_period_ends_it_with_this_month(form: str) -> None:
    exported = export_of(make_signal(), Obligations(coarsen=Coarsen(Step.YEAR)))
    assert exported.released.period == Period(Month(2026, 1), Month(2026, 12))
    (draft,), problems = read(form, written(form, exported))
    assert draft.period == Period(Month(2026, 1), Month(2026, 7))
    assert not problems
