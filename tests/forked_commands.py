"""`symbolon` commands in processes of their own, forked from one that has imported everything.

A command takes a second or more to start, nearly all of it imports: a test that kills a hundred of them needs
one that starts at once. What is forked from has imported gRPC and never used it.
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from processes import DEADLINE_S, wait_until

_CONTEXT: Final = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "symbolon.cli.main",
        "symbolon.cli.match",
        "symbolon.cli.operator_session",
        "symbolon.cli.serve",
        "symbolon.oprf.backend.choice",
        "symbolon.oprf.x25519_ell2",
        "sqlalchemy.dialects.sqlite",
    ]
)


class ForkedCommand:
    """One command, running.

    Args:
        arguments: of `symbolon`.
        options: of `faulty_command`.
        folder: where it writes what it says, under a name of its own.
    """

    def __init__(self, arguments: Sequence[str], options: Sequence[str], folder: Path) -> None:
        name = f"{time.monotonic_ns()}"
        self.out, self.err = folder / f"{name}.out", folder / f"{name}.err"
        self.process = _CONTEXT.Process(
            target=_run, args=(list(arguments), list(options), str(self.out), str(self.err)), daemon=True
        )
        self.process.start()

    def address(self) -> str:
        """Waits until `serve` is open; where."""
        wait_until(
            lambda: self.process.exitcode is not None or self.said.endswith("\n"), "serve to open", 0.005
        )
        assert self.process.exitcode is None, self.talk
        return self.said.strip()

    def ended(self) -> int:
        """Waits for its end; the exit code, or the number of the signal that ended it, negative."""
        self.process.join(DEADLINE_S)
        assert self.process.exitcode is not None, f"it did not end: {self.talk}"
        return self.process.exitcode

    def end(self) -> None:
        """Asks it to end, and waits for that."""
        self.process.terminate()
        self.ended()

    @property
    def said(self) -> str:
        """Its stdout so far."""
        return self.out.read_text() if self.out.exists() else ""

    @property
    def talk(self) -> str:
        """Its stderr so far."""
        return self.err.read_text() if self.err.exists() else ""


def _run(arguments: list[str], options: list[str], out: str, err: str) -> None:
    for path, stream in ((out, sys.stdout), (err, sys.stderr)):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(descriptor, stream.fileno())
        os.close(descriptor)
    from faulty_command import install, main

    install(options)
    sys.argv[1:] = arguments
    main()
