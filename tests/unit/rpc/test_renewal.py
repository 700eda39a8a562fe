"""Two renewals of one node at once: `serve` has one under way, and a person asks for another."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from symbolon.cli.local_coalition import COALITION
from symbolon.cli.local_founder import LocalFounder
from symbolon.membership.certificates import certificate_fingerprint, load_certificate
from symbolon.rpc.membership_client import spread
from symbolon.rpc.node import NEXT_LEAF_KEY_FILE, Node
from symbolon.rpc.renewal import renew
from symbolon.storage.database_errors import StorageBusyError

REFUSED_S = 20.0
"""Within which the second one is refused; it does not wait for the first."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder of a founder's node; it signs its own renewals."""
    made = LocalFounder.create(tmp_path / "founder", COALITION, ("audit",))
    made.close()
    return tmp_path / "founder"


def shown(node: Node) -> bytes:
    """The fingerprint of the certificate that a node shows, whose key it has."""
    return certificate_fingerprint(node.read_credentials().certificate)


def listed(node: Node) -> tuple[bytes, ...]:
    record = node.coalition.state().members.find(node.member_id)
    assert record is not None
    return record.certificates


@pytest.mark.parametrize("served", [False, True], ids=["serve first", "the person first"])
def test_renew_beside_another_of_this_node_is_refused_and_leaves_its_waiting_key(
    home: Path, served: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(first: Node, second: Node) -> None:
        under_way, go_on = asyncio.Event(), asyncio.Event()

        async def held_up(*args: Any) -> Any:
            under_way.set()
            await go_on.wait()
            return await spread(*args)

        with monkeypatch.context() as patched:
            patched.setattr("symbolon.rpc.renewal.spread", held_up)
            running = asyncio.create_task(renew(first, stolen=served))
            await under_way.wait()
            waiting = (home / NEXT_LEAF_KEY_FILE).read_bytes()
            with pytest.raises(StorageBusyError) as caught:
                await asyncio.wait_for(renew(second, stolen=not served), REFUSED_S)
            assert "another renewal of this node's certificate" in caught.value.detail
            assert (home / NEXT_LEAF_KEY_FILE).read_bytes() == waiting
            go_on.set()
            await running
        assert second.read_credentials().private_key == waiting
        # Whoever was refused is not, once the other is done; `--stolen` then leaves one certificate.
        await renew(second, stolen=True)
        assert listed(first) == (shown(first),)
        assert second.read_credentials().private_key != waiting

    with Node(home) as first, Node(home) as second:
        before = load_certificate(first.read_credentials().certificate)
        asyncio.run(scene(first, second))
        assert load_certificate(first.read_credentials().certificate) != before
