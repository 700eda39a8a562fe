import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from tuf.api.metadata import Metadata, Root, Targets

from coalition_founders import edited, founder, key, signed
from coalition_members import ACME, BIRCH, CEDAR, DELTA, NOW
from symbolon.errors import MembershipError
from symbolon.membership.coalition_roles import (
    MAX_FOUNDERS,
    MAX_VERSION,
    ROOT_VALIDITY,
    TARGETS_VALIDITY,
    Founder,
    Missing,
    key_id,
    make_root,
    make_snapshot,
    make_targets,
    make_timestamp,
    missing_signatures,
    parse_metadata,
    read_root,
    root_fingerprint,
    signature_over,
    with_signatures,
)
from symbolon.membership.member import MemberId

THREE = tuple(founder(each) for each in (ACME, BIRCH, CEDAR))
EXPIRES = NOW + TARGETS_VALIDITY


def targets(version: int = 5) -> bytes:
    return make_targets(b"members", b"authorities", b"terms", version, EXPIRES)


def refused(root: bytes) -> MembershipError:
    with pytest.raises(MembershipError) as caught:
        read_root(root)
    return caught.value


def test_make_root_names_the_roles_of_the_coalition() -> None:
    root = Metadata[Root].from_bytes(make_root(4, THREE, 2, NOW)).signed
    assert root.version == 4
    assert root.consistent_snapshot is True
    assert root.expires == NOW + ROOT_VALIDITY
    assert {name: (len(each.keyids), each.threshold) for name, each in root.roles.items()} == {
        "root": (3, 2),
        "targets": (3, 2),
        "snapshot": (3, 1),
        "timestamp": (3, 1),
    }
    assert len(root.keys) == 6
    assert set(root.roles["root"].keyids).isdisjoint(root.roles["targets"].keyids)
    assert root.roles["targets"].keyids == root.roles["snapshot"].keyids == root.roles["timestamp"].keyids


def test_make_root_in_any_order_gives_the_same_bytes() -> None:
    assert make_root(1, THREE, 2, NOW) == make_root(1, THREE[::-1], 2, NOW)
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5))) + timedelta(microseconds=7)
    assert make_root(1, THREE, 2, NOW) == make_root(1, THREE, 2, elsewhere)


def test_read_root_returns_what_it_was_made_from() -> None:
    root = signed(make_root(4, THREE, 3, NOW), key(ACME, "root"))
    record = read_root(root)
    assert (record.version, record.founders, record.threshold) == (4, THREE, 3)
    assert record.expires == NOW + ROOT_VALIDITY
    assert read_root(root).founders == THREE


@pytest.mark.parametrize(
    ("count", "threshold"), [(1, 0), (1, 2), (2, 1), (3, 1), (3, 4), (4, 2), (5, 2), (5, 6), (3, True)]
)
def test_make_root_threshold_that_is_no_majority_is_refused(count: int, threshold: int) -> None:
    founders = [founder(MemberId(f"founder-{number}")) for number in range(count)]
    with pytest.raises(MembershipError) as caught:
        make_root(1, founders, threshold, NOW)
    assert caught.value.full_code == "membership.metadata.root"


@pytest.mark.parametrize(
    "founders",
    [
        (),
        (THREE[0], THREE[0]),
        (THREE[0], replace(THREE[1], metadata_key=THREE[0].metadata_key)),
        (THREE[0], replace(THREE[1], root_key=THREE[0].metadata_key)),
        (replace(THREE[0], metadata_key=THREE[0].root_key),),
        tuple(founder(MemberId(f"founder-{number}")) for number in range(MAX_FOUNDERS + 1)),
    ],
    ids=["nobody", "twice", "shared", "crossed", "one-key", "too-many"],
)
def test_make_root_founders_who_share_keys_or_names_are_refused(founders: tuple[Founder, ...]) -> None:
    with pytest.raises(MembershipError) as caught:
        make_root(1, founders, max(1, len(founders)), NOW)
    assert caught.value.full_code == "membership.metadata.root"


@pytest.mark.parametrize("version", [0, -1, MAX_VERSION + 1, True])
def test_make_version_out_of_range_is_refused(version: int) -> None:
    for make in (
        lambda: make_root(version, THREE, 2, NOW),
        lambda: targets(version),
        lambda: make_snapshot(version, EXPIRES),
        lambda: make_timestamp(version, 1, EXPIRES),
        lambda: make_timestamp(1, version, EXPIRES),
    ):
        with pytest.raises(MembershipError) as caught:
            make()
        assert caught.value.full_code == "membership.metadata.malformed"


def rename_a_key(root: Root) -> None:
    """A second name for a key that is there would let one holder sign twice."""
    again = root.keys[root.roles["root"].keyids[0]]
    root.keys["0" * 64] = type(again)("0" * 64, again.keytype, again.scheme, again.keyval)
    root.roles["root"].keyids[1] = "0" * 64


@pytest.mark.parametrize(
    "change",
    [
        rename_a_key,
        lambda root: setattr(root, "consistent_snapshot", False),
        lambda root: setattr(root.roles["targets"], "threshold", 1),
        lambda root: setattr(root.roles["timestamp"], "threshold", 2),
        lambda root: setattr(root.roles["root"], "threshold", 1),
        lambda root: setattr(root.roles["targets"], "keyids", root.roles["root"].keyids),
        lambda root: setattr(root, "spec_version", "1.0.30"),
        lambda root: root.roles["snapshot"].keyids.pop(),
        lambda root: root.keys.pop(root.roles["root"].keyids[0]),
        lambda root: root.unrecognized_fields.update(more=1),
        lambda root: root.unrecognized_fields.clear(),
        lambda root: root.unrecognized_fields.update({"x-symbolon-founders": []}),
        lambda root: root.unrecognized_fields["x-symbolon-founders"].update(acme={}),
        lambda root: root.unrecognized_fields["x-symbolon-founders"].update({"../..": {}}),
        lambda root: root.unrecognized_fields["x-symbolon-founders"].pop("acme"),
        lambda root: root.unrecognized_fields["x-symbolon-founders"]["acme"].update(root="00"),
        lambda root: root.unrecognized_fields["x-symbolon-founders"]["acme"].update(
            root_unrecognized=root.roles["root"].keyids[0]
        ),
    ],
)
def test_read_root_in_another_form_is_refused(change) -> None:
    assert refused(edited(make_root(1, THREE, 2, NOW), change)).full_code == "membership.metadata.root"


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b"[" * 100_000, targets()])
def test_read_root_of_something_else_is_refused(content: bytes) -> None:
    assert refused(content).full_code == "membership.metadata.root"


@pytest.mark.parametrize("version", [1.5, 1e400, "1", [], "\ud800"])
def test_parse_metadata_odd_values_are_malformed(version: object) -> None:
    content = json.loads(targets())
    content["signed"]["version"] = version
    with pytest.raises(MembershipError) as caught:
        parse_metadata(Targets, json.dumps(content).encode())
    assert caught.value.full_code == "membership.metadata.malformed"


def test_make_targets_by_two_founders_is_the_same_and_binds_every_file() -> None:
    assert targets() == make_targets(
        b"members", b"authorities", b"terms", 5, EXPIRES.astimezone(UTC) + timedelta(microseconds=9)
    )
    parsed = Metadata[Targets].from_bytes(targets()).signed
    assert {name: (each.length, each.hashes) for name, each in parsed.targets.items()} == {
        name: (len(content), {"sha256": hashlib.sha256(content).hexdigest()})
        for name, content in {
            "members.json": b"members",
            "authorities.pem": b"authorities",
            "terms.txt": b"terms",
        }.items()
    }
    assert parsed.delegations is None


def test_make_targets_bytes_stay_the_same_over_versions_of_the_library() -> None:
    """Founders whose nodes differ in age sign the same bytes; a change here splits a coalition."""
    expires = datetime(2027, 3, 1, tzinfo=UTC)
    assert make_timestamp(9, 5, expires) == (
        b'{"signatures":[],"signed":{"_type":"timestamp","expires":"2027-03-01T00:00:00Z",'
        b'"meta":{"snapshot.json":{"version":5}},"spec_version":"1.0.31","version":9}}'
    )
    assert make_snapshot(5, expires) == (
        b'{"signatures":[],"signed":{"_type":"snapshot","expires":"2027-03-01T00:00:00Z",'
        b'"meta":{"targets.json":{"version":5}},"spec_version":"1.0.31","version":5}}'
    )
    digest = hashlib.sha256(b"").hexdigest()
    entry = b'{"hashes":{"sha256":"' + digest.encode() + b'"},"length":0}'
    assert make_targets(b"", b"", b"", 5, expires) == (
        b'{"signatures":[],"signed":{"_type":"targets","expires":"2027-03-01T00:00:00Z",'
        b'"spec_version":"1.0.31","targets":{"authorities.pem":'
        + entry
        + b',"members.json":'
        + entry
        + b',"terms.txt":'
        + entry
        + b'},"version":5}}'
    )


def test_signature_over_is_independent_of_other_signatures() -> None:
    mine = signature_over(targets(), key(ACME, "metadata"))
    assert signature_over(signed(targets(), key(BIRCH, "metadata")), key(ACME, "metadata")) == mine
    assert mine[0] == key_id(THREE[0].metadata_key)
    assert len(mine[1]) == 64


def test_with_signatures_in_any_order_gives_the_same_bytes() -> None:
    first, second = (signature_over(targets(), key(each, "metadata")) for each in (ACME, BIRCH))
    both = with_signatures(targets(), [first, second])
    assert with_signatures(with_signatures(targets(), [second]), [first]) == both
    assert root_fingerprint(make_root(1, THREE, 2, NOW)) == root_fingerprint(
        signed(make_root(1, THREE, 2, NOW), key(ACME, "root"))
    )


def test_with_signatures_of_another_length_is_refused() -> None:
    with pytest.raises(MembershipError) as caught:
        with_signatures(targets(), [("00", bytes(63))])
    assert caught.value.full_code == "membership.metadata.malformed"


def test_missing_signatures_counts_those_that_hold() -> None:
    root = make_root(1, THREE, 2, NOW)
    assert missing_signatures(root, "targets", targets()) == (Missing(2, (ACME, BIRCH, CEDAR)),)
    once = signed(targets(), key(BIRCH, "metadata"))
    assert missing_signatures(root, "targets", once) == (Missing(1, (ACME, CEDAR)),)
    forged = with_signatures(once, [(key_id(THREE[0].metadata_key), bytes(64))])
    assert missing_signatures(root, "targets", forged) == (Missing(1, (ACME, CEDAR)),)
    stranger = signed(once, key(DELTA, "metadata"), key(ACME, "root"))
    assert missing_signatures(root, "targets", stranger) == (Missing(1, (ACME, CEDAR)),)
    assert missing_signatures(root, "targets", signed(once, key(CEDAR, "metadata"))) == ()
    timestamp = make_timestamp(1, 5, EXPIRES)
    assert missing_signatures(root, "timestamp", timestamp) == (Missing(1, (ACME, BIRCH, CEDAR)),)
    assert missing_signatures(root, "timestamp", signed(timestamp, key(CEDAR, "metadata"))) == ()


def test_missing_signatures_of_the_first_root_are_its_own() -> None:
    root = make_root(1, THREE[:1], 1, NOW)
    assert missing_signatures(root, "root", root) == (Missing(1, (ACME,)),)
    whole = signed(root, key(ACME, "root"))
    assert missing_signatures(whole, "root", whole) == ()


def test_missing_signatures_of_a_new_root_are_the_old_ones_and_its_own() -> None:
    old = make_root(1, THREE[:1], 1, NOW)
    new = make_root(2, THREE, 2, NOW)
    assert missing_signatures(old, "root", new) == (Missing(1, (ACME,)), Missing(2, (ACME, BIRCH, CEDAR)))
    by_old = signed(new, key(ACME, "root"))
    assert missing_signatures(old, "root", by_old) == (Missing(1, (BIRCH, CEDAR)),)
    by_new = signed(new, key(BIRCH, "root"), key(CEDAR, "root"))
    assert missing_signatures(old, "root", by_new) == (Missing(1, (ACME,)),)
    assert missing_signatures(old, "root", signed(by_old, key(CEDAR, "root"))) == ()


@pytest.mark.parametrize("version", [1, 3])
def test_missing_signatures_of_a_root_that_does_not_follow_is_refused(version: int) -> None:
    with pytest.raises(MembershipError) as caught:
        missing_signatures(make_root(1, THREE, 2, NOW), "root", make_root(version, THREE, 3, NOW))
    assert caught.value.full_code == "membership.metadata.root"


def test_missing_signatures_of_another_role_is_refused() -> None:
    with pytest.raises(MembershipError) as caught:
        missing_signatures(make_root(1, THREE, 2, NOW), "root", targets())
    assert caught.value.full_code == "membership.metadata.malformed"
