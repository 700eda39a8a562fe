"""Whoever the author of a request could be in disguise is found, and nobody else."""

from hypothesis import given
from hypothesis import strategies as st

from symbolon.policy.approval import OperatorChange, influenced_by, subject_digest
from symbolon.policy.operator_roles import (
    ACTION_ROLES,
    COMMAND_ROLES,
    Role,
    role_for_command,
)
from symbolon.storage.operator_password import ScryptCost, new_password_line, require_password
from symbolon.storage.operator_record import OidcAccount, Operator, account_key

PEOPLE = st.sampled_from([f"op-{number}" for number in range(6)])
CHANGES = st.lists(st.tuples(PEOPLE, PEOPLE), max_size=20).map(
    lambda pairs: [OperatorChange(n, 0, whom, "role", by) for n, (by, whom) in enumerate(pairs, 1)]
)


@given(PEOPLE, CHANGES)
def test_influenced_is_exactly_whom_a_chain_of_later_changes_leads_to(author: str, changes: list) -> None:
    """Against the definition: a chain of changes, each after the one before, that begins at the author."""

    def reached(whom: str, before: int) -> bool:
        return whom == author or any(
            change.whom == whom and reached(change.by, change.number)
            for change in changes
            if change.number < before
        )

    expected = {f"op-{n}" for n in range(6) if reached(f"op-{n}", len(changes) + 1)}
    assert influenced_by(author, changes) == expected


@given(PEOPLE, CHANGES, CHANGES)
def test_influenced_never_shrinks_with_more_changes(author: str, first: list, then: list) -> None:
    assert influenced_by(author, first) <= influenced_by(author, first + then)


@given(
    st.tuples(st.sampled_from(sorted(ACTION_ROLES)), st.binary(max_size=40)),
    st.tuples(st.sampled_from(sorted(ACTION_ROLES)), st.binary(max_size=40)),
)
def test_subject_digest_is_equal_for_equal_action_and_subject_only(one: tuple, other: tuple) -> None:
    assert (subject_digest(*one) == subject_digest(*other)) == (one == other)


@given(st.sampled_from(Role), st.sampled_from(Role), st.sampled_from(Role))
def test_roles_include_one_another_in_one_line(low: Role, middle: Role, high: Role) -> None:
    assert low.covers(low)
    assert low.covers(middle) or middle.covers(low)
    assert not (high.covers(middle) and middle.covers(low)) or high.covers(low)


@given(st.text())
def test_command_that_is_not_listed_needs_an_administrator(words: str) -> None:
    if not {words, words.partition(" ")[0]} & set(COMMAND_ROLES):
        assert role_for_command(words) is Role.ADMINISTRATOR


TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


@given(TEXT, st.sampled_from(Role), st.none() | st.builds(OidcAccount, TEXT, TEXT))
def test_operator_record_is_read_back_as_it_was_written(
    name: str, role: Role, account: OidcAccount | None
) -> None:
    entry = Operator("op-01234567", name, role, 7, "local", "ab", "op-01234567", account)
    assert Operator.from_bytes("op-01234567", entry.to_bytes()) == entry


@given(st.builds(OidcAccount, TEXT, TEXT), st.builds(OidcAccount, TEXT, TEXT))
def test_account_key_is_equal_for_equal_accounts_only(one: OidcAccount, other: OidcAccount) -> None:
    assert (account_key(one) == account_key(other)) == (one == other)


@given(st.text(min_size=12, max_size=40), st.binary(min_size=16, max_size=16))
def test_password_line_opens_with_its_own_password(password: str, salt: bytes) -> None:
    require_password(new_password_line(password, salt, ScryptCost(2, 1, 1)), password)
