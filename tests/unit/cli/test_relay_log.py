"""What `symbolon relay` writes to stderr: its own words, and no library's."""

import contextlib
import logging
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from symbolon.cli import relay


@pytest.fixture
def levels() -> Iterator[None]:
    """Puts back what a command sets for the whole process."""
    loggers = [logging.getLogger(name) for name in ("", "alembic", "tuf")]
    before = [(each, each.level, list(each.handlers)) for each in loggers]
    yield
    for each, level, handlers in before:
        each.setLevel(level)
        each.handlers[:] = handlers


@pytest.mark.usefixtures("levels")
def test_relay_log_leaves_out_the_signatures_that_a_threshold_does_not_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """python-tuf writes a line for each founder that did not sign: with 2 of 3 that is every state."""
    node = SimpleNamespace(config=SimpleNamespace(node=SimpleNamespace(log_level="info", member="birch")))
    heard: list[bool] = []

    async def serve_relay(*_: object, **__: object) -> None:
        heard.append(logging.getLogger("tuf.api.metadata").isEnabledFor(logging.INFO))
        heard.append(logging.getLogger("symbolon.rpc.relay_service").isEnabledFor(logging.INFO))

    monkeypatch.setattr(relay, "open_node", lambda: contextlib.nullcontext(node))
    monkeypatch.setattr(relay, "serve_relay", serve_relay)
    logging.getLogger().handlers[:] = []
    relay.relay_command("127.0.0.1:7444")
    assert heard == [False, True]
