"""Every command × everybody at a node's keyboard: what suffices stands here once more, command by command.

The commands are those of the command line's own tree, so that none can be forgotten: a new one fails here
until somebody has written down who may run it. That a command which is refused has done nothing is in
`test_operators_attacks`.
"""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer.main

from node_people import NodePeople
from symbolon.cli import main, node_home
from symbolon.cli.signed_in import require_operator
from symbolon.errors import PermissionDeniedError
from symbolon.policy.operator_roles import COMMAND_ROLES, LOCAL, Role, role_for_command

ANYBODY = "anybody"
NOBODY = "nobody is signed in"

NEEDED = {
    ANYBODY: "audit verify, bench lookup, bench match, demo, init, lock, sign-in, sign-out, signals schema, "
    "signals words, try match, unlock, wipe",
    Role.VIEWER: "approvals deny, approvals list, coalition invitations, coalition members, "
    "coalition proposals, coalition sync, doctor, match show, operators list, operators password, "
    "audit log, policy agreements, policy check, policy explain, policy test, status, suppliers keys, "
    "suppliers list, suppliers show, signals feeds, signals list, signals received, signals show, "
    "signals who, triage",
    Role.CONTRIBUTOR: "audit witness, match review, match with, relay, serve, suppliers import, signals add, "
    "signals corroborate, signals count, signals delegated, signals dispute, signals dropbox, "
    "signals import, signals lookup, signals narrative, signals notified, signals pending, signals recall, "
    "signals reply, signals reply-form, signals review, signals revise, signals settle, signals watch",
    Role.APPROVER: "approvals approve, audit export, audit prove, audit report, coalition approve, "
    "signals approve, signals export, signals hold",
    Role.ADMINISTRATOR: "audit demanded, coalition attest, coalition create, coalition expel, "
    "coalition founders, "
    "coalition invite, coalition join, coalition move, coalition offer, coalition reinstate, "
    "coalition rotate, coalition suspend, coalition vet, coalition withdraw, operators add, "
    "operators remove, operators role, policy agree, policy withdraw",
}
"""The least that suffices."""

MATRIX = {words: needed for needed, listed in NEEDED.items() for words in listed.split(", ")}


def commands(command: click.Command, words: str = "") -> Iterator[str]:
    """The words of whatever can be run below a command, itself included."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, f"{words} {name}".strip())
        if not command.invoke_without_command or not words:
            return
    yield words


def test_every_command_of_the_tree_has_a_row_and_every_row_a_command() -> None:
    tree = set(commands(typer.main.get_command(main.app)))
    assert tree == set(MATRIX)
    assert sum(map(len, (each.split(", ") for each in NEEDED.values()))) == len(MATRIX)


def test_every_command_needs_what_its_row_says_and_what_is_unlisted_an_administrator() -> None:
    for words, needed in MATRIX.items():
        assert role_for_command(words) == (None if needed is ANYBODY else needed), words
        if words not in COMMAND_ROLES and words.partition(" ")[0] not in COMMAND_ROLES:
            assert needed is Role.ADMINISTRATOR, words
    # What is listed exists: a command, or the first word of some.
    assert set(COMMAND_ROLES) <= set(MATRIX) | {words.partition(" ")[0] for words in MATRIX}
    assert role_for_command("a-command-of-tomorrow") is Role.ADMINISTRATOR
    assert role_for_command("suppliers of-tomorrow") is Role.ADMINISTRATOR


@pytest.mark.parametrize("who", [*Role, NOBODY])
def test_attack_every_command_run_by_a_role_is_let_through_exactly_where_its_row_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: Role | str
) -> None:
    people = NodePeople(tmp_path, monkeypatch)
    operators = {role: people.add(role.name.title(), role) for role in reversed(Role)}
    if isinstance(who, Role):
        people.signed_in(who.name.title())
    node_home.chosen.set(people.home)
    for words, needed in MATRIX.items():
        try:
            found = require_operator(words).pseudonym
        except PermissionDeniedError as error:
            found = error.full_code
        if not isinstance(needed, Role):
            wanted = LOCAL
        elif not isinstance(who, Role):
            wanted = "permission.sign_in"
        else:
            # By their order in the document, and not by the code that is tried.
            order = ("viewer", "contributor", "approver", "administrator")
            enough = order.index(who) >= order.index(needed)
            wanted = operators[who].pseudonym if enough else "permission.role"
        assert found == wanted, words
