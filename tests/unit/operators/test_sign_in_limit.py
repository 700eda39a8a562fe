"""Sign-ins that fail are counted before they are made, and paused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolon.errors import PermissionDeniedError, StorageError
from symbolon.policy.operator_roles import Role
from symbolon.storage.operator_password import ScryptCost, new_password_line, require_password
from symbolon.storage.sign_in_limit import (
    FORGOTTEN_AFTER_S,
    FREE_ATTEMPTS,
    LONGEST_PAUSE_S,
    SignInLimit,
    pause_s,
)
from unit.operators.conftest import CHEAP, People, password_of

NAME = bytes(16)


def limit_of(people: People) -> SignInLimit:
    return SignInLimit(people.database, lambda: people.now_s)


def fail(people: People, name: str, times: int) -> str:
    code = ""
    for _ in range(times):
        with pytest.raises(PermissionDeniedError) as caught:
            people.operators.authenticate(name, "a wrong password")
        code = caught.value.full_code
    return code


def test_sign_in_after_too_many_failures_is_paused_also_for_the_right_password(people: People) -> None:
    people.add("Amina", Role.ADMINISTRATOR)
    assert fail(people, "Amina", FREE_ATTEMPTS) == "permission.sign_in"
    with pytest.raises(PermissionDeniedError) as caught:
        people.operators.authenticate("Amina", password_of("Amina"))
    assert caught.value.full_code == "permission.sign_in.blocked"
    people.now_s += 30
    people.operators.authenticate("Amina", password_of("Amina"))
    assert fail(people, "Amina", FREE_ATTEMPTS - 1) == "permission.sign_in"
    people.operators.authenticate("Amina", password_of("Amina"))


def test_sign_in_pause_doubles_up_to_an_hour() -> None:
    pauses = [pause_s(failures) for failures in range(15)]
    assert pauses == [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


@given(st.integers(0, 10**9))
def test_sign_in_pause_never_shrinks_nor_exceeds_its_limit(failures: int) -> None:
    assert pause_s(failures) <= pause_s(failures + 1) <= LONGEST_PAUSE_S


def test_sign_in_pause_outlives_the_process_that_saw_the_failures(people: People) -> None:
    people.add("Amina", Role.ADMINISTRATOR)
    fail(people, "Amina", FREE_ATTEMPTS)
    restarted = People(people.database, people.now_s + 29)
    assert fail(restarted, "Amina", 1) == "permission.sign_in.blocked"
    restarted.now_s += 1
    restarted.operators.authenticate("Amina", password_of("Amina"))


def test_sign_in_attempt_counts_before_it_is_made(people: People) -> None:
    """A process that is killed in the middle has had its guess."""
    for _ in range(FREE_ATTEMPTS):
        limit_of(people).begin(NAME)
    with pytest.raises(PermissionDeniedError):
        limit_of(people).begin(NAME)


def test_sign_in_refused_during_a_pause_does_not_lengthen_it(people: People) -> None:
    for _ in range(FREE_ATTEMPTS):
        limit_of(people).begin(NAME)
    for _ in range(3):
        people.now_s += 9
        with pytest.raises(PermissionDeniedError):
            limit_of(people).begin(NAME)
    people.now_s += 3
    limit_of(people).begin(NAME)


def test_sign_in_failures_are_forgotten_after_a_day(people: People) -> None:
    for _ in range(FREE_ATTEMPTS - 1):
        limit_of(people).begin(NAME)
    people.now_s += FORGOTTEN_AFTER_S + 1
    for _ in range(FREE_ATTEMPTS):
        limit_of(people).begin(NAME)


def test_sign_in_new_password_from_an_administrator_ends_the_pause(people: People) -> None:
    amina, bruno = people.add("Amina", Role.ADMINISTRATOR), people.add("Bruno", Role.VIEWER)
    fail(people, "Bruno", FREE_ATTEMPTS)
    people.operators.set_password(amina.pseudonym, bruno.pseudonym, "another password")
    people.operators.authenticate("Bruno", "another password")


def test_password_line_holds_its_parameters_and_opens_with_the_password_alone() -> None:
    line = new_password_line("correct horse b", bytes(range(16)), CHEAP)
    assert line.startswith(b"$scrypt$n=2,r=1,p=1$000102")
    require_password(line, "correct horse b")
    for other in ("correct horse c", "", "correct horse b ", "x" * 5000):
        with pytest.raises(PermissionDeniedError):
            require_password(line, other)


def test_password_line_knows_one_password_typed_on_two_keyboards() -> None:
    """Composed and decomposed letters are the same to the person who types them."""
    line = new_password_line("caf\u00e9 caf\u00e9 caf\u00e9", bytes(16), CHEAP)
    require_password(line, "cafe\u0301 cafe\u0301 cafe\u0301")


def test_password_default_cost_is_that_of_the_guidance() -> None:
    """OWASP Password Storage Cheat Sheet: N = 2^17, r = 8, p = 1."""
    assert ScryptCost() == ScryptCost(131072, 8, 1)


@pytest.mark.parametrize("line", [b"", b"plain", b"$scrypt$n=2,r=1,p=1$00$00", b"\xff" * 40])
def test_password_line_that_is_none_is_refused(line: bytes) -> None:
    with pytest.raises(StorageError):
        require_password(line, "correct horse b")
