"""The choice of signals against one made signal by signal, for any table, policy, clearance and day.

The choice decides once for all signals that are alike. Here each is decided for by itself, from the document,
by the rules as docs/signals.md has them; nothing of the choice's own grouping is used.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from chosen_signals import PEER, PURPOSE, Deciding, chosen, shapes, table_of
from signal_makers import TODAY, make_signal
from symbolon.policy.enforcement import Item, prepare_set
from symbolon.policy.obligations import NOTHING, Notified, Obligations, parse_obligations, strictest
from symbolon.policy.request import PolicyRequest, ReleaseContext, release_request
from symbolon.signals.revisions import dispute, recall
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import DisputeState, Evidence, Indicator, RecallReason, State, Tlp

OBLIGATIONS = (
    "",
    "redact(evidence)",
    "redact(native, period)",
    "coarsen(month)",
    "coarsen(year)",
    "no_onward",
    "retain(30)",
    "retain(90)",
    "delay(5)",
    "delay(10)",
    "count_only",
    "human_review",
    "min_corroboration(2)",
    "notify_supplier(supplier, 3)",
    "notify_supplier(site, 0)",
)


@dataclass(frozen=True)
class Case:
    """Signals by number from 1, what the node knows beside them, and what its policies say."""

    signals: tuple[Signal, ...]
    contributors: int
    seed: int
    reviewed: tuple[int, ...]
    notices: dict[int, dict[Notified, date]]
    told: tuple[int, ...]
    bound: Obligations

    def permits(self, request: PolicyRequest) -> Obligations | None:
        """A policy as wild as can be: what it says depends on all that it is asked."""
        drawn = sha256(f"{self.seed}".encode() + request.document()).digest()
        if drawn[0] < 80:
            return None
        return strictest(*(obliged(OBLIGATIONS[each % len(OBLIGATIONS)]) for each in drawn[1:3]))


def obliged(text: str) -> Obligations:
    return parse_obligations(text) if text else NOTHING


@st.composite
def some_signals(draw: st.DrawFn) -> Signal:
    """Signals of few kinds, so that many are alike."""
    named = draw(st.sampled_from([(), (PEER,), ("birch-co",), (PEER, "birch-co")]))
    urgent = draw(st.booleans())
    issued = TODAY - timedelta(days=draw(st.integers(3, 12)))
    made = make_signal(
        signal_id=draw(st.binary(min_size=16, max_size=16)),
        issued=issued,
        period=None,
        tlp=draw(st.sampled_from(Tlp)) if named else draw(st.sampled_from([Tlp.AMBER, Tlp.CLEAR])),
        recipients=named,
        purposes=draw(st.sampled_from([(PURPOSE,), ("remediation",), (PURPOSE, "remediation")])),
        evidence=draw(st.sampled_from([Evidence.MEDIA, Evidence.SATELLITE])),
        indicators=frozenset({Indicator.CHILD_LABOUR if urgent else Indicator.ISOLATION}),
        urgent=urgent,
        embargo=draw(st.sampled_from([None, TODAY, TODAY + timedelta(days=1)])),
    )
    what = draw(st.sampled_from(["stands", "stands", "disputed", "recalled"]))
    if what == "disputed":
        return dispute(made, TODAY, "")
    return recall(made, TODAY, RecallReason.ERROR) if what == "recalled" else made


@st.composite
def cases(draw: st.DrawFn) -> Case:
    signals = tuple(draw(st.lists(some_signals(), max_size=12)))
    numbers = st.lists(st.integers(1, 14), unique=True).map(tuple)
    days = st.integers(0, 9).map(lambda each: TODAY - timedelta(days=each))
    notices = st.dictionaries(st.sampled_from(Notified), days)
    return Case(
        signals,
        contributors=draw(st.integers(1, 3)),
        seed=draw(st.integers(0, 1000)),
        reviewed=draw(numbers),
        notices=draw(st.dictionaries(st.integers(1, 14), notices)),
        told=draw(numbers),
        bound=strictest(*map(obliged, draw(st.lists(st.sampled_from(OBLIGATIONS), max_size=2)))),
    )


def chosen_at_once(case: Case, bound: Obligations | None = None) -> dict[int, str]:
    node = Deciding(case.permits, reviewed=case.reviewed, notices=case.notices)
    table = table_of(case.signals, contributors=case.contributors)
    return shapes(chosen(node, table, bound=case.bound if bound is None else bound, told=case.told))


def chosen_one_by_one(case: Case) -> dict[int, str]:
    """The same by the rules, from the signals themselves."""
    found = {}
    for number, signal in enumerate(case.signals, 1):
        if signal.state is State.RECALLED:
            if number in case.told:
                found[number] = shown(strictest(case.bound, obliged("redact(subject_kind)")))
            continue
        wanted = PURPOSE in signal.purposes and (not signal.recipients or PEER in signal.recipients)
        if not wanted or (signal.embargo is not None and signal.embargo > TODAY):
            continue
        permit = case.permits(request_about(case, signal))
        if permit is None:
            continue
        bound = strictest(case.bound, permit)
        item = Item(
            "it",
            signal.issued,
            None,
            contributors=case.contributors,
            reviewed_for=frozenset({PEER}) if number in case.reviewed else frozenset(),
            notices=case.notices.get(number, {}),
        )
        if prepare_set([item], bound, receiver=PEER, today=TODAY).released:
            found[number] = shown(bound)
    return found


def request_about(case: Case, signal: Signal) -> PolicyRequest:
    assert signal.evidence is not None
    node = Deciding()
    context = ReleaseContext(
        purpose=PURPOSE,
        agreed=False,
        tlp=signal.tlp.value,
        named=PEER in signal.recipients,
        subject_kind=signal.subject.kind.value,
        indicators=frozenset(each.value for each in signal.indicators),
        evidence=signal.evidence.value,
        urgent=signal.urgent,
        disputed=signal.dispute.state is DisputeState.OPEN,
        contributors=case.contributors,
        now=node.now,
    )
    return release_request(PEER, node.member_id, context)


def shown(bound: Obligations) -> str:
    """What of obligations shows in a label."""
    return Obligations(
        redact=bound.redact, coarsen=bound.coarsen, no_onward=bound.no_onward, retain=bound.retain
    ).text()


@settings(max_examples=100)
@given(case=cases())
def test_choice_is_that_of_deciding_about_each_signal_by_itself(case: Case) -> None:
    assert chosen_at_once(case) == chosen_one_by_one(case)


@settings(max_examples=40)
@given(case=cases(), more=st.lists(st.sampled_from(OBLIGATIONS), min_size=1, max_size=3))
def test_choice_under_more_obligations_lets_no_other_signal_leave_and_none_looser(
    case: Case, more: list[str]
) -> None:
    before = chosen_at_once(case)
    bound = strictest(case.bound, *map(obliged, more))
    for number, text in chosen_at_once(case, bound).items():
        assert number in before
        assert obliged(text) == strictest(obliged(text), obliged(before[number]))


@settings(max_examples=40)
@given(case=cases())
def test_choice_lists_what_leaves_once_in_order_with_a_decision_for_what_stands(case: Case) -> None:
    node = Deciding(case.permits, reviewed=case.reviewed, notices=case.notices)
    table = table_of(case.signals, contributors=case.contributors)
    choice = chosen(node, table, bound=case.bound, told=case.told)
    numbers = choice.numbers.tolist()
    assert numbers == sorted(set(numbers))
    recalled = {number for number, each in enumerate(case.signals, 1) if each.state is State.RECALLED}
    assert [permit < 0 for permit in choice.permit.tolist()] == [each in recalled for each in numbers]
    assert all(choice.permits[each]() for each in choice.permit.tolist() if each >= 0)
    standing = set(choice.standing.tolist())
    assert not standing & recalled
    assert set(numbers) - recalled <= standing
