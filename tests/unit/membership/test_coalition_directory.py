from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from coalition_founders import Repository, later, store_of
from coalition_members import DELTA, leaf
from symbolon.errors import MembershipError
from symbolon.membership.certificates import certificate_fingerprint
from symbolon.membership.coalition_directory import CoalitionDirectory
from symbolon.membership.coalition_store import CoalitionStore
from symbolon.membership.member_record import Expelled, Members


@pytest.fixture
def repository() -> Repository:
    return Repository()


@pytest.fixture
def store(tmp_path: Path, repository: Repository) -> CoalitionStore:
    return store_of(tmp_path / "coalition", repository)


@pytest.fixture
def directory(tmp_path: Path, store, repository: Repository) -> CoalitionDirectory:
    """Of another process of the node than the store that the tests change."""
    again = CoalitionStore(tmp_path / "coalition", lambda: repository.now)
    return CoalitionDirectory(again, lambda: repository.now)


def without(members: Members, member_id: str) -> dict[str, object]:
    return {
        "members": tuple(each for each in members.members if each.member_id != member_id),
        "expelled": (Expelled(DELTA, date(2026, 3, 1), "sold the data"),),
    }


def refused(directory: CoalitionDirectory, repository: Repository, member_id: str = DELTA) -> str:
    with pytest.raises(MembershipError) as caught:
        directory.require(member_id, certificate_fingerprint(leaf(DELTA)), repository.now)
    return caught.value.full_code


def test_require_current_member_returns_its_record(directory, repository: Repository) -> None:
    record = directory.require(DELTA, certificate_fingerprint(leaf(DELTA)), repository.now)
    assert record == repository.members.find(DELTA)
    assert directory.current() == repository.members


def test_require_stranger_or_another_certificate_is_refused(directory, repository: Repository) -> None:
    assert refused(directory, repository, "mallory") == "membership.unknown"
    assert refused(directory, repository, "acme") == "membership.fingerprint"


def test_require_expelled_member_is_refused_at_the_next_question(
    directory, store, repository: Repository
) -> None:
    directory.require(DELTA, certificate_fingerprint(leaf(DELTA)), repository.now)
    store.absorb(repository.publish(**without(repository.members, DELTA)))
    assert refused(directory, repository) == "membership.expelled"


def test_require_lapsed_member_is_refused_without_a_new_state(
    directory, store, repository: Repository
) -> None:
    record = repository.members.find(DELTA)
    assert record is not None
    vetting = replace(record.due_diligence.vetting, lapses=(repository.now + timedelta(days=2)).date())
    lapsing = replace(record, due_diligence=replace(record.due_diligence, vetting=vetting))
    others = [each for each in repository.members.members if each.member_id != DELTA]
    store.absorb(repository.publish(members=(*others, lapsing)))
    later(repository, days=1)
    directory.require(DELTA, certificate_fingerprint(leaf(DELTA)), repository.now)
    later(repository, days=1)
    assert refused(directory, repository) == "membership.lapsed.vetting"


def test_every_question_after_expiry_is_refused_until_a_new_state(
    directory, store, repository: Repository
) -> None:
    directory.current()
    later(repository, days=7)
    assert refused(directory, repository) == "membership.expired"
    with pytest.raises(MembershipError) as caught:
        directory.current()
    assert caught.value.full_code == "membership.expired"
    store.absorb(repository.sign_again())
    directory.require(DELTA, certificate_fingerprint(leaf(DELTA)), repository.now)


def test_every_question_without_a_state_is_refused(tmp_path: Path, repository: Repository) -> None:
    directory = CoalitionDirectory(
        CoalitionStore(tmp_path / "none", lambda: repository.now), lambda: repository.now
    )
    assert refused(directory, repository) == "membership.metadata.missing"


def test_unchanged_state_is_read_from_the_disk_once(
    directory, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.current()

    def unexpected(folder: Path) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr("symbolon.membership.coalition_store.load_state", unexpected)
    for path in (tmp_path / "coalition" / "current").iterdir():
        if not path.is_dir():
            path.unlink()
    assert directory.current() == repository.members


def test_questions_of_many_threads_while_the_state_changes_are_all_answered(
    directory, store, repository: Repository
) -> None:
    published = [repository.publish() for _ in range(8)]

    def ask(_: int) -> int:
        directory.require(DELTA, certificate_fingerprint(leaf(DELTA)), repository.now)
        return directory.current().version

    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(ask, range(400))
        for parts in published:
            store.absorb(parts)
        assert all(1 <= each <= 9 for each in answers)
    assert directory.current().version == 9
