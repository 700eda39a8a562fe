"""Runs a `symbolon` command that suffers one fault at an exact point, or that records what it says.

    python faulty_command.py ACTION POINT -- symbolon arguments …

ACTION is `kill` (SIGKILL to itself), `stop` (SIGSTOP to itself), `full` (from now on no file can grow) or
`record:FILE` (every message of every exchange, decrypted, is appended to FILE; POINT is then unused).
POINT is `sending Accept` (just before that message leaves), `received Elements` (just after it came),
`committing NAME` or `committed NAME` (just before or after the database transaction of that name commits).
"""

import contextlib
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from symbolon.cli.main import main
from symbolon.rpc.wire import Wire
from symbolon.storage.database import Database


def _strike(action: str) -> Callable[[], None]:
    def full() -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))

    number = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}.get(action)
    return full if number is None else lambda: os.kill(os.getpid(), number)


def _install(strike: Callable[[], None], when: str, name: str) -> None:
    send, receive, transaction = Wire.send, Wire.receive, Database.transaction

    async def sending(self: Any, message: Any) -> None:
        if when == "sending" and type(message).__name__ == name:
            strike()
        await send(self, message)

    async def receiving(self: Any) -> Any:
        message = await receive(self)
        if when == "received" and type(message).__name__ == name:
            strike()
        return message

    @contextlib.contextmanager
    def committing(self: Database, what: str) -> Iterator[Any]:
        with transaction(self, what) as connection:
            yield connection
            if (when, what) == ("committing", name):
                strike()
        if (when, what) == ("committed", name):
            strike()

    Wire.send, Wire.receive = sending, receiving  # type: ignore[method-assign]
    Database.transaction = committing  # type: ignore[method-assign, assignment]


def _record(path: Path) -> None:
    make = Wire.__init__

    def recording(self: Any, incoming: Any, write: Any, encode: Any, decode: Any, **others: Any) -> None:
        def keep(message: Any) -> Any:
            with path.open("ab") as file:
                file.write(message.SerializeToString())
            return message

        make(
            self,
            incoming,
            write,
            lambda said: keep(encode(said)),
            lambda heard: decode(keep(heard)),
            **others,
        )

    Wire.__init__ = recording  # type: ignore[method-assign]


if __name__ == "__main__":
    action, point = sys.argv[1:3]
    if action.startswith("record:"):
        _record(Path(action.removeprefix("record:")))
    else:
        when, _, name = point.partition(" ")
        _install(_strike(action), when, name)
    sys.argv[1:] = sys.argv[4:]
    main()
