"""One session as sender: what it rests on, and what is done in every mode of it."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import grpc

from symbolon.audit.document import Document
from symbolon.errors import RemoteProtocolError, SymbolonError, UnavailableError
from symbolon.exchange.limits import WORKING_EVERY_S
from symbolon.exchange.messages import Hello, ReceiverMessage, SenderMessage
from symbolon.exchange.rules_agreement import Agreement
from symbolon.exchange.sender import Sender
from symbolon.oprf.key_schedule import KeyContext
from symbolon.oprf.suite import Suite
from symbolon.policy.permission import Grant
from symbolon.rpc.early_end import CALL_IS_OVER
from symbolon.rpc.figures import Figures
from symbolon.rpc.node import Node
from symbolon.rpc.wire import Wire
from symbolon.storage.database import Transaction
from symbolon.storage.exchange_sender_store import Epoch
from symbolon.storage.supplier_store import ListKeys

log = logging.getLogger(__name__)

SenderWire = Wire[SenderMessage, ReceiverMessage]
RECEIPT_S: Final = 10.0
"""How long a receiver may take to sign the result: it has nothing else to do."""


@dataclass(frozen=True, slots=True)
class Answered:
    """How an exchange ended.

    Attributes:
        sentence: what this node revealed and learned.
        key_rules: whether both lists were keyed by the same rules; if not, the sentence says so.
    """

    sentence: str
    key_rules: Agreement


class Ending(NamedTuple):
    """What an exchange came to.

    Attributes:
        sentence: what this node revealed and learned.
        result: as it was signed, by the receiver too where it did.
        acknowledged: notes what a receiver that signed has by the session, in the transaction that ends it;
            None: nothing is noted.
    """

    sentence: str
    result: Document
    acknowledged: Callable[[Transaction], None] | None = None


@dataclass(frozen=True, slots=True)
class SenderSession:
    """One exchange as sender once it is permitted and debited.

    Attributes:
        peer: the receiver.
        epoch: of the keys that this peer's sets are made with.
        keys: own keys by tier.
        grant: by which it is allowed.
        request: as the receiver signed it.
    """

    node: Node
    peer: str
    hello: Hello
    grant: Grant
    request: Document
    epoch: Epoch
    suite: Suite
    keys: ListKeys
    wire: SenderWire
    figures: Figures

    def key_context(self, tier: str) -> bytes:
        """What the key of one tier is bound to: everything that it must not serve twice."""
        own, hello = self.node.config.node, self.hello
        return KeyContext(
            hello.suite,
            own.coalition,
            own.member,
            self.peer,
            hello.area,
            hello.mode,
            tier,
            hello.purpose,
            self.epoch.number,
        ).encode()

    def derive_key(self, seed: bytes, tier: str) -> bytes:
        """The key of one tier."""
        return self.suite.derive_key(seed, self.key_context(tier))


async def evaluate_all(sender: Sender, wire: SenderWire, figures: Figures) -> None:
    """Takes all elements that were declared, and answers them."""
    told_s = time.monotonic()
    while not sender.all_evaluated:
        message = await wire.expect()
        with figures.phase("evaluate"):
            answers = await asyncio.to_thread(sender.receive, message)
        for answer in answers:
            await wire.send(answer)
        # Size mode keeps all answers until the last, to shuffle them.
        if not answers and time.monotonic() - told_s >= WORKING_EVERY_S:
            await wire.send(sender.working(sender.hello.tiers[0].tier))
            told_s = time.monotonic()


async def sign_off(session: SenderSession, sender: Sender) -> Document:
    """Signs what the session came to, and takes the receiver's signature over it, if it gives one.

    Returns:
        The result with the signatures that there are: all has been sent, so it stands without the receiver's.
    """
    node, peer, hello = session.node, session.peer, session.hello
    sign = node.receipts.sign_finish
    finish = await asyncio.to_thread(sign, session.request, hello, sender.sent, session.grant)
    await session.wire.send(sender.finish(finish.result, finish.signature))
    try:
        async with asyncio.timeout(RECEIPT_S):
            receipt = await session.wire.expect()
        return await asyncio.to_thread(node.receipts.take_receipt, finish, receipt, peer)
    except (
        TimeoutError,
        RemoteProtocolError,
        UnavailableError,
        grpc.aio.AioRpcError,
        *CALL_IS_OVER,
    ) as error:
        why = error.full_code if isinstance(error, SymbolonError) else "unavailable"
        log.warning("%s did not sign a receipt (%s)", peer, why)
    return Document("result", finish.result, {node.member_id: finish.signature})
