"""What may be written of a signal into another format, and as which version."""

from dataclasses import replace
from datetime import timedelta

import pytest

from exported_signals import NOW, ORGANISATION, export_of
from signal_makers import SIGNAL_ID, TODAY, make_signal, make_subject
from symbolon.errors import SignalError
from symbolon.policy.obligations import Obligations, Redact
from symbolon.signals import exported as module
from symbolon.signals.exported import (
    Exported,
    description,
    is_over,
    ready_for_export,
    subject_fields,
    summary,
    title,
    version_time,
)
from symbolon.signals.revisions import dispute, recall, reply
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import Indicator, RecallReason, ShownAs, Tlp

OTHER_ID = bytes(range(1, 17))


def _ready(*exported: Exported, **arguments: object) -> list[Exported]:
    return ready_for_export(
        exported, **{"organisation": ORGANISATION, "now": NOW, "onward_allowed": (), **arguments}
    )


def _red() -> Signal:
    return make_signal(tlp=Tlp.RED, recipients=("mill",))


@pytest.mark.parametrize(
    "bound",
    [export_of(_red()), export_of(obligations=Obligations(no_onward=True))],
    ids=["TLP:RED", "no_onward"],
)
def test_export_of_what_may_not_be_passed_on_names_the_signals_and_what_to_do(bound: Exported) -> None:
    free = export_of(make_signal(signal_id=OTHER_ID))
    with pytest.raises(SignalError) as caught:
        _ready(free, bound)
    assert caught.value.full_code == "signal.onward"
    assert SIGNAL_ID.hex() in caught.value.detail
    assert OTHER_ID.hex() not in caught.value.detail
    assert "contributor" in str(caught.value.hint)
    assert _ready(free, bound, onward_allowed={SIGNAL_ID}) == [bound, free]
    with pytest.raises(SignalError):
        _ready(free, bound, onward_allowed={OTHER_ID})


def test_export_of_many_that_may_not_be_passed_on_names_twenty() -> None:
    bound = [export_of(replace(_red(), signal_id=bytes([each] * 16))) for each in range(30)]
    with pytest.raises(SignalError, match="and 10 more"):
        _ready(*bound)


@pytest.mark.parametrize("signal", [_red(), make_signal()])
def test_export_of_the_end_of_a_signal_is_never_kept_back(signal: Signal) -> None:
    terms = Obligations(no_onward=True)
    over = export_of(recall(signal, TODAY, RecallReason.WITHDRAWN), terms)
    assert _ready(over) == [over]
    expired = export_of(signal, terms)
    late = NOW + timedelta(days=800)
    assert is_over(expired, late)
    assert not is_over(expired, NOW)
    assert _ready(expired, now=late) == [expired]


def test_export_of_one_signal_twice_is_refused() -> None:
    with pytest.raises(SignalError) as caught:
        _ready(export_of(), export_of(make_signal(revision=2)))
    assert caught.value.full_code == "signal.doubled"


def test_export_of_more_signals_than_a_file_holds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SIGNALS", 1)
    with pytest.raises(SignalError) as caught:
        _ready(export_of(), export_of(make_signal(signal_id=OTHER_ID)))
    assert caught.value.full_code == "signal.too_many"


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "x" * 201, "turned \u202e round"])
def test_export_by_a_name_that_is_no_line_is_refused(name: str) -> None:
    with pytest.raises(SignalError, match="exporter's name"):
        _ready(organisation=name)


@pytest.mark.parametrize("narrative", ["a\u202eb", "x" * 20_001, "half \ud800"])
def test_export_of_a_narrative_that_is_not_plain_is_refused(narrative: str) -> None:
    with pytest.raises(SignalError) as caught:
        Exported(export_of().released, None, narrative)
    assert caught.value.full_code == "signal.value"


def test_export_leaves_out_a_narrative_that_policy_withholds() -> None:
    obligations = Obligations(redact=Redact(frozenset({"narrative"})))
    (ready,) = _ready(export_of(obligations=obligations))
    assert ready.narrative == ""


def test_exported_in_repr_shows_no_narrative() -> None:
    assert "recruitment debts" not in repr(export_of())


# ---------------------------------------------------------------------------------------- versions


def test_version_counts_revisions_first_then_days_of_export_then_the_end() -> None:
    first, second = export_of(), export_of(make_signal(revision=2))
    tomorrow, late = NOW + timedelta(days=1), NOW + timedelta(days=800)
    assert version_time(first, NOW) == version_time(first, NOW.replace(hour=1))
    moments = [
        version_time(first, NOW),
        version_time(first, tomorrow),
        version_time(first, late),
        version_time(second, NOW),
        version_time(export_of(recall(make_signal(revision=2), TODAY, RecallReason.ERROR)), NOW),
    ]
    assert is_over(first, late)
    assert moments == sorted(set(moments))


def test_version_of_a_recall_is_later_than_any_export_of_what_it_recalls() -> None:
    signal = make_signal()
    tombstone = export_of(recall(signal, TODAY, RecallReason.ERROR))
    for days in (0, 1, 1_000, 60_000):
        assert version_time(export_of(signal), NOW + timedelta(days=days)) < version_time(tombstone, NOW)


# ------------------------------------------------------------------------------------------- words


def test_title_names_indicators_and_never_the_subject() -> None:
    released = export_of().released
    assert title(released) == "Risk signal: withholding of wages, debt bondage"
    every = replace(released, indicators=frozenset(Indicator))
    assert title(every).endswith("and 12 more")
    assert len(title(every)) <= 256
    assert "\n" not in title(every)


def test_summary_holds_both_confidences_the_age_the_contest_and_the_answer() -> None:
    signal = reply(dispute(make_signal(), TODAY, "Wages were paid."), TODAY, "We pay on the fifth.")
    text = summary(export_of(signal, contributors=3, shown_as=ShownAs.NGO).released)
    for part in (
        "no finding of fact",
        "Evidence: worker interview.",
        "Severity: scale high, scope moderate, irremediability low.",
        "Likelihood that it goes on: high.",
        "Confidence in the content: 70 of 100.",
        "Source: B, usually reliable.",
        "Seen: 2026-02 to 2026-05.",
        "say so: 3.",
        "of the kind ngo.",
        "Issued 2026-07-01",
        "contests it since 2026-07-01. Wages were paid.",
        "answer of 2026-07-01: We pay on the fifth.",
    ):
        assert part in text


def test_summary_says_nothing_of_what_is_withheld() -> None:
    hidden = frozenset(
        {"indicators", "severity", "likelihood", "confidence", "reliability", "evidence", "period"}
    )
    text = summary(export_of(obligations=Obligations(redact=Redact(hidden))).released)
    assert len(text.splitlines()) == 2
    assert description(export_of().released, "").count("\n\n") == 0


def test_subject_fields_are_cleaned_and_have_no_kind() -> None:
    exported = Exported(export_of().released, make_subject(name="Blue\u200e River", address=""))
    fields = subject_fields(exported)
    assert fields["name"] == "Blue River"
    assert "address" not in fields
    assert "kind" not in fields
    assert subject_fields(replace(exported, subject=None)) == {}
