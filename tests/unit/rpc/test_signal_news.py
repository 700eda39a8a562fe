"""Who watches is told at once, the same as everybody; who may not watch is told nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from symbolon.errors import MembershipError, PermissionDeniedError, StorageError, UnavailableError
from symbolon.rpc import signal_news
from symbolon.rpc.signal_news import MAX_WATCHES, MAX_WATCHES_OF_ONE, SignalNews

PURPOSE = "due-diligence"
WAIT_S = 10.0


class Publisher:
    """A node as far as watching needs one: a number, who may look up, who is a member."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.number = 7
        self.looks = 0
        self.broken: Exception | None = None
        self.barred: set[str] = set()
        self.expelled: set[str] = set()
        self.now = datetime(2026, 7, 1, 12, tzinfo=UTC)
        self.embargoes: list[Any] = []
        self.signals = SimpleNamespace(news=self._news, tell_embargo_ended=self._tell)
        self.news = SignalNews(self)  # type: ignore[arg-type]
        monkeypatch.setattr(signal_news, "require_lookup", self._require_lookup)
        monkeypatch.setattr(signal_news, "POLL_S", 0.01)
        monkeypatch.setattr(signal_news, "SWEEP_S", 0.02)

    def _news(self) -> int:
        self.looks += 1
        if self.broken is not None:
            raise self.broken
        return self.number

    def _tell(self, today: Any) -> bool:
        self.embargoes.append(today)
        self.number += 1
        return True

    def _require_lookup(self, _node: Any, peer: str, purpose: str) -> None:
        if peer in self.barred or purpose != PURPOSE:
            raise PermissionDeniedError("not permitted")

    def watch(self, peer: str = "alder", purpose: str = PURPOSE) -> AsyncIterator[int]:
        def still_member() -> None:
            if peer in self.expelled:
                raise MembershipError("expelled", code="membership.expelled")

        return self.news.watch(peer, purpose, still_member)


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Publisher:
    return Publisher(monkeypatch)


def run(publisher: Publisher, test: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(WAIT_S):
            await test()
            await publisher.news.finish()

    asyncio.run(whole())


def test_watch_tells_the_number_at_once_and_each_other_one_to_everybody(publisher: Publisher) -> None:
    async def test() -> None:
        watching = [publisher.watch(each) for each in ("alder", "birch", "alder")]
        assert [await anext(each) for each in watching] == [7, 7, 7]
        publisher.number = 8
        assert [await anext(each) for each in watching] == [8, 8, 8]
        for each in watching:
            await each.aclose()  # type: ignore[attr-defined]
        assert publisher.news.watches == 0

    run(publisher, test)


def test_watch_without_news_tells_the_same_number_as_a_heartbeat(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal_news, "HEARTBEAT_S", 0.05)

    async def test() -> None:
        async with aclosing(publisher.watch()) as watching:  # type: ignore[type-var]
            assert [await anext(watching) for _ in range(3)] == [7, 7, 7]

    run(publisher, test)


def test_watch_looks_at_the_database_only_while_somebody_watches(publisher: Publisher) -> None:
    async def test() -> None:
        await asyncio.sleep(0.05)
        assert publisher.looks == 0
        async with aclosing(publisher.watch()) as watching:  # type: ignore[type-var]
            await anext(watching)
            await asyncio.sleep(0.1)
        seen = publisher.looks
        assert seen > 2
        await asyncio.sleep(0.1)
        assert publisher.looks <= seen + 1

    run(publisher, test)


def test_watch_of_one_looks_as_often_as_that_of_many(publisher: Publisher) -> None:
    async def test() -> None:
        watching = [publisher.watch(f"member-{each}") for each in range(20)]
        for each in watching:
            await anext(each)
        before = publisher.looks
        await asyncio.sleep(0.3)
        assert publisher.looks - before <= 31

    run(publisher, test)


def test_watch_of_who_may_not_look_up_is_refused_before_anything_is_told(publisher: Publisher) -> None:
    publisher.barred.add("alder")

    async def test() -> None:
        for refused in (publisher.watch(), publisher.watch("birch", "another-purpose")):
            with pytest.raises(PermissionDeniedError):
                await anext(refused)
        assert (publisher.looks, publisher.news.watches) == (0, 0)

    run(publisher, test)


@pytest.mark.parametrize("how", ["barred", "expelled"])
def test_watch_ends_when_its_member_may_watch_no_longer_and_for_nobody_else(
    publisher: Publisher, how: str
) -> None:
    async def test() -> None:
        ends, stays = publisher.watch("alder"), publisher.watch("birch")
        assert [await anext(each) for each in (ends, stays)] == [7, 7]
        getattr(publisher, how).add("alder")
        with pytest.raises((PermissionDeniedError, MembershipError)):
            await anext(ends)
        publisher.number = 9
        assert await anext(stays) == 9

    run(publisher, test)


def test_watch_beyond_the_room_of_one_member_is_refused_until_one_ends(publisher: Publisher) -> None:
    async def test() -> None:
        watching = [publisher.watch() for _ in range(MAX_WATCHES_OF_ONE)]
        for each in watching:
            await anext(each)
        with pytest.raises(UnavailableError) as caught:
            await anext(publisher.watch())
        assert caught.value.full_code == "unavailable.busy"
        assert await anext(publisher.watch("birch")) == 7
        await watching[0].aclose()  # type: ignore[attr-defined]
        assert await anext(publisher.watch()) == 7

    run(publisher, test)


def test_watch_beyond_the_room_for_all_is_refused(publisher: Publisher) -> None:
    async def test() -> None:
        watching = [publisher.watch(f"member-{each}") for each in range(MAX_WATCHES)]
        for each in watching:
            await anext(each)
        with pytest.raises(UnavailableError):
            await anext(publisher.watch("late-co"))
        publisher.number = 8
        assert [await anext(each) for each in watching] == [8] * MAX_WATCHES

    run(publisher, test)


def test_watch_ends_for_all_when_nobody_can_tell_what_is_new_and_can_begin_again(
    publisher: Publisher,
) -> None:
    async def test() -> None:
        watching = [publisher.watch(each) for each in ("alder", "birch")]
        for each in watching:
            await anext(each)
        publisher.broken = StorageError("the disk is full")
        for each in watching:
            with pytest.raises(UnavailableError):
                await anext(each)
        with pytest.raises(StorageError):
            await anext(publisher.watch())
        publisher.broken = None
        again = publisher.watch()
        assert await anext(again) == 7
        publisher.number = 8
        assert await anext(again) == 8

    run(publisher, test)


def test_watch_ends_when_the_node_stops_and_none_begins(publisher: Publisher) -> None:
    async def test() -> None:
        watching = publisher.watch()
        await anext(watching)
        publisher.news.stop()
        with pytest.raises(UnavailableError):
            await anext(watching)
        with pytest.raises(UnavailableError):
            await anext(publisher.watch())

    run(publisher, test)


def test_watch_tells_on_its_day_that_an_embargo_is_over(publisher: Publisher) -> None:
    async def test() -> None:
        watching = publisher.watch()
        assert await anext(watching) == 7
        await asyncio.sleep(0.05)
        assert publisher.embargoes == []
        publisher.now += timedelta(days=1)
        assert await anext(watching) == 8
        assert publisher.embargoes == [publisher.now.date()]

    run(publisher, test)


def test_watch_whose_reader_was_slow_is_told_the_newest_number_alone(publisher: Publisher) -> None:
    async def test() -> None:
        watching = publisher.watch()
        assert await anext(watching) == 7
        for number in (8, 9, 10):
            publisher.number = number
            await asyncio.sleep(0.05)
        assert await anext(watching) == 10

    run(publisher, test)
