"""Commands in processes of their own that start at once: forked from one that has imported everything.

A command of `symbolon` takes most of a second of a core to start, all of it imports, and tests start a
thousand. `Popen` and `run` are those of `subprocess`, but for this. What a person starts, by that name and
from a shell, the tests of the README, of the demonstration and of single commands start in full.
"""

import ctypes
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final

import fork_server
from processes import DEADLINE_S

_SERVER: Final = Path(__file__).with_name("fork_server.py")
_SUBREAPER: Final = 36
"""PR_SET_CHILD_SUBREAPER: whose parent ends becomes a child of this process."""


class _Server:
    """The process that is forked from; there is one for each process that runs tests."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._channel: socket.socket | None = None

    def begin(self) -> None:
        """Starts it, unless that is done."""
        with self._turn:
            if self._channel is None:
                self._channel = self._begin()

    def fork(self, order: dict[str, Any], std: list[int]) -> int:
        """Starts a command, with three descriptors; its process id."""
        self.begin()
        with self._turn:
            assert self._channel is not None
            socket.send_fds(self._channel, [json.dumps(order).encode()], std)
            answer = self._channel.recv(4)
        assert len(answer) == 4, "the process that commands are forked from is gone"
        return int.from_bytes(answer)

    def _begin(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")
        with theirs:
            if fork_server.preloaded:
                self._begin_here(ours, theirs)
            else:
                self._begin_anew(theirs)
        return ours

    def _begin_anew(self, theirs: socket.socket) -> None:
        # It ends with this process, which alone holds the other end.
        self._process = subprocess.Popen(
            [sys.executable, str(_SERVER), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            # Ctrl-C at the commands' terminal is not for it.
            start_new_session=True,
        )

    @staticmethod
    def _begin_here(ours: socket.socket, theirs: socket.socket) -> None:
        if os.fork() == 0:
            ours.close()
            os.setsid()
            fork_server.carry_out(theirs)


_HERE: Final = _Server()


def begin() -> None:
    """Starts what is forked from: for a command that forks others, while it has no second thread."""
    _HERE.begin()


class Popen(subprocess.Popen[str]):
    """`subprocess.Popen` of `[sys.executable, "-m", MODULE, …]` or `[sys.executable, FILE, …]`, as text.

    Args:
        terminal: its stdin is the terminal of the session that it begins.
    """

    def __init__(self, *arguments: Any, terminal: bool = False, **more: Any) -> None:
        self._terminal = terminal
        if terminal:
            more["start_new_session"] = True
        super().__init__(*arguments, **more)

    # What the standard library calls to fork and execute, in Python 3.11 and later.
    def _execute_child(self, args: list[str], *more: Any) -> None:
        cwd, env, pipes, session = more[4], more[5], more[9:15], more[20]
        assert args[0] == sys.executable
        order = {
            "words": args[1:],
            "folder": str(cwd or Path.cwd()),
            "environment": dict(os.environ if env is None else env),
            "session": session,
            "terminal": self._terminal,
        }
        given = enumerate((pipes[0], pipes[3], pipes[5]))
        self.pid = _HERE.fork(order, [number if each == -1 else each for number, each in given])
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


def run(
    command: list[str],
    *,
    typed: str = "",
    env: dict[str, str] | None = None,
    start_new_session: bool = False,
    timeout_s: float = 2 * DEADLINE_S,
) -> subprocess.CompletedProcess[str]:
    """`subprocess.run` of the same processes.

    Args:
        command: see `Popen`.
        typed: its stdin.
        env: its environment; None: this process's.
        start_new_session: it has no terminal.
        timeout_s: after which it is killed.
    """
    pipe = subprocess.PIPE
    with Popen(
        command,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
        env=env,
        start_new_session=start_new_session,
    ) as process:
        try:
            out, err = process.communicate(typed, timeout=timeout_s)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)
