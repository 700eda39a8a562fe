"""A coalition of one: what its founder's node holds afterwards, and what is refused before it is written."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from coalition_members import ACME, BIRCH, COALITION, NOW, TERMS, member, vetting
from founder_nodes import own_leaf
from symbolon.errors import MembershipError
from symbolon.membership.authorities import Authorities
from symbolon.membership.certificates import certificate_fingerprint
from symbolon.membership.coalition_founding import found_coalition
from symbolon.membership.coalition_store import CoalitionStore
from symbolon.membership.founder_keys import (
    ROOT_KEY_FILE,
    FounderKeys,
    create_founder_keys,
    load_root_key,
)
from symbolon.membership.member_record import MemberRecord, Role, Status

TEXT = b"Nothing here is for the police.\n"
RECORD = member(ACME, (Role.FOUNDER,))


class Beginning:
    """A node before its coalition."""

    def __init__(self, folder: Path) -> None:
        self.store = CoalitionStore(folder / "coalition", lambda: NOW)
        self.keys: FounderKeys = create_founder_keys(folder / "founder", COALITION, ACME, NOW)
        self.other = create_founder_keys(folder / "other", COALITION, BIRCH, NOW)
        self.root_key = load_root_key(folder / "founder" / ROOT_KEY_FILE, self.keys.founder)
        self.other_root_key = load_root_key(folder / "other" / ROOT_KEY_FILE, self.other.founder)

        self.leaf = own_leaf(self.keys)

    def named(self, record: MemberRecord = RECORD) -> MemberRecord:
        """The entry, with the founder's own certificate."""
        return replace(record, certificates=(certificate_fingerprint(self.leaf),))

    def found(self, record: MemberRecord | None = None, **changes: Any) -> Any:
        options = {"root_key": self.root_key, "keys": self.keys, "leaf": self.leaf} | changes
        return found_coalition(
            self.store,
            options.pop("keys"),
            options.pop("root_key"),
            record or self.named(),
            options.pop("leaf"),
            **{
                "coalition": COALITION,
                "purposes": ("remediation", "due-diligence", "remediation"),
                "terms_version": TERMS,
                "terms": TEXT,
                "now": NOW,
                **options,
            },
        )


@pytest.fixture
def beginning(tmp_path: Path) -> Beginning:
    return Beginning(tmp_path)


def test_found_coalition_state_is_version_one_of_one_founder(beginning: Beginning) -> None:
    state = beginning.found()
    assert state == beginning.store.state()
    assert (state.root_version, state.targets_version, state.timestamp_version) == (1, 1, 1)
    assert state.founders == (beginning.keys.founder,)
    assert state.root.threshold == 1
    members = state.members
    assert (members.coalition, members.version, members.previous) == (COALITION, 1, bytes(32))
    assert members.purposes == ("due-diligence", "remediation")
    assert members.members == (beginning.named(),)
    assert (members.terms_version, state.terms) == (TERMS, TEXT)
    assert state.authorities_pem == Authorities.of([beginning.keys.authority_pem]).encode()
    state.require_fresh(NOW)
    state.require_bounded(NOW)


def test_found_coalition_can_be_taken_in_by_who_pins_its_root(beginning: Beginning, tmp_path: Path) -> None:
    state = beginning.found()
    store = CoalitionStore(tmp_path / "joining", lambda: NOW)
    parts = beginning.store.parts_newer_than(state.root_version, 0)
    assert store.bootstrap(state.root_bytes, state.root_sha256(), parts).members == state.members


def test_found_coalition_a_second_time_is_refused(beginning: Beginning) -> None:
    state = beginning.found()
    with pytest.raises(MembershipError) as caught:
        beginning.found()
    assert caught.value.full_code == "membership.metadata.exists"
    assert beginning.store.state() == state


def test_found_coalition_with_what_does_not_fit_is_refused_and_writes_nothing(beginning: Beginning) -> None:
    lapsed = replace(RECORD.due_diligence, vetting=vetting(lapses=date(2026, 3, 1)))
    cases: list[tuple[str, MemberRecord, dict[str, Any]]] = [
        ("membership.founder", member(BIRCH, (Role.FOUNDER,)), {}),
        ("membership.founder", member(ACME), {}),
        ("membership.founder", replace(RECORD, status=Status.SUSPENDED, reason="late"), {}),
        ("membership.root_key", RECORD, {"root_key": beginning.other_root_key}),
        ("membership.lapsed.vetting", replace(RECORD, due_diligence=lapsed), {}),
        ("membership.lapsed.terms", RECORD, {"terms_version": "2026-2"}),
        ("membership.lapsed.attestation", RECORD, {"now": NOW + timedelta(days=400)}),
        ("membership.proposal.terms", RECORD, {"terms": b" \n"}),
        ("membership.proposal.terms", RECORD, {"terms": b"\xff"}),
        ("membership.malformed", RECORD, {"purposes": ("Not A Purpose",)}),
        ("membership.malformed", RECORD, {"coalition": "Not A Name"}),
    ]
    for code, record, changes in cases:
        with pytest.raises(MembershipError) as caught:
            beginning.found(beginning.named(record), **changes)
        assert caught.value.full_code == code
        with pytest.raises(MembershipError) as caught:
            beginning.store.state()
        assert caught.value.full_code == "membership.metadata.missing"


def test_found_coalition_with_a_certificate_that_no_other_node_would_take_is_refused(
    beginning: Beginning,
) -> None:
    others = own_leaf(beginning.other, ACME)
    cases: list[tuple[str, bytes, bytes]] = [
        # Issued by another authority than the one that goes into authorities.pem.
        ("membership.certificate.issuer", others, others),
        ("membership.certificate.trust_domain", *[own_leaf(beginning.keys, coalition="elsewhere")] * 2),
        ("membership.founder", *[own_leaf(beginning.keys, BIRCH)] * 2),
        # The entry names another one than the one that was verified.
        ("membership.founder", beginning.leaf, others),
    ]
    for code, certificate, named in cases:
        record = replace(RECORD, certificates=(certificate_fingerprint(named),))
        with pytest.raises(MembershipError) as caught:
            beginning.found(record, leaf=certificate)
        assert caught.value.full_code == code
        with pytest.raises(MembershipError) as caught:
            beginning.store.state()
        assert caught.value.full_code == "membership.metadata.missing"
