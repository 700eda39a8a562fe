"""Texts that people hand to a command in a file or by standard input: narratives, notes, statements, replies.

Handles: UTF-8 with or without a mark, UTF-16 with one, and Windows-1252 where the text is none of these.
Refuses with `InputError` what is no text of a page or some: folders, what cannot be read, binary files, files
that are too long. A message never quotes the text.
"""

import codecs
import os
import stat
import sys
from pathlib import Path
from typing import Final

from symbolon.errors import InputError, UsageError

_BYTES_PER_CHAR: Final = 4
"""Of UTF-8, at most."""

_STDIN: Final = Path("-")
_SAVE: Final = "Save it as plain text in UTF-8 (.txt)."


def read_text(path: Path, what: str, limit_chars: int) -> str:
    """The text of a file, or of standard input.

    Args:
        path: the file; `-` is standard input.
        what: what it holds, for messages.
        limit_chars: most characters that it may have.

    Raises:
        InputError: see the module.
    """
    limit_bytes = limit_chars * _BYTES_PER_CHAR + len(codecs.BOM_UTF8)
    data = _read(path, what, limit_bytes)
    if len(data) > limit_bytes:
        raise _too_long(path, what, limit_chars)
    text = _decoded(data, path, what)
    if len(text) > limit_chars:
        raise _too_long(path, what, limit_chars)
    if not text.strip():
        raise InputError(f"{_name(path)} is empty", hint=f"Write {what} into it.", code="input.empty")
    return text


def require_one_stdin(*paths: Path | None) -> None:
    """Refuses two texts from one standard input.

    Raises:
        UsageError: two of the paths are `-`.
    """
    if sum(path == _STDIN for path in paths) > 1:
        raise UsageError("standard input holds one text", hint="Name a file for the other one.")


def is_open_to_others(path: Path | None) -> bool:
    """Whether other users of this machine can read a file."""
    if path is None or path == _STDIN:
        return False
    mode = path.stat().st_mode
    return stat.S_ISREG(mode) and bool(stat.S_IMODE(mode) & 0o077)


def _read(path: Path, what: str, limit_bytes: int) -> bytes:
    if path == _STDIN:
        return sys.stdin.buffer.read(limit_bytes + 1)
    if path.is_dir():
        raise InputError(f"{path} is a folder", hint=f"Name the file that holds {what}.")
    try:
        # A pipe that nobody writes into would hang here for ever.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            return file.read(limit_bytes + 1) or b""
    except FileNotFoundError:
        raise InputError(f"there is no file {path}", hint="Check the path.", code="input.not_found") from None
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}",
            hint="Check its permissions.",
            code="input.unreadable",
        ) from error


def _decoded(data: bytes, path: Path, what: str) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            raise InputError(f"{_name(path)} is no text", hint=_SAVE, code="input.encoding") from None
    if b"\0" in data or data.startswith((b"%PDF", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise InputError(
            f"{_name(path)} is no plain text, so {what} cannot be read from it",
            hint=_SAVE,
            code="input.binary",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        raise InputError(
            f"the encoding of {_name(path)} is not known", hint=_SAVE, code="input.encoding"
        ) from None
    print(f"{_name(path)} was read as Windows-1252: look at accents.", file=sys.stderr)
    return text


def _too_long(path: Path, what: str, limit_chars: int) -> InputError:
    return InputError(
        f"{_name(path)} has more than {limit_chars:,} characters",
        hint=f"Shorten {what}.",
        code="input.too_large",
    )


def _name(path: Path) -> str:
    return "standard input" if path == _STDIN else str(path)
