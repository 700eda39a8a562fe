"""Questions to a person at a terminal: one line, one or several of a numbered list, a text of some lines.

Everything is asked on stderr. Ctrl-C or Ctrl-D leaves at any question; nothing has been kept by then. A note
on a source is typed on the terminal's other screen, which keeps no lines to scroll back to.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, TypeVar

import click
import typer

from symbolon.errors import SymbolonError, UsageError
from symbolon.signals.free_text import shown

END_OF_TEXT: Final = "."
"""A line that holds nothing else ends a text of some lines."""

_OTHER_SCREEN: Final = "\x1b[?1049h\x1b[H"
_BACK: Final = "\x1b[?1049l"
_W = TypeVar("_W")


class Choice(NamedTuple):
    """One line of a numbered list.

    Attributes:
        word: what is chosen.
        label: how it is shown.
        meaning: in half a sentence; '' for none.
    """

    word: str
    label: str
    meaning: str = ""


def say(text: str = "") -> None:
    """Says something between questions."""
    print(text, file=sys.stderr)


def ask(question: str, default: str = "") -> str:
    """One line; empty where nothing was typed and there is no default."""
    answer: str = typer.prompt(question, default=default, show_default=bool(default), err=True)
    return answer.strip()


def ask_until(question: str, check: Callable[[str], _W], default: str = "") -> _W:
    """One line, asked again until it is accepted.

    Args:
        question: what is asked.
        check: makes something of the line, or raises an error that says what is wrong.
        default: taken where nothing is typed.
    """
    while True:
        try:
            return check(ask(question, default))
        except SymbolonError as error:
            complain(error)


def complain(error: SymbolonError) -> None:
    """Says what is wrong with an answer, and what mends it."""
    say(f"  {error.detail}.{f' {error.hint}' if error.hint else ''}")


def ask_one(
    question: str,
    choices: Sequence[Choice],
    read: Callable[[str], str],
    default: str = "",
    *,
    first: int = 1,
) -> str:
    """One of a list, by its number or its name.

    Args:
        question: what is asked.
        choices: the list.
        read: the word for a name that was typed; raises where it is none.
        default: word that is taken where nothing is typed; '' for nothing.
        first: the first number.
    """
    _show(choices, first)

    def check(typed: str) -> str:
        return _numbered(typed, choices, first) or (read(typed) if typed else "")

    return ask_until(question, check, default)


def ask_several(
    question: str, choices: Sequence[Choice], read: Callable[[str], Sequence[str]]
) -> tuple[str, ...]:
    """Some of a list, at least one, by numbers or names with commas between them."""
    _show(choices, 1)

    def check(typed: str) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for part in filter(None, (each.strip() for each in typed.split(","))):
            numbers = part.split()
            if all(each.isdigit() for each in numbers):
                for each in numbers:
                    found[_numbered(each, choices, 1) or _no_number(each, choices)] = None
            else:
                found.update(dict.fromkeys(read(part)))
        if not found:
            raise UsageError("choose at least one")
        return tuple(each.word for each in choices if each.word in found)

    return ask_until(question, check)


def ask_lines(question: str) -> str:
    """A text of some lines; '' where nothing is typed."""
    say(question)
    say(f"  Write as many lines as you need; a line with only {END_OF_TEXT!r} ends it.")
    return _lines()


def ask_hidden_lines(question: str) -> str:
    """The same on the terminal's other screen, which is gone afterwards."""
    with _other_screen():
        say(question)
        say(f"  A line with only {END_OF_TEXT!r} ends it. This screen is erased then.")
        return _lines()


def ask_yes(question: str, *, default: bool = False) -> bool:
    """Yes or no."""
    return typer.confirm(question, default=default, err=True)


def _lines() -> str:
    lines: list[str] = []
    while True:
        print("  > ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            raise click.Abort
        if line.strip() == END_OF_TEXT or (not line.strip() and not lines):
            return "\n".join(lines)
        lines.append(line.rstrip("\n"))


@contextlib.contextmanager
def _other_screen() -> Iterator[None]:
    if os.environ.get("TERM", "dumb") in ("", "dumb"):
        yield
        return
    print(_OTHER_SCREEN, end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print(_BACK, end="", file=sys.stderr, flush=True)


def _show(choices: Sequence[Choice], first: int) -> None:
    width = max(len(each.label) for each in choices)
    for number, each in enumerate(choices, first):
        meaning = f"  {each.meaning}" if each.meaning else ""
        say(f"  {number:>2}  {shown(each.label, one_line=True):<{width}}{meaning}".rstrip())


def _numbered(typed: str, choices: Sequence[Choice], first: int) -> str:
    """The word of a number, '' where it is none of the list."""
    if typed.isascii() and typed.isdigit() and 0 <= int(typed) - first < len(choices):
        return choices[int(typed) - first].word
    return ""


def _no_number(typed: str, choices: Sequence[Choice]) -> str:
    raise UsageError(f"there is no {typed[:9]}: the list goes to {len(choices)}")
