"""Key epochs end where a peer is permitted less, whoever noticed the change first."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from coalition_members import BIRCH, DELTA
from policy_home import PolicyHome, asks, policy_home, table
from symbolon.errors import PolicyError
from symbolon.policy.permission import Grant
from symbolon.rpc import upkeep
from symbolon.rpc.node import Node
from symbolon.rpc.upkeep import PolicyWatch
from symbolon.storage.exchange_sender_store import SenderStore
from symbolon.storage.seal import Sealer


class DecidingNode(Node):
    """Of a node what the watch looks at; all of it is real."""

    def __init__(self, home: PolicyHome) -> None:
        self.policy = self.permission = home.policy
        self.directory = home.coalition  # type: ignore[assignment] # `state` is all that is asked of it
        self.sending = SenderStore(home.database, Sealer(bytes(32)), lambda: home.now.timestamp(), bytes)

    def begins(self, peer: str) -> None:
        """A key epoch of a peer, by what it is permitted now."""
        grant = Grant("", self.policy.scope(peer))
        self.sending.current_epoch(peer, "match", grant, epoch_days=90)

    @property
    def live(self) -> set[str]:
        """Whose key epochs are live."""
        return {each.peer for each in self.sending.live_epochs()}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[PolicyHome]:
    with policy_home(tmp_path) as made:
        made.allow(table(), table(DELTA))
        yield made


@pytest.fixture
def node(home: PolicyHome) -> DecidingNode:
    made = DecidingNode(home)
    for peer in (BIRCH, DELTA):
        made.begins(peer)
    return made


def test_watch_ends_the_key_epochs_of_those_that_a_change_narrows_and_no_other(
    home: PolicyHome, node: DecidingNode, caplog: pytest.LogCaptureFixture
) -> None:
    watch = PolicyWatch(node)
    with caplog.at_level(logging.INFO):
        watch.look()
        assert (node.live, caplog.messages) == ({BIRCH, DELTA}, [])
        home.allow(table())
        watch.look()
    assert node.live == {BIRCH}
    named, erased = caplog.messages
    assert home.policy.bundle().sha256().hex()[:16] in named
    assert erased.startswith("1 key epochs were erased")


def test_watch_ends_key_epochs_though_a_decision_noticed_the_change_first(
    home: PolicyHome, node: DecidingNode
) -> None:
    """Another peer asks within the two seconds: its decision puts the files in force."""
    watch = PolicyWatch(node)
    watch.look()
    home.allow(table())
    home.policy.require(asks(BIRCH))
    watch.look()
    assert node.live == {BIRCH}


def test_watch_tries_again_where_the_epochs_could_not_be_ended(
    home: PolicyHome, node: DecidingNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = PolicyWatch(node)
    watch.look()
    home.allow()
    with monkeypatch.context() as patch:

        def fail(_: object) -> int:
            raise PolicyError("not now")

        patch.setattr(DecidingNode, "erase_narrowed", fail)
        with pytest.raises(PolicyError):
            watch.look()
    watch.look()
    assert node.live == set()


def test_watch_of_a_broken_policy_ends_nothing(home: PolicyHome, node: DecidingNode) -> None:
    watch = PolicyWatch(node)
    watch.look()
    home.write("own.cedar", "forbid")
    watch.look()
    assert node.live == {BIRCH, DELTA}


def test_watch_notices_in_time_what_no_file_tells_of(
    home: PolicyHome, node: DecidingNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The founders expel a member; an epoch begins by a permit of just before."""
    watch = PolicyWatch(node)
    watch.look()
    home.publish(members=tuple(each for each in home.repository.members.members if each.member_id != DELTA))
    watch.look()
    assert node.live == {BIRCH, DELTA}
    monkeypatch.setattr(upkeep, "TURN_S", 0.0)
    watch.look()
    assert node.live == {BIRCH}
