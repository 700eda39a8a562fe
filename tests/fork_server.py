"""What `forked` forks from: a process that has imported everything that commands of `symbolon` need.

    python fork_server.py DESCRIPTOR

It takes orders from a socket, one datagram each, with the three descriptors that the command gets as stdin,
stdout and stderr, and answers with the process id. What it forks is not its child: it is forked twice, so
that it becomes a child of whoever asked for it, which has to be a subreaper. It ends when the socket is
closed.
"""

import atexit
import contextlib
import contextvars
import fcntl
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import socket
import sys
import tempfile
import termios
import threading
import traceback
from typing import Any, NoReturn

_kept = contextlib.ExitStack()
"""What holds to the end of this process, and of all that are forked from it."""

preloaded = False
"""Whether this process was forked from one that had imported everything."""


def preload() -> None:
    """Imports everything."""
    # Before anything imports gRPC, which reads once which ciphers it may use.
    import symbolon.rpc

    for module in pkgutil.walk_packages(symbolon.__path__, "symbolon."):
        # What runs when it is imported.
        if not module.name.endswith(("__main__", "migrations.env")):
            importlib.import_module(module.name)
    for name in ("faulty_command", "sqlalchemy.dialects.sqlite"):
        importlib.import_module(name)


def warm_up() -> None:
    """Runs commands of a node, so that what a process makes once is made; see `made_once`.

    Nothing of it stays but that: no thread, no open file, no node.
    """
    from made_once import made_once
    from quick_schema import quick_schema
    from symbolon.cli import main
    from symbolon.cli.local_coalition import local_coalition

    _kept.enter_context(quick_schema())
    _kept.enter_context(made_once())
    said = io.StringIO()
    with (
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(said),
        local_coalition(purposes=("due-diligence",)) as coalition,
    ):
        home = str(coalition.add("warm"))
        for words in ("status", "coalition members", "audit log", "audit verify", "suppliers list"):
            ended = main.run(["--home", home, *words.split()])
            assert ended == 0, said.getvalue()
    assert threading.active_count() == 1, "what has threads cannot be forked"


def serve(channel: socket.socket) -> dict[str, Any]:
    """Forks for every order.

    Returns:
        The order, in the process that is to carry it out. The server itself never returns.
    """
    while True:
        content, descriptors, _, _ = socket.recv_fds(channel, 1 << 20, 3)
        if not content:
            os._exit(0)
        order: dict[str, Any] = json.loads(content)
        told, tells = os.pipe()
        first = os.fork()
        if first == 0:
            second = os.fork()
            if second == 0:
                channel.close()
                os.close(told)
                os.close(tells)
                _become(order, descriptors)
                return order
            os.write(tells, second.to_bytes(4))
            os._exit(0)
        # Once the process between is gone, the command has its new parent.
        os.waitpid(first, 0)
        channel.send(os.read(told, 4))
        for each in (told, tells, *descriptors):
            os.close(each)


def _become(order: dict[str, Any], descriptors: list[int]) -> None:
    """Gives the process what it would have, had it been started by itself."""
    if order["session"]:
        os.setsid()
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
    for descriptor in descriptors:
        if descriptor > 2:
            os.close(descriptor)
    if order["terminal"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    tempfile.tempdir = None
    # The streams are those of the server, of which nothing was read or written.
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]


def _run(words: list[str]) -> NoReturn:
    """Runs `-m MODULE …` or `FILE …`, as Python itself would.

    At its end it does what Python does, but for taking apart all that was imported: two thirds of its time.
    """
    code: object = 0
    try:
        if words[0] == "-m":
            sys.argv = words[1:]
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = words
            runpy.run_path(words[0], run_name="__main__")
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001 - as Python does, whatever it is
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def carry_out(channel: socket.socket) -> NoReturn:
    """Forks for every order, and in each process does what the order says."""
    _run(serve(channel)["words"])


if __name__ == "__main__":
    # What is forked from here finds it by this name.
    import fork_server

    fork_server.preload()
    contextvars.copy_context().run(fork_server.warm_up)
    fork_server.preloaded = True
    gc.freeze()
    fork_server.carry_out(socket.socket(fileno=int(sys.argv[1])))
