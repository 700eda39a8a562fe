"""`symbolon operators`: the people of a node, their roles and their passwords.

The first operator makes itself, as administrator; from then on every command asks who is there.
"""

import json
import sys
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import typer

from symbolon.cli.node_home import open_node
from symbolon.cli.sign_in import change_own_password
from symbolon.cli.typed_password import (
    OPERATOR,
    PASSWORD_FILE,
    new_password,
    password_in_file,
    typed_password,
)
from symbolon.errors import UsageError
from symbolon.policy.operator_roles import LOCAL, Role, not_signed_in, require_role
from symbolon.rpc.node import Node
from symbolon.storage import four_eyes
from symbolon.storage.operator_record import OidcAccount, Operator, typed_name

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Add people, give them roles and passwords, remove them.",
)

Name = Annotated[str, typer.Argument(help="The operator's name or pseudonym.")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What colleagues call the person.")],
    role: Annotated[Role, typer.Option(help="What it may do; each role includes those before it.")],
    oidc_subject: Annotated[
        str,
        typer.Option(help="It signs in at the issuer of symbolon.toml, as this `sub`; without: a password."),
    ] = "",
) -> None:
    """Add an operator. The first one is yourself, an administrator; from then on people sign in.

    The password is asked for on the terminal (scripts: SYMBOLON_NEW_PASSWORD_FILE). One that you choose for
    somebody else is replaced at the first sign-in. Prints the pseudonym that the audit log will hold.
    """
    plain = typed_name(name)
    with open_node() as node:
        first = not node.operators.exist()
        account = _account(node, oidc_subject)
        node.operators.require_room(plain, account)
        _second_person(node, "add", f"add {plain} as {role}", name=plain, role=role, subject=oidc_subject)
        password = None if account else new_password(plain)
        person = node.operators.add(node.operator, plain, role, password=password, account=account)
    print(f"Added {person.name} as {person.role}.", file=sys.stderr)
    if first:
        print(
            "From now on every command of this node asks who is there: `symbolon sign-in`.", file=sys.stderr
        )
    print(person.pseudonym)


@app.command("list")
def list_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """Show the operators, their roles, and who made them what they are."""
    with open_node() as node:
        people = node.operators.all()
        line = summary(node)
    if as_json:
        print(json.dumps([_document(each) for each in people], indent=2, ensure_ascii=False))
    elif people:
        from rich.console import Console
        from rich.table import Table

        table = Table("name", "role", "signs in with", "pseudonym", "added", "by", box=None, pad_edge=False)
        for each in people:
            added = datetime.fromtimestamp(each.added_at_s, UTC).date().isoformat()
            way = _way(each)
            table.add_row(each.name.replace("[", "\\["), each.role, way, each.pseudonym, added, each.added_by)
        Console(width=None if sys.stdout.isatty() else 10_000).print(table)
    print(line, file=sys.stderr)


@app.command("role")
def role_command(name: Name, role: Annotated[Role, typer.Argument(help="The new role.")]) -> None:
    """Give an operator another role; it counts from the next command on."""
    with open_node() as node:
        person = node.operators.named(name)
        words = f"make {person.name} ({person.pseudonym}), now {person.role}, {role}"
        _second_person(node, "role", words, whom=person.pseudonym, role=role)
        node.operators.set_role(node.operator, person.pseudonym, role)
    print(f"{person.name} is {role} now.", file=sys.stderr)


@app.command()
def remove(name: Name) -> None:
    """Remove an operator. Its pseudonym stays in the audit log and is never given again."""
    with open_node() as node:
        person = node.operators.named(name)
        words = f"remove {person.name} ({person.pseudonym}), {person.role}"
        _second_person(node, "remove", words, whom=person.pseudonym)
        node.operators.remove(node.operator, person.pseudonym)
    print(f"{person.name} is no operator of this node any more.", file=sys.stderr)


@app.command()
def password(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="Whose, for administrators; without: your own.")
    ] = "",
) -> None:
    """Change your own password, or give another operator a new one, to be replaced at its next sign-in.

    It ends every session of that operator.
    """
    with open_node() as node:
        myself = node.operators.get(node.operator)
        if myself is None:
            raise not_signed_in() if node.operators.exist() else _nobody_yet()
        person = node.operators.named(name) if name else myself
        if person.pseudonym == myself.pseudonym:
            old = password_in_file(PASSWORD_FILE)
            if old is None:
                old = typed_password("Password so far", PASSWORD_FILE)
            node.operators.authenticate(person.name, old)
            change_own_password(node, person, old)
        else:
            # Before anything is asked: the store would say so only after.
            require_role(myself.role, Role.ADMINISTRATOR, "the password of another operator")
            words = f"give {person.name} ({person.pseudonym}), {person.role}, a new password"
            _second_person(node, "password", words, whom=person.pseudonym)
            node.operators.set_password(node.operator, person.pseudonym, new_password(person.name))
    print(f"{person.name} has a new password; sign in with it.", file=sys.stderr)


def summary(node: Node) -> str:
    """One sentence about who works with a node, for `status` and `doctor`."""
    people = node.operators.all()
    if not people:
        return "No operators: whoever can read this folder works with it, and is `local` in the audit log."
    counts = ", ".join(
        f"{count} {role}" for role in Role if (count := sum(each.role is role for each in people))
    )
    eyes = node.config.operators.four_eyes
    second = f"four eyes on {', '.join(eyes)}" if eyes else "four eyes on nothing"
    return f"{len(people)} operator{'' if len(people) == 1 else 's'} ({counts}); {second}."


def _account(node: Node, subject: str) -> OidcAccount | None:
    if not subject:
        return None
    issuer = node.config.operators.oidc_issuer
    if not issuer:
        raise UsageError(
            "there is no issuer to sign in at",
            hint="Set oidc_issuer and oidc_client_id in section [operators] of symbolon.toml.",
            code="usage.operator.subject",
        )
    return OidcAccount(issuer, subject)


def _second_person(
    node: Node, do: Literal["add", "role", "remove", "password"], words: str, **what: str
) -> None:
    """Asks for four eyes on a change to operators, where the configuration wants them."""
    if node.operator == LOCAL:
        # The first operator; with any there, the store refuses `local`.
        return
    subject = json.dumps({"do": do, **what}, sort_keys=True).encode()
    configured = node.config.operators.four_eyes
    four_eyes.require(node.approvals, configured, "operators", subject, words, node.operator)


def _nobody_yet() -> UsageError:
    return UsageError(
        f"this node has no operators; {OPERATOR} and passwords mean nothing to it",
        hint="`symbolon operators add NAME --role administrator` makes the first one.",
        code="usage.operator.none",
    )


def _way(person: Operator) -> str:
    if person.account is not None:
        return f"{person.account.subject} at {person.account.issuer}".replace("[", "\\[")
    return (
        "password" if person.as_second_person.own_credential else f"password given by {person.credential_by}"
    )


def _document(person: Operator) -> dict[str, Any]:
    account = person.account
    return {
        "pseudonym": person.pseudonym,
        "name": person.name,
        "role": person.role,
        "added": datetime.fromtimestamp(person.added_at_s, UTC).isoformat(),
        "added_by": person.added_by,
        "issuer": account.issuer if account else None,
        "subject": account.subject if account else None,
        "own_credential": person.as_second_person.own_credential,
    }
