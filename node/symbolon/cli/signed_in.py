"""Who is at the keyboard: asked before every command of a node that has operators.

`guard` puts the question before each command, by its words, so that one that forgets to ask does not exist;
what a role suffices for stands in `symbolon.policy.operator_roles`. A node without operators asks nobody, nor
does a folder without a node.
"""

import functools
import os
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from symbolon.cli import node_home
from symbolon.errors import ConfigError, PermissionDeniedError, StorageError, UsageError
from symbolon.policy.operator_roles import (
    LOCAL,
    FourEyesAction,
    Role,
    not_signed_in,
    require_role,
    role_for_command,
)

if TYPE_CHECKING:
    from symbolon.storage.operator_record import Operator

FRESH_S: Final = 300
"""How long ago the sign-in of a second person may be: a session left open is nobody's second pair of eyes."""


@dataclass(frozen=True, slots=True)
class AtKeyboard:
    """Who runs this command.

    Attributes:
        pseudonym: `LOCAL` on a node without operators.
        signed_in_at_s: seconds since 1970-01-01 UTC.
    """

    pseudonym: str = LOCAL
    signed_in_at_s: float = 0.0


current: Final[ContextVar[AtKeyboard]] = ContextVar("current", default=AtKeyboard())  # noqa: B039 - frozen
"""Who runs the command that is running."""

running: Final[ContextVar[str]] = ContextVar("running", default="")
"""Its words, without the program's name and options; '' outside of any."""


def guard(command: click.Command, words: str) -> click.Command:
    """Makes a command, and every one below it, ask who is there before it does anything.

    Args:
        command: changed in place.
        words: how it is called, without the program's name.
    """
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            guard(below, f"{words} {name}")
    if command.callback is not None and not (
        isinstance(command, click.Group) and not command.invoke_without_command
    ):
        command.callback = _asking_first(command.callback, words)
    return command


def _asking_first(callback: Callable[..., Any], words: str) -> Callable[..., Any]:
    @functools.wraps(callback)
    def asked(*arguments: Any, **options: Any) -> Any:
        current.set(require_operator(words))
        running.set(words)
        return callback(*arguments, **options)

    return asked


def require_operator(words: str, *, at_least: Role | None = None) -> AtKeyboard:
    """Checks that whoever is at the keyboard may run a command.

    Args:
        words: the command, without the program's name and options.
        at_least: the role that it needs where only the command itself can tell.

    Raises:
        PermissionDeniedError: `permission.sign_in`, `permission.role`.
        StorageError: the node's operators cannot be read.
        ConfigError: the node's configuration cannot be read.
    """
    needed = at_least or role_for_command(words)
    if needed is None:
        return AtKeyboard()
    try:
        found = _who(node_home.home(), migrate=words != "doctor")
    except (StorageError, ConfigError):
        if words == "doctor":
            # It says itself what is broken, and changes nothing.
            return AtKeyboard()
        raise
    if found is None:
        return AtKeyboard()
    person, signed_in_at_s = found
    require_role(person.role, needed, f"`symbolon {words}`")
    return AtKeyboard(person.pseudonym, signed_in_at_s)


def require_fresh() -> None:
    """Checks that whoever runs this command signed in just now.

    Raises:
        PermissionDeniedError: `permission.sign_in.stale`.
    """
    if time.time() - current.get().signed_in_at_s > FRESH_S:
        raise PermissionDeniedError(
            f"a second person signs in within {FRESH_S // 60} minutes of approving",
            hint="Run `symbolon sign-in` again, then approve.",
            code="permission.sign_in.stale",
        )


def require_second_person(action: FourEyesAction, subject: bytes, words: str) -> None:
    """`four_eyes.require` for a command that works without opening the node; arguments as there."""
    from symbolon import config
    from symbolon.storage import four_eyes

    if not (node_home.home() / config.FILE_NAME).exists():
        return
    with node_home.open_node() as node:
        configured = node.config.operators.four_eyes
        four_eyes.require(node.approvals, configured, action, subject, words, node.operator)


def _who(folder: Path, *, migrate: bool) -> "tuple[Operator, float] | None":
    """The operator who is there and when it signed in; None on a node without operators.

    Raises:
        PermissionDeniedError: nobody is.
    """
    from symbolon import config
    from symbolon.cli.operator_session import kept_session
    from symbolon.cli.typed_password import OPERATOR, PASSWORD_FILE, password_in_file
    from symbolon.rpc.node import SEAL_KEY_FILE
    from symbolon.storage.database import Database
    from symbolon.storage.operator_store import OperatorStore
    from symbolon.storage.seal import Sealer

    if not (folder / config.FILE_NAME).exists():
        return None
    settings = config.load(folder)
    sealer = Sealer.load(folder / SEAL_KEY_FILE)
    with Database.open(settings.database_url, migrate=migrate) as database:
        operators = OperatorStore(database, sealer, time.time, os.urandom)
        if not operators.exist():
            return None
        name = os.environ.get(OPERATOR)
        if name:
            password = password_in_file(PASSWORD_FILE)
            if password is None:
                raise UsageError(
                    f"{OPERATOR} is set, {PASSWORD_FILE} is not",
                    hint=f"Name a file that holds the password in {PASSWORD_FILE}, or unset {OPERATOR}.",
                )
            return operators.authenticate(name, password), time.time()
        session = kept_session(folder, sealer, now_s=time.time())
        person = None if session is None else operators.get(session.pseudonym)
        if session is None or person is None or person.credential_id != session.credential_id:
            raise not_signed_in()
        return person, session.signed_in_at_s
