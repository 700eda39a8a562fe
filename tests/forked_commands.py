"""`symbolon` commands that are forked, run side by side, and suffer what `faulty_command` can do to them."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import forked
from processes import DEADLINE_S, wait_until

_FAULTY: Final = Path(__file__).with_name("faulty_command.py")


class ForkedCommand:
    """One command, running.

    Args:
        arguments: of `symbolon`.
        options: of `faulty_command`.
        folder: where it writes what it says, under a name of its own.
    """

    def __init__(self, arguments: Sequence[str], options: Sequence[str], folder: Path) -> None:
        name = f"{time.monotonic_ns()}"
        self._out, self._err = folder / f"{name}.out", folder / f"{name}.err"
        with self._out.open("w") as out, self._err.open("w") as err:
            self.process = forked.Popen(
                [sys.executable, str(_FAULTY), *options, "--", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def address(self) -> str:
        """Waits until `serve` is open; where."""
        wait_until(
            lambda: self.process.poll() is not None or self.said.endswith("\n"), "serve to open", 0.005
        )
        assert self.process.returncode is None, self.talk
        return self.said.strip()

    def ended(self) -> int:
        """Waits for its end; the exit code, or the number of the signal that ended it, negative."""
        try:
            return self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end: {self.talk}") from None

    def end(self) -> None:
        """Asks it to end, and waits for that."""
        self.process.terminate()
        self.ended()

    @property
    def said(self) -> str:
        """Its stdout so far."""
        return self._out.read_text()

    @property
    def talk(self) -> str:
        """Its stderr so far."""
        return self._err.read_text()
