"""The served side of `SignalService`: what members ask and say about signals that this member published.

Handles: telling who watches that something was told at once; how many signals a caller may count; narratives,
to whom policy releases the signal with its narrative now; what suppliers say, which waits for a person here;
who else says the same; what contributors have published here, see `entrusted_publishing`. But for the first
two and the last everything is about signals that were disclosed to the caller.
Refuses, in one and the same way and after the same time, whatever a caller was not given or may not have now:
which of these it was is nobody's business; and whoever calls too often. The entry of the log comes before a
narrative or a number leaves. Specification: docs/PROTOCOL.md, Signal service.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from datetime import timedelta
from typing import Final, TypeVar

import grpc
import numpy as np

from symbolon.api.signal.v1 import signal_pb2 as pb
from symbolon.api.signal.v1 import signal_pb2_grpc as stubs
from symbolon.audit.entry import Entry
from symbolon.errors import PermissionDeniedError, RemoteProtocolError, SignalError, UnavailableError
from symbolon.membership.member_record import MemberRecord
from symbolon.rpc import entrusted_publishing
from symbolon.rpc.answered import answered
from symbolon.rpc.call_rate import CallRate
from symbolon.rpc.contributing import sign_record
from symbolon.rpc.entrusting_codec import (
    decode_entrust,
    decode_entrusted,
    encode_at_delegate,
    encode_taken,
)
from symbolon.rpc.identity import caller
from symbolon.rpc.lookup_ways import require_lookup
from symbolon.rpc.node import Node
from symbolon.rpc.signal_audience import facts_of
from symbolon.rpc.signal_choice import choose_signals
from symbolon.rpc.signal_codec import (
    About,
    Narrative,
    decode_about,
    decode_contest,
    decode_get_narrative,
    decode_purpose,
    encode_count,
    encode_narrative,
    encode_standing,
    narrative_message,
)
from symbolon.rpc.signal_counting import SignalCounting
from symbolon.rpc.signal_news import SignalNews
from symbolon.signals.signal import FIRST_DAY
from symbolon.signals.vocabulary import State
from symbolon.storage.signal_columns import StoredSignal
from symbolon.storage.signal_response_columns import Relayed, ResponseState
from symbolon.storage.signal_response_store import Standing

log = logging.getLogger(__name__)

SERVICE: Final = pb.DESCRIPTOR.services_by_name["SignalService"].full_name

STEP_S: Final = 0.25
"""A refusal leaves at a multiple of this after its question came: how far this node had to look for a reason
takes a fraction of it, and does not show."""

NARRATIVE: Final = "narrative"
"""What `redact` calls it by."""

_CLOCK_SKEW: Final = timedelta(days=1)
"""By which a day that somebody relays may lie ahead."""

_Answer = TypeVar("_Answer")


class SignalService(stubs.SignalServiceServicer):
    """Answers questions about signals.

    Args:
        node: this node.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._rate = CallRate(time.monotonic)
        self._counting = SignalCounting(node)
        self.news: Final = SignalNews(node)

    async def Watch(  # noqa: N802 - named by the proto
        self, request: pb.WatchRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.WatchResponse]:
        """Tells when something was told at once; until the caller has heard enough."""
        peer, purpose = caller.get().member_id, decode_purpose(request)
        self._rate.take(peer)
        callers, auth = self._node.callers, dict(context.auth_context())
        identity = callers.identity(auth)
        method = f"/{SERVICE}/Watch"
        watching = self.news.watch(peer, purpose, lambda: callers.judge(identity, method))
        async with aclosing(watching) as numbers:
            async for news in numbers:
                yield pb.WatchResponse(news=news)

    async def Count(  # noqa: N802 - named by the proto
        self, request: pb.CountRequest, context: grpc.aio.ServicerContext
    ) -> pb.CountResponse:
        """Tells how many signals the caller may count."""

        def count(peer: str) -> pb.CountResponse:
            return encode_count(self._counting.tell(peer, decode_purpose(request)))

        return await self._answer(context, count)

    async def GetNarrative(  # noqa: N802 - named by the proto
        self, request: pb.GetNarrativeRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetNarrativeResponse:
        """Gives the narrative of a signal."""

        def narrate(peer: str) -> pb.GetNarrativeResponse:
            about, revision = decode_get_narrative(request)
            return encode_narrative(self._narrate(peer, about, revision))

        return await self._answer(context, narrate)

    async def Contest(  # noqa: N802 - named by the proto
        self, request: pb.ContestRequest, context: grpc.aio.ServicerContext
    ) -> pb.ContestResponse:
        """Takes in what a supplier says."""

        def contest(peer: str) -> pb.ContestResponse:
            about, relayed = decode_contest(request)
            return encode_standing(self._take(peer, about, relayed))

        return await self._answer(context, contest)

    async def Corroborate(  # noqa: N802 - named by the proto
        self, request: pb.CorroborateRequest, context: grpc.aio.ServicerContext
    ) -> pb.CorroborateResponse:
        """Counts the caller among those who say the same."""

        def corroborate(peer: str) -> pb.CorroborateResponse:
            about = decode_about(request)
            held = self._disclosed(peer, about)
            if self._node.entrusted.contributor(held.number) == peer:
                raise PermissionDeniedError("who said a signal first says the same: that is an echo")
            if self._node.responses.corroborate(peer, held.number, about.purpose):
                log.info("%s says the same as a signal of this node", peer)
            return pb.CorroborateResponse()

        return await self._answer(context, corroborate)

    async def Withdraw(  # noqa: N802 - named by the proto
        self, request: pb.WithdrawRequest, context: grpc.aio.ServicerContext
    ) -> pb.WithdrawResponse:
        """Counts the caller no longer among them."""

        def withdraw(peer: str) -> pb.WithdrawResponse:
            about = decode_about(request)
            held = self._disclosed(peer, about)
            if self._node.responses.withdraw(peer, held.number, about.purpose):
                log.info("%s no longer says the same as a signal of this node", peer)
            return pb.WithdrawResponse()

        return await self._answer(context, withdraw)

    async def Entrust(  # noqa: N802 - named by the proto
        self, request: pb.EntrustRequest, context: grpc.aio.ServicerContext
    ) -> pb.EntrustResponse:
        """Publishes a revision of the caller's."""

        def take_in(contributor: MemberRecord) -> pb.EntrustResponse:
            return encode_taken(
                entrusted_publishing.take_in(self._node, contributor, decode_entrust(request))
            )

        return await self._answer_unnamed(context, take_in)

    async def Entrusted(  # noqa: N802 - named by the proto
        self, request: pb.EntrustedRequest, context: grpc.aio.ServicerContext
    ) -> pb.EntrustedResponse:
        """Tells how it stands with a signal of the caller's."""

        def tell(contributor: MemberRecord) -> pb.EntrustedResponse:
            return encode_at_delegate(
                entrusted_publishing.tell(self._node, contributor, decode_entrusted(request))
            )

        return await self._answer_unnamed(context, tell)

    async def _answer_unnamed(
        self, context: grpc.aio.ServicerContext, work: Callable[[MemberRecord], _Answer]
    ) -> _Answer:
        """As `_answer`; nothing that is written down on the way says who calls."""

        async def answer() -> _Answer:
            contributor = caller.get()
            try:
                self._rate.take(contributor.member_id)
            except UnavailableError as error:
                raise UnavailableError("a member calls too often", code=error.full_code) from None
            return await alike_in_time(lambda: asyncio.to_thread(work, contributor))

        return await answered(context, answer)

    async def _answer(self, context: grpc.aio.ServicerContext, work: Callable[[str], _Answer]) -> _Answer:
        """What `work` gives, told who calls; it runs in a thread."""

        async def answer() -> _Answer:
            peer = caller.get().member_id
            self._rate.take(peer)
            return await alike_in_time(lambda: asyncio.to_thread(refused_alike, work, peer))

        return await answered(context, answer)

    def _disclosed(self, peer: str, about: About) -> StoredSignal:
        """A signal that was disclosed to the caller, for a purpose of the coalition.

        Raises:
            SignalError, PermissionDeniedError: it was not, or nothing of it is left.
        """
        node = self._node
        if about.purpose not in node.directory.current().purposes:
            raise PermissionDeniedError(f"{peer} names a purpose that is none")
        held = node.responses.find(about.signal_id)
        if not np.isin(np.uint64(held.number), node.disclosures.numbers(peer)):
            raise PermissionDeniedError(f"{peer} asks about a signal that it was not given")
        return held

    def _narrate(self, peer: str, about: About, revision: int) -> Narrative:
        node, held = self._node, self._disclosed(peer, about)
        obligations = require_lookup(node, peer, about.purpose)
        table, disclosed = facts_of(node, [held.number]), node.disclosures.numbers(peer)
        choice = choose_signals(node, peer, about.purpose, obligations, table, disclosed)
        shown = [choice.shapes[each].redact for each in choice.form.tolist()]
        if not shown or held.signal.state is not State.ACTIVE:
            raise PermissionDeniedError(f"a signal that {peer} asks about is not released to it now")
        if any(each is not None and NARRATIVE in each.fields for each in shown):
            raise PermissionDeniedError(f"the narrative that {peer} asks for is withheld from it")
        text = held.signal.narrative
        # Of an earlier revision only what still stands so: a later one may have taken something back.
        told = {each.revision: each.narrative for each in node.signals.history(held.number)}
        if not text or told.get(revision) != text:
            raise PermissionDeniedError(f"the narrative that {peer} asks for is not there, or not any more")
        own = node.config.node
        message = narrative_message(own.coalition, own.member, about.signal_id, revision, text)
        signature = node.signing_key.sign(message)
        node.responses.note_narrative(
            held,
            Entry(
                "narrated",
                peer,
                held.signal.hex_id,
                purpose=about.purpose,
                counts={"revision": revision},
                decision=choice.permits[int(choice.permit[0])](),
            ),
        )
        log.info("%s was given a narrative", peer)
        return Narrative(text, revision, signature)

    def _take(self, peer: str, about: About, relayed: Relayed) -> Standing:
        node = self._node
        if not FIRST_DAY <= relayed.on <= node.now.date() + _CLOCK_SKEW:
            raise RemoteProtocolError("nothing was said on that day", code="protocol.malformed")
        held = self._disclosed(peer, about)
        standing = node.responses.take(peer, held.number, relayed, lambda signal: sign_record(node, signal))
        if standing.state is ResponseState.WAITING:
            log.warning("a %s that %s relays waits for `symbolon signals pending`", relayed.kind, peer)
        return standing


def refused_alike(work: Callable[[str], _Answer], peer: str) -> _Answer:
    """What `work` gives; that a signal is not there, or does not stand, is refused as any other.

    Raises:
        PermissionDeniedError: also in the place of any `SignalError`.
    """
    try:
        return work(peer)
    except SignalError as error:
        # Not its words, which hold what the caller sent.
        raise PermissionDeniedError(f"{peer} asks about a signal ({error.full_code})") from error


async def alike_in_time(work: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """What `work` gives; a refusal of policy leaves at a multiple of `STEP_S` after it began."""
    clock = asyncio.get_running_loop().time
    began_s = clock()
    try:
        return await work()
    except PermissionDeniedError:
        await asyncio.sleep(STEP_S - (clock() - began_s) % STEP_S)
        raise
