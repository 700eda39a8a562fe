"""Operators are added, changed and removed by administrators, and sign in with what they know."""

import pytest

from symbolon.errors import PermissionDeniedError, SymbolonError, UsageError
from symbolon.policy.operator_roles import LOCAL, Role
from symbolon.storage.operator_record import OidcAccount, Operator
from unit.operators.conftest import People, password_of

ADMIN, APPROVER, VIEWER = Role.ADMINISTRATOR, Role.APPROVER, Role.VIEWER
ACCOUNT = OidcAccount("https://issuer.example", "amina@example")


def code_of(caught: pytest.ExceptionInfo[SymbolonError]) -> str:
    return caught.value.full_code


def test_operator_first_must_be_an_administrator_with_a_password(people: People) -> None:
    for role, password, account in ((VIEWER, "long enough words", None), (ADMIN, None, ACCOUNT)):
        with pytest.raises(UsageError) as caught:
            people.operators.add(LOCAL, "Amina", role, password=password, account=account)
        assert code_of(caught) == "usage.operator.first"
    assert not people.operators.exist()


def test_operator_added_is_read_back_and_signs_in(people: People) -> None:
    amina = people.operators.add(LOCAL, " Amina K. ", ADMIN, password="long enough words")
    assert amina.name == "Amina K."
    assert people.operators.all() == [amina]
    assert people.operators.get(amina.pseudonym) == amina
    assert people.operators.named("amina k.") == people.operators.named(amina.pseudonym) == amina
    assert people.operators.authenticate("AMINA K.", "long enough words") == amina


def test_operator_pseudonym_holds_nothing_of_the_name_and_is_in_the_audit_log(people: People) -> None:
    amina = people.add("Amina", ADMIN)
    bruno = people.add("Bruno", VIEWER)
    assert len({amina.pseudonym, bruno.pseudonym}) == 2
    entries = [each.values for each in people.entries()]
    assert [(each["event"], each["purpose"], each["operator"]) for each in entries] == [
        ("operator", "added", LOCAL),
        ("operator", "password", amina.pseudonym),
        ("operator", "added", amina.pseudonym),
        ("operator", "password", bruno.pseudonym),
    ]
    assert [each["note"] for each in entries[2:]] == [f"{bruno.pseudonym} viewer"] * 2
    assert not any(name in repr(entries) for name in ("Amina", "Bruno"))


def test_operator_names_passwords_and_roles_are_not_in_the_database_file(tmp_path) -> None:
    from symbolon.storage.database import Database

    with Database.open(f"sqlite:///{tmp_path}/node.db", create=True) as database:
        people = People(database)
        people.add("Amina Unmistakable", ADMIN)
        people.operators.add(people.operators.all()[0].pseudonym, "Bruno", VIEWER, account=ACCOUNT)
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (b"Unmistakable", b"scrypt", b"amina@example", b"issuer.example"):
        assert secret not in content


def test_operator_first_chose_its_own_password_one_added_by_another_did_not(people: People) -> None:
    amina = people.operators.add(LOCAL, "Amina", ADMIN, password="long enough words")
    bruno = people.operators.add(amina.pseudonym, "Bruno", APPROVER, password="long enough words")
    assert amina.as_second_person.own_credential
    assert not bruno.as_second_person.own_credential
    own = people.operators.set_password(bruno.pseudonym, bruno.pseudonym, "words of his own")
    assert own.as_second_person.own_credential
    assert own.credential_id != bruno.credential_id
    again = people.operators.set_password(amina.pseudonym, bruno.pseudonym, "long enough words")
    assert not again.as_second_person.own_credential


def test_operator_role_changes_at_once_and_password_replaces_the_old_one(people: People) -> None:
    amina, bruno = people.add("Amina", ADMIN), people.add("Bruno", VIEWER)
    people.operators.set_role(amina.pseudonym, bruno.pseudonym, APPROVER)
    assert people.operators.named("Bruno").role is APPROVER
    people.operators.set_password(amina.pseudonym, bruno.pseudonym, "another password")
    people.operators.authenticate("Bruno", "another password")
    with pytest.raises(PermissionDeniedError):
        people.operators.authenticate("Bruno", password_of("Bruno"))


@pytest.mark.parametrize("role", [VIEWER, Role.CONTRIBUTOR, APPROVER])
def test_operator_below_administrator_changes_nobody(people: People, role: Role) -> None:
    amina, bruno = people.add("Amina", ADMIN), people.add("Bruno", role)
    before = people.operators.all()
    attempts = (
        lambda: people.operators.add(bruno.pseudonym, "Carla", VIEWER, password="long enough words"),
        lambda: people.operators.set_role(bruno.pseudonym, bruno.pseudonym, ADMIN),
        lambda: people.operators.set_password(bruno.pseudonym, amina.pseudonym, "long enough words"),
        lambda: people.operators.remove(bruno.pseudonym, amina.pseudonym),
    )
    for attempt in attempts:
        with pytest.raises(PermissionDeniedError) as caught:
            attempt()
        assert code_of(caught) == "permission.role"
        assert "administrator" in (caught.value.hint or "")
    assert people.operators.all() == before


@pytest.mark.parametrize("nobody", [LOCAL, "op-00000000"])
def test_operator_changes_by_nobody_are_refused_once_there_are_operators(people: People, nobody: str) -> None:
    amina = people.add("Amina", ADMIN)
    attempts = (
        lambda: people.operators.add(nobody, "Carla", ADMIN, password="long enough words"),
        lambda: people.operators.set_role(nobody, amina.pseudonym, VIEWER),
        lambda: people.operators.set_password(nobody, amina.pseudonym, "long enough words"),
        lambda: people.operators.remove(nobody, amina.pseudonym),
    )
    for attempt in attempts:
        with pytest.raises(PermissionDeniedError) as caught:
            attempt()
        assert code_of(caught) == "permission.sign_in"


def test_operator_last_administrator_can_neither_go_nor_step_down(people: People) -> None:
    amina, bruno = people.add("Amina", ADMIN), people.add("Bruno", APPROVER)
    for attempt in (
        lambda: people.operators.remove(amina.pseudonym, amina.pseudonym),
        lambda: people.operators.set_role(amina.pseudonym, amina.pseudonym, APPROVER),
    ):
        with pytest.raises(UsageError) as caught:
            attempt()
        assert code_of(caught) == "usage.operator.last"
    people.operators.set_role(amina.pseudonym, bruno.pseudonym, ADMIN)
    people.operators.remove(bruno.pseudonym, amina.pseudonym)
    assert [each.name for each in people.operators.all()] == ["Bruno"]
    with pytest.raises(PermissionDeniedError):
        people.operators.authenticate("Amina", password_of("Amina"))


def test_operator_name_or_account_of_another_is_refused(people: People) -> None:
    amina = people.add("Amina", ADMIN)
    people.operators.add(amina.pseudonym, "Bruno", VIEWER, account=ACCOUNT)
    for name, account in (("AMINA", None), ("amina ", None), ("Carla", ACCOUNT)):
        password = None if account else "long enough words"
        with pytest.raises(UsageError) as caught:
            people.operators.add(amina.pseudonym, name, VIEWER, password=password, account=account)
        assert code_of(caught) == "usage.operator.taken"


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 65, "op-0123abcd", "\x1b[31mred"])
def test_operator_name_that_is_none_is_refused(people: People, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        people.operators.add(LOCAL, name, ADMIN, password="long enough words")
    assert code_of(caught) == "usage.operator.name"


@pytest.mark.parametrize("password", ["", "eleven char", "x" * 1025])
def test_operator_password_too_short_or_too_long_is_refused(people: People, password: str) -> None:
    with pytest.raises(UsageError) as caught:
        people.operators.add(LOCAL, "Amina", ADMIN, password=password)
    assert code_of(caught) == "usage.password"


def test_operator_needs_either_a_password_or_an_account(people: People) -> None:
    for password, account in ((None, None), ("long enough words", ACCOUNT)):
        with pytest.raises(UsageError) as caught:
            people.operators.add(LOCAL, "Amina", ADMIN, password=password, account=account)
        assert code_of(caught) == "usage.operator.subject"


def test_operator_of_an_account_is_found_by_issuer_and_subject_together(people: People) -> None:
    bruno = people.add("Bruno", ADMIN)
    amina = people.operators.add(bruno.pseudonym, "Amina", ADMIN, account=ACCOUNT)
    assert people.operators.of_account(ACCOUNT) == amina
    assert amina.as_second_person.own_credential
    for other in (
        OidcAccount("https://other.example", ACCOUNT.subject),
        OidcAccount(ACCOUNT.issuer, "bruno@example"),
        OidcAccount("https://issuer.exampl", "eamina@example"),
    ):
        with pytest.raises(PermissionDeniedError) as caught:
            people.operators.of_account(other)
        assert code_of(caught) == "permission.sign_in"


def test_operator_with_an_account_has_no_password_to_sign_in_with_or_to_change(people: People) -> None:
    bruno = people.add("Bruno", ADMIN)
    amina = people.operators.add(bruno.pseudonym, "Amina", ADMIN, account=ACCOUNT)
    with pytest.raises(PermissionDeniedError):
        people.operators.authenticate("Amina", "")
    with pytest.raises(UsageError) as caught:
        people.operators.set_password(amina.pseudonym, amina.pseudonym, "long enough words")
    assert code_of(caught) == "usage.operator.subject"


def test_operator_record_moved_to_another_row_does_not_open(people: People) -> None:
    """A database administrator without the sealing key cannot pass a viewer's row off as an administrator."""
    from sqlalchemy import select, update

    from symbolon.errors import SealError
    from symbolon.storage.operator_schema import operator_entry

    amina, bruno = people.add("Amina", ADMIN), people.add("Bruno", VIEWER)
    with people.database.transaction("tamper") as connection:
        record = connection.execute(
            select(operator_entry.c.record).where(operator_entry.c.pseudonym == amina.pseudonym)
        ).scalar_one()
        connection.execute(
            update(operator_entry).where(operator_entry.c.pseudonym == bruno.pseudonym).values(record=record)
        )
    with pytest.raises(SealError):
        people.operators.named("Bruno")


def test_operator_record_that_is_none_is_refused() -> None:
    from symbolon.errors import StorageError

    for record in (b"", b"{}", b"[]", b'{"account": null, "role": "king"}', b"\xff"):
        with pytest.raises(StorageError):
            Operator.from_bytes("op-00000000", record)
