"""What the people of a publisher decide: about texts that members relayed, and before a signal leaves.

Handles: publishing a supplier's contest or reply, in its own words or in the operator's, screened as whatever
others read is; declining one with a reason. Refuses: what the screening finds and nobody looked at; a text
that was decided already; a statement or reply that is too long to travel. Specification: docs/PROTOCOL.md,
Signal service.
"""

from symbolon.errors import SignalError
from symbolon.rpc.contributing import Found, require_reviewed, screen, sign_record
from symbolon.rpc.node import Node
from symbolon.signals import revisions
from symbolon.signals.signal import Signal
from symbolon.storage.signal_change import Change
from symbolon.storage.signal_response_columns import ResponseKind
from symbolon.storage.signal_response_store import Answer, Response


def signal_of(node: Node, response: Response) -> Signal:
    """The newest revision of the signal that a text is about.

    Raises:
        SignalError: `signal.unknown`, nothing is left of it.
    """
    for _, signal in node.signals.newest([response.number]):
        return signal
    raise SignalError("nothing is left of the signal", code="signal.unknown")


def findings(node: Node, response: Response, text: str) -> tuple[Found, ...]:
    """What of a text has to be looked at before others read it."""
    name = "statement" if response.relayed.kind is ResponseKind.CONTEST else "reply"
    return screen(text, name, signal_of(node, response).subject.record.country)


def accept(node: Node, response: Response, text: str, *, reviewed: bool) -> Signal:
    """Publishes what a supplier said.

    Args:
        node: this node.
        response: what was relayed.
        text: what is published of it.
        reviewed: a person has looked at what the screening finds in it.

    Returns:
        The signal with it.

    Raises:
        ReviewNeededError: something was found, and `reviewed` is not set.
        SignalError: as `revisions.dispute` and `revisions.reply`; `signal.response`, it was decided already;
            `signal.order`, somebody else changed the signal meanwhile.
    """
    require_reviewed(findings(node, response, text), reviewed=reviewed)
    held, today = signal_of(node, response), node.now.date()
    change: Change = "disputed" if response.relayed.kind is ResponseKind.CONTEST else "replied"
    make = revisions.dispute if change == "disputed" else revisions.reply
    try:
        new = make(held, today, text)
    except SignalError as error:
        if error.full_code != "signal.unchanged":
            raise
        node.responses.accept(response.response_id, None)
        return held
    node.responses.accept(response.response_id, Answer(new, sign_record(node, new), change))
    return new


def decline(node: Node, response: Response, reason: str) -> bool:
    """Declines what was relayed; a contest that rested on it alone ends as maintained.

    Args:
        node: this node.
        response: what was relayed.
        reason: one line, told to who relayed it.

    Returns:
        Whether the contest has ended by it.

    Raises:
        SignalError: `signal.response`, it was decided already; `signal.value`, the reason is none.
    """
    return node.responses.decline(response.response_id, reason, lambda signal: sign_record(node, signal))
