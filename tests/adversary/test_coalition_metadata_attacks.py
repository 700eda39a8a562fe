"""Attacks on the coalition's metadata: old states, withheld ones, mixed ones, two histories, a stolen key."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tuf.api.metadata import MetaFile

from coalition_founders import (
    TERMS_TEXT,
    Parts,
    Repository,
    Victim,
    authorities_pem,
    edited,
    founder,
    key,
    later,
    signed,
    store_of,
    target_parts,
    versions,
)
from coalition_members import ACME, BIRCH, CEDAR, coalition
from symbolon.errors import MembershipError
from symbolon.membership.coalition_roles import (
    MAX_VERSION,
    TARGETS_VALIDITY,
    TIMESTAMP_VALIDITY,
    make_root,
    make_snapshot,
    make_targets,
    make_timestamp,
    root_fingerprint,
)
from symbolon.membership.coalition_store import CoalitionStore
from symbolon.membership.member import CoalitionId
from symbolon.membership.member_record import Members
from symbolon.membership.members_document import encode_members


@pytest.fixture
def victim(tmp_path: Path) -> Victim:
    repository = Repository()
    folder = tmp_path / "coalition"
    return Victim(folder, repository, store_of(folder, repository))


def timestamp_parts(repository: Repository, version: int, names: int, *signers: Any) -> Parts:
    """A timestamp of a version that names a snapshot of a version."""
    document = make_timestamp(version, names, repository.now + TIMESTAMP_VALIDITY)
    return {"timestamp.json": signed(document, *signers)}


def forged_state(repository: Repository, members: Members, timestamp_version: int, *signers: Any) -> Parts:
    """A whole state with any content, all of it signed by these keys."""
    version = members.version
    files = (encode_members(members), authorities_pem(), TERMS_TEXT)
    targets = make_targets(*files, version, repository.now + TARGETS_VALIDITY)
    snapshot = make_snapshot(version, repository.now + TIMESTAMP_VALIDITY)
    return (
        {f"{version}.targets.json": signed(targets, *signers)}
        | {f"{version}.snapshot.json": signed(snapshot, *signers)}
        | timestamp_parts(repository, timestamp_version, version, *signers)
        | target_parts(*files)
    )


# Old states in the place of the new one


def test_rollback_to_an_older_state_is_refused(victim: Victim) -> None:
    old = victim.repository.all_parts
    victim.store.absorb(victim.repository.publish())
    assert victim.refuses(old) == "rollback"


def test_rollback_over_a_restart_is_refused(victim: Victim) -> None:
    old = victim.repository.all_parts
    victim.store.absorb(victim.repository.publish())
    assert victim.restarted().refuses(old) == "rollback"


def test_rollback_seen_by_another_process_is_refused(victim: Victim) -> None:
    old = victim.repository.all_parts
    victim.restarted().store.absorb(victim.repository.publish())
    assert victim.refuses(old) == "rollback"


def test_rollback_after_the_held_state_expired_is_refused(victim: Victim) -> None:
    """Out of time is not out of mind: what was seen still counts."""
    repository = victim.repository
    old = repository.all_parts
    later(repository, days=3)
    victim.store.absorb(repository.publish())
    later(repository, days=3.5)
    assert victim.refuses(old) == "rollback"
    later(repository, days=5)
    assert victim.refuses(old) == "rollback"


def test_rollback_behind_a_newer_timestamp_is_refused(victim: Victim) -> None:
    """A thief of one metadata key: a new timestamp that names the snapshot before the expulsion."""
    repository = victim.repository
    old = repository.all_parts
    victim.store.absorb(repository.publish())
    forged = timestamp_parts(repository, 99, 1, key(CEDAR, "metadata"))
    assert victim.refuses(old | forged) == "rollback"


def test_rollback_behind_a_new_root_that_drops_the_last_signer_is_refused(victim: Victim) -> None:
    """TUF forgets a timestamp and a snapshot whose keys are gone; targets must not go back even so."""
    repository = victim.repository
    old = dict(repository.parts)
    repository.signers = [key(CEDAR, "metadata"), key(ACME, "metadata"), key(BIRCH, "metadata")]
    victim.store.absorb(repository.publish())
    repository.rotate([founder(ACME), founder(BIRCH)])
    assert victim.refuses(repository.root_parts() | old) == "rollback"
    victim.store.absorb(repository.all_parts)
    assert versions(victim.store)[:2] == (2, 2)


def test_rollback_of_root_is_without_effect(victim: Victim) -> None:
    """The old root would bring the expelled founder's key back; it is not even looked at."""
    repository = victim.repository
    first = repository.roots[0]
    victim.store.absorb(repository.rotate([founder(ACME), founder(BIRCH)]))
    by_cedar = timestamp_parts(repository, 99, 1, key(CEDAR, "metadata"))
    assert victim.refuses({"1.root.json": first} | by_cedar) == "signatures"
    assert victim.restarted().refuses({"1.root.json": first, "3.root.json": first} | by_cedar) == "root"
    renamed = {"1.root.json": first, "2.root.json": first, "root.json": first}
    assert victim.refuses(renamed) == "malformed"


def test_rollback_another_root_of_a_version_that_is_held_is_without_effect(victim: Victim) -> None:
    repository = victim.repository
    victim.store.absorb(repository.rotate())
    other = make_root(2, [founder(ACME), founder(BIRCH)], 2, repository.now)
    other = signed(other, key(ACME, "root"), key(BIRCH, "root"))
    held = victim.store.state()
    assert victim.store.absorb({"2.root.json": other}) is held


# Withholding


def test_freeze_withheld_metadata_stops_holding_at_expiry(victim: Victim) -> None:
    repository = victim.repository
    frozen = repository.all_parts
    later(repository, days=7)
    with pytest.raises(MembershipError) as caught:
        victim.store.state().require_fresh(repository.now)
    assert caught.value.full_code == "membership.expired"
    assert victim.refuses(frozen) == "expired"


def test_freeze_at_a_newcomer_is_refused(victim: Victim, tmp_path: Path) -> None:
    repository = victim.repository
    frozen = repository.all_parts
    later(repository, days=8)
    newcomer = CoalitionStore(tmp_path / "newcomer", lambda: repository.now)
    with pytest.raises(MembershipError) as caught:
        newcomer.bootstrap(repository.roots[0], root_fingerprint(repository.roots[0]), frozen)
    assert caught.value.full_code == "membership.metadata.expired"
    with pytest.raises(MembershipError) as caught:
        newcomer.state()
    assert caught.value.full_code == "membership.metadata.missing"


def test_freeze_with_a_stolen_key_that_signs_for_years_is_refused(victim: Victim) -> None:
    repository = victim.repository
    thief = key(CEDAR, "metadata")
    for_years = repository.now + timedelta(days=3650)
    timestamp = {"timestamp.json": signed(make_timestamp(2, 1, for_years), thief)}
    assert victim.refuses(timestamp) == "validity"
    repository.sign_again()
    snapshot = {"1.snapshot.json": signed(make_snapshot(1, for_years), thief)}
    assert victim.refuses(repository.parts | snapshot) == "validity"


def test_freeze_by_a_new_timestamp_over_an_expired_snapshot_is_refused(victim: Victim) -> None:
    repository = victim.repository
    old = {"1.snapshot.json": repository.parts["1.snapshot.json"]}
    later(repository, days=8)
    timestamp = timestamp_parts(repository, 2, 1, key(ACME, "metadata"))
    assert victim.refuses(timestamp | old) == "expired"
    assert victim.refuses(timestamp) == "mismatch"


def test_expired_root_holds_nothing_until_a_new_one(victim: Victim) -> None:
    repository = victim.repository
    later(repository, days=2 * 365)
    repository.publish()
    assert victim.refuses(repository.parts) == "expired"
    later(repository, seconds=1)
    victim.store.absorb(repository.rotate())
    victim.store.state().require_fresh(repository.now)


# Parts of different states


def test_mix_of_a_new_timestamp_and_old_targets_is_refused(victim: Victim) -> None:
    repository = victim.repository
    old = dict(repository.parts)
    new = repository.publish()
    assert victim.refuses(old | {"timestamp.json": new["timestamp.json"]}) == "mismatch"


@pytest.mark.parametrize("role", ["snapshot", "targets"])
def test_mix_of_old_metadata_under_a_new_name_is_refused(victim: Victim, role: str) -> None:
    repository = victim.repository
    old = repository.parts[f"1.{role}.json"]
    assert victim.refuses(repository.publish() | {f"2.{role}.json": old}) == "mismatch"


@pytest.mark.parametrize("name", ["members.json", "authorities.pem", "terms.txt"])
def test_mix_of_another_target_file_is_refused(victim: Victim, name: str) -> None:
    repository = victim.repository
    repository.terms, repository.authorities = b"New terms.\n", authorities_pem() * 2
    parts = repository.publish()
    (full_name,) = (each for each in parts if each.endswith(f".{name}"))
    content = parts.pop(full_name)
    for other in (content[:-1] + b"X", content + b" ", content[:-1], b""):
        assert victim.refuses(parts | {full_name: other}) == "mismatch"
    assert victim.refuses(parts) == "mismatch"


def test_mix_of_a_snapshot_that_names_another_targets_version_is_refused(victim: Victim) -> None:
    """One key signs snapshots, so what it may say beside the version it has is nothing."""
    repository = victim.repository
    repository.publish()

    def skewed(snapshot: Any) -> None:
        snapshot.meta["targets.json"] = MetaFile(2)
        snapshot.version = 3

    snapshot = edited(repository.parts["2.snapshot.json"], skewed, key(ACME, "metadata"))
    parts = {"3.snapshot.json": snapshot} | timestamp_parts(repository, 9, 3, key(ACME, "metadata"))
    assert victim.refuses(repository.parts | parts) == "mismatch"


# Founders who sign two histories


def test_fork_of_one_version_is_refused_and_told(victim: Victim) -> None:
    repository = victim.repository
    forked = Repository()
    victim.store.absorb(repository.publish(purposes=("remediation",)))
    forked.publish()
    assert victim.refuses(forked.all_parts) == "fork"
    assert victim.restarted().refuses(forked.sign_again() | forked.parts) == "fork"


def test_fork_that_is_not_signed_is_no_false_alarm(victim: Victim) -> None:
    repository = victim.repository
    evil = forged_state(repository, coalition(version=1, terms_version="2026-2"), 9, key(ACME, "metadata"))
    assert victim.refuses(evil) == "signatures"


def test_fork_whose_base_is_another_version_is_refused(victim: Victim) -> None:
    parts = victim.repository.publish(previous=hashlib.sha256(b"another history").digest())
    assert victim.refuses(parts) == "fork"


def test_coalition_of_another_name_is_refused(victim: Victim) -> None:
    assert victim.refuses(victim.repository.publish(coalition=CoalitionId("other-hands"))) == "mismatch"


def test_members_json_of_another_version_than_targets_is_refused(victim: Victim) -> None:
    repository = victim.repository
    parts = repository.publish()
    files = (encode_members(coalition(version=9)), authorities_pem(), TERMS_TEXT)
    targets = make_targets(*files, 2, repository.now + TARGETS_VALIDITY)
    parts |= {"2.targets.json": signed(targets, *repository.signers)} | target_parts(*files)
    assert victim.refuses(parts) == "mismatch"


@pytest.mark.parametrize(
    "change",
    [
        lambda targets: targets.unrecognized_fields.update(more=1),
        lambda targets: targets.targets["terms.txt"].unrecognized_fields.update(custom={}),
        lambda targets: setattr(targets, "spec_version", "1.0.99"),
    ],
)
def test_targets_that_say_more_than_they_may_are_refused(
    victim: Victim, change: Callable[[Any], object]
) -> None:
    parts = victim.repository.publish()
    parts["2.targets.json"] = edited(parts["2.targets.json"], change, *victim.repository.signers)
    assert victim.refuses(parts) == "malformed"


@pytest.mark.parametrize("role", ["snapshot", "timestamp"])
def test_metadata_of_one_stolen_key_that_says_more_than_it_may_is_refused(victim: Victim, role: str) -> None:
    """A hash would bind others to the thief's file; a further entry could name what nobody made."""
    repository = victim.repository
    repository.publish()
    name = "timestamp.json" if role == "timestamp" else "2.snapshot.json"

    def more(signed_part: Any) -> None:
        if role == "timestamp":
            signed_part.snapshot_meta.length = len(repository.parts["2.snapshot.json"])
        else:
            signed_part.meta["more.json"] = MetaFile(1)

    thief = key(CEDAR, "metadata")
    assert (
        victim.refuses(repository.parts | {name: edited(repository.parts[name], more, thief)}) == "malformed"
    )


# A stolen key that pushes the version up


def test_fast_forward_by_a_stolen_key_is_undone_by_new_root_keys(victim: Victim) -> None:
    repository = victim.repository
    thief = key(CEDAR, "metadata")
    victim.store.absorb(timestamp_parts(repository, MAX_VERSION, 1, thief))
    assert versions(victim.store) == (1, 1, MAX_VERSION)
    # What holds: the members are as they were, and the freeze ends by itself within a week.
    assert victim.store.state().members == repository.members
    assert victim.refuses(repository.publish()) == "rollback"
    # The founders give cedar a new key; no timestamp of the old one counts any more.
    recovery = repository.rotate([founder(ACME), founder(BIRCH), founder(CEDAR, 1)])
    victim.store.absorb(recovery)
    assert versions(victim.store) == (2, 2, 3)
    assert victim.refuses(timestamp_parts(repository, MAX_VERSION, 2, thief)) == "signatures"
    victim.store.absorb(repository.publish())
    assert versions(victim.store) == (2, 3, 4)


def test_fast_forward_of_snapshot_and_targets_by_a_stolen_key_is_refused(victim: Victim) -> None:
    repository = victim.repository
    ahead = forged_state(repository, coalition(version=MAX_VERSION), 9, key(CEDAR, "metadata"))
    assert victim.refuses(ahead) == "signatures"
    del ahead[f"{MAX_VERSION}.targets.json"]
    assert victim.refuses(ahead) == "mismatch"
