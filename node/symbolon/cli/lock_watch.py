"""What runs for long stops when the node's keys are locked or destroyed meanwhile.

A process that runs holds the keys in its memory. `serve` and `relay` look every `LOOK_S` whether the node may
still use its keys: once it may not (it was locked, or the time of an unlocking is over) they stop as they do
on SIGTERM; once the sealing key is gone they end at once, as by kill -9, which loses nothing.
"""

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from symbolon.errors import SealError, SymbolonError
from symbolon.membership.key_file import SEAL_KEY_FILE, LockedError, read_sealing_key
from symbolon.storage.database import Database, database_file
from symbolon.storage.database_errors import StorageBusyError

LOOK_S: Final = 1.0
"""Reading two small files costs some 0.1 ms."""

log = logging.getLogger(__name__)


@contextlib.contextmanager
def stopped_when_locked(home: Path) -> Iterator[None]:
    """Ends this process once the keys of its node may not be used any more.

    Args:
        home: the node's folder; where it holds no sealing key to begin with, nothing is watched.
    """
    if not (home / SEAL_KEY_FILE).exists():
        yield
        return
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(home, over), name="lock watch", daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def wait_for_serve(database_url: str, deadline_s: float) -> bool:
    """Waits until no `symbolon serve` of a node runs any more.

    Args:
        database_url: of the node.
        deadline_s: how long at most.

    Returns:
        False where one runs still. Where the database is on a server nobody asks, and it is True.

    Raises:
        ConfigError: the URL cannot be used.
    """
    path = database_file(database_url)
    if path is None or not path.exists():
        return True
    end = time.monotonic() + deadline_s
    while _serves(database_url):
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def _serves(database_url: str) -> bool:
    try:
        with Database.open(database_url, migrate=False) as database, database.exclusive("serve"):
            return False
    except StorageBusyError:
        return True
    except SymbolonError:
        return False


def _watch(home: Path, over: threading.Event) -> None:
    told = False
    while not over.wait(LOOK_S):
        try:
            read_sealing_key(home / SEAL_KEY_FILE)
        except LockedError:
            if not told:
                log.warning("the node's keys are locked: stopping")
                told = True
                os.kill(os.getpid(), signal.SIGTERM)
        except SealError as error:
            if error.full_code == "storage.seal.missing":
                log.warning("the node's keys are gone: stopping at once")
                os.kill(os.getpid(), signal.SIGKILL)
