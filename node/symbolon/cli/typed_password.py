"""Passwords from people and scripts: typed at the terminal, or read from a file; never from the command line.

Other users of a machine see command lines, and shells remember them. A file that others can read is refused.
`/dev/fd/N` names a file descriptor.
"""

import getpass
import os
import stat
import warnings
from typing import Final

from symbolon.errors import InputError, UsageError
from symbolon.storage.operator_password import MAX_PASSWORD_CHARS

OPERATOR: Final = "SYMBOLON_OPERATOR"
PASSWORD_FILE: Final = "SYMBOLON_PASSWORD_FILE"  # noqa: S105 - the name of a variable
NEW_PASSWORD_FILE: Final = "SYMBOLON_NEW_PASSWORD_FILE"  # noqa: S105

_MAX_FILE_BYTES: Final = 4 * MAX_PASSWORD_CHARS + 2
"""A letter is at most four bytes of UTF-8; then the end of the line."""


def password_in_file(variable: str) -> str | None:
    """The password in the file that an environment variable names, or None where it is not set.

    Raises:
        InputError: the file cannot be read, is open to others, or holds more than one line.
    """
    path = os.environ.get(variable)
    if not path:
        return None
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - /dev/fd/N is opened as it is
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"{variable}: {path} cannot be read: {error.strerror}",
            hint=f"Let {variable} name a file that this user can read, by its whole path.",
        ) from error
    if stat.S_ISREG(mode) and stat.S_IMODE(mode) & 0o077:
        raise InputError(
            f"{variable}: {path} is open to other users (mode {stat.S_IMODE(mode):04o})",
            hint=f"Run `chmod 600 {path}`; if others may have read it, choose a new password.",
            code="input.password_file",
        )
    try:
        line = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        line = "\n"
    if len(content) > _MAX_FILE_BYTES or "\n" in line:
        raise InputError(
            f"{variable}: {path} does not hold one line of text, the password", code="input.password_file"
        )
    return line


def typed_password(question: str, variable: str) -> str:
    """Asks for a password on the terminal, without showing it.

    Args:
        question: what is asked.
        variable: the environment variable that scripts use instead, for the hint.

    Raises:
        UsageError: there is no terminal.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(f"{question}: ")
        except (getpass.GetPassWarning, EOFError):
            raise UsageError(
                "a password is asked for, and there is no terminal to type it on",
                hint=f"Scripts name a file that holds it in {variable}.",
                code="usage.password.terminal",
            ) from None


def new_password(who: str) -> str:
    """A new password: from the file that SYMBOLON_NEW_PASSWORD_FILE names, or typed twice.

    Raises:
        UsageError: the two differ, or there is no terminal.
        InputError: see `password_in_file`.
    """
    given = password_in_file(NEW_PASSWORD_FILE)
    if given is not None:
        return given
    first = typed_password(f"New password for {who}", NEW_PASSWORD_FILE)
    if typed_password("The same again", NEW_PASSWORD_FILE) != first:
        raise UsageError("the two passwords differ; nothing was changed", code="usage.password.differs")
    return first
