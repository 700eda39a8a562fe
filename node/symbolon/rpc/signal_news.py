"""Telling members that something was told at once, the moment it is committed, and nothing of what it was.

Handles: one number for everybody who watches and is permitted to look up for that purpose, whether what was
told concerns them or not: who was told would say about whom it is. The number is read from the database a few
times a second while somebody watches, since commands of other processes recall signals. A stream ends when
its member is no member any more, or may look up no longer. Refuses: more streams than there is room for, of
one member or of all. Specification: docs/PROTOCOL.md, Signal service.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Final, TypeVar

from symbolon.errors import SymbolonError, UnavailableError
from symbolon.rpc.lookup_ways import require_lookup
from symbolon.rpc.node import Node

log = logging.getLogger(__name__)

MAX_WATCHES: Final = 512
"""Streams in all: each costs some kilobytes, and a thousandth of a second every `SWEEP_S`."""

MAX_WATCHES_OF_ONE: Final = 8
"""Of one member: one for each purpose that it looks up for, and one that its connection has lost."""

POLL_S: Final = 0.15
"""Between two looks at the number: a recall is to be told within a fifth of a second."""

SWEEP_S: Final = 2.0
"""Between two looks at who may watch: as often as the files of policies are looked at."""

HEARTBEAT_S: Final = 30.0
"""Between two messages where nothing is new: shorter than what middle boxes take for an end."""

_Answer = TypeVar("_Answer")

StillMember = Callable[[], object]
"""Raises `MembershipError` where the caller is no member in good standing any more."""


class _Watch:
    """One stream."""

    def __init__(self, peer: str, purpose: str, still_member: StillMember) -> None:
        self.peer: Final = peer
        self.purpose: Final = purpose
        self.still_member: Final = still_member
        self.stirred: Final = asyncio.Event()
        self.reason: BaseException | None = None

    def end(self, reason: BaseException) -> None:
        """Ends it for this reason, or for one that came before."""
        self.reason = self.reason or reason
        self.stirred.set()


class SignalNews:
    """Everybody who watches one served node.

    Args:
        node: this node.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._watches: set[_Watch] = set()
        self._news = 0
        self._jobs: tuple[asyncio.Task[None], ...] = ()
        self._stopped = False
        self._day: date | None = None
        # Threads of their own: in those of the event loop, news would wait behind exchanges.
        self._threads = ThreadPoolExecutor(2, "signal-news")

    @property
    def watches(self) -> int:
        """How many streams are open."""
        return len(self._watches)

    async def watch(self, peer: str, purpose: str, still_member: StillMember) -> AsyncGenerator[int, None]:
        """Yields the number at once, whenever it is another one, and every `HEARTBEAT_S`; until it raises.

        Args:
            peer: who watches.
            purpose: for which it may look up.
            still_member: asked again and again.

        Raises:
            PermissionDeniedError: it may not look up for this purpose, or no longer.
            MembershipError: it is no member any more.
            UnavailableError: `unavailable.busy`, there are too many streams; or this node is stopping, or
                its database does not answer.
        """
        watch = self._enter(peer, purpose, still_member)
        try:
            await self._in_thread(require_lookup, self._node, peer, purpose)
            self._saw(await self._in_thread(self._node.signals.news))
            self._begin()
            while True:
                if watch.reason is not None:
                    raise watch.reason
                sent = self._news
                yield sent
                watch.stirred.clear()
                await self._another(watch, sent)
        finally:
            self._watches.discard(watch)
            if not self._watches:
                self._end_jobs()

    def stop(self) -> None:
        """Ends all streams, so that the server need not wait for them; whoever watches comes again."""
        self._stopped = True
        for each in self._watches:
            each.end(UnavailableError("this node is stopping"))

    async def finish(self) -> None:
        """Waits for what goes on after the streams have ended."""
        jobs = self._jobs
        self._end_jobs()
        await asyncio.gather(*jobs, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _enter(self, peer: str, purpose: str, still_member: StillMember) -> _Watch:
        if self._stopped:
            raise UnavailableError("this node is stopping")
        of_one = sum(each.peer == peer for each in self._watches)
        if len(self._watches) >= MAX_WATCHES or of_one >= MAX_WATCHES_OF_ONE:
            raise UnavailableError(f"{peer} opens a stream too many", code="unavailable.busy")
        watch = _Watch(peer, purpose, still_member)
        self._watches.add(watch)
        return watch

    async def _another(self, watch: _Watch, sent: int) -> None:
        """Waits until there is something to say: another number, an end, or that nothing is new."""
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                while self._news == sent and watch.reason is None:
                    await watch.stirred.wait()
                    watch.stirred.clear()
        except TimeoutError:
            pass

    def _saw(self, news: int) -> None:
        # A look that was slow may end after a later one.
        if news > self._news:
            self._news = news
            for each in self._watches:
                each.stirred.set()

    def _begin(self) -> None:
        if not self._jobs:
            self._day = self._node.now.date()
            self._jobs = tuple(asyncio.create_task(each()) for each in (self._poll, self._sweep))

    def _end_jobs(self) -> None:
        for each in self._jobs:
            each.cancel()
        self._jobs = ()

    async def _poll(self) -> None:
        try:
            while True:
                await asyncio.sleep(POLL_S)
                self._saw(await self._in_thread(self._look))
        except Exception as error:  # noqa: BLE001 - that nothing is new cannot be said by who does not know
            self._lost(error)

    def _look(self) -> int:
        today = self._node.now.date()
        if today != self._day:
            self._day = today
            self._node.signals.tell_embargo_ended(today)
        return self._node.signals.news()

    async def _sweep(self) -> None:
        try:
            while True:
                await asyncio.sleep(SWEEP_S)
                watches = tuple(self._watches)
                for watch, reason in (await self._in_thread(self._judge, watches)).items():
                    log.info("%s watches no longer for %s", watch.peer, watch.purpose)
                    watch.end(reason)
        except Exception as error:  # noqa: BLE001 - where nobody can tell who may watch, nobody may
            self._lost(error)

    def _judge(self, watches: tuple[_Watch, ...]) -> Mapping[_Watch, BaseException]:
        """Who may watch no longer, and why."""
        refused: dict[_Watch, BaseException] = {}
        for each in watches:
            try:
                each.still_member()
                require_lookup(self._node, each.peer, each.purpose)
            except SymbolonError as error:
                refused[each] = error
        return refused

    def _lost(self, error: Exception) -> None:
        if isinstance(error, SymbolonError):
            log.warning("nobody can watch now: %s (%s)", error.detail, error.full_code)
        else:
            log.error("watching ended: unexpected %s", type(error).__name__, exc_info=error)
        for each in self._watches:
            each.end(UnavailableError("what is new cannot be said now"))
        self._end_jobs()

    async def _in_thread(self, work: Callable[..., _Answer], *arguments: object) -> _Answer:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, work, *arguments)
