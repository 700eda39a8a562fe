"""Who would see what of a signal: by the real policies, and the same as a set that is made for the member."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from contributing_ngo import COMPANIES, PURPOSE, SEEN, Contributor, ahead, contributor
from symbolon.errors import PolicyError, SignalError
from symbolon.membership.acts import Suspend
from symbolon.membership.member import MemberId
from symbolon.policy.obligations import Notified, parse_obligations
from symbolon.rpc.node import Node
from symbolon.rpc.signal_audience import (
    Barrier,
    Seen,
    audience_of,
    audience_of_stored,
    facts_of,
    released_now,
)
from symbolon.rpc.signal_choice import choose_signals
from symbolon.signals.vocabulary import RecallReason
from whole_day import within_one_day

PERMIT = """@id("{name}")
@obligation("{obligation}")
permit (
    principal == Symbolon::Member::"{member}",
    action in [Symbolon::Action::"lookup", Symbolon::Action::"release"],
    resource is Symbolon::Signals
)
when {{ context.purpose == "due-diligence" }};
"""


@pytest.fixture(autouse=True)
def one_day() -> None:
    within_one_day()


@pytest.fixture(scope="module")
def ngo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition"), (PURPOSE, "remediation")) as made:
        yield made


@pytest.fixture(autouse=True)
def usual(ngo: Contributor) -> Iterator[None]:
    """Birch may look signals up; nobody else may; no policies of its own."""
    ngo.allow({"peer": "birch"})
    yield
    (ngo.home / "policies" / "own.cedar").unlink(missing_ok=True)


def permits(ngo: Contributor, *pairs: tuple[str, str]) -> None:
    ngo.policy(
        "\n".join(
            PERMIT.format(name=f"own-{number}", member=member, obligation=obligation)
            for number, (member, obligation) in enumerate(pairs)
        )
    )


def add(ngo: Contributor, *more: str) -> str:
    return ngo.add("--purpose", PURPOSE, *more)


def seen_by(ngo: Contributor, hex_id: str) -> dict[str, Seen]:
    with ngo.node() as node:
        return {each.member: each for each in audience_of_stored(node, node.signals.get(hex_id))}


def barriers(seen: Seen) -> set[Barrier]:
    return {each.barrier for each in seen.reasons}


def test_audience_lists_every_other_member_and_not_this_one(ngo: Contributor) -> None:
    assert set(seen_by(ngo, add(ngo))) == {*COMPANIES, "the-founder"}


def test_audience_of_permitted_member_is_everything_from_today_by_all_its_tiers(ngo: Contributor) -> None:
    seen = seen_by(ngo, add(ngo))
    (view,) = seen["birch"].views
    assert (view.purposes, view.tiers, view.shape.text()) == ((PURPOSE,), ("A", "B", "C"), "")
    with ngo.node() as node:
        assert view.since == node.now.date()
    assert not seen["birch"].reasons
    assert barriers(seen["cedar"]) == {Barrier.NO_PERMIT}
    assert not seen["cedar"].views


def test_audience_of_a_signal_that_is_not_stored_is_that_of_the_stored_one(ngo: Contributor) -> None:
    permits(ngo, ("cedar", "delay(3); redact(evidence); retain(9)"))
    hex_id = add(ngo, "--recipient", "cedar", "--recipient", "birch")
    with ngo.node() as node:
        held = node.signals.get(hex_id)
        assert audience_of(node, held.signal) == audience_of_stored(node, held)


def test_audience_with_recipients_leaves_everybody_else_out(ngo: Contributor) -> None:
    seen = seen_by(ngo, add(ngo, "--recipient", "cedar"))
    assert barriers(seen["birch"]) == {Barrier.RECIPIENTS}
    assert not seen["birch"].views
    assert barriers(seen["cedar"]) == {Barrier.NO_PERMIT}


def test_audience_of_tlp_red_needs_the_name_and_the_permit(ngo: Contributor) -> None:
    seen = seen_by(ngo, add(ngo, "--tlp", "red", "--recipient", "birch"))
    assert seen["birch"].views
    assert barriers(seen["alder"]) == {Barrier.RECIPIENTS}


@pytest.mark.parametrize(
    "obligation",
    [
        "redact(narrative)",
        "redact(indicators, period); coarsen(year)",
        "coarsen(quarter); no_onward",
        "retain(30); no_onward",
    ],
)
def test_audience_under_obligations_has_the_shape_in_which_it_leaves(
    ngo: Contributor, obligation: str
) -> None:
    permits(ngo, ("alder", obligation))
    (view,) = seen_by(ngo, add(ngo))["alder"].views
    assert view.shape == parse_obligations(obligation)


def test_audience_under_a_delay_begins_on_the_day_on_which_the_set_has_it(ngo: Contributor) -> None:
    permits(ngo, ("alder", "delay(14)"))
    hex_id = add(ngo)
    (view,) = seen_by(ngo, hex_id)["alder"].views
    with ngo.node() as node:
        today = node.now.date()
        assert view.since == today + timedelta(days=14)
        for days, leaves in ((0, False), (13, False), (14, True)):
            assert chosen(node, hex_id, "alder", days) == leaves


def test_audience_under_embargo_and_delay_begins_on_the_later_day(ngo: Contributor) -> None:
    permits(ngo, ("alder", "delay(14)"))
    with ngo.node() as node:
        today = node.now.date()
    for embargo in (today + timedelta(days=5), today + timedelta(days=40)):
        hex_id = add(ngo, "--embargo", embargo.isoformat())
        seen = seen_by(ngo, hex_id)
        assert seen["alder"].views[0].since == max(embargo, today + timedelta(days=14))
        assert seen["birch"].views[0].since == embargo


@pytest.mark.parametrize(
    ("obligation", "barrier"),
    [
        ("count_only", Barrier.COUNT_ONLY),
        ("human_review", Barrier.HUMAN_REVIEW),
        ("min_corroboration(2)", Barrier.CORROBORATION),
        ("notify_supplier(supplier, 30)", Barrier.NOTICE),
        ("delay(3000)", Barrier.TOO_LATE),
        ("delay(3); human_review", Barrier.HUMAN_REVIEW),
    ],
)
def test_audience_that_no_day_alone_opens_says_what_stands_in_the_way(
    ngo: Contributor, obligation: str, barrier: Barrier
) -> None:
    permits(ngo, ("alder", obligation))
    seen = seen_by(ngo, add(ngo))["alder"]
    assert not seen.views
    assert barriers(seen) == {barrier}


def test_audience_with_enough_voices_is_not_held_back_by_corroboration(ngo: Contributor) -> None:
    permits(ngo, ("alder", "min_corroboration(2)"))
    hex_id = add(ngo)
    with ngo.node() as node:
        node.signals.set_contributors(node.signals.get(hex_id).number, 2)
    assert seen_by(ngo, hex_id)["alder"].views


def test_audience_of_a_forbid_names_it_with_its_advice(ngo: Contributor) -> None:
    ngo.policy(
        PERMIT.format(name="open", member="alder", obligation="no_onward")
        + """@id("not-alder")
@advice("Ask Amina first.")
forbid (principal == Symbolon::Member::"alder", action == Symbolon::Action::"release", resource);"""
    )
    seen = seen_by(ngo, add(ngo))["alder"]
    assert barriers(seen) == {Barrier.FORBIDDEN}
    assert "not-alder" in seen.reasons[0].words
    assert "Ask Amina first." in seen.reasons[0].words


def test_audience_of_a_policy_that_fails_is_nothing_and_says_so(ngo: Contributor) -> None:
    ngo.policy(
        PERMIT.format(name="open", member="alder", obligation="no_onward")
        + """@id("breaks")
forbid (principal == Symbolon::Member::"alder", action == Symbolon::Action::"lookup", resource)
when { context.keys + 9223372036854775807 + 1 > 0 };"""
    )
    seen = seen_by(ngo, add(ngo))["alder"]
    assert not seen.views
    assert barriers(seen) == {Barrier.UNDECIDED}


def test_audience_by_a_purpose_of_the_signal_that_is_not_permitted_is_left_out(ngo: Contributor) -> None:
    seen = seen_by(ngo, add(ngo, "--purpose", "remediation"))["birch"]
    assert [each.purposes for each in seen.views] == [(PURPOSE,)]
    assert [(each.barrier, each.purposes) for each in seen.reasons] == [(Barrier.NO_PERMIT, ("remediation",))]


def test_audience_that_may_ask_by_one_tier_alone_is_said_to(ngo: Contributor) -> None:
    ngo.allow({"peer": "birch", "tiers": ("B",)})
    (view,) = seen_by(ngo, add(ngo))["birch"].views
    assert view.tiers == ("B",)


def test_audience_of_a_subject_without_a_key_is_nobody(ngo: Contributor) -> None:
    words = ("--kind=site", "--name=Textile Co", *SEEN, "--purpose", PURPOSE, "--yes")
    hex_id = ngo.run("add", *words).out.strip()
    assert barriers(seen_by(ngo, hex_id)["birch"]) == {Barrier.NO_KEY}


def test_audience_of_a_suspended_member_is_nothing(ngo: Contributor) -> None:
    hex_id = add(ngo)
    ngo.founder.node.founding.propose([Suspend(MemberId("dogwood"), "under review")])
    ngo.allow({"peer": "birch"}, {"peer": "dogwood"})
    ngo.tell()
    seen = seen_by(ngo, hex_id)["dogwood"]
    assert barriers(seen) == {Barrier.STANDING}
    assert not seen.views


def test_audience_of_a_recall_is_who_was_given_it_whoever_is_named_now(ngo: Contributor) -> None:
    hex_id = add(ngo, "--recipient", "birch")
    ngo.given("birch", hex_id)
    ngo.allow({"peer": "birch"}, {"peer": "cedar"})
    ngo.run("recall", hex_id, "--reason", RecallReason.ERROR, "--yes")
    seen = seen_by(ngo, hex_id)
    assert seen["birch"].views
    assert barriers(seen["cedar"]) == {Barrier.NEVER_GIVEN}
    with ngo.node() as node:
        assert chosen(node, hex_id, "birch", 0)
        assert not chosen(node, hex_id, "cedar", 0)


def test_audience_is_that_of_the_choice_for_every_member_and_day(ngo: Contributor) -> None:
    permits(ngo, ("alder", "delay(7); redact(period)"), ("cedar", "human_review"), ("dogwood", "retain(5)"))
    with ngo.node() as node:
        embargo = (node.now.date() + timedelta(days=3)).isoformat()
    hex_id = add(ngo, "--embargo", embargo)
    seen = seen_by(ngo, hex_id)
    with ngo.node() as node:
        today = node.now.date()
        for member in ("alder", "cedar"):
            for days in (0, 2, 3, 4, 6, 7, 30):
                views = seen[member].views
                said = any(each.since <= today + timedelta(days=days) for each in views)
                assert said == chosen(node, hex_id, member, days), (member, days)


def test_released_now_counts_what_could_leave_today(ngo: Contributor) -> None:
    permits(ngo, ("alder", "delay(7)"))
    numbers = []
    ids = [
        add(ngo),
        add(ngo, "--recipient", "cedar"),
        add(ngo, "--embargo", ahead(4), "--expires", ahead(4, "06-01")),
    ]
    with ngo.node() as node:
        numbers = [node.signals.get(each).number for each in ids]
        counts = released_now(node, numbers)
        assert set(facts_of(node, numbers).numbers.tolist()) == set(numbers)
    assert counts["birch"] == 1
    assert counts["alder"] == counts["cedar"] == 0
    assert "dogwood" not in counts or counts["dogwood"] == 0


def test_audience_while_policies_cannot_be_read_is_an_error_not_a_guess(ngo: Contributor) -> None:
    hex_id = add(ngo)
    ngo.policy("permit(principal, action, resource);")
    with ngo.node() as node, pytest.raises(PolicyError):
        audience_of_stored(node, node.signals.get(hex_id))


def test_audience_asked_for_writes_no_entry_that_something_was_permitted(ngo: Contributor) -> None:
    hex_id = add(ngo)
    seen_by(ngo, hex_id)
    with ngo.node() as node:
        before = node.audit.newest(1)
        audience_of_stored(node, node.signals.get(hex_id))
        audience_of(node, node.signals.get(hex_id).signal)
        assert [each.values for each in node.audit.newest(1)] == [each.values for each in before]


def chosen(node: Node, hex_id: str, member: str, days: int) -> bool:
    """Whether the set of a member would hold the signal so many days from now."""
    later = node.clock() + days * 86400
    with Node(node.home, clock=lambda: later) as then:
        # The members' list of today, which would have run out by then.
        then.directory._clock = lambda: node.now
        table = facts_of(then, [then.signals.get(hex_id).number])
        lookup: Any = parse_obligations("no_onward")
        disclosed = then.disclosures.numbers(member)
        numbers = choose_signals(then, member, PURPOSE, lookup, table, disclosed).numbers
    return bool(np.size(numbers))


def test_audience_of_a_signal_that_a_person_approved_is_who_it_was_approved_for(ngo: Contributor) -> None:
    permits(ngo, ("alder", "human_review"), ("cedar", "human_review"))
    hex_id = add(ngo)
    with ngo.node() as node:
        node.clearances.approve(node.signals.get(hex_id).number, "alder")
    seen = seen_by(ngo, hex_id)
    assert seen["alder"].views
    assert barriers(seen["cedar"]) == {Barrier.HUMAN_REVIEW}


def test_audience_after_a_notice_begins_when_its_days_have_passed(ngo: Contributor) -> None:
    permits(ngo, ("alder", "notify_supplier(supplier, 30); delay(7)"))
    hex_id = add(ngo)
    with ngo.node() as node:
        today = node.now.date()
        told = today - timedelta(days=10)
        node.clearances.note_notice(node.signals.get(hex_id).number, Notified.SUPPLIER, told)
    (view,) = seen_by(ngo, hex_id)["alder"].views
    assert view.since == told + timedelta(days=30)
    with ngo.node() as node:
        assert not chosen(node, hex_id, "alder", 19)
        assert chosen(node, hex_id, "alder", 20)


def test_audience_of_a_signal_without_a_number_has_no_approval_of_another_one(ngo: Contributor) -> None:
    permits(ngo, ("alder", "human_review"))
    hex_id = add(ngo)
    with ngo.node() as node:
        for number in range(1, node.signals.get(hex_id).number + 1):
            try:
                node.clearances.approve(number, "alder")
            except SignalError:
                continue
        seen = {each.member: each for each in audience_of(node, node.signals.get(hex_id).signal)}
    assert barriers(seen["alder"]) == {Barrier.HUMAN_REVIEW}
