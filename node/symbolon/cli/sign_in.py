"""`symbolon sign-in`: show who you are, once for a working day."""

import os
import sys
import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from symbolon.cli.node_home import open_node
from symbolon.cli.operator_session import SESSION_LIFE_S, OperatorSession, keep_session
from symbolon.cli.typed_password import (
    NEW_PASSWORD_FILE,
    OPERATOR,
    PASSWORD_FILE,
    new_password,
    password_in_file,
    typed_password,
)
from symbolon.errors import UsageError
from symbolon.rpc.node import Node
from symbolon.storage.operator_record import Operator

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def sign_in(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="Your name as an operator; asked for without.")
    ] = "",
    oidc: Annotated[
        bool, typer.Option("--oidc", help="Sign in at the issuer that symbolon.toml names, in a browser.")
    ] = False,
) -> None:
    """Sign in to this node for eight hours, as the user of this computer that runs the command.

    The password is asked for on the terminal; scripts name a file that holds it in SYMBOLON_PASSWORD_FILE.
    """
    with open_node() as node:
        if not node.operators.exist():
            raise UsageError(
                "this node has no operators: whoever can read its folder works with it",
                hint="`symbolon operators add NAME --role administrator` makes the first one.",
                code="usage.operator.none",
            )
        person = _at_the_issuer(node) if oidc else _with_password(node, name)
        session = OperatorSession(person.pseudonym, person.credential_id, int(time.time()))
        keep_session(node.home, node.sealer, session)
    until = datetime.fromtimestamp(session.signed_in_at_s + SESSION_LIFE_S, UTC).astimezone()
    print(f"Signed in as {person.name} ({person.role}) until {until:%H:%M}.", file=sys.stderr)
    print("`symbolon sign-out` ends it.", file=sys.stderr)


def _with_password(node: Node, name: str) -> Operator:
    name = name or os.environ.get(OPERATOR, "")
    if not name:
        if not sys.stdin.isatty():
            raise UsageError("the name of the operator is missing", hint=f"Name it, or set {OPERATOR}.")
        name = typer.prompt("Name", err=True)
    given = password_in_file(PASSWORD_FILE)
    password = typed_password("Password", PASSWORD_FILE) if given is None else given
    person = node.operators.authenticate(name, password)
    if person.as_second_person.own_credential:
        return person
    if given is not None and not os.environ.get(NEW_PASSWORD_FILE):
        print("symbolon: hint: somebody else chose this password and knows it;", file=sys.stderr)
        print("symbolon: hint: `symbolon operators password` chooses one of your own.", file=sys.stderr)
        return person
    print("Somebody else chose this password and knows it. Choose one of your own.", file=sys.stderr)
    return change_own_password(node, person, password)


def change_own_password(node: Node, person: Operator, old: str) -> Operator:
    """Asks for another password than the old one, and sets it.

    Raises:
        UsageError: it is the old one, or not fit to be one.
    """
    new = new_password(person.name)
    if new == old:
        raise UsageError("that is the password you have; choose another", code="usage.password.same")
    return node.operators.set_password(person.pseudonym, person.pseudonym, new)


def _at_the_issuer(node: Node) -> Operator:
    from symbolon.rpc.oidc_sign_in import sign_in_at_issuer

    def show(where: str, user_code: str) -> None:
        print(f"Open {where} in a browser, on any device,", file=sys.stderr)
        print(f"and enter there, or compare, the code {user_code}", file=sys.stderr)

    settings = node.config.operators
    account = sign_in_at_issuer(
        settings.oidc_issuer, settings.oidc_client_id, show=show, clock=node.clock, rng=node.rng
    )
    return node.operators.of_account(account)
