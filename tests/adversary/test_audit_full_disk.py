"""A disk that fills up while the audit log is appended, at every transaction of a session and for real.

Nothing leaves whose entry could not be written, the operator is told what to do, the log is whole, and work
goes on when there is room again. Where only the file of the checkpoint cannot be written, what a session
brought is not lost.
"""

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from logged_disclosures import assert_node_whole
from processes import wait_until
from real_nodes import ALPHA, BETA, PURPOSES, SHARED, Nodes, asking, two_nodes
from stored_witness import StoredMember
from symbolon.audit.entry import Entry
from symbolon.audit.signed_note import decode_note
from symbolon.errors import StorageError
from symbolon.storage.audit_checkpoints import CHECKPOINT_FILE
from whole_log import assert_checkpoints_fit, assert_log_whole

_ENOUGH = iter(PURPOSES[1:])
_KEYS = 120


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with two_nodes(faulty=True, exchange={"idle_timeout_s": 3}) as both:
        both.quick_match(ALPHA, BETA)
        yield both


def lift_limit(nodes: Nodes) -> None:
    process = nodes.processes[BETA].pid
    _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (hard, hard))


_ANSWERING = {
    "received Hello": [],
    "committed keep a checkpoint of another member": [],
    "committed look up the key epoch": [],
    "committing open a session": [],
    "committed open a session": ["answered"],
    "sending Accept": ["answered"],
    "committing record a delta": ["answered"],
}
"""Where the disk of the answering node fills up, and what its log says of the session then."""


@pytest.mark.parametrize("point", _ANSWERING)
def test_answering_node_with_a_full_disk_gives_nothing_that_it_cannot_log(nodes: Nodes, point: str) -> None:
    purpose = next(_ENOUGH)
    before = nodes.spent(BETA, ALPHA)
    nodes.order(BETA, "full", point)
    try:
        code, said = nodes.quick_error(ALPHA, BETA, purpose)
        assert (code, f"{BETA} cannot answer now" in said) == (75, True), said
        assert nodes.obeyed(BETA)
        assert nodes.events(BETA, purpose) == _ANSWERING[point]
        assert nodes.spent(BETA, ALPHA) - before == _KEYS * len(_ANSWERING[point])
        # What its operator can do.
        assert "storage." in nodes.log(BETA)
        assert "file size limit" in nodes.log(BETA)
        assert_node_whole(nodes.home(BETA), ALPHA)
    finally:
        lift_limit(nodes)
    assert nodes.quick_match(ALPHA, BETA, purpose).ids() == SHARED
    assert_node_whole(nodes.home(BETA), ALPHA)


@pytest.mark.parametrize("point", ["sending Finish", "committing end a session", "committed end a session"])
def test_answering_node_with_a_full_disk_at_the_end_keeps_what_it_has_logged(
    nodes: Nodes, point: str
) -> None:
    """Everything has left by then, each with its entry; the asker has its result and does not hear of it."""
    purpose = next(_ENOUGH)
    nodes.order(BETA, "full", point)
    try:
        assert nodes.quick_match(ALPHA, BETA, purpose).ids() == SHARED
        wait_until(lambda: nodes.obeyed(BETA), "the disk to fill up")
        entries = assert_node_whole(nodes.home(BETA), ALPHA)
        ended = point.startswith("committed")
        expected = ["answered", "released", "released", *["ended"] * ended]
        assert [each.values["event"] for each in entries if each.values["purpose"] == purpose] == expected
        told = "no checkpoint could be signed over it" if ended else "end a session: "
        wait_until(lambda: told in nodes.log(BETA), "the operator to be told")
    finally:
        lift_limit(nodes)
    assert nodes.quick_match(ALPHA, BETA, purpose).ids() == SHARED
    assert_node_whole(nodes.home(BETA), ALPHA)


_ASKING = {
    "committing begin a session": [],
    "committed begin a session": ["asked"],
    "sending Hello": ["asked"],
    "received Finish": ["asked"],
    "sending Receipt": ["asked"],
    "committing store what a session brought": ["asked"],
}


@pytest.mark.parametrize("point", _ASKING)
def test_asking_node_with_a_full_disk_ends_with_74_and_its_log_is_whole(nodes: Nodes, point: str) -> None:
    purpose = next(_ENOUGH)
    order = nodes.order(ALPHA, "full", point)
    asked = nodes.run(ALPHA, *asking(BETA, purpose), faulty=order, code=74)
    assert "nothing was changed" in asked.stderr
    assert "file size limit" in asked.stderr
    assert nodes.events(ALPHA, purpose) == _ASKING[point]
    if point == "committing begin a session":
        # The hello never left.
        assert nodes.events(BETA, purpose) == []
    assert_node_whole(nodes.home(ALPHA), BETA)
    wait_until(lambda: "open" not in nodes.states(BETA, purpose), "the answerer to end the session")
    assert nodes.quick_match(ALPHA, BETA, purpose).ids() == SHARED
    assert nodes.events(ALPHA, purpose)[-1] == "learned"
    assert_node_whole(nodes.home(ALPHA), BETA)


@pytest.mark.parametrize("point", ["committed store what a session brought", "writing audit.checkpoint"])
def test_asking_node_that_cannot_write_its_checkpoint_gives_the_result_and_says_so(
    nodes: Nodes, point: str
) -> None:
    purpose = next(_ENOUGH)
    file = nodes.home(ALPHA) / CHECKPOINT_FILE
    before = file.read_bytes()
    result = nodes.run(ALPHA, *asking(BETA, purpose), "--json", faulty=nodes.order(ALPHA, "full", point))
    assert f'"certain": {len(SHARED)}' in result.stdout
    assert "no checkpoint could be signed over it" in result.stderr
    assert "hint: Raise the limit" in result.stderr
    assert file.read_bytes() == before
    assert nodes.events(ALPHA, purpose)[-1] == "learned"
    assert_node_whole(nodes.home(ALPHA), BETA)
    # The next one covers that session too.
    nodes.quick_match(ALPHA, BETA, purpose)
    assert file.read_bytes() != before
    assert_node_whole(nodes.home(ALPHA), BETA)


@pytest.mark.skipif(os.getuid() != 0 or shutil.which("mount") is None, reason="mounting needs root")
def test_asking_node_whose_checkpoint_file_nobody_can_replace_gives_the_result_and_says_so(
    nodes: Nodes,
) -> None:
    """The file is a mount point: root may write in a folder that is read-only, but not put a file there."""
    purpose = next(_ENOUGH)
    file = nodes.home(ALPHA) / CHECKPOINT_FILE
    if subprocess.run(["mount", "--bind", file, file], check=False).returncode:
        pytest.skip("this container may not mount")
    try:
        result = nodes.run(ALPHA, *asking(BETA, purpose), "--json")
    finally:
        subprocess.run(["umount", file], check=True)
    assert f'"certain": {len(SHARED)}' in result.stdout
    assert "no checkpoint could be signed over it: cannot write" in result.stderr
    assert nodes.events(ALPHA, purpose)[-1] == "learned"
    assert_node_whole(nodes.home(ALPHA), BETA)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.getuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a tmpfs needs root")
    mount = tmp_path / "small"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(mount)], check=False).returncode:
        pytest.skip("this container may not mount a tmpfs")
    try:
        yield mount
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def _fill(folder: Path, left_bytes: int) -> Path:
    """A file that leaves so much room on the disk."""
    ballast = folder / "ballast"
    room = os.statvfs(folder)
    with ballast.open("wb") as file:
        file.write(bytes(max(0, room.f_bavail * room.f_frsize - left_bytes)))
    return ballast


@pytest.mark.parametrize("left_bytes", [0, 16_384, 65_536, 150_000])
def test_log_on_a_disk_that_really_fills_up_is_whole_at_every_size(small_disk: Path, left_bytes: int) -> None:
    member = StoredMember(small_disk / "mill", "mill")
    file = member.folder / CHECKPOINT_FILE
    member.write(5)
    member.checkpoints.sign()
    ballast = _fill(small_disk, left_bytes)
    written = 5
    with pytest.raises(StorageError) as caught:  # noqa: PT012 - whichever of the two meets the end
        while True:
            member.log.append(*[Entry("failed", "farm", note="x" * 2000)] * 7)
            written += 7
            member.checkpoints.sign()
    assert "space" in (caught.value.hint or "")
    assert member.log.size() == written
    assert_log_whole(member.database, member.log)
    member.database.close()
    ballast.unlink()
    member.open()
    entries = assert_log_whole(member.database, member.log)
    assert len(entries) == written
    assert_checkpoints_fit(member.checkpoints, file, entries)
    member.write()
    assert decode_note(file.read_bytes()) != member.checkpoints.sign()
    assert_checkpoints_fit(member.checkpoints, file, assert_log_whole(member.database, member.log))
    member.database.close()
