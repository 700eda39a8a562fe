"""Asking a person whether to go on, before something that cannot be taken back or that others will see."""

import sys

import click
import typer

from symbolon.errors import UsageError


def confirm(question: str, *, yes: bool, undone: str = "Nothing was stored.") -> None:
    """Asks, unless `--yes` answered before.

    Args:
        question: that can be answered by yes.
        yes: what `--yes` said.
        undone: what to say when the answer is no.

    Raises:
        UsageError: there is no terminal to ask at.
        click.Abort: the answer was no.
    """
    if yes:
        return
    if not is_interactive():
        raise UsageError(
            "this is asked before it is done, and there is no terminal to ask at",
            hint="Add --yes where you have decided.",
        )
    if not typer.confirm(question, err=True):
        if undone:
            print(undone, file=sys.stderr)
        raise click.Abort


def is_interactive() -> bool:
    """Whether a person can be asked: both the keyboard and the screen are there."""
    return sys.stdin.isatty() and sys.stderr.isatty()
