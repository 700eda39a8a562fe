"""Passphrases from people and scripts: typed at the terminal, or the first line of a file or of stdin.

Never from the command line, which other users see and shells remember. A file that others can read is
refused.
"""

import os
import stat
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from symbolon.cli.typed_password import typed_password
from symbolon.errors import InputError, UsageError
from symbolon.membership.sealing_key import MAX_PASSPHRASE_CHARS

_OPTION: Final = "--passphrase-file"
_MAX_LINE_BYTES: Final = 4 * MAX_PASSPHRASE_CHARS + 2
"""A letter is at most four bytes of UTF-8; then the end of the line."""

PassphraseFile = Annotated[
    Path | None,
    typer.Option(_OPTION, help="For scripts: file whose first line is the passphrase; - is standard input."),
]
NewPassphraseFile = Annotated[
    Path | None, typer.Option("--new-passphrase-file", help="With --change: the same of the new one.")
]


def passphrase(path: Path | None, question: str = "Passphrase") -> str:
    """The passphrase that opens something: from a file, or typed.

    Args:
        path: the file; asked for without.
        question: what is asked.

    Raises:
        UsageError: there is no terminal.
        InputError: the file cannot be used.
    """
    return typed_password(question, _OPTION) if path is None else _first_line(path)


def new_passphrase(path: Path | None) -> str:
    """A new passphrase: from a file, or typed twice.

    Raises:
        UsageError: the two differ, or there is no terminal.
        InputError: the file cannot be used.
    """
    if path is not None:
        return _first_line(path)
    first = typed_password("New passphrase, of six words or more", _OPTION)
    if typed_password("The same again", _OPTION) != first:
        raise UsageError("the two passphrases differ; nothing was changed", code="usage.passphrase.differs")
    return first


def _first_line(path: Path) -> str:
    if str(path) == "-":
        line = sys.stdin.buffer.readline(_MAX_LINE_BYTES + 1)
    else:
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                line = file.readline(_MAX_LINE_BYTES + 1)
        except OSError as error:
            raise InputError(
                f"{_OPTION}: {path} cannot be read: {error.strerror}", code="input.passphrase_file"
            ) from error
        if stat.S_ISREG(mode) and stat.S_IMODE(mode) & 0o077:
            raise InputError(
                f"{_OPTION}: {path} is open to other users (mode {stat.S_IMODE(mode):04o})",
                hint=f"Run `chmod 600 {path}`; if others may have read it, choose a new passphrase.",
                code="input.passphrase_file",
            )
    try:
        words = line.removesuffix(b"\n").removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        words = ""
    if not words or len(line) > _MAX_LINE_BYTES:
        raise InputError(
            f"{_OPTION}: the first line of {path} is no passphrase",
            hint="Write it there in UTF-8, and nothing else.",
            code="input.passphrase_file",
        )
    return words
