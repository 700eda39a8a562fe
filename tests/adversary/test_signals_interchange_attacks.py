"""Files that claim to be MISP events or STIX bundles, made by somebody who means harm."""

import contextlib
import copy
import json
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exported_signals import (
    GREEN,
    MILL,
    PLACE,
    TAGS,
    attribute,
    bundle,
    columns,
    export_of,
    foreign_event,
    foreign_report,
    misp_object,
    read,
    split,
    stix_object,
    told,
    uuid_of,
    written,
)
from signal_makers import SIGNAL_ID, TODAY, make_signal
from symbolon.errors import InputError
from symbolon.signals import foreign_signal, stix_parts
from symbolon.signals.draft import Draft
from symbolon.signals.foreign_signal import MAX_TEXT_CHARS
from symbolon.signals.free_text import clean, is_plain
from symbolon.signals.misp_reader import read_misp
from symbolon.signals.signal import MAX_NARRATIVE_CHARS
from symbolon.signals.stix_reader import read_stix
from symbolon.signals.vocabulary import Tlp
from symbolon.suppliers.row_problem import RowProblem

_READERS = {"misp": read_misp, "stix": read_stix}
_CANARY = "Kamal Hossain 01711"
_NASTY = "\x1b[2J\u202eevil\u2066<script>\x00\ud800\u200b\r\n\u2028"


def _own(form: str) -> Any:
    return json.loads(written(form, export_of()))


def _paths(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if isinstance(value, (dict, list)):
            yield from _paths(value, (*path, key))
        else:
            yield (*path, key)


_FILES = {
    ("misp", "own"): _own("misp"),
    ("stix", "own"): _own("stix"),
    ("misp", "foreign"): foreign_event(Attribute=[attribute("", "a note", "comment")]),
    ("stix", "foreign"): bundle(MILL, PLACE, foreign_report()),
}
_JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**19), 10**19),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from((_CANARY, _NASTY, "", "0", "2026-13-45", "../../etc", "x" * 9_000)),
        st.text(max_size=5),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(("id", "name", "__proto__", "value", "Attribute", "type")), inner, max_size=4
        ),
    ),
    max_leaves=8,
)


@st.composite
def _spoilt(draw: st.DrawFn) -> tuple[str, Any]:
    form, whose = draw(st.sampled_from(sorted(_FILES)))
    tree = copy.deepcopy(_FILES[form, whose])
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(list(_paths(tree))))
        if not path:
            tree = draw(_JSON)
            break
        parent = tree
        for step in path[:-1]:
            parent = parent[step]
        parent[path[-1]] = draw(_JSON)
        if not isinstance(tree, (dict, list)):
            break
    return form, tree


@given(spoilt=_spoilt())
def test_spoilt_file_of_any_form_gives_problems_and_never_a_traceback(spoilt: tuple[str, Any]) -> None:
    form, tree = spoilt
    refusal = None
    drafts: list[Draft] = []
    problems: list[RowProblem] = []
    try:
        drafts, problems = read(form, tree)
    except InputError as error:
        refusal = error
    assert drafts or problems or refusal
    assert refusal is None or refusal.hint
    assert _CANARY not in f"{refusal and refusal.detail}{refusal and refusal.hint}"
    assert _CANARY not in told(problems)
    for each in problems:
        assert (f"{each.column}{each.message}{each.remedy}").isprintable()
    for each in drafts:
        assert is_plain(each.narrative)
        assert len(each.narrative) <= MAX_NARRATIVE_CHARS


@given(data=st.binary(max_size=60), form=st.sampled_from(sorted(_READERS)))
def test_bytes_that_are_no_file_are_refused(data: bytes, form: str) -> None:
    try:
        split(_READERS[form](data, today=TODAY))
    except InputError:
        return


# ----------------------------------------------------------------------------------- what it costs


@pytest.mark.parametrize("form", sorted(_READERS))
@pytest.mark.parametrize("piece", [b"[],", b"{},", b'{"a":0},'])
def test_bomb_of_small_values_is_refused_before_it_takes_memory(form: str, piece: bytes) -> None:
    data = b"[" + piece * 4_000_000 + b"0]"
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            _READERS[form](data, today=TODAY)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.full_code == "input.too_large"
    assert peak < 4 * 1024 * 1024


@pytest.mark.parametrize("form", sorted(_READERS))
def test_nesting_bomb_is_refused(form: str) -> None:
    for data in (b"[" * 1_000_000, b'{"a":' * 1_000_000, b'{"Event":' * 40 + b"1" + b"}" * 40):
        with pytest.raises(InputError):
            _READERS[form](data, today=TODAY)


def test_nesting_bomb_inside_a_record_is_a_problem_of_its_event() -> None:
    tree = _own("misp")
    event = tree["response"][0]["Event"]
    for bomb in ("[" * 100_000, '{"signal":' * 40 + "{}" + "}" * 40, '{"signal":{},"signal":{}}', "NaN"):
        (record,) = (each for each in event["Object"][0]["Attribute"] if each["object_relation"] == "record")
        record["value"] = bomb
        drafts, problems = read("misp", tree)
        assert not drafts
        assert columns(problems, fatal=True) == ["record"]


def test_number_without_end_is_refused() -> None:
    for text in ("9" * 5_000, "1" + "0" * 400_000, "-" + "8" * 30):
        with pytest.raises(InputError):
            read("misp", f'{{"Event": {{"info": "x", "timestamp": {text}}}}}'.encode())


def _timed(form: str, tree: object) -> float:
    data = json.dumps(tree).encode()
    start = time.process_time()
    for _ in _READERS[form](data, today=TODAY):
        pass
    return time.process_time() - start


def test_long_note_about_many_reports_is_read_into_few() -> None:
    reports = [foreign_report() | {"id": f"report--{uuid_of(str(each))}"} for each in range(300)]
    ids = [each["id"] for each in reports]
    wide = stix_object("note", "wide", content="w" * 20_000, object_refs=ids)
    narrow = stix_object("note", "narrow", content="n" * 15_000, object_refs=ids[:10])
    drafts, problems = read("stix", bundle(MILL, PLACE, wide, narrow, *reports))
    assert sum("n" * 15_000 in each.narrative for each in drafts) == 10
    assert not any("www" in each.narrative for each in drafts)
    assert "no place for; left out, unread: 1" in told(problems)


def test_hub_of_relationships_costs_each_report_little() -> None:
    links = [
        stix_object(
            "relationship", str(each), relationship_type="located-at", source_ref=MILL["id"], target_ref="x"
        )
        for each in range(3_000)
    ]
    few = [foreign_report() | {"id": f"report--{uuid_of(str(each))}"} for each in range(20)]
    many = [foreign_report() | {"id": f"report--{uuid_of(str(each))}"} for each in range(200)]
    base = _timed("stix", bundle(MILL, PLACE, *links, *few))
    assert _timed("stix", bundle(MILL, PLACE, *links, *many)) < 20 * base + 2


def test_report_about_a_thousand_companies_follows_none_of_their_places(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def follow(*_: object) -> object:
        raise AssertionError("followed")

    mills = [
        stix_object("identity", str(each), name="x", identity_class="organization") for each in range(1_000)
    ]
    monkeypatch.setattr(stix_parts, "_places_of", follow)
    drafts, problems = read("stix", bundle(*mills, foreign_report(*mills)))
    assert not drafts
    assert "1000 organisations" in told(problems)
    with pytest.raises(AssertionError):
        read("stix", bundle(mills[0], foreign_report(mills[0])))


@pytest.fixture
def _no_long_cleaning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cleaning looks at each character; nothing longer than a narrative may come to it."""

    def guarded(text: str) -> str:
        assert len(text) <= MAX_TEXT_CHARS
        return clean(text)

    monkeypatch.setattr(foreign_signal, "clean", guarded)


@pytest.mark.usefixtures("_no_long_cleaning")
def test_text_of_a_megabyte_is_refused_without_being_cleaned() -> None:
    texts = [attribute("", f"{each}" * 30_000, "comment") for each in range(5)]
    for attributes in (texts, [attribute("", "e\u0301" * 500_000, "comment")]):
        drafts, problems = read("misp", foreign_event(Attribute=attributes))
        assert not drafts
        assert f"{MAX_TEXT_CHARS:,}" in told(each for each in problems if each.column == "narrative")


@pytest.mark.usefixtures("_no_long_cleaning")
def test_name_of_a_megabyte_is_refused_for_every_report_that_shares_it() -> None:
    mill = MILL | {"name": "e\u0301" * 500_000}
    reports = [foreign_report() | {"id": f"report--{uuid_of(str(each))}"} for each in range(100)]
    drafts, problems = read("stix", bundle(mill, PLACE, *reports))
    assert not drafts
    assert {each.column for each in problems if each.fatal} == {"subject.name"}


def test_subject_longer_than_a_signal_takes_is_a_problem_and_stops_no_other() -> None:
    long = foreign_event(
        misp_object("organization", attribute("name", "x"), attribute("address", "y" * 8_000))
    )
    good = foreign_event(uuid=uuid_of("good"))
    drafts, problems = read("misp", [long, good])
    assert len(drafts) == 1
    assert [each.row for each in problems if each.fatal] == [1]


# ------------------------------------------------------------------------------- ids and references


def test_references_in_a_circle_end() -> None:
    first = foreign_report()
    second = foreign_report() | {"id": f"report--{uuid_of('second')}"}
    first["object_refs"] = [second["id"], first["id"], MILL["id"], GREEN]
    second["object_refs"] = [first["id"], MILL["id"]]
    note = stix_object("note", "n", content="round", object_refs=[first["id"]])
    note["object_refs"].append(note["id"])
    loops = [
        stix_object(
            "relationship", "a", relationship_type="located-at", source_ref=MILL["id"], target_ref=MILL["id"]
        ),
        stix_object(
            "relationship", "b", relationship_type="located-at", source_ref=PLACE["id"], target_ref=MILL["id"]
        ),
    ]
    drafts, problems = read("stix", bundle(MILL, PLACE, first, second, note, *loops))
    assert len(drafts) == 2
    assert not columns(problems, fatal=True)


def test_references_to_nothing_are_counted() -> None:
    report = foreign_report(MILL)
    report["object_refs"] += ["identity--x", "nowhere", MILL["id"]]
    (_,), problems = read("stix", bundle(MILL, report))
    assert "lead to nothing that stands in the file: 2" in told(problems)


def test_two_reports_under_one_id_are_both_refused() -> None:
    first, second = foreign_report(), foreign_report(description="Another story.")
    drafts, problems = read("stix", bundle(MILL, PLACE, first, second))
    assert not drafts
    assert columns(problems) == ["id"]
    same, _ = read("stix", bundle(MILL, PLACE, first, first))
    assert len(same) == 1


def test_two_companies_under_one_id_are_nobody() -> None:
    drafts, problems = read("stix", bundle(MILL, MILL | {"name": "Another Mill"}, PLACE, foreign_report()))
    assert not drafts
    assert columns(problems, fatal=True) == ["subject"]


def test_two_companies_under_one_id_of_which_one_is_newer_are_the_newer() -> None:
    newer = MILL | {"name": "Another Mill", "modified": "2026-01-01T00:00:00.001Z"}
    (draft,), _ = read("stix", bundle(newer, MILL, PLACE, foreign_report()))
    assert draft.subject.record.name == "Another Mill"


@pytest.mark.parametrize("modified", ["yesterday", "9999-99-99", 5, None, "2026-01-01T00:00:00.000+99:00"])
def test_time_that_is_none_breaks_nothing(modified: object) -> None:
    drafts, problems = read("stix", bundle(MILL, PLACE, foreign_report(), foreign_report(modified=modified)))
    assert len(drafts) == 1 or columns(problems) == ["id"]


def test_time_at_the_edge_of_the_calendar_breaks_nothing() -> None:
    for edge in ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"):
        read("stix", bundle(MILL, PLACE, foreign_report(), foreign_report(modified=edge)))
        read("misp", foreign_event(misp_object("legal-entity", attribute("name", "x", first_seen=edge))))


def test_forged_tombstone_is_told_and_does_nothing() -> None:
    forged = foreign_report(
        revoked=True, external_references=[{"source_name": "symbolon", "external_id": SIGNAL_ID.hex()}]
    )
    drafts, (problem,) = read("stix", bundle(forged))
    assert not drafts
    assert SIGNAL_ID.hex() in problem.message
    # An id that is none of ours is never repeated.
    forged["external_references"][0]["external_id"] = _CANARY
    assert _CANARY not in told(read("stix", bundle(forged))[1])


def test_forged_record_under_a_stricter_mark_is_not_loosened() -> None:
    tree = _own("misp")
    event = tree["response"][0]["Event"]
    (record,) = (each for each in event["Object"][0]["Attribute"] if each["object_relation"] == "record")
    record["value"] = record["value"].replace('"tlp":"amber"', '"tlp":"clear"')
    event["Tag"] = [{"name": "tlp:red"}]
    assert read("misp", tree)[0][0].tlp is Tlp.RED


def test_forged_record_beside_another_company_cannot_move_the_accusation() -> None:
    tree = _own("stix")
    identity = next(each for each in tree["objects"] if each.get("roles"))
    identity["name"] = "Honest Weavers Ltd"
    (draft,), problems = read("stix", tree)
    assert draft.subject.record.name == "Blue River Garments Ltd"
    assert "subject" in columns(problems, fatal=False)


# ------------------------------------------------------------------------------------ harmful texts


@pytest.mark.parametrize("form", sorted(_READERS))
def test_terminal_escapes_and_overrides_of_direction_are_gone_from_every_draft(form: str) -> None:
    if form == "misp":
        tree: object = foreign_event(
            misp_object("legal-entity", attribute("name", f"Mill {_NASTY}"), attribute(_NASTY, _NASTY)),
            Attribute=[attribute("", _NASTY, "comment", comment=_NASTY)],
            info=f"Debts {_NASTY}",
            EventReport=[{"name": _NASTY, "content": _NASTY}],
        )
    else:
        tree = bundle(
            MILL | {"name": f"Mill {_NASTY}"},
            PLACE | {"city": _NASTY},
            foreign_report(name=f"Debts {_NASTY}", description=_NASTY),
        )
    (draft,), problems = read(form, tree)
    record = draft.subject.record
    for text in (draft.narrative, *(getattr(record, name) for name in record.__slots__)):
        assert is_plain(text)
        assert "\x1b" not in text
    assert record.name.startswith("Mill")
    assert told(problems).replace("\n", "").isprintable()


@pytest.mark.parametrize("key", ["__proto__", "__class__", "__init__", "constructor", "self", "row", "today"])
def test_keys_that_are_names_of_a_language_are_keys(key: str) -> None:
    evil = {key: {"tlp": "clear", key: [key]}}
    (event,) = foreign_event().values()
    drafts, _ = read("misp", {"response": [{"Event": {**event, **evil}}], **evil})
    assert len(drafts) == 1
    drafts, _ = read("stix", bundle(MILL | evil, PLACE, foreign_report(**evil)) | evil)
    assert len(drafts) == 1
    tree = _own("stix")
    report = next(each for each in tree["objects"] if each["type"] == "report")
    (record,) = report["extensions"].values()
    record[key] = record["signal"][key] = evil
    assert len(read("stix", tree)[0]) == 1


def test_values_in_places_of_other_types_are_nothing() -> None:
    event = foreign_event()["Event"]
    for name in list(event):
        for value in (None, 5, [], {}, [[]], "x", True, [None, 5, "x"]):
            read("misp", {"Event": {**event, name: value}})
    report = foreign_report()
    for name in list(report):
        for value in (None, 5, [], {}, [[]], "x", True, [None, 5, "x"]):
            with contextlib.suppress(InputError):
                read("stix", bundle(MILL, PLACE, {**report, name: value}))


def test_prices_in_every_text_of_an_event_reach_the_narrative_or_are_told() -> None:
    price = "4.20 USD a piece"
    event = foreign_event(
        misp_object("legal-entity", attribute("name", "Riverside Mills"), attribute("text", f"1 {price}")),
        misp_object("ftm-Contract", attribute("amount", f"2 {price}"), comment=f"3 {price}"),
        info=f"4 {price}",
        Attribute=[
            attribute("", f"5 {price}", "comment", comment=f"6 {price}"),
            attribute("", price, "link"),
        ],
        EventReport=[{"name": f"7 {price}", "content": f"8 {price}"}],
        Note=[{"note": f"9 {price}"}],
        tags=(*TAGS, f"price: {price}"),
        Galaxy=[{"name": price}],
    )
    (draft,), problems = read("misp", event)
    for number in range(1, 10):
        assert f"{number} {price}" in draft.narrative
    text = told(problems)
    for part in ("1 attribute of another type", "1 galaxy cluster", "1 tag"):
        assert part in text
    assert price not in text


def test_signal_of_another_publisher_gives_no_id_of_its_own() -> None:
    drafts, _ = read("misp", written("misp", export_of(make_signal(signal_id=bytes(range(16, 32))))))
    assert not hasattr(drafts[0], "signal_id")
    assert drafts[0].reference == bytes(range(16, 32)).hex()
