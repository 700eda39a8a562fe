"""A signal that goes out as MISP or STIX and comes back is the same signal, as far as it was released."""

import json
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from exported_signals import NOW, as_content, columns, export_of, read, written
from signal_makers import SIGNAL_ID, TODAY, drafts, signals
from symbolon.policy.obligations import Coarsen, Obligations, Period, Redact, Retain
from symbolon.signals.draft import Draft
from symbolon.signals.exported import Exported, description, is_over, version_time
from symbolon.signals.exported_record import export_record, read_record
from symbolon.signals.foreign_signal import Importing
from symbolon.signals.free_text import clean
from symbolon.signals.machine_tags import all_export_tags, export_tags, read_tags
from symbolon.signals.released import WITHHOLDABLE, release
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import ShownAs, State

_FORMS = ("misp", "stix")


def _published(draft: Draft) -> Draft:
    """With a purpose, and with the days that publishing gives it."""
    draft = replace(draft, purposes=draft.purposes or ("due-diligence",))
    signal = draft.first_revision(SIGNAL_ID, TODAY)
    return replace(draft, expires=signal.expires, review=signal.review)


@st.composite
def _exports(draw: st.DrawFn, state: State | None = State.ACTIVE) -> Exported:
    signal = draw(signals(state))
    hidden = draw(st.frozensets(st.sampled_from(WITHHOLDABLE)))
    obligations = Obligations(
        redact=Redact(hidden) if hidden else None,
        coarsen=draw(st.sampled_from((None, *map(Coarsen, Period)))),
        no_onward=draw(st.booleans()),
        retain=draw(st.sampled_from((None, Retain(30)))),
    )
    return export_of(
        signal,
        obligations,
        contributors=draw(st.integers(1, 255)),
        shown_as=draw(st.sampled_from(ShownAs)),
    )


@pytest.mark.parametrize("form", _FORMS)
@given(draft=drafts(), revision=st.integers(1, 3))
@settings(max_examples=40)
def test_export_read_back_gives_the_draft_it_was_made_of(form: str, draft: Draft, revision: int) -> None:
    draft = _published(draft)
    exported = export_of(replace(draft.first_revision(SIGNAL_ID, TODAY), revision=revision))
    found, problems = read(form, written(form, exported))
    assert not [each for each in problems if each.fatal], problems
    assert [replace(each, reference="") for each in found] == [as_content(draft)]
    assert found[0].reference == SIGNAL_ID.hex()
    assert not {"subject", "narrative", None} & set(columns(problems)), "nothing was changed in between"


@pytest.mark.parametrize("form", _FORMS)
@settings(max_examples=40)
@given(exported=_exports(None))
def test_export_of_anything_released_is_read_or_says_why_not(form: str, exported: Exported) -> None:
    found, problems = read(form, written(form, exported))
    assert bool(found) != any(each.fatal for each in problems)
    if is_over(exported, NOW):
        assert not found
    if {"indicators", "evidence", "subject_kind"} & exported.released.withheld:
        assert not found


@given(exported=_exports())
@settings(max_examples=40)
def test_record_read_back_gives_the_released_form(exported: Exported) -> None:
    released = exported.released
    record = json.loads(json.dumps(export_record(exported)))
    # The days of any signal lie anywhere; a reader of that day would take it.
    found = read_record(1, record, Importing(released.issued, ("mill",)))
    if found.draft is None:
        assert any(each.fatal for each in found.problems)
        return
    expected = replace(released, has_narrative=bool(clean(exported.narrative)), withheld=frozenset())
    assert found.released == expected


@pytest.mark.parametrize("form", _FORMS)
@settings(max_examples=40)
@given(exported=_exports(), hidden=st.sampled_from(WITHHOLDABLE))
def test_what_is_withheld_makes_no_difference_to_an_export(
    form: str, exported: Exported, hidden: str
) -> None:
    assume(hidden in exported.released.withheld)
    other = replace(exported, narrative="another narrative") if hidden == "narrative" else exported
    if hidden == "subject_kind" and exported.subject is not None:
        kinds = {each for each in type(exported.subject.kind) if each is not exported.subject.kind}
        other = replace(exported, subject=replace(exported.subject, kind=min(kinds)))
    assert written(form, exported) == written(form, other)


@pytest.mark.parametrize("form", _FORMS)
@settings(max_examples=40)
@given(batch=st.lists(_exports(None), max_size=4, unique_by=lambda each: each.released.signal_id))
def test_export_is_the_same_bytes_in_any_order(form: str, batch: list[Exported]) -> None:
    assert written(form, *batch) == written(form, *reversed(batch))


@given(signal=signals(State.ACTIVE), recalled=signals(State.RECALLED), policy=st.sampled_from(Period))
@settings(max_examples=40)
def test_version_of_a_later_revision_is_later_whatever_policy_widens(
    signal: Signal, recalled: Signal, policy: Period
) -> None:
    if signal.revision == 65_535:
        return
    recalled = replace(recalled, signal_id=signal.signal_id, revision=signal.revision + 1)
    before = export_of(signal)
    after = Exported(release(recalled, Obligations(coarsen=Coarsen(policy))))
    far = NOW.replace(year=2150)
    assert version_time(before, far) < version_time(after, NOW)


@given(exported=_exports())
@settings(max_examples=40)
def test_tags_of_an_export_say_what_it_says(exported: Exported) -> None:
    released, tags = exported.released, export_tags(exported.released)
    words = read_tags(tags)
    assert set(tags) <= set(all_export_tags())
    assert not words.unread
    assert not words.notes
    assert words.indicators == released.indicators
    assert words.tlps == {released.tlp}
    assert words.reliabilities == ({released.reliability} if released.reliability else set())
    assert words.likelihoods == ({released.likelihood} if released.likelihood else set())
    assert words.evidence == ({released.evidence} if released.evidence else set())
    assert words.urgent == released.urgent


@given(exported=_exports())
@settings(max_examples=40)
def test_description_holds_the_side_of_the_subject(exported: Exported) -> None:
    released = exported.released
    text = description(released, exported.narrative)
    assert released.dispute.statement in text
    assert released.reply is None or released.reply.text in text
