"""An action under four eyes is done once, by its author, after somebody else has approved exactly that."""

import pytest

from symbolon.errors import PermissionDeniedError, SymbolonError, UsageError
from symbolon.policy.approval import APPROVAL_LIFE_S, ApprovalRequest, PendingApprovalError
from symbolon.policy.operator_roles import LOCAL, Role
from symbolon.storage import four_eyes
from symbolon.storage.approval_store import MAX_WAITING
from symbolon.storage.operator_record import Operator
from unit.operators.conftest import People

ALL = ("release", "expel", "plan-approval")
SUBJECT, WORDS = b"expel mill", "expel mill from clean-hands"


def ask(people: People, who: Operator | str, subject: bytes = SUBJECT, action: str = "expel") -> None:
    pseudonym = who if isinstance(who, str) else who.pseudonym
    four_eyes.require(people.approvals, ALL, action, subject, WORDS, pseudonym)  # type: ignore[arg-type]


def pending(people: People, who: Operator, subject: bytes = SUBJECT) -> ApprovalRequest:
    """Asks, and gives the request that now waits."""
    with pytest.raises(PendingApprovalError) as caught:
        ask(people, who, subject)
    assert caught.value.exit_code == 75
    hint = caught.value.hint or ""
    (request,) = (
        each for each in people.approvals.waiting() if f"symbolon approvals approve {each.request_id}" in hint
    )
    return request


@pytest.fixture
def two(people: People) -> tuple[Operator, Operator]:
    return people.add("Amina", Role.ADMINISTRATOR), people.add("Bruno", Role.APPROVER)


def refused(act, *arguments: object) -> SymbolonError:
    with pytest.raises(SymbolonError) as caught:
        act(*arguments)
    return caught.value


def test_four_eyes_node_without_operators_asks_nobody(people: People) -> None:
    ask(people, LOCAL)
    assert people.approvals.all() == []


def test_four_eyes_action_that_is_not_configured_asks_nobody(people: People, two) -> None:
    four_eyes.require(people.approvals, ("release",), "expel", SUBJECT, WORDS, two[0].pseudonym)
    assert people.approvals.all() == []


def test_four_eyes_approved_action_goes_through_once_and_the_log_names_both(people: People, two) -> None:
    amina, bruno = two
    request = pending(people, amina)
    assert (request.words, request.requested_by, request.state) == (WORDS, amina.pseudonym, "waiting")
    people.approvals.approve(request.request_id, bruno.pseudonym)
    ask(people, amina)
    used = people.approvals.get(request.request_id)
    assert (used.state, used.decided_by) == ("used", bruno.pseudonym)
    assert pending(people, amina).request_id != request.request_id
    entries = [each.values for each in people.entries() if each.values["event"] != "operator"]
    assert [(each["event"], each["operator"]) for each in entries] == [
        ("requested", amina.pseudonym),
        ("approved", bruno.pseudonym),
        ("carried_out", amina.pseudonym),
        ("requested", amina.pseudonym),
    ]
    assert {each["purpose"] for each in entries} == {"expel"}
    assert all(request.digest.hex() in each["note"] for each in entries)


def test_four_eyes_asking_again_makes_no_second_request(people: People, two) -> None:
    first = pending(people, two[0])
    assert pending(people, two[0]) == first
    assert len(people.approvals.all()) == 1


def test_four_eyes_request_needs_the_role_of_the_action(people: People, two) -> None:
    error = refused(ask, people, two[1])
    assert error.full_code == "permission.role"
    assert people.approvals.all() == []


def test_four_eyes_with_nobody_else_who_may_is_refused_with_what_to_do(people: People) -> None:
    amina = people.add("Amina", Role.ADMINISTRATOR)
    people.add("Carla", Role.CONTRIBUTOR)
    error = refused(ask, people, amina)
    assert error.full_code == "permission.four_eyes.alone"
    assert "symbolon operators add" in (error.hint or "")


def test_four_eyes_denied_request_cannot_be_used_nor_approved_and_is_asked_anew(people: People, two) -> None:
    amina, bruno = two
    request = pending(people, amina)
    people.approvals.deny(request.request_id, bruno.pseudonym)
    error = refused(people.approvals.approve, request.request_id, bruno.pseudonym)
    assert error.full_code == "permission.four_eyes.closed"
    assert pending(people, amina).request_id != request.request_id


def test_four_eyes_author_takes_its_request_back_and_a_viewer_denies_nobody_elses(
    people: People, two
) -> None:
    amina, bruno = two
    carla = people.add("Carla", Role.VIEWER)
    request = pending(people, amina)
    assert refused(people.approvals.deny, request.request_id, carla.pseudonym).full_code == "permission.role"
    people.approvals.deny(request.request_id, amina.pseudonym)
    assert people.approvals.waiting() == []
    assert refused(people.approvals.approve, request.request_id, bruno.pseudonym).exit_code == 77


def test_four_eyes_approval_taken_back_before_its_use_is_none(people: People, two) -> None:
    amina, bruno = two
    request = pending(people, amina)
    people.approvals.approve(request.request_id, bruno.pseudonym)
    people.approvals.deny(request.request_id, bruno.pseudonym)
    pending(people, amina)


def test_four_eyes_request_expires_after_a_week(people: People, two) -> None:
    amina, bruno = two
    request = pending(people, amina)
    people.now_s += APPROVAL_LIFE_S
    error = refused(people.approvals.approve, request.request_id, bruno.pseudonym)
    assert error.full_code == "permission.four_eyes.closed"
    assert people.approvals.waiting() == []
    pending(people, amina)


def test_four_eyes_approval_expires_with_its_request(people: People, two) -> None:
    amina, bruno = two
    request = pending(people, amina)
    people.now_s += APPROVAL_LIFE_S - 1
    people.approvals.approve(request.request_id, bruno.pseudonym)
    people.now_s += 1
    assert pending(people, amina).request_id != request.request_id


def test_four_eyes_approver_who_lost_the_role_before_the_use_counts_no_more(people: People, two) -> None:
    amina, bruno = two
    request = pending(people, amina)
    people.approvals.approve(request.request_id, bruno.pseudonym)
    people.operators.set_role(amina.pseudonym, bruno.pseudonym, Role.VIEWER)
    error = refused(ask, people, amina)
    assert error.full_code == "permission.four_eyes.closed"


def test_four_eyes_password_given_by_another_is_no_second_person(people: People) -> None:
    """Also where it was given before the request: whoever gave it still knows it."""
    amina = people.add("Amina", Role.ADMINISTRATOR)
    bruno = people.operators.add(amina.pseudonym, "Bruno", Role.APPROVER, password="given by Amina")
    request = pending(people, amina)
    error = refused(people.approvals.approve, request.request_id, bruno.pseudonym)
    assert error.full_code == "permission.four_eyes.credential"
    people.operators.set_password(bruno.pseudonym, bruno.pseudonym, "his own password")
    people.approvals.approve(request.request_id, bruno.pseudonym)


def test_four_eyes_request_of_nobody_and_unknown_requests_are_refused(people: People, two) -> None:
    assert refused(ask, people, LOCAL).full_code == "permission.sign_in"
    assert refused(ask, people, "op-00000000").full_code == "permission.sign_in"
    unknown = refused(people.approvals.approve, "ap-00000000", two[1].pseudonym)
    assert unknown.full_code == "usage.approval.unknown"
    request = pending(people, two[0])
    for act in (people.approvals.approve, people.approvals.deny):
        assert refused(act, request.request_id, "op-00000000").full_code == "permission.sign_in"


@pytest.mark.parametrize("words", ["", "a\nb", "x" * 501, "\x1b[2Jgone"])
def test_four_eyes_words_that_would_deceive_a_reader_are_refused(people: People, two, words: str) -> None:
    with pytest.raises(UsageError):
        four_eyes.require(people.approvals, ALL, "expel", SUBJECT, words, two[0].pseudonym)


def test_four_eyes_requests_that_wait_are_bounded(people: People, two) -> None:
    for number in range(MAX_WAITING):
        pending(people, two[0], b"%d" % number)
    assert refused(ask, people, two[0]).full_code == "usage.approval.limit"


def test_four_eyes_words_are_sealed(people: People, two) -> None:
    from sqlalchemy import text

    pending(people, two[0])
    with people.database.read("look") as connection:
        stored = bytes(connection.execute(text("SELECT words FROM approval_request")).scalar_one())
    assert b"mill" not in stored


def test_four_eyes_changes_to_operators_need_none_until_there_is_a_second_person(people: People) -> None:
    amina = people.add("Amina", Role.ADMINISTRATOR)
    arguments = (people.approvals, ("operators",), "operators", b"add Bruno", "add Bruno", amina.pseudonym)
    four_eyes.require(*arguments)
    bruno = people.operators.add(amina.pseudonym, "Bruno", Role.APPROVER, password="given by Amina")
    # He has never signed in, and may never: until he has, nobody could agree to what mends that.
    four_eyes.require(*arguments)
    people.operators.set_password(bruno.pseudonym, bruno.pseudonym, "his own password")
    with pytest.raises(PendingApprovalError):
        four_eyes.require(*arguments)


def test_four_eyes_permission_error_is_no_pending_one() -> None:
    assert not issubclass(PendingApprovalError, PermissionDeniedError)
