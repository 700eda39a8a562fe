from datetime import date, timedelta
from typing import Any

import pytest

from agreement_makers import agreement
from coalition_members import BIRCH, TODAY
from symbolon.errors import UsageError
from symbolon.rpc.agreement_choice import Wish, choose
from symbolon.storage.agreement_store import Standing, StoredAgreement

DAY = timedelta(days=1)
YEAR = TODAY + 365 * DAY
LONG = TODAY + 700 * DAY
BOTH = ("due-diligence", "remediation")

Held = tuple[StoredAgreement, Standing]


def held(standing: Standing, number: int = 0, **changes: Any) -> Held:
    state: Any = standing if standing not in ("void", "ended") else "in_force"
    stored = StoredAgreement(bytes([number]) * 32, BIRCH, b"", agreement(**changes), b"", b"", state, True, 0)
    return stored, standing


def wish(*purposes: str, last_day: date | None = None, asked: bool = False) -> Wish:
    return Wish(BIRCH, purposes, last_day, asked)


DD = "due-diligence"


@pytest.mark.parametrize(
    ("there", "typed", "kind"),
    [
        ([], wish(DD), "offer"),
        ([held("waiting")], wish(DD), "answer"),
        ([held("waiting")], wish(asked=True), "answer"),
        ([held("offered")], wish(DD), "again"),
        ([held("offered")], wish(), "again"),
        ([held("in_force")], wish(DD), "agreed"),
        ([held("in_force")], wish(), "agreed"),
        ([held("in_force", purposes=BOTH)], wish(DD), "agreed"),
        ([held("in_force")], wish(*BOTH), "offer"),
        ([held("in_force")], wish(DD, last_day=YEAR + DAY), "offer"),
        # What is over, or signed by old keys, counts for nothing.
        ([held("void")], wish(DD), "offer"),
        ([held("ended")], wish(DD), "offer"),
        ([held("withdrawn")], wish(DD), "offer"),
        ([held("withdrawn_by_peer")], wish(DD), "offer"),
        # Never wider than typed: more purposes, fewer, or a later day.
        ([held("waiting", purposes=BOTH)], wish(DD), "offer"),
        ([held("waiting")], wish(*BOTH), "offer"),
        ([held("waiting")], wish(DD, last_day=YEAR - DAY), "offer"),
        ([held("waiting")], wish(DD, last_day=YEAR + DAY), "answer"),
        ([held("waiting", last_day=LONG)], wish(DD, last_day=LONG), "answer"),
        # A clock that is a day ahead signs for a day more.
        ([held("waiting", first_day=TODAY + DAY, last_day=YEAR + DAY)], wish(DD), "answer"),
        # Whoever is asked sees until when.
        ([held("waiting", last_day=LONG)], wish(DD, asked=True), "answer"),
        ([held("offered")], wish(DD, last_day=LONG), "offer"),
        # The peer offers to go on for longer.
        ([held("waiting", 1, last_day=LONG), held("in_force")], wish(DD, asked=True), "answer"),
        ([held("waiting", 1), held("in_force")], wish(DD), "agreed"),
        ([held("waiting"), held("offered", 1)], wish(DD), "answer"),
    ],
)
def test_choice_for_what_is_there_and_what_was_typed(there: list[Held], typed: Wish, kind: str) -> None:
    choice = choose(there, typed, TODAY)
    assert choice.kind == kind
    assert (choice.held is None) == (kind == "offer")


def test_choice_of_several_offers_for_the_same_is_the_newest() -> None:
    newest, older = held("waiting", 2), held("waiting", 1)
    assert choose([newest, older], wish(DD), TODAY).held == newest[0]
    assert choose([newest, older], wish(asked=True), TODAY).held == newest[0]


def test_choice_of_a_new_offer_replaces_own_ones_for_the_same_and_no_others() -> None:
    own, other = held("offered", 1), held("offered", 2, purposes=BOTH)
    assert choose([own, other], wish(DD, last_day=LONG), TODAY).replaces == (own[0],)


@pytest.mark.parametrize(
    ("there", "typed", "code"),
    [
        ([], wish(), "none"),
        ([held("withdrawn")], wish(), "none"),
        ([held("waiting"), held("waiting", 1, purposes=BOTH)], wish(), "several"),
        ([held("waiting", last_day=LONG)], wish(DD), "long"),
        ([held("waiting", last_day=LONG)], wish(), "long"),
        ([held("waiting")], wish(), "unread"),
    ],
)
def test_choice_that_the_words_typed_do_not_make_is_refused_with_what_to_type(
    there: list[Held], typed: Wish, code: str
) -> None:
    with pytest.raises(UsageError) as caught:
        choose(there, typed, TODAY)
    assert caught.value.full_code == f"usage.agreement.{code}"
    assert "`symbolon policy" in str(caught.value.hint) or "--until" in str(caught.value.hint)


def test_choice_among_offers_for_different_purposes_is_the_one_typed() -> None:
    one, both = held("waiting"), held("waiting", 1, purposes=BOTH)
    assert choose([one, both], wish(*BOTH), TODAY).held == both[0]
