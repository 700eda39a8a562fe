"""Runs a `symbolon` command that suffers faults at exact points, or that records what it says and does.

    python faulty_command.py OPTION… -- symbolon arguments …

`orders=FILE`: FILE need not exist. When it does, it holds one order, `ACTION POINT`, obeyed once: the file is
removed just before. ACTION is `kill` (SIGKILL to itself), `stop` (SIGSTOP), `slow` (the thread that is there
takes `SLOW_S`) or `full` (from now on no file can grow). POINT is `sending Accept` (just before that message
leaves), `received Elements` (just after it came), `committing NAME` or `committed NAME` (just before or after
the transaction of that name commits), `writing NAME` or `written NAME` (the same of a file beside the
database), or `making a set` (each time before some of its keys are evaluated). `POINT #2` is the second time
that it is reached after the order was given.

`points=FILE`: while FILE exists, every point that is reached is appended to it, a line each.

`record=FILE`: every message of every exchange is appended to FILE, decrypted; see `read_record`.

`records=N`: size mode is content with so many records on each side.

`cheap=`: a new passphrase costs next to nothing to guess, and to use.
"""

import contextlib
import functools
import os
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from symbolon.cli import lock
from symbolon.cli.main import main
from symbolon.membership.sealing_key import Stretching
from symbolon.oprf.x25519_ell2 import X25519Ell2
from symbolon.rpc import receiver_size, sender_role
from symbolon.rpc.wire import Wire
from symbolon.storage import audit_checkpoints
from symbolon.storage.database import Database

SLOW_S: Final = 2.5

_SAID, _HEARD = b"S", b"H"
_reached: Counter[str] = Counter()
"""How often the point of an order was reached, by the order."""


def read_record(path: Path) -> Iterator[tuple[bool, bytes]]:
    """The messages of a record in order: whether the command said it (or heard it), and its bytes.

    The last one may be cut off, where the command was killed while it wrote.
    """
    content = path.read_bytes() if path.exists() else b""
    at = 0
    while at + 5 <= len(content):
        end = at + 5 + int.from_bytes(content[at + 1 : at + 5], "big")
        if end > len(content):
            return
        yield content[at : at + 1] == _SAID, content[at + 5 : end]
        at = end


def _obey(orders: Path, point: str) -> None:
    try:
        order = orders.read_text()
    except FileNotFoundError:
        return
    action, _, wanted = order.partition(" ")
    name, _, times = wanted.partition(" #")
    if name != point:
        return
    _reached[order] += 1
    if _reached[order] < int(times or 1):
        return
    _reached.clear()
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
    write = audit_checkpoints.write_atomically

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

    def writing(path: Path, data: bytes) -> None:
        reach(f"writing {path.name}")
        write(path, data)
        reach(f"written {path.name}")

    Wire.send, Wire.receive = sending, receiving  # type: ignore[method-assign]
    X25519Ell2.evaluate, X25519Ell2.multiply = evaluating, multiplying  # type: ignore[method-assign]
    audit_checkpoints.write_atomically = writing  # type: ignore[assignment]
    Database.transaction = committing  # type: ignore[method-assign, assignment]


def _record(path: Path) -> None:
    make = Wire.__init__

    def recording(self: Any, incoming: Any, write: Any, encode: Any, decode: Any, **others: Any) -> None:
        def keep(mark: bytes, message: Any) -> Any:
            content = message.SerializeToString()
            with path.open("ab") as file:
                file.write(mark + len(content).to_bytes(4, "big") + content)
            return message

        make(
            self,
            incoming,
            write,
            lambda said: keep(_SAID, encode(said)),
            lambda heard: decode(keep(_HEARD, heard)),
            **others,
        )

    Wire.__init__ = recording  # type: ignore[method-assign]


def _note(path: Path, point: str) -> None:
    if path.exists():
        with path.open("a") as file:
            file.write(f"{point}\n")


def _content_with(records: int) -> None:
    for module in (receiver_size, sender_role):
        module.SIZE_MIN_RECORDS = records  # type: ignore[misc, attr-defined]


def _lock_cheaply() -> None:
    cheap = functools.partial(lock.Passphrase, stretching=Stretching(memory_kib=8, passes=1, lanes=1))
    lock.Passphrase = cheap  # type: ignore[misc, assignment]


def install(options: Iterable[str]) -> None:
    """Makes this process suffer and record what the options say."""
    for option in options:
        what, _, value = option.partition("=")
        if what == "record":
            _record(Path(value))
        elif what == "records":
            _content_with(int(value))
        elif what == "cheap":
            _lock_cheaply()
        else:
            do = {"orders": _obey, "points": _note}[what]
            _install(functools.partial(do, Path(value)))


if __name__ == "__main__":
    end = sys.argv.index("--")
    install(sys.argv[1:end])
    sys.argv[1:] = sys.argv[end + 1 :]
    main()
