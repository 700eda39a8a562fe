"""What the steps of the demonstration have in common: its folder, its nodes, its lists, and how it speaks."""

import contextlib
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from symbolon import config
from symbolon.cli.demo_lists import DemoLists
from symbolon.cli.demo_story import Story
from symbolon.cli.local_coalition import LocalProcesses
from symbolon.errors import SymbolonError

ASKER: Final = "alder"
ANSWERER: Final = "birch"
FOUNDER: Final = "cedar"
NGO: Final = "dune"

FOLLOW_S: Final = 20.0
"""Longest wait for what a served node does right away: attaching to a relay, ending a session."""


@dataclass(slots=True)
class Stage:
    """Where the demonstration plays.

    Attributes:
        processes: the nodes that serve.
        story: what is told.
        lists: of the members, as they are now.
    """

    processes: LocalProcesses
    story: Story
    lists: DemoLists

    @property
    def folder(self) -> Path:
        """Of all files and nodes; commands run in it."""
        return self.processes.folder

    def home(self, member: str) -> Path:
        """The folder of a node."""
        return self.folder / member

    def list_file(self, member: str) -> Path:
        """The supplier list of a member."""
        return self.folder / f"{member}.csv"

    def begin(self, member: str, *arguments: str) -> None:
        """Starts a command of a member that serves."""
        self.story.typed(" ".join(("symbolon", "--home", member, *arguments, "&")))
        self.processes.begin(f"{member}-{arguments[0]}", "--home", str(self.home(member)), *arguments)

    def follow(self, member: str, *arguments: str) -> None:
        """Starts a command of a member that goes on till Ctrl-C; `heard` tells what it says."""
        self.story.typed(" ".join(("symbolon", "--home", member, *arguments, "&")))
        self.processes.run_on(f"{member}-follows", "--home", str(self.home(member)), *arguments)

    def heard(self, member: str, words: str) -> str:
        """Waits until such a command has said something, and gives all that it said.

        Raises:
            SymbolonError: it does not say that.
        """
        said = _said(self.processes.told(f"{member}-follows"), words)
        if words not in said:
            log = self.processes.log(f"{member}-follows").read_text(encoding="utf-8")
            raise SymbolonError(f"{member} did not hear of it: {log[-2000:]}", code="demo.follow")
        return said

    def unfollow(self, member: str) -> None:
        """Ends it, as Ctrl-C does."""
        self.story.typed("kill -INT %%")
        self.processes.stop(f"{member}-follows", number=signal.SIGINT)

    def reachable(self, member: str) -> None:
        """Waits until a node that was started serves, and its relay reaches it.

        Raises:
            SymbolonError: it does not.
        """
        self.processes.opened(f"{member}-serve")
        wanted = f"reachable through the relay of {FOUNDER}"
        if wanted not in _said(self.processes.log(f"{member}-serve"), wanted):
            raise SymbolonError(f"{member} did not attach to the relay", code="demo.relay")
        self.story.show(wanted)

    def configure(self, member: str, table: str, instead_of: str = "") -> None:
        """Writes into the configuration of a node.

        Args:
            member: whose.
            table: what to write.
            instead_of: what it replaces; '' adds it at the end.
        """
        path = self.home(member) / config.FILE_NAME
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(instead_of, table) if instead_of else text + table, encoding="utf-8")


def _said(path: Path, words: str) -> str:
    """What a process has written into a file once these words are there, or when the time is over."""
    end = time.monotonic() + FOLLOW_S
    while words not in (said := path.read_text(encoding="utf-8")) and time.monotonic() < end:
        time.sleep(0.05)
    return said


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now: the founder's address stands in the members' records."""
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in opened]
