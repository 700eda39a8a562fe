"""Erasing signals whose time is over: in turn where a node is served, in passing by commands where it is not.

Handles: own signals that have expired, with who published them or for whom; received ones that have expired
or were kept for as long as the publisher's terms allow; legal holds that ended. A command erases only where a
cheap look finds something due, and leaves it to a later one while another process writes. Refuses nothing: a
failure ends no command. Specification: docs/signals.md, Expiry.
"""

import logging

from symbolon.errors import SymbolonError
from symbolon.exchange.messages import SIGNAL
from symbolon.rpc.node import Node
from symbolon.storage.database_errors import StorageBusyError

log = logging.getLogger(__name__)


def erase_expired(node: Node) -> None:
    """Erases own signals that have expired, received ones whose time is over, and holds that ended.

    What came of a peer that is being asked just now waits for the next call.

    Raises:
        StorageError: the database failed; calling it again goes on.
    """
    expired = node.signals.expire(node.now.date())
    if expired:
        log.info("%d signals expired and were erased", expired)
    node.delegations.forget_expired()
    node.entrusted.forget_expired()
    erased = node.received.erase_due(node.clock(), lambda peer: node.asking_lock(peer, SIGNAL))
    if erased.forms:
        log.info("%d received signals were erased: their time is over", erased.forms)


def erase_in_passing(node: Node) -> None:
    """Erases what has expired before a command does its own work; whatever fails, the command goes on.

    Where nothing is due this is a look at a few indexes.
    """
    try:
        due = node.signals.is_due(node.now.date()) or node.received.is_due(node.clock())
        if due and not node.database.is_writing():
            erase_expired(node)
    except StorageBusyError:
        log.info("what has expired is erased later: the database is busy")
    except SymbolonError as error:
        log.warning("what has expired was not erased: %s (%s)", error.detail, error.full_code)
    except Exception as error:
        log.error("what has expired was not erased: unexpected %s", type(error).__name__, exc_info=error)
