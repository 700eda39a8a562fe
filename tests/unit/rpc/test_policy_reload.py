"""Files of policies that change under a node at work: each change as a whole or not at all, and at once."""

import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from coalition_members import BIRCH, DELTA
from policy_home import PolicyHome, asks, policy_home, require_again, table, touch
from symbolon import config
from symbolon.errors import ConfigError, PermissionDeniedError, PolicyError
from symbolon.policy import own_policies
from symbolon.policy.decision import Decider
from symbolon.policy.own_policies import OWN_FOLDER
from symbolon.policy.policy_text import MAX_FILE_CHARS
from symbolon.rpc.policy_in_force import PolicyInForce

FORBID = '@id("none")\nforbid (principal, action, resource);\n'
PERMIT = '@id("delta")\npermit (principal == Symbolon::Member::"delta", action, resource);\n'
PLAIN = '@id("plain")\nforbid (principal, action, resource) when { context.purpose == "nothing" };\n'


@pytest.fixture
def node(tmp_path: Path) -> Iterator[PolicyHome]:
    with policy_home(tmp_path) as made:
        yield made


def permits(node: PolicyHome, peer: str = BIRCH) -> bool:
    try:
        node.policy.require(asks(peer))
    except PermissionDeniedError:
        return False
    return True


def test_policy_that_comes_changes_and_goes_counts_from_the_next_decision(node: PolicyHome) -> None:
    assert (permits(node), permits(node, DELTA)) == (True, False)
    path = node.write("own.cedar", PERMIT)
    assert (permits(node), permits(node, DELTA)) == (True, True)
    node.write("own.cedar", FORBID)
    assert (permits(node), permits(node, DELTA)) == (False, False)
    path.unlink()
    assert (permits(node), permits(node, DELTA)) == (True, False)
    assert node.policy.problem is None


def test_table_that_changes_counts_from_the_next_decision(node: PolicyHome) -> None:
    node.allow(table(DELTA))
    assert (permits(node), permits(node, DELTA)) == (False, True)
    node.allow()
    assert (permits(node), permits(node, DELTA)) == (False, False)


def test_policy_of_the_same_size_and_time_but_another_content_counts(node: PolicyHome) -> None:
    """What a copy that keeps times puts in the place of a file: only the time of the change shows it."""
    forbids, permits_birch = FORBID, '@id("nine")\npermit (principal, action, resource);\n'
    assert len(forbids) == len(permits_birch)
    path = node.write("own.cedar", permits_birch)
    assert permits(node)
    before = path.stat()
    node.write("own.cedar", forbids)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert not permits(node)


def test_policy_renamed_in_order_of_reading_is_another_bundle_that_decides_the_same(node: PolicyHome) -> None:
    path = node.write("own.cedar", PERMIT)
    node.write("p.cedar", PLAIN)
    assert permits(node, DELTA)
    path.rename(path.with_name("z.cedar"))
    assert permits(node, DELTA)
    assert len(set(node.entries())) == 2


def _as_folder(node: PolicyHome) -> None:
    path = node.home / OWN_FOLDER / "own.cedar"
    path.unlink()
    path.mkdir()


def _folder_as_file(node: PolicyHome) -> None:
    (node.home / OWN_FOLDER / "own.cedar").unlink()
    (node.home / OWN_FOLDER).rmdir()
    (node.home / OWN_FOLDER).write_text(PERMIT)


def _dangling(node: PolicyHome) -> None:
    path = node.home / OWN_FOLDER / "own.cedar"
    path.unlink()
    path.symlink_to("nowhere")


def _written(text: str | bytes) -> Callable[[PolicyHome], None]:
    return lambda node: void(node.write("own.cedar", text))


def void(_: object) -> None:
    """Looks at nothing."""


BREAKS: dict[str, Callable[[PolicyHome], None]] = {
    "syntax": _written('@id("x") permit (principal'),
    "schema": _written('@id("x") permit (principal, action, resource) when { principal.shoe_size > 3 };'),
    "obligation": _written('@id("x") @obligation("burn") permit (principal, action, resource);'),
    "no id": _written("permit (principal, action, resource);"),
    "same id twice": _written(PLAIN + PLAIN),
    "half written": _written(FORBID[: len(FORBID) // 2]),
    "no text": _written(b"\xff\xfe\x00forbid"),
    "10 MB": _written("// " + 10_000_000 * "x"),
    "as many bytes as may be read, and one more": _written(4 * MAX_FILE_CHARS * b" " + b" "),
    "folder in its place": _as_folder,
    "file in the folder's place": _folder_as_file,
    "dangling link": _dangling,
}


@pytest.mark.parametrize("broken", BREAKS)
def test_policy_that_breaks_leaves_those_before_in_force_until_it_is_mended(
    node: PolicyHome, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    node.write("own.cedar", PLAIN)
    before = node.policy.bundle()
    caplog.clear()
    BREAKS[broken](node)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert permits(node)
    assert node.policy.bundle() == before
    assert isinstance(node.policy.problem, PolicyError)
    # Named once, not at each decision.
    (line,) = caplog.messages
    where = OWN_FOLDER if broken == "file in the folder's place" else "own.cedar"
    assert where in line
    assert where in node.policy.problem.detail
    assert "those before stay" in line
    with pytest.raises(PolicyError):
        node.restarted().bundle()
    mend(node)
    assert not permits(node)
    assert node.policy.problem is None
    assert len(node.entries()) == 2


def mend(node: PolicyHome) -> None:
    """Puts a sound file in the place of whatever is there."""
    folder = node.home / OWN_FOLDER
    if folder.is_file():
        folder.unlink()
    path = folder / "own.cedar"
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)
    node.write("own.cedar", FORBID)


def test_policy_that_cannot_be_read_leaves_those_before_in_force(
    node: PolicyHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is another user's; who runs the tests may be allowed everything."""
    node.write("own.cedar", PLAIN)
    before = node.policy.bundle()

    opening = Path.open

    def refuse(path: Path, *args: Any, **kwargs: Any) -> Any:
        if path.suffix == ".cedar":
            raise PermissionError(13, "Permission denied", str(path))
        return opening(path, *args, **kwargs)

    with monkeypatch.context() as patch:
        (node.home / OWN_FOLDER / "own.cedar").write_text(FORBID)
        patch.setattr(Path, "open", refuse)
        assert permits(node)
        assert node.policy.bundle() == before
        assert "own.cedar" in str(node.policy.problem)
        assert "Permission denied" in str(node.policy.problem)
    # It looks as it did, and can be read.
    assert not permits(node)
    assert node.policy.problem is None


def test_policies_whose_folder_cannot_be_listed_are_not_taken_for_none(
    node: PolicyHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.write("own.cedar", FORBID)
    assert not permits(node)

    def refuse(path: Path) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(own_policies.Path, "iterdir", refuse)
        assert not permits(node)
        assert "cannot be listed" in str(node.policy.problem)
        with pytest.raises(PolicyError):
            node.restarted().bundle()
    assert not permits(node)


@pytest.mark.parametrize("text", ["[[allow]\n", '[[allow]]\npeer = "birch"\nfruit = 1\n', ""])
def test_configuration_that_breaks_leaves_the_tables_before_in_force(node: PolicyHome, text: str) -> None:
    assert permits(node)
    path = node.home / config.FILE_NAME
    path.write_text(path.read_text().replace("[[allow]]", "") + text)
    assert permits(node)
    assert isinstance(node.policy.problem, ConfigError)
    path.unlink()
    assert permits(node)
    node.allow()
    assert not permits(node)
    assert node.policy.problem is None


def test_policy_with_the_same_content_and_another_time_is_no_other_policy(node: PolicyHome) -> None:
    path = node.write("own.cedar", PLAIN)
    assert node.policy.refresh()
    for ahead_s in (60, -3600, 0.001):
        touch(path, ahead_s)
        assert not node.policy.refresh()
        assert permits(node)
    assert len(node.entries()) == 1


def test_policies_of_a_restarted_node_are_written_down_only_where_they_changed(node: PolicyHome) -> None:
    node.policy.bundle()
    node.restarted().bundle()
    assert len(node.entries()) == 1
    node.write("own.cedar", PLAIN)
    again = node.restarted()
    again.bundle()
    assert node.entries()[-1] == again.bundle().sha256().hex()
    assert len(node.entries()) == 2


def test_policies_that_come_back_are_written_down_again_but_kept_once(node: PolicyHome) -> None:
    first = node.policy.bundle().sha256().hex()
    path = node.write("own.cedar", PLAIN)
    node.policy.bundle()
    path.unlink()
    node.policy.bundle()
    assert node.entries()[0] == node.entries()[2] == first
    document = node.audit.document(first)
    assert document is not None
    assert document.content == node.policy.bundle().document()


def test_node_that_starts_with_a_broken_policy_has_none_until_it_is_mended(node: PolicyHome) -> None:
    path = node.write("own.cedar", "permit")
    fresh = node.restarted()
    for ask in (fresh.bundle, lambda: fresh.require(asks()), lambda: fresh.scope(BIRCH)):
        with pytest.raises(PolicyError) as caught:
            ask()
        assert caught.value.full_code == "policy.problems"
    path.unlink()
    assert fresh.require(asks()).basis == "allow-table-1"


def test_decision_names_the_bundle_that_took_it_though_another_came_in_between(
    node: PolicyHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files change after the policies were chosen, and before they are asked."""
    deciding = Decider.decide
    before = node.policy.bundle().sha256()

    def change_then_decide(decider: Decider, request: object) -> object:
        node.write("own.cedar", FORBID)
        assert node.policy.refresh()
        return deciding(decider, request)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Decider, "decide", change_then_decide)
        grant = node.policy.require(asks())
    record = require_again(node, grant.decision)
    assert grant.policy == before.hex() == record.decision.bundle_sha256.hex()
    # A key epoch that begins by this permit is one that the next look ends.
    assert not set(grant.scope) <= set(node.policy.scope(BIRCH))
    assert not permits(node)


def test_decisions_of_several_threads_while_files_change_are_each_of_one_bundle(node: PolicyHome) -> None:
    """Every one of two texts is read whole, and every decision comes out again from what was kept."""
    texts = (PLAIN, FORBID, PERMIT)
    records: list[str] = []

    def decide(number: int) -> None:
        peer = (BIRCH, DELTA)[number % 2]
        try:
            records.append(node.policy.require(asks(peer)).decision)
        except PermissionDeniedError as error:
            records.append(error.decision)

    def change(number: int) -> None:
        path = node.home / OWN_FOLDER / "own.cedar"
        path.parent.mkdir(exist_ok=True)
        beside = path.with_suffix(f".{number}")
        beside.write_text(texts[number % 3])
        beside.replace(path)
        node.policy.refresh()

    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(change if number % 5 == 0 else decide, number) for number in range(60)]
        for each in jobs:
            each.result()
    assert len(records) == 48
    found = [require_again(node, text) for text in records]
    assert {each.decision.allowed for each in found} == {True, False}
    assert len({each.decision.bundle_sha256 for each in found}) >= 2
    assert node.policy.problem is None


def test_policies_of_a_folder_that_never_was_are_the_shipped_ones_and_the_tables(node: PolicyHome) -> None:
    assert not (node.home / OWN_FOLDER).exists()
    assert isinstance(node.policy, PolicyInForce)
    ids = [each.policy_id for each in node.policy.bundle().policies]
    assert ids[-1] == "allow-table-1"
    assert "companies-need-an-agreement" in ids
