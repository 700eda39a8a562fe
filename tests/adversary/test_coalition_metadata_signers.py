"""Attacks on the coalition's metadata by who may not sign it: too few, thieves, those who were removed."""

import json
from pathlib import Path
from typing import Any

import pytest

from coalition_founders import (
    Repository,
    Victim,
    edited,
    founder,
    key,
    signed,
    store_of,
)
from coalition_members import ACME, BIRCH, CEDAR, DELTA
from symbolon.errors import MembershipError
from symbolon.membership.coalition_roles import (
    make_root,
    root_fingerprint,
    signature_over,
    with_signatures,
)
from symbolon.membership.coalition_store import CoalitionStore


@pytest.fixture
def victim(tmp_path: Path) -> Victim:
    repository = Repository()
    folder = tmp_path / "coalition"
    return Victim(folder, repository, store_of(folder, repository))


# Signatures


def test_targets_with_one_of_two_signatures_are_refused(victim: Victim) -> None:
    victim.repository.signers = [key(ACME, "metadata")]
    assert victim.refuses(victim.repository.publish()) == "signatures"


def test_targets_signed_twice_by_one_key_are_refused(victim: Victim) -> None:
    repository = victim.repository
    repository.signers = [key(ACME, "metadata")]
    parts = repository.publish()
    once = json.loads(parts["2.targets.json"])
    twice = dict(once, signatures=once["signatures"] * 2)
    assert victim.refuses(parts | {"2.targets.json": json.dumps(twice).encode()}) == "malformed"
    by_birch, _ = signature_over(parts["2.targets.json"], key(BIRCH, "metadata"))
    _, by_acme = signature_over(parts["2.targets.json"], key(ACME, "metadata"))
    under_another_id = with_signatures(parts["2.targets.json"], [(by_birch, by_acme)])
    assert victim.refuses(parts | {"2.targets.json": under_another_id}) == "signatures"
    upper_case = with_signatures(parts["2.targets.json"], [(once["signatures"][0]["keyid"].upper(), by_acme)])
    assert victim.refuses(parts | {"2.targets.json": upper_case}) == "signatures"


def test_targets_signed_by_root_keys_are_refused(victim: Victim) -> None:
    victim.repository.signers = [key(ACME, "metadata"), key(BIRCH, "root"), key(CEDAR, "root")]
    assert victim.refuses(victim.repository.publish()) == "signatures"


def test_targets_signed_by_strangers_are_refused(victim: Victim) -> None:
    victim.repository.signers = [key(DELTA, "metadata"), key(DELTA, "root"), key(DELTA, "metadata", 2)]
    assert victim.refuses(victim.repository.publish()) == "signatures"


def test_targets_by_a_founder_that_a_newer_root_removed_are_refused(victim: Victim) -> None:
    repository = victim.repository
    victim.store.absorb(repository.rotate([founder(ACME), founder(BIRCH)]))
    repository.signers = [key(ACME, "metadata"), key(CEDAR, "metadata")]
    assert victim.refuses(repository.publish()) == "signatures"
    assert victim.restarted().refuses(repository.all_parts) == "signatures"


def test_targets_by_a_removed_founder_that_come_with_its_removal_are_refused(victim: Victim) -> None:
    repository = victim.repository
    repository.rotate([founder(ACME), founder(BIRCH)])
    repository.signers = [key(ACME, "metadata"), key(CEDAR, "metadata")]
    assert victim.refuses(repository.root_parts() | repository.publish()) == "signatures"


def test_signature_reused_from_another_kind_of_document_is_refused(victim: Victim) -> None:
    """One key signs snapshots, timestamps and its share of targets: each says in itself what it is."""
    repository = victim.repository
    parts = repository.publish()
    assert victim.refuses(parts | {"2.snapshot.json": parts["timestamp.json"]}) == "malformed"
    assert victim.refuses(parts | {"timestamp.json": parts["2.snapshot.json"]}) == "malformed"
    lent = {
        role: signature_over(parts[name], key(ACME, "metadata"))
        for role, name in (("snapshot", "2.snapshot.json"), ("timestamp", "timestamp.json"))
    }
    for name, role in (("2.snapshot.json", "timestamp"), ("timestamp.json", "snapshot")):
        bare = json.loads(parts[name]) | {"signatures": []}
        forged = with_signatures(json.dumps(bare).encode(), [lent[role]])
        assert victim.refuses(parts | {name: forged}) == "signatures"
    # The control: nothing else was wrong.
    assert victim.store.absorb(parts).targets_version == 2


def test_targets_of_signed_bytes_that_were_altered_are_refused(victim: Victim) -> None:
    parts = victim.repository.publish()
    altered = parts["2.targets.json"].replace(b"2027-", b"2028-")
    assert altered != parts["2.targets.json"]
    assert victim.refuses(parts | {"2.targets.json": altered}) == "signatures"


# Roots


@pytest.mark.parametrize("signers", [(ACME,), (ACME, BIRCH)])
def test_root_with_its_threshold_lowered_by_too_few_is_refused(
    tmp_path: Path, signers: tuple[Any, ...]
) -> None:
    repository = Repository(threshold=3)
    victim = Victim(tmp_path / "coalition", repository, store_of(tmp_path / "coalition", repository))
    by_few = [key(each, "root") for each in signers]
    assert victim.refuses(repository.rotate(threshold=2, root_signers=by_few)) == "signatures"


def test_root_below_a_majority_is_refused_whoever_signed_it(victim: Victim) -> None:
    repository = victim.repository

    def lowered(root: Any) -> None:
        root.roles["root"].threshold = root.roles["targets"].threshold = 1

    everybody = [key(each, "root") for each in (ACME, BIRCH, CEDAR)]
    evil = edited(make_root(2, repository.founders, 2, repository.now), lowered, *everybody)
    assert victim.refuses({"2.root.json": evil}) == "root"
    good = signed(make_root(3, repository.founders, 2, repository.now), key(ACME, "root"))
    assert victim.refuses({"2.root.json": evil, "3.root.json": good}) == "root"


def test_root_with_one_key_under_two_ids_is_refused_whoever_signed_it(victim: Victim) -> None:
    repository = victim.repository

    def doubled(root: Any) -> None:
        held = root.keys[root.roles["targets"].keyids[0]]
        root.keys["0" * 64] = type(held)("0" * 64, held.keytype, held.scheme, held.keyval)
        root.roles["targets"].keyids[1] = "0" * 64

    everybody = [key(each, "root") for each in (ACME, BIRCH, CEDAR)]
    evil = edited(make_root(2, repository.founders, 2, repository.now), doubled, *everybody)
    assert victim.refuses({"2.root.json": evil}) == "root"


def test_root_signed_by_its_own_keys_only_is_refused(victim: Victim) -> None:
    repository = victim.repository
    usurpers = [founder(DELTA)]
    parts = repository.rotate(usurpers, threshold=1, root_signers=[key(DELTA, "root")])
    assert victim.refuses(parts) == "signatures"


def test_root_signed_by_metadata_keys_is_refused(victim: Victim) -> None:
    thieves = [key(each, "metadata") for each in (ACME, BIRCH, CEDAR)]
    assert victim.refuses(victim.repository.rotate(root_signers=thieves)) == "signatures"


def test_root_that_skips_a_version_is_refused(victim: Victim) -> None:
    repository = victim.repository
    repository.rotate()
    parts = repository.rotate()
    assert victim.refuses({"2.root.json": parts["3.root.json"]}) == "root"
    held = victim.store.state()
    assert victim.store.absorb({"3.root.json": parts["3.root.json"]}) is held


def test_root_other_than_the_pinned_one_is_refused(victim: Victim, tmp_path: Path) -> None:
    """Who answers in the sponsor's place can make up a coalition, but not its fingerprint."""
    other = Repository(founders=(DELTA,), threshold=1)
    newcomer = CoalitionStore(tmp_path / "newcomer", lambda: other.now)
    pin = root_fingerprint(victim.repository.roots[0])
    for root in (other.roots[0], b"", b"{}", b"\xff"):
        with pytest.raises(MembershipError) as caught:
            newcomer.bootstrap(root, pin, other.all_parts)
        assert caught.value.full_code == "membership.metadata.root"
        assert "Stop" in (caught.value.hint or "")
    with pytest.raises(MembershipError) as caught:
        newcomer.bootstrap(b" " * 70_000, pin, other.all_parts)
    assert caught.value.full_code == "membership.metadata.too_large"
    with pytest.raises(MembershipError) as caught:
        newcomer.bootstrap(victim.repository.roots[0], pin, other.parts)
    assert caught.value.full_code == "membership.metadata.signatures"
    unsigned = make_root(1, victim.repository.founders, 2, victim.repository.now)
    with pytest.raises(MembershipError) as caught:
        newcomer.bootstrap(unsigned, pin, victim.repository.parts)
    assert caught.value.full_code == "membership.metadata.signatures"
