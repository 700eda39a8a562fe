"""Which node a command works on: `--home`, else SYMBOLON_HOME, else ~/.symbolon."""

import os
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from symbolon.rpc.node import Node

chosen: Final[ContextVar[Path | None]] = ContextVar("chosen", default=None)
"""What --home said."""

ERASES: Final = ("signals", "triage", "suppliers show")
"""Commands, or first words of them, that erase what has expired before they begin: nobody may serve."""

ENVIRONMENT: Final = "SYMBOLON_HOME"


def home() -> Path:
    """The folder of the node that this command works on; it need not exist yet."""
    return chosen.get() or Path(os.environ.get(ENVIRONMENT) or Path.home() / ".symbolon")


def open_node() -> "Node":
    """Opens the node for whoever runs this command; use it as a context manager.

    Raises:
        ConfigError: no node there, or its configuration is wrong.
        StorageError: its database cannot be opened.
    """
    from symbolon.cli import signed_in
    from symbolon.rpc.node import Node

    node = Node(home(), operator=signed_in.current.get().pseudonym)
    words = signed_in.running.get()
    if words in ERASES or words.partition(" ")[0] in ERASES:
        from symbolon.rpc.signal_erasing import erase_in_passing

        erase_in_passing(node)
    return node
