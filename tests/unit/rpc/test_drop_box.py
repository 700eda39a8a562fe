"""The keys of a node's drop box: made once, replaced, kept for a while, erased."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from contributing_ngo import Contributor, contributor
from symbolon.errors import SealError, SignalError
from symbolon.rpc.drop_box import FILE_NAME, KEPT_DAYS, MAX_KEYS, current_key, open_for, renew_key
from symbolon.rpc.node import Node
from symbolon.signals.drop_file import seal_drop


@pytest.fixture(scope="module")
def ngo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contributor]:
    with contributor(tmp_path_factory.mktemp("coalition")) as made:
        yield made


@pytest.fixture
def home(ngo: Contributor) -> Path:
    (ngo.home / FILE_NAME).unlink(missing_ok=True)
    return ngo.home


def node_after(home: Path, days: float) -> Node:
    with Node(home) as node:
        now_s = node.clock()
    return Node(home, clock=lambda: now_s + days * 86400)


def test_current_key_stays_the_same_and_names_the_member(home: Path) -> None:
    with Node(home) as node:
        key = current_key(node)
    with Node(home) as node:
        assert current_key(node) == key
    assert (key.coalition, key.member) == ("harbour", "watch")
    assert (home / FILE_NAME).stat().st_mode & 0o077 == 0


def test_open_for_opens_what_was_sealed_for_the_key(home: Path) -> None:
    with Node(home) as node:
        assert open_for(node, seal_drop(current_key(node), b"content")) == b"content"


def test_replaced_key_opens_for_thirty_days_and_is_erased_then(home: Path) -> None:
    with Node(home) as node:
        data = seal_drop(current_key(node), b"on its way")
        assert renew_key(node) == current_key(node)
        assert open_for(node, data) == b"on its way"
        before = len((home / FILE_NAME).read_bytes())
    with node_after(home, KEPT_DAYS - 1) as node:
        assert open_for(node, data) == b"on its way"
    with node_after(home, KEPT_DAYS + 1) as node, pytest.raises(SignalError, match="another key"):
        open_for(node, data)
    # Erased, not only passed over: an earlier clock does not bring it back.
    assert len((home / FILE_NAME).read_bytes()) < before
    with Node(home) as node, pytest.raises(SignalError, match="another key"):
        open_for(node, data)


def test_renewing_again_does_not_lengthen_the_life_of_an_old_key(home: Path) -> None:
    with Node(home) as node:
        data = seal_drop(current_key(node), b"x")
        renew_key(node)
    with node_after(home, KEPT_DAYS - 1) as node:
        renew_key(node)
        assert open_for(node, data) == b"x"
    with node_after(home, KEPT_DAYS + 1) as node, pytest.raises(SignalError):
        open_for(node, data)


def test_renew_key_that_forgets_leaves_one_key(home: Path) -> None:
    with Node(home) as node:
        old = seal_drop(current_key(node), b"x")
        new = renew_key(node, forget=True)
        with pytest.raises(SignalError):
            open_for(node, old)
        assert open_for(node, seal_drop(new, b"y")) == b"y"


def test_renew_key_too_often_is_refused_and_changes_nothing(home: Path) -> None:
    with Node(home) as node:
        current_key(node)
        for _ in range(MAX_KEYS - 1):
            renew_key(node)
        last = current_key(node)
        with pytest.raises(SignalError) as caught:
            renew_key(node)
        assert "--forget-old" in str(caught.value.hint)
        assert current_key(node) == last


def test_keys_of_another_release_are_refused(home: Path) -> None:
    with Node(home) as node:
        for said in ([["00", None]], {"a": 1}, [["zz", None]], [[1]]):
            content = json.dumps(said).encode()
            sealed = node.sealer.seal("drop_box", "keys", node.member_id, content)
            (home / FILE_NAME).write_bytes(sealed)
            with pytest.raises(SealError, match="another release"):
                current_key(node)
