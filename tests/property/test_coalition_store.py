import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from coalition_founders import Repository, later, store_of, versions
from coalition_members import ACME, BIRCH, CEDAR
from symbolon.errors import MembershipError
from symbolon.membership.coalition_roles import (
    MAX_VERSION,
    ROOT_VALIDITY,
    Founder,
    make_root,
    missing_signatures,
    read_root,
    signature_over,
    with_signatures,
)
from symbolon.membership.coalition_store import CoalitionStore
from symbolon.membership.member import MemberId

slugs = st.from_regex(r"[a-z0-9][a-z0-9-]{1,30}[a-z0-9]", fullmatch=True)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2900, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC)
)


def private_key(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(number.to_bytes(32))


def public_key(number: int) -> bytes:
    return private_key(number).public_key().public_bytes_raw()


@st.composite
def founders(draw: st.DrawFn) -> tuple[tuple[Founder, ...], int]:
    """Founders whose keys have the numbers 1, 2, 3, …, root before metadata; and a threshold."""
    ids = sorted(draw(st.sets(slugs, min_size=1, max_size=6)))
    made = tuple(
        Founder(MemberId(each), public_key(2 * at + 1), public_key(2 * at + 2)) for at, each in enumerate(ids)
    )
    return made, draw(st.integers(len(ids) // 2 + 1, len(ids)))


@given(founders(), st.integers(1, MAX_VERSION), moments)
def test_root_made_and_read_is_the_same(
    made: tuple[tuple[Founder, ...], int], version: int, now: datetime
) -> None:
    holders, threshold = made
    record = read_root(make_root(version, holders, threshold, now))
    assert (record.version, record.founders, record.threshold) == (version, holders, threshold)
    assert record.expires == now.replace(microsecond=0) + ROOT_VALIDITY


@given(founders(), st.data())
def test_missing_signatures_and_those_that_are_there_make_the_threshold(
    made: tuple[tuple[Founder, ...], int], data: st.DataObject
) -> None:
    holders, threshold = made
    root = make_root(1, holders, threshold, datetime(2026, 3, 1, tzinfo=UTC))
    signers = data.draw(st.sets(st.integers(0, len(holders) - 1)))
    signed = with_signatures(root, [signature_over(root, private_key(2 * each + 1)) for each in signers])
    missing = missing_signatures(root, "root", signed)
    assert bool(missing) == (len(signers) < threshold)
    for each in missing:
        assert each.count == threshold - len(signers)
        assert set(each.founders) == {
            founder.member_id for at, founder in enumerate(holders) if at not in signers
        }


def rotate_threshold(repository: Repository) -> None:
    repository.rotate(threshold=5 - repository.threshold)


STEPS: dict[str, Callable[[Repository], object]] = {
    "publish": lambda repository: repository.publish(purposes=(f"purpose-{repository.members.version}",)),
    "sign again": lambda repository: repository.sign_again(),
    "rotate": rotate_threshold,
    "a day": lambda repository: later(repository, days=1),
    "a week": lambda repository: later(repository, days=7),
}


class History:
    """Everything that the founders ever published, by name; a name may have had several contents."""

    def __init__(self) -> None:
        self.repository = Repository()
        self.parts: dict[str, list[bytes]] = {}
        self.members = {1: self.repository.members}
        self._note()

    def step(self, name: str) -> None:
        STEPS[name](self.repository)
        self.members[self.repository.members.version] = self.repository.members
        self._note()

    def _note(self) -> None:
        for name, content in self.repository.all_parts.items():
            known = self.parts.setdefault(name, [])
            if content not in known:
                known.append(content)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store that has taken in what founders publish first, which is the same each time."""
    folder = tmp_path_factory.mktemp("begun")
    store_of(folder, Repository())
    return folder


def store_in(folder: str | Path, begun: Path, history: History) -> CoalitionStore:
    """A store of its own that begins there."""
    shutil.copytree(begun, folder, symlinks=True, dirs_exist_ok=True)
    return CoalitionStore(Path(folder), lambda: history.repository.now)


def check(history: History, store: CoalitionStore, parts: dict[str, bytes]) -> None:
    before = versions(store)
    refused = False
    try:
        store.absorb(parts)
    except MembershipError:
        refused = True
    after = versions(store)
    assert not refused or after == before
    assert all(new >= old for new, old in zip(after, before, strict=True))
    assert store.state().members == history.members[after[1]]


@settings(max_examples=40)
@given(st.data())
def test_store_no_mix_of_old_and_new_parts_moves_any_version_back(begun: Path, data: st.DataObject) -> None:
    history = History()
    with tempfile.TemporaryDirectory() as folder:
        store = store_in(folder, begun, history)
        for _ in range(data.draw(st.integers(1, 6), label="rounds")):
            for step in data.draw(st.lists(st.sampled_from(sorted(STEPS)), max_size=4), label="steps"):
                history.step(step)
            chosen = data.draw(st.sets(st.sampled_from(sorted(history.parts))), label="names")
            parts = {
                name: history.parts[name][data.draw(st.integers(0, len(history.parts[name]) - 1))]
                for name in sorted(chosen)
            }
            check(history, store, parts)
            again = CoalitionStore(Path(folder), lambda: history.repository.now)
            assert versions(again) == versions(store)
        # Whatever was tried before, the newest state is still taken.
        repository = history.repository
        history.step("sign again")
        store.absorb(repository.all_parts)
        assert versions(store) == (
            len(repository.roots),
            repository.members.version,
            repository.timestamp_version,
        )
        store.state().require_fresh(repository.now)


@pytest.fixture(scope="module")
def rotated() -> History:
    history = History()
    for step in ("rotate", "publish"):
        history.step(step)
    return history


@settings(max_examples=60)
@given(st.data())
def test_store_altered_parts_never_say_what_no_founder_said(
    begun: Path, rotated: History, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = store_in(folder, begun, rotated)
        parts = rotated.repository.all_parts
        name = data.draw(st.sampled_from(sorted(parts)))
        content = bytearray(parts[name])
        at = data.draw(st.integers(0, len(content) - 1))
        length = data.draw(st.integers(0, 8))
        content[at : at + length] = data.draw(st.binary(max_size=8))
        check(rotated, store, parts | {name: bytes(content)})


@settings(max_examples=20)
@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=8), st.data())
def test_store_what_one_node_gives_brings_another_to_the_same_state(
    begun: Path, steps: list[str], data: st.DataObject
) -> None:
    history = History()
    with tempfile.TemporaryDirectory() as folder:
        behind = store_in(f"{folder}/behind", begun, history)
        ahead = store_in(f"{folder}/ahead", begun, history)
        for step in steps:
            history.step(step)
            if step != "a day" and step != "a week" and data.draw(st.booleans()):
                ahead.absorb(history.repository.all_parts)
        history.step("sign again")
        ahead.absorb(history.repository.all_parts)
        held = versions(behind)
        behind.absorb(ahead.parts_newer_than(held[0], held[2]))
        assert behind.state() == ahead.state()


def test_steps_leave_the_founders_of_the_double_as_they_were() -> None:
    """The property above holds for keys that stay; what new keys may undo is told among the attacks."""
    history = History()
    for step in STEPS:
        history.step(step)
    assert [each.member_id for each in history.repository.founders] == [ACME, BIRCH, CEDAR]
    assert history.repository.now - Repository().now == timedelta(days=8)
