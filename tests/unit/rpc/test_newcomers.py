"""Who is new is asked once, and only where that can help."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contributing_ngo import Contributor, contributor
from symbolon.cli import newcomer
from symbolon.cli.init import create_node
from symbolon.errors import MembershipError
from symbolon.rpc import newcomers
from symbolon.rpc.node import Node


@pytest.fixture(scope="module")
def ngo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition")) as made:
        yield made


@pytest.mark.parametrize(
    ("member", "known"), [("birch", True), ("no member!", True), ("", True), ("somebody-new", False)]
)
def test_only_an_id_that_could_be_somebody_new_is_unknown(
    ngo: Contributor, monkeypatch: pytest.MonkeyPatch, member: str, known: bool
) -> None:
    asked: list[Node] = []

    async def ask(node: Node) -> None:
        asked.append(node)

    monkeypatch.setattr(newcomer, "ask_who_is_new", ask)
    with ngo.node() as node:
        asyncio.run(newcomer.meet(node, member))
    assert bool(asked) is not known


def test_asking_ends_when_nobody_answers(ngo: Contributor, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    async def silent(node: Node, members: Any) -> None:
        asked.append(members)
        await asyncio.sleep(60)

    monkeypatch.setattr(newcomers, "sync", silent)
    monkeypatch.setattr(newcomers, "MOST_S", 0.05)
    monkeypatch.setattr(newcomers, "others", lambda state, own: tuple(f"member-{each}" for each in range(20)))
    with ngo.node() as node:
        asyncio.run(newcomers.ask_who_is_new(node))
    assert [len(each) for each in asked] == [newcomers.ASKED]


def test_node_that_has_not_joined_asks_nobody(tmp_path: Path) -> None:
    create_node(tmp_path / "node", member="mill", coalition="grove", listen="127.0.0.1:0")
    with Node(tmp_path / "node") as node, pytest.raises(MembershipError) as caught:
        asyncio.run(newcomer.meet(node, "birch"))
    assert caught.value.full_code == "membership.metadata.missing"
