"""Who the members were, from a document alone: what vouches for it, and what is not believed."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from coalition_founders import Repository, edited, founder, key, later, store_of
from coalition_members import ACME, BIRCH, CEDAR, DELTA, member
from symbolon.errors import MembershipError
from symbolon.membership.canonical_json import encode_canonical
from symbolon.membership.coalition_document import (
    MAX_DOCUMENT_BYTES,
    coalition_document,
    read_coalition_document,
    verify_roots,
)
from symbolon.membership.coalition_roles import root_fingerprint
from symbolon.membership.member_record import Members
from symbolon.membership.members_document import encode_members


@pytest.fixture
def repository() -> Repository:
    return Repository()


def parts(repository: Repository) -> tuple[bytes, bytes]:
    """members.json and the targets metadata of the newest version."""
    named = repository.parts
    (members,) = (each for name, each in named.items() if name.endswith(".members.json"))
    return members, named[f"{repository.members.version}.targets.json"]


def document(repository: Repository) -> bytes:
    members, targets = parts(repository)
    return made(members, targets)


def made(members: bytes, targets: bytes) -> bytes:
    return encode_canonical({"members": members.decode(), "targets": targets.decode()})


def read(content: bytes, repository: Repository, roots: list[bytes] | None = None) -> Members:
    chain = verify_roots(roots or repository.roots, root_fingerprint(repository.roots[0]))
    return read_coalition_document(content, chain)


def refused(content: bytes, repository: Repository, roots: list[bytes] | None = None) -> str:
    with pytest.raises(MembershipError) as caught:
        read(content, repository, roots)
    return caught.value.full_code


def test_document_of_a_state_gives_its_members(tmp_path: Path, repository: Repository) -> None:
    state = store_of(tmp_path / "coalition", repository).state()
    content = coalition_document(state)
    assert content == document(repository)
    assert read(content, repository) == state.members == repository.members


def test_document_is_read_after_everything_in_it_has_expired(repository: Repository) -> None:
    """What was in force then is asked: two years later the file still says who the members were."""
    content = document(repository)
    later(repository, days=800)
    assert read(content, repository) == repository.members


def test_document_of_every_version_is_read_under_the_root_that_vouched_for_it(repository: Repository) -> None:
    seen = [(document(repository), repository.members)]
    repository.publish(purposes=("due-diligence",))
    seen.append((document(repository), repository.members))
    repository.rotate([founder(each, 1) for each in (ACME, BIRCH, CEDAR)])
    repository.publish(members=(*repository.members.members, member("elm")))
    seen.append((document(repository), repository.members))
    for content, members in seen:
        assert read(content, repository) == members
    # Without the second root nobody vouches for what was published under it.
    assert refused(seen[2][0], repository, repository.roots[:1]) == "membership.metadata.signatures"


def test_document_whose_members_were_changed_is_refused(repository: Repository) -> None:
    members, targets = parts(repository)
    without = replace(
        repository.members,
        members=tuple(each for each in repository.members.members if each.member_id != DELTA),
    )
    assert refused(made(encode_members(without), targets), repository) == "membership.metadata.mismatch"
    assert refused(made(members + b" ", targets), repository) == "membership.metadata.mismatch"


def test_document_whose_targets_too_few_founders_signed_is_refused(repository: Repository) -> None:
    members, targets = parts(repository)
    acme, strangers = key(ACME, "metadata"), (key(DELTA, "metadata"), key("mallory", "metadata"))
    for keys in ((), (acme,), strangers, (acme, *strangers), (acme, key(BIRCH, "root"))):
        forged = made(members, edited(targets, lambda _: None, *keys))
        assert refused(forged, repository) == "membership.metadata.signatures"


def test_document_of_two_versions_put_together_is_refused(repository: Repository) -> None:
    first_members, first_targets = parts(repository)
    repository.publish(purposes=("due-diligence",))
    second_members, second_targets = parts(repository)
    assert refused(made(first_members, second_targets), repository) == "membership.metadata.mismatch"
    assert refused(made(second_members, first_targets), repository) == "membership.metadata.mismatch"


def test_document_whose_targets_name_another_version_is_refused(repository: Repository) -> None:
    members, targets = parts(repository)

    def rename(content: Any) -> None:
        content.version += 1

    forged = edited(targets, rename, *repository.signers)
    assert refused(made(members, forged), repository) == "membership.metadata.mismatch"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        encode_canonical({"members": "", "targets": ""}),
        encode_canonical({"members": 1, "targets": []}),
        encode_canonical({"members": "\ud800", "targets": "\ud800"}),
        encode_canonical({"members": "", "targets": "", "more": ""}),
        b" " * (MAX_DOCUMENT_BYTES + 1),
    ],
)
def test_document_of_another_form_is_refused(repository: Repository, content: bytes) -> None:
    assert refused(content, repository).startswith("membership.")


def test_document_that_is_not_in_its_one_form_is_refused(repository: Repository) -> None:
    """Its SHA-256 stands in decisions: two forms would be two documents of one state."""
    content = document(repository)
    for other in (content + b"\n", content.rstrip(), content.replace(b'":"', b'": "', 1)):
        assert refused(other, repository) == "membership.malformed"


def test_document_under_no_root_is_refused(repository: Repository) -> None:
    with pytest.raises(MembershipError) as caught:
        read_coalition_document(document(repository), ())
    assert caught.value.full_code == "membership.metadata.signatures"


def test_roots_are_believed_from_the_trusted_one_on(repository: Repository) -> None:
    repository.rotate([founder(each, 1) for each in (ACME, BIRCH, CEDAR)])
    repository.rotate([founder(each, 2) for each in (ACME, BIRCH, CEDAR)])
    versions = [
        [each.version for each in verify_roots(repository.roots, root_fingerprint(trusted))]
        for trusted in repository.roots
    ]
    assert versions == [[1, 2, 3], [2, 3], [3]]


def test_roots_with_a_gap_or_in_another_order_are_refused(repository: Repository) -> None:
    repository.rotate([founder(each, 1) for each in (ACME, BIRCH, CEDAR)])
    repository.rotate([founder(each, 2) for each in (ACME, BIRCH, CEDAR)])
    first, second, third = repository.roots
    for chain in ([first, third], [first, third, second], [first, second, second], [first, first]):
        with pytest.raises(MembershipError) as caught:
            verify_roots(chain, root_fingerprint(first))
        assert caught.value.full_code == "membership.metadata.signatures"


def test_roots_of_others_are_refused(repository: Repository) -> None:
    stranger = Repository((ACME, BIRCH, DELTA), now=repository.now + timedelta(days=1))
    for chain in ([], stranger.roots):
        with pytest.raises(MembershipError) as caught:
            verify_roots(chain, root_fingerprint(repository.roots[0]))
        assert caught.value.full_code == "membership.metadata.root"
    with pytest.raises(MembershipError):
        verify_roots(repository.roots, b"")


def test_root_that_the_one_before_did_not_sign_is_refused(repository: Repository) -> None:
    """Who holds the newest keys alone cannot make a chain; nor can who holds the oldest."""
    others = [founder(each, 1) for each in (DELTA, CEDAR)]
    takeovers = {
        "by the new founders alone": [key(each.member_id, "root") for each in others],
        "by the old ones alone": [key(each, "root") for each in (ACME, BIRCH)],
    }
    for what, signers in takeovers.items():
        attacked = Repository()
        attacked.rotate(others, root_signers=signers)
        with pytest.raises(MembershipError) as caught:
            verify_roots(attacked.roots, root_fingerprint(attacked.roots[0]))
        assert caught.value.full_code == "membership.metadata.signatures", what
