"""Runs a `symbolon` command that suffers faults at exact points, or that records what it says.

    python faulty_command.py orders=FILE -- symbolon arguments …
    python faulty_command.py record=FILE -- symbolon arguments …

FILE of orders need not exist. When it does, it holds one order, `ACTION POINT`, obeyed once: the file is
removed just before. ACTION is `kill` (SIGKILL to itself), `stop` (SIGSTOP), `slow` (the thread that is there
takes `SLOW_S`) or `full` (from now on no file can grow). POINT is `sending Accept` (just before that message
leaves), `received Elements` (just after it came), `committing NAME` or `committed NAME` (just before or after
the transaction of that name commits), or `making a set` (each time before some of its keys are evaluated).

With `record`, every message of every exchange is appended to FILE, decrypted.
"""

import contextlib
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from symbolon.cli.main import main
from symbolon.oprf.x25519_ell2 import X25519Ell2
from symbolon.rpc.wire import Wire
from symbolon.storage.database import Database

SLOW_S: Final = 2.5


def _obey(orders: Path, point: str) -> None:
    try:
        action, _, wanted = orders.read_text().partition(" ")
    except FileNotFoundError:
        return
    if wanted != point:
        return
    orders.unlink()
    if action == "full":
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    elif action == "slow":
        time.sleep(SLOW_S)
    else:
        os.kill(os.getpid(), {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}[action])


def _install(reach: Callable[[str], None]) -> None:
    send, receive, transaction = Wire.send, Wire.receive, Database.transaction
    evaluate, multiply = X25519Ell2.evaluate, X25519Ell2.multiply

    async def sending(self: Any, message: Any) -> None:
        reach(f"sending {type(message).__name__}")
        await send(self, message)

    async def receiving(self: Any) -> Any:
        message = await receive(self)
        reach(f"received {type(message).__name__}")
        return message

    @contextlib.contextmanager
    def committing(self: Database, what: str) -> Iterator[Any]:
        with transaction(self, what) as connection:
            yield connection
            reach(f"committing {what}")
        reach(f"committed {what}")

    def evaluating(self: Any, *batch: Any) -> bytes:
        reach("making a set")
        return evaluate(self, *batch)

    def multiplying(self: Any, *batch: Any) -> bytes:
        reach("making a set")
        return multiply(self, *batch)

    Wire.send, Wire.receive = sending, receiving  # type: ignore[method-assign]
    X25519Ell2.evaluate, X25519Ell2.multiply = evaluating, multiplying  # type: ignore[method-assign]
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
    what, _, file = sys.argv[1].partition("=")
    if what == "record":
        _record(Path(file))
    else:
        _install(lambda point: _obey(Path(file), point))
    sys.argv[1:] = sys.argv[3:]
    main()
