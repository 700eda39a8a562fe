"""Case codes of this member's signals: what a supplier writes on its answer, and which signal that is.

A code is made from the signal's id with the node's sealing key, so nothing has to be kept, and nobody who has
a code learns the id, or the other way round. Refuses: a code that no signal has which still stands here.
"""

from symbolon.errors import SignalError
from symbolon.rpc.node import Node
from symbolon.signals.reply_form import case_code, same_code
from symbolon.signals.signal import Signal
from symbolon.storage.signal_columns import StoredSignal

_LABEL = "signal.case"


def code_of(node: Node, signal: Signal) -> str:
    """The case code of a signal; the same in all its revisions."""
    return case_code(node.sealer.keyed_digest(_LABEL, signal.signal_id))


def signal_of(node: Node, code: str) -> StoredSignal:
    """The signal that a case code stands for.

    Raises:
        SignalError: `signal.case`.
    """
    wanted = same_code(code)
    for each in node.signals.list():
        if code_of(node, each.signal) == wanted:
            return each
    raise SignalError(
        f"no signal of this node has the case code {wanted}",
        hint="Compare it with the form that was sent; a signal that has expired is gone.",
        code="signal.case",
    )
