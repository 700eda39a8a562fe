"""Which signals leave for a member, in which form, by which decision."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from chosen_signals import PEER, PURPOSE, Deciding, chosen, shapes, table_of
from signal_makers import TODAY, make_signal
from symbolon.errors import SignalError
from symbolon.policy.obligations import Notified, Obligations, parse_obligations
from symbolon.policy.request import PolicyRequest
from symbolon.rpc.signal_choice import FORM_BYTES, form_digest
from symbolon.signals.revisions import dispute, recall
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import Evidence, Indicator, RecallReason, Tlp
from symbolon.storage.signal_facts import SignalTable

DAY = timedelta(days=1)
CHILD_LABOUR = frozenset({Indicator.CHILD_LABOUR})


def one(**changes: object) -> Signal:
    """A signal of a month ago, so that no day of it is near."""
    issued = TODAY - 30 * DAY
    return make_signal(**{"issued": issued, "period": None, **changes})


def stone() -> Signal:
    return recall(one(), TODAY, RecallReason.ERROR)


# ------------------------------------------------------------------------------------------- who and when


def test_choice_of_nothing_is_nothing_and_asks_nobody() -> None:
    node = Deciding()
    choice = chosen(node, table_of([]))
    assert (shapes(choice), choice.standing.tolist(), choice.shapes, node.asked) == ({}, [], (), [])


def test_choice_leaves_out_what_the_contributor_does_not_admit_and_still_counts_it_as_standing() -> None:
    signals = [
        one(),
        one(purposes=("remediation",)),
        one(recipients=("birch-co",)),
        one(recipients=("alder-co", "birch-co")),
        one(embargo=TODAY + DAY),
        one(embargo=TODAY),
        stone(),
    ]
    choice = chosen(Deciding(), table_of(signals))
    assert shapes(choice) == {1: "", 4: "", 6: ""}
    # Neither under embargo nor recalled; whoever may have it.
    assert choice.standing.tolist() == [1, 2, 3, 4, 6]


def test_choice_asks_policy_about_nothing_that_the_contributor_keeps_back() -> None:
    node = Deciding()
    chosen(node, table_of([one(recipients=("birch-co",)), one(embargo=TODAY + DAY), stone()]))
    assert node.asked == []


def test_choice_for_another_purpose_or_member_rests_on_the_wishes_about_that_one() -> None:
    table = table_of([one(), one(purposes=("remediation",)), one(recipients=("birch-co",))])
    assert shapes(chosen(Deciding(), table, purpose="remediation")) == {2: ""}
    assert shapes(chosen(Deciding(), table, peer="birch-co")) == {1: "", 3: ""}
    assert shapes(chosen(Deciding(), table, peer="")) == {1: ""}


# ------------------------------------------------------------------------------------------------ policy


def test_choice_asks_once_about_all_that_are_alike_to_a_policy() -> None:
    node = Deciding()
    alike = [
        one(signal_id=bytes([n]) * 16, confidence=n, expires=TODAY + (200 + n) * DAY) for n in range(1, 90)
    ]
    choice = chosen(node, table_of(alike))
    assert (len(choice.numbers), len(node.asked)) == (89, 1)


def test_choice_asks_once_where_audiences_differ_and_both_or_neither_name_the_member() -> None:
    node = Deciding()
    audiences = [(), ("alder-co", "cedar-co"), ("alder-co", "birch-co"), ("alder-co",)]
    choice = chosen(node, table_of([one(recipients=each) for each in audiences]))
    assert len(choice.numbers) == 4
    assert [each.context["named"] for each in node.asked] == [False, True]
    # One decision lets both go: it is one line of the log.
    assert choice.permit.tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize(
    "change",
    [
        {"tlp": Tlp.GREEN},
        {"indicators": CHILD_LABOUR},
        {"evidence": Evidence.MEDIA},
        {"indicators": CHILD_LABOUR, "urgent": True},
        {"recipients": (PEER,)},
    ],
)
def test_choice_asks_apart_about_what_differs_to_a_policy(change: dict[str, object]) -> None:
    node = Deciding()
    chosen(node, table_of([one(), one(**change)]))
    assert len(node.asked) == 2
    assert node.asked[0].context != node.asked[1].context


def test_request_says_what_the_facts_say_and_no_more() -> None:
    node = Deciding(agreed=True)
    signal = dispute(
        one(tlp=Tlp.RED, recipients=(PEER,), indicators=CHILD_LABOUR, urgent=True, evidence=Evidence.MEDIA),
        TODAY,
        "We deny it.",
    )
    chosen(node, table_of([signal], contributors=3))
    (request,) = node.asked
    assert (request.action, request.principal, request.owner) == ("release", PEER, node.member_id)
    assert request.context == {
        "agreed": True,
        "contributors": 3,
        "disputed": True,
        "evidence": "media",
        "indicators": ("child-labour",),
        "named": True,
        "now": "2026-07-01T12:00:00Z",
        "purpose": PURPOSE,
        "subject_kind": "site",
        "tlp": "red",
        "urgent": True,
    }


def test_denied_signals_are_absent_and_each_other_names_its_own_decision() -> None:
    def no_media(request: PolicyRequest) -> Obligations | None:
        return None if request.context["evidence"] == "media" else Obligations()

    signals = [one(), one(evidence=Evidence.MEDIA), one(evidence=Evidence.SATELLITE), one()]
    choice = chosen(Deciding(no_media), table_of(signals))
    assert shapes(choice) == {1: "", 3: "", 4: ""}
    records = [choice.permits[each]() for each in choice.permit.tolist()]
    assert records == [
        f"record of amber {each}" for each in ("worker-interview", "satellite", "worker-interview")
    ]


def test_facts_that_stand_for_no_word_let_nothing_leave() -> None:
    table = table_of([one()])
    rows = table.rows.copy()
    rows["tlp"] = 0
    with pytest.raises(SignalError):
        chosen(Deciding(), SignalTable(table.numbers, rows, table.audiences))


# -------------------------------------------------------------------------------------------- obligations


def obliging(text: str) -> Deciding:
    return Deciding(lambda _: parse_obligations(text))


def test_shape_is_what_of_the_obligations_shows_in_a_label() -> None:
    node = obliging("redact(evidence); coarsen(month); no_onward; retain(30); delay(7)")
    choice = chosen(node, table_of([one()]))
    assert shapes(choice) == {1: "redact(evidence); coarsen(month); no_onward; retain(30)"}


def test_obligations_of_lookup_and_release_bind_together_the_stricter_of_each_kind() -> None:
    node = obliging("redact(evidence); coarsen(year); retain(90)")
    bound = parse_obligations("redact(native); coarsen(month); retain(30); no_onward")
    choice = chosen(node, table_of([one()]), bound=bound)
    assert shapes(choice) == {1: "redact(evidence, native); coarsen(year); no_onward; retain(30)"}


@pytest.mark.parametrize("where", ["lookup", "release"])
@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("delay(30)", True),
        ("delay(31)", False),
        ("min_corroboration(2)", True),
        ("min_corroboration(3)", False),
        ("count_only", False),
        ("human_review", False),
        ("notify_supplier(supplier, 0)", False),
    ],
)
def test_signal_that_an_obligation_keeps_back_is_absent(where: str, text: str, kept: bool) -> None:
    table = table_of([one()], contributors=2)
    node, bound = (
        (Deciding(), parse_obligations(text)) if where == "lookup" else (obliging(text), Obligations())
    )
    choice = chosen(node, table, bound=bound)
    assert shapes(choice) == ({1: ""} if kept else {})
    assert choice.standing.tolist() == [1]


def test_obligations_judge_each_signal_by_its_own_days_voices_approvals_and_notices() -> None:
    node = obliging("delay(10); human_review; notify_supplier(supplier, 5)")
    signals = [one(issued=TODAY - age * DAY) for age in (10, 9, 10, 10, 10)]
    node.reviewed = (1, 2, 3, 5)
    told = {Notified.SUPPLIER: TODAY - 5 * DAY}
    node.notices = {
        1: told,
        2: told,
        3: {Notified.SUPPLIER: TODAY - 4 * DAY},
        4: told,
        5: {Notified.SITE: TODAY - 9 * DAY},
        77: told,
    }
    assert shapes(chosen(node, table_of(signals))) == {1: ""}


def test_each_form_is_there_once_and_the_signals_name_theirs() -> None:
    def by_evidence(request: PolicyRequest) -> Obligations:
        text = {"media": "redact(native)", "satellite": "no_onward"}.get(str(request.context["evidence"]))
        return parse_obligations(text) if text else Obligations()

    kinds = [Evidence.MEDIA, Evidence.GRIEVANCE, Evidence.SATELLITE, Evidence.SITE_VISIT, Evidence.MEDIA]
    choice = chosen(Deciding(by_evidence), table_of([one(evidence=each) for each in kinds]))
    assert shapes(choice) == {1: "redact(native)", 2: "", 3: "no_onward", 4: "", 5: "redact(native)"}
    assert len(choice.shapes) == len(set(choice.shapes)) == 3


def test_form_digest_names_a_shape_and_no_other() -> None:
    texts = [
        "no_onward",
        "retain(3)",
        "retain(30)",
        "redact(native)",
        "redact(evidence, native)",
        "coarsen(year)",
    ]
    digests = {form_digest(parse_obligations(each)) for each in texts} | {form_digest(Obligations())}
    assert {len(each) for each in digests} == {FORM_BYTES}
    assert len(digests) == len(texts) + 1
    assert form_digest(parse_obligations("retain(3); no_onward")) == form_digest(
        parse_obligations("no_onward; retain(3)")
    )


# ------------------------------------------------------------------------------------ recalled and urgent


def test_recalled_signal_goes_to_who_was_told_by_no_decision_and_waits_for_nothing() -> None:
    node = Deciding(lambda _: None)
    table = table_of([one(), stone(), replace(stone(), recipients=("birch-co",), purposes=("remediation",))])
    bound = parse_obligations("delay(3000); human_review; count_only; retain(30)")
    assert shapes(chosen(node, table, bound=bound)) == {}
    choice = chosen(node, table, bound=bound, told=(1, 2, 3))
    assert shapes(choice) == dict.fromkeys((2, 3), "redact(subject_kind); retain(30)")
    assert (choice.permit.tolist(), choice.at_once.tolist()) == ([-1, -1], [True, True])
    assert choice.standing.tolist() == [1]


def test_what_is_told_at_once_is_what_is_urgent_or_recalled() -> None:
    urgent = one(indicators=CHILD_LABOUR, urgent=True)
    choice = chosen(Deciding(), table_of([one(), urgent, stone(), one(indicators=CHILD_LABOUR)]), told=(3,))
    assert dict(zip(choice.numbers.tolist(), choice.at_once.tolist(), strict=True)) == {
        1: False,
        2: True,
        3: True,
        4: False,
    }


def test_numbers_that_the_member_was_given_of_signals_that_are_gone_count_for_nothing() -> None:
    choice = chosen(Deciding(), table_of([one()]), told=(1, 5, 9_000))
    assert choice.numbers.tolist() == [1]
    assert np.array_equal(choice.rows, table_of([one()]).rows)
