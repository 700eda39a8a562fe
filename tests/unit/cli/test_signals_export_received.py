"""`symbolon signals export --received`: what may be handed on, about whom, and what is left out and why."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from contributing_ngo import PURPOSE
from exported_signals import read
from signal_makers import make_signal
from symbolon.policy.obligations import NOTHING, parse_obligations
from symbolon.signals.released import ReleasedSignal, release
from symbolon.signals.signal import NOT_RATED, Dispute, Month, Period, Reply
from symbolon.signals.vocabulary import DisputeState, Level, RecallReason, ShownAs, State, Tlp
from symbolon.storage.received_signal_store import ReceivedSignalStore
from symbolon.storage.supplier_store import SupplierStore
from told_member import ToldMember, told_member
from whole_day import within_one_day

FREE, BY_KIND, RED, BOUND, SEVERAL, CANDIDATE, HIDDEN, COPY = (bytes([each]) * 16 for each in range(1, 9))
STATEMENT, ANSWER, NARRATIVE = "Nobody under 18 works here.", "See the register.", "Workers repay debts."


@pytest.fixture(autouse=True)
def one_day() -> None:
    within_one_day()


def said(signal_id: bytes, today: date, obligations: str = "", **changes: Any) -> ReleasedSignal:
    """A signal as it is released today."""
    terms = {"shown_as": changes.pop("shown_as")} if "shown_as" in changes else {}
    signal = make_signal(
        **{
            "signal_id": signal_id,
            "issued": today,
            "expires": today + timedelta(days=400),
            "review": today + timedelta(days=100),
            "period": Period(Month(2026, 2), Month(2026, 5)),
            "narrative": NARRATIVE,
            **changes,
        }
    )
    return release(signal, parse_obligations(obligations) if obligations else NOTHING, **terms)


@pytest.fixture(scope="module")
def member(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToldMember]:
    with told_member(tmp_path_factory.mktemp("coalition")) as made:
        with made.made.node() as node:
            today = node.now.date()
        free = said(
            FREE,
            today,
            "retain(60)",
            dispute=Dispute(DisputeState.OPEN, today, STATEMENT),
            reply=Reply(ANSWER, today),
        )
        red = {"tlp": Tlp.RED, "recipients": ("watch",)}
        made.tell(
            "birch",
            [
                (free, ["S1"]),
                (said(BY_KIND, today, shown_as=ShownAs.NGO), ["S2"]),
                (said(RED, today, **red), ["S1"]),
                (said(BOUND, today, "no_onward"), ["S1"]),
                (said(SEVERAL, today), ["S1", "S2"]),
                (said(HIDDEN, today, "redact(subject_kind, indicators, evidence)"), ["S3"]),
                (said(COPY, today), ["S1"]),
            ],
        )
        made.narrative("birch", free, NARRATIVE)
        made.tell("cedar", [(said(CANDIDATE, today), ["S2"])], tier="C")
        made.tell("dogwood", [(said(COPY, today), ["S1"])])
        yield made


def records(text: str, form: str) -> dict[str, dict[str, Any]]:
    """The record of each exported signal, by the beginning of its id."""
    document = json.loads(text)
    if form == "stix":
        made = [each["extensions"] for each in document["objects"] if each["type"] == "report"]
        found = [next(iter(each.values())) for each in made]
    else:
        objects = [one for each in document["response"] for one in each["Event"]["Object"]]
        risks = [each for each in objects if each["name"] == "symbolon-risk-signal"]
        values = [one for each in risks for one in each["Attribute"] if one["object_relation"] == "record"]
        found = [json.loads(each["value"]) for each in values]
    return {each["signal_id"][:2]: each for each in found}


@pytest.mark.parametrize("form", ["misp", "stix"])
def test_received_export_names_own_supplier_and_publisher_and_the_suppliers_side(
    member: ToldMember, form: str
) -> None:
    said = member.run("export", "--received", "--format", form)
    found = records(said.out, form)
    assert set(found) == {"01", "02", "07"}
    free = found["01"]
    assert free["signal"]["subject"]["name"] == "Blue River Garments Ltd"
    assert "S1" not in json.dumps(free["signal"]["subject"])
    assert (free["publisher"], free["retain_days"]) == ("birch", 60)
    assert (free["dispute"]["statement"], free["reply"]["text"]) == (STATEMENT, ANSWER)
    assert NARRATIVE in said.out
    assert "Published by the member birch." in said.out
    assert NARRATIVE not in member.run("export", "--received", "--format", form, "--without-narratives").out


@pytest.mark.parametrize("form", ["misp", "stix"])
def test_received_export_shows_a_contributor_by_kind_as_a_kind_alone(member: ToldMember, form: str) -> None:
    found = records(member.run("export", "02020202", "--received", "--format", form).out, form)
    assert found["02"]["shown_as"] == "ngo"
    assert "birch" not in json.dumps(found)


@pytest.mark.parametrize("form", ["misp", "stix"])
def test_received_export_keeps_back_what_policy_withheld(member: ToldMember, form: str) -> None:
    out = member.run("export", "07070707", "--received", "--format", form).out
    signal = records(out, form)["07"]["signal"]
    assert not {"indicators", "evidence"} & set(signal)
    assert "kind" not in signal["subject"]
    assert "debt bondage" not in out
    assert form == "misp" or "debt-bondage" not in out  # MISP names tags that are gone, whichever they were
    assert "organisation" not in json.dumps(signal)


@pytest.mark.parametrize("form", ["misp", "stix"])
def test_received_export_leaves_out_what_may_not_be_passed_on_and_says_why(
    member: ToldMember, form: str
) -> None:
    talk = member.run("export", "--received", "--format", form).talk
    for words in (
        "Wrote 3 received signals.",
        "1 left out: marked TLP:RED",
        "1 left out: released on the term that they are not passed on.",
        "1 left out: about one of several suppliers, and no person has said which.",
        "1 left out: about a supplier by a candidate hit that no person has accepted.",
        "1 left out: under an id that two members used",
    ):
        assert words in talk
    for hex_id in ("03030303", "04040404"):
        named = member.run("export", hex_id, "--received", "--format", form)
        assert "Wrote 0 received signals." in named.talk
        assert records(named.out, form) == {}


def test_received_export_of_one_publisher_or_for_one_purpose(member: ToldMember) -> None:
    found = records(member.run("export", "--received", "--format=stix", "--peer=dogwood").out, "stix")
    assert (set(found), found["08"]["publisher"]) == ({"08"}, "dogwood")
    other = member.run("export", "--received", "--format=stix", "--purpose=audit")
    assert records(other.out, "stix") == {}
    assert "Wrote 0 received signals." in other.talk


@pytest.mark.parametrize("form", ["misp", "stix"])
def test_received_export_that_comes_back_is_known_word_for_word(member: ToldMember, form: str) -> None:
    out = member.run("export", "01010101", "--received", "--format", form).out
    (draft,), problems = read(form, out.encode())
    assert draft.narrative == NARRATIVE
    assert {each.column for each in problems} == {"dispute", "reply", "terms"}


def test_received_export_follows_what_a_person_said_of_matches_and_a_recall(tmp_path: Any) -> None:
    with told_member(tmp_path) as made:
        with made.made.node() as node:
            today = node.now.date()
        signal = said(FREE, today)
        made.tell("birch", [(signal, ["S1", "S2"])])
        with made.made.node() as node:
            (view,) = node.received.views(lambda _: None)
            first, second = view.links
            node.matches.decide("birch", second.match, "accepted")
            accepted = node.suppliers.get(second.link.supplier_no)
        assert accepted is not None
        found = records(made.run("export", "--received", "--format=stix").out, "stix")
        assert found["01"]["signal"]["subject"]["name"] == accepted.name
        with made.made.node() as node:
            for link in (first, second):
                node.matches.decide("birch", link.match, "rejected")
        talk = made.run("export", "--received", "--format=stix").talk
        assert "1 left out: about suppliers that a person said they are not about" in talk
        gone = make_signal(
            signal_id=FREE,
            revision=2,
            issued=today,
            expires=signal.expires,
            review=signal.review,
            state=State.RECALLED,
            recall_reason=RecallReason.ERROR,
            **dict.fromkeys(("confidence", "reliability", "evidence", "period")),
            indicators=frozenset(),
            narrative="",
            likelihood=Level.NOT_STATED,
            severity=NOT_RATED,
        )
        made.tell("birch", [(release(gone, NOTHING), ["S1", "S2"])])
        said_ = made.run("export", "--received", "--format=misp")
        assert "Wrote 0 received signals." in said_.talk
        assert FREE.hex() not in said_.out
        talk = made.run("export", "01010101", "--received", "--format=misp", code=65).talk
        assert "was recalled by birch" in talk


def test_received_export_takes_the_newer_of_two_forms_and_the_strictest_terms(tmp_path: Any) -> None:
    with told_member(tmp_path) as made:
        with made.made.node() as node:
            today = node.now.date()
        made.tell(
            "birch",
            [(said(FREE, today), ["S1"]), (said(BOUND, today, "no_onward"), ["S2"])],
            purpose="audit",
        )
        newer = [(said(each, today, revision=2), [about]) for each, about in ((FREE, "S1"), (BOUND, "S2"))]
        made.tell("birch", newer)
        found = made.run("export", "--received", "--format=stix")
        assert {each["revision"] for each in records(found.out, "stix").values()} == {2}
        assert "1 left out: released on the term" in found.talk
        old = made.run("export", "--received", "--format=stix", "--purpose=audit", "01010101")
        assert "Wrote 0 received signals." in old.talk
        assert "1 left out: older than what was received for another purpose" in old.talk


@pytest.mark.parametrize(
    ("store", "method", "spoil", "words"),
    [
        (
            ReceivedSignalStore,
            "export",
            lambda found: [(replace(view, is_own=True), text) for view, text in found],
            "left out: this member's own, by way of a delegate",
        ),
        (
            SupplierStore,
            "get_many",
            lambda found: {each: replace(one, address="x" * 4_001) for each, one in found.items()},
            "left out: about a supplier whose record cannot be the subject of a signal",
        ),
        (
            SupplierStore,
            "get_many",
            lambda found: {},
            "left out: about suppliers that a person said they are not about, or that are no longer",
        ),
    ],
)
def test_received_export_leaves_out_what_would_tell_or_accuse_wrongly(
    member: ToldMember,
    monkeypatch: pytest.MonkeyPatch,
    store: type,
    method: str,
    spoil: Callable[[Any], Any],
    words: str,
) -> None:
    usual = getattr(store, method)
    monkeypatch.setattr(store, method, lambda *given, **named: spoil(usual(*given, **named)))
    found = member.run("export", "01010101", "--received", "--format=misp")
    assert "Wrote 0 received signals." in found.talk
    assert f"1 {words}" in found.talk
    assert "Blue River" not in found.out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--format=jsonl", "--received"), 2),
        (("--format=misp", "--received", "--with-red"), 2),
        (("--format=stix", "--received", "--with-recalled"), 2),
        (("--format=stix", "--peer=birch"), 2),
        (("--format=stix", f"--purpose={PURPOSE}"), 2),
        (("--format=stix", "--received", "ffffffff"), 65),
    ],
)
def test_received_export_that_cannot_be_says_so(
    member: ToldMember, words: tuple[str, ...], code: int
) -> None:
    said = member.run("export", *words, code=code)
    assert said.out == ""
    assert "symbolon: error: " in said.talk
