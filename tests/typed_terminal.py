"""A command at a terminal of its own, and somebody who types."""

import contextlib
import os
import select
import time
from pathlib import Path

import pytest

import forked
from processes import DEADLINE_S
from symbolon.cli.local_coalition import symbolon


class Terminal:
    """One command.

    Args:
        home: of the node.
        arguments: of `symbolon`.
        environment: beside this process's.
    """

    def __init__(self, home: Path, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self._screen, side = os.openpty()
        try:
            self._process = forked.Popen(
                symbolon("--home", str(home), *arguments),
                stdin=side,
                stdout=side,
                stderr=side,
                terminal=True,
                env={**os.environ, "TERM": "xterm", **(environment or {})},
            )
        finally:
            os.close(side)
        self.shown = ""

    def expect(self, words: str) -> "Terminal":
        """Waits until words appear that were not there when this was called first."""
        end = time.monotonic() + DEADLINE_S
        seen = getattr(self, "_seen", 0)
        while words not in self.shown[seen:]:
            ready, _, _ = select.select([self._screen], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"waited in vain for {words!r}: {self.shown}"
            self.shown += self._read() or pytest.fail(f"ended before {words!r}: {self.shown}")
        self._seen = self.shown.index(words, seen) + len(words)
        return self

    def type(self, words: str) -> "Terminal":
        os.write(self._screen, words.encode() + b"\n")
        return self

    def answer(self, *pairs: tuple[str, str]) -> None:
        """Types an answer to each question, once it is asked."""
        for question, typed in pairs:
            self.expect(question)
            self.type(typed)

    def interrupt(self) -> None:
        """Ctrl-C."""
        os.write(self._screen, b"\x03")

    def end(self) -> int:
        """Waits for the command to end; its exit code."""
        while more := self._read():
            self.shown += more
        os.close(self._screen)
        return self._process.wait(DEADLINE_S)

    def kill(self) -> None:
        self._process.kill()

    def _read(self) -> str:
        with contextlib.suppress(OSError):  # how Linux tells the end of a terminal
            return os.read(self._screen, 65536).decode(errors="replace")
        return ""
