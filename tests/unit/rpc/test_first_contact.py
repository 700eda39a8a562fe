"""The first contact where this node's own server does not open; with real nodes: tests/integration."""

import asyncio
from typing import Any

import pytest

from coalition_members import ACME
from symbolon.rpc import first_contact
from symbolon.rpc.first_contact import check_both_ways


def test_first_contact_of_a_node_that_does_not_open_in_time_says_so_and_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended = asyncio.Event()

    async def serve(_: Any, __: Any, *, grace_s: float, stop: asyncio.Event) -> None:
        await stop.wait()
        ended.set()

    async def there(*_: Any) -> str:
        return "This node reaches acme."

    monkeypatch.setattr(first_contact, "serve", serve)
    monkeypatch.setattr(first_contact, "_there", there)
    monkeypatch.setattr(first_contact, "START_S", 0.05)

    async def scene() -> list[str]:
        async with asyncio.timeout(5):
            return await check_both_ways(None, ACME)  # type: ignore[arg-type]

    there_said, back_said = asyncio.run(scene())
    assert there_said == "This node reaches acme."
    assert back_said.startswith("This node cannot be served here: it did not open within")
    assert ended.is_set()
