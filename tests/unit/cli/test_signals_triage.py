"""`symbolon triage`: never a bare score, and the supplier's side wherever a signal is shown."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from signal_makers import make_signal
from symbolon.policy.obligations import NOTHING, parse_obligations
from symbolon.signals.released import ReleasedSignal, release
from symbolon.signals.signal import Dispute, Month, Native, Period, Reply
from symbolon.signals.vocabulary import DisputeState, Indicator
from told_member import ToldMember, told_member
from whole_day import within_one_day

LONG = "We paid every month. " * 100


@pytest.fixture(autouse=True)
def one_day() -> None:
    within_one_day()


@pytest.fixture(scope="module")
def member(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToldMember]:
    with told_member(tmp_path_factory.mktemp("coalition")) as made:
        with made.made.node() as node:
            today = node.now.date()
        made.tell("birch", [(signal, [about]) for signal, about in _told(today)])
        yield made


def _told(today: date) -> Iterator[tuple[ReleasedSignal, str]]:
    days: dict[str, Any] = {
        "issued": today,
        "expires": today + timedelta(days=400),
        "review": today + timedelta(days=100),
        "period": Period(Month(2026, 2), Month(2026, 5)),
    }
    short = make_signal(
        **days,
        signal_id=bytes([1]) * 16,
        indicators=frozenset({Indicator.CHILD_LABOUR}),
        native=Native("SMETA 7.0", "Critical"),
        dispute=Dispute(DisputeState.OPEN, today, "Nobody under 18 works here."),
        reply=Reply("See the\nregister.", today),
    )
    yield release(short, NOTHING), "S1"
    yield release(replace(short, signal_id=bytes([2]) * 16, reply=Reply(LONG, today)), NOTHING), "S2"
    hidden = parse_obligations("redact(confidence, reliability, severity)")
    yield release(make_signal(**days, signal_id=bytes([3]) * 16), hidden), "S3"


def block(text: str, supplier: str) -> list[str]:
    """The lines of triage about one supplier."""
    lines = text.splitlines()
    start = next(at for at, each in enumerate(lines) if f" {supplier}  " in each)
    end = next((at for at in range(start + 1, len(lines)) if not lines[at].startswith(" ")), len(lines))
    return lines[start:end]


def test_triage_shows_confidence_reliability_contest_and_reply_beside_each_other(
    member: ToldMember,
) -> None:
    lines = block(member.do("triage").out, "S1")
    assert "   01010101  child labour; worker interview; severity: scale high" in lines[1]
    assert lines[2] == "     confidence in the content 70 of 100; source B, usually reliable"
    assert "disputed since" in lines[3]
    assert "the supplier replied on" in lines[3]
    assert lines[4:] == [
        "     the supplier contests | Nobody under 18 works here.",
        "     the supplier replies | See the register.",
    ]


def test_triage_cuts_a_long_reply_and_names_what_shows_all_of_it(member: ToldMember) -> None:
    lines = block(member.do("triage").out, "S2")
    (reply,) = [each for each in lines if "the supplier replies | " in each]
    assert reply.endswith("…")
    assert len(reply) < 300
    (said,) = [each for each in lines if "cut here" in each]
    command = said.partition("`symbolon ")[2].partition("`")[0]
    assert LONG.strip() in " ".join(member.do(*command.split()).out.replace("|", " ").split())


def test_triage_says_what_is_withheld(member: ToldMember) -> None:
    lines = block(member.do("triage").out, "S3")
    assert "severity: withheld" in lines[1]
    assert lines[2] == "     confidence: withheld; reliability: withheld"
    assert "not disputed; no reply" in lines[3]


def test_triage_json_has_the_same(member: ToldMember) -> None:
    rows = member.do("triage", "--json").json
    (signal,) = next(each for each in rows if each["supplier_id"] == "S1")["signals"]
    assert (signal["confidence"], signal["reliability"], signal["native_suggests"]) == (70, "B", 3)
    assert signal["reply"]["text"] == "See the\nregister."
    assert signal["dispute"]["statement"] == "Nobody under 18 works here."
