"""Attacks on the coalition's metadata by names, sizes and garbage."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tuf.api.metadata import TargetFile

from coalition_founders import (
    Repository,
    Victim,
    edited,
    store_of,
)
from symbolon.membership.coalition_parts import MAX_PARTS, part_limit_bytes


@pytest.fixture
def victim(tmp_path: Path) -> Victim:
    repository = Repository()
    folder = tmp_path / "coalition"
    return Victim(folder, repository, store_of(folder, repository))


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "../current/members.json",
        "/etc/passwd",
        "root.json",
        "current",
        ".lock",
        "",
        ".",
        "root_history/2.root.json",
        "2.root.json/..",
        "02.root.json",
        "0.root.json",
        "-1.root.json",
        "٢.root.json",
        "2.root.json\n",
        "2.root.json\0",
        "99999999999999999.root.json",
        "timestamp.json.",
        "1.timestamp.json",
        "members.json",
        "2.evil.json",
        f"{'0' * 64}.evil.json",
        f"{'A' * 64}.members.json",
        f"{'0' * 63}.members.json",
        f"{'0' * 64}.../members.json",
    ],
)
def test_name_that_no_part_has_is_refused(victim: Victim, tmp_path: Path, name: str) -> None:
    outside = sorted(each.name for each in tmp_path.iterdir())
    assert victim.refuses(victim.repository.publish() | {name: b"evil"}) == "malformed"
    assert sorted(each.name for each in tmp_path.iterdir()) == outside


@pytest.mark.parametrize("name", ["../../evil", "/tmp/evil", "current", "terms.txt/../../../evil"])
def test_name_of_a_target_that_leads_out_of_the_folder_is_never_written(
    victim: Victim, tmp_path: Path, name: str
) -> None:
    """Even enough founders cannot make a node write where they like."""
    repository = victim.repository
    parts = repository.publish()

    def more(targets: Any) -> None:
        targets.targets[name] = TargetFile.from_data(name, b"evil", ["sha256"])

    parts["2.targets.json"] = edited(parts["2.targets.json"], more, *repository.signers)
    assert victim.refuses(parts) == "malformed"
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize("name", ["members.json", "authorities.pem", "terms.txt"])
def test_hash_that_is_a_path_is_refused(victim: Victim, name: str) -> None:
    repository = victim.repository
    parts = repository.publish()

    def path(targets: Any) -> None:
        targets.targets[name].hashes = {"sha256": "../../../etc/passwd"}

    parts["2.targets.json"] = edited(parts["2.targets.json"], path, *repository.signers)
    assert victim.refuses(parts) == "mismatch"


@pytest.mark.parametrize(
    "name",
    [
        "timestamp.json",
        "2.root.json",
        "2.snapshot.json",
        "2.targets.json",
        f"{'0' * 64}.members.json",
        f"{'0' * 64}.authorities.pem",
        f"{'0' * 64}.terms.txt",
    ],
)
def test_oversized_part_is_refused_before_it_is_parsed(victim: Victim, name: str) -> None:
    parts = victim.repository.publish()
    # So deep that parsing would fail otherwise.
    assert victim.refuses(parts | {name: b"[" * (part_limit_bytes(name) + 1)}) == "too_large"


def test_oversized_target_that_enough_founders_signed_is_refused(victim: Victim) -> None:
    repository = victim.repository
    parts = repository.publish()

    def long(targets: Any) -> None:
        targets.targets["terms.txt"] = TargetFile(1 << 40, {"sha256": "0" * 64}, "terms.txt")

    parts["2.targets.json"] = edited(parts["2.targets.json"], long, *repository.signers)
    assert victim.refuses(parts) == "too_large"


def test_endless_parts_are_refused_before_one_is_read(victim: Victim) -> None:
    class Endless(Mapping[str, bytes]):
        def __len__(self) -> int:
            return MAX_PARTS + 1

        def __iter__(self) -> Any:
            raise AssertionError("looked into")

        def __getitem__(self, name: str) -> bytes:
            raise AssertionError("looked into")

    assert victim.refuses(Endless()) == "too_large"
    roots = {f"{number}.root.json": b"{}" for number in range(2, MAX_PARTS + 3)}
    assert victim.refuses(roots) == "too_large"


@pytest.mark.parametrize("content", [b"", b"{}", b"null", b"\xff", b"[" * 9000, b'{"signed":{}}', b"1e999"])
@pytest.mark.parametrize("name", ["timestamp.json", "2.root.json", "2.snapshot.json", "2.targets.json"])
def test_garbage_in_the_place_of_a_part_is_refused(victim: Victim, name: str, content: bytes) -> None:
    assert victim.refuses(victim.repository.publish() | {name: content}) in {"malformed", "root"}
