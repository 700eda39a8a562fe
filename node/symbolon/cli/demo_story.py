"""How the demonstration speaks: numbered steps, plain words, and the commands as a person would type them.

Looks the same in a terminal and in a log; only colours and the spinner need a terminal. Commands run in
sessions of their own, so that an interrupt reaches this process alone, which then ends them all.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from symbolon.cli.local_coalition import STOP_S, own_environment, symbolon
from symbolon.errors import SymbolonError

_WIDTH: Final = 96
_ARGUMENT: Final = 28
_COMMAND_S: Final = 120.0
"""No command of the demonstration takes a tenth of this; one that does hangs."""


class Story:
    """Tells the demonstration on stdout.

    Args:
        folder: where commands run.
    """

    def __init__(self, folder: Path) -> None:
        console = Console(highlight=False, markup=False)
        width = min(_WIDTH, console.width) if console.is_terminal else _WIDTH
        self._console = Console(width=width, highlight=False, markup=False)
        self._folder = folder
        self._steps = 0

    def title(self, words: str) -> None:
        """The heading of it all."""
        self._console.print(words, style="bold")

    def step(self, words: str) -> None:
        """Begins the next numbered step."""
        self._steps += 1
        self._console.print()
        self._console.print(f"{self._steps}. {words}", style="bold cyan")

    def say(self, words: str) -> None:
        """One paragraph."""
        self._console.print(Padding(Text(" ".join(words.split())), (0, 0, 0, 3), expand=False))

    def show(self, lines: str) -> None:
        """Text as it stands: a piece of a file, or what a command said."""
        for line in lines.rstrip().splitlines():
            self._console.print(Padding(Text(line, style="dim"), (0, 0, 0, 5), expand=False))

    def show_part(self, lines: str, words: str) -> None:
        """The paragraph of a text that has some words; three dots for what stands before and after it.

        Raises:
            SymbolonError: none has them.
        """
        paragraphs = lines.rstrip().split("\n\n")
        at = next((number for number, each in enumerate(paragraphs) if words in each), None)
        if at is None:
            raise SymbolonError(f"{words} is not in what a command said", code="demo.command")
        before, after = paragraphs[:at], paragraphs[at + 1 :]
        self.show("\n".join((*("…" for _ in before[:1]), paragraphs[at], *("…" for _ in after[:1]))))

    def show_rows(self, lines: str) -> None:
        """The same for rows of a table, which are not to be broken."""
        for line in lines.rstrip().splitlines():
            self._console.print(Text(f"     {line}", style="dim"), soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table."""
        table = Table(*columns, box=None, pad_edge=False, header_style="dim")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self._console.print(Padding(table, (0, 0, 0, 5), expand=False))

    def typed(self, command: str) -> None:
        """A command as a person types it."""
        self._console.print(Padding(Text(f"$ {command}", style="green"), (0, 0, 0, 5), expand=False))

    def run(self, *arguments: str, code: int = 0) -> str:
        """Runs `symbolon ARGUMENTS` and shows what it says on stderr.

        Args:
            arguments: as typed; relative names are of the demonstration's folder.
            code: the exit code that the story needs.

        Returns:
            What it wrote to stdout.

        Raises:
            SymbolonError: it ended otherwise.
        """
        return self.run_together(arguments, code=code)[0]

    def run_together(self, *commands: Sequence[str], code: int = 0) -> list[str]:
        """Runs several commands at the same time; see `run`."""
        with self._waiting(), ThreadPoolExecutor(len(commands)) as pool:
            running: list[_Command] = []
            try:
                for arguments in commands:
                    running.append(_Command(arguments, self._folder))  # noqa: PERF401 - each is ended below
                ended = list(pool.map(_Command.wait, running))
            finally:
                for each in running:
                    each.end()
        for each, (status, _, err) in zip(running, ended, strict=True):
            self.typed(each.typed)
            if status != code:
                raise SymbolonError(
                    f"`{each.typed}` ended with exit code {status}, not {code}: {err.strip()}",
                    code="demo.command",
                )
            self.show(err)
        return [out for _, out, _ in ended]

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        with self._console.status("…") if self._console.is_terminal else contextlib.nullcontext():
            yield


def _typed(argument: str) -> str:
    """An argument as it is shown: in quotes where a shell wants them, and not over three lines, as a code."""
    if " " in argument:
        return f'"{argument}"'
    return argument if len(argument) <= _ARGUMENT else f"{argument[:_ARGUMENT]}…"


class _Command:
    """One running command, with all processes that it starts."""

    def __init__(self, arguments: Sequence[str], folder: Path) -> None:
        self.typed = " ".join(("symbolon", *map(_typed, arguments)))
        self._process = subprocess.Popen(
            symbolon(*arguments),
            cwd=folder,
            env=own_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait(self) -> tuple[int, str, str]:
        """Its exit code, stdout and stderr."""
        out, err = self._process.communicate(timeout=_COMMAND_S)
        return self._process.returncode, out, err

    def end(self) -> None:
        """Interrupts it, so that it clears up; kills it and its workers where that takes too long."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_S)
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
