"""Entries of the log: their fields, the commitments to them, and what opens one of them."""

import hashlib
import hmac
import os

import pytest

from symbolon.audit.entry import (
    FIELDS,
    SALT_BYTES,
    SALTS_BYTES,
    Entry,
    canonical_counts,
    commit,
    commitments,
    leaf_bytes,
    require_opening,
)
from symbolon.errors import AuditError

ENTRY = Entry(
    "answered",
    "brand",
    session="ab" * 16,
    mode="size",
    purpose="due-diligence",
    counts={"elements_B": 128, "elements_A": 64},
    note="allow-table-1",
)
AT_S = 1_800_000_000.9
VALUES = ENTRY.values(AT_S, "local")
SALTS = bytes(range(256)) + bytes(SALTS_BYTES - 256)


def salt_of(name: str) -> bytes:
    at = FIELDS.index(name)
    return SALTS[SALT_BYTES * at : SALT_BYTES * (at + 1)]


def code_of(caught: pytest.ExceptionInfo[AuditError]) -> str:
    return caught.value.full_code


def test_entry_values_are_all_fields_in_ascending_order_and_text() -> None:
    assert tuple(VALUES) == FIELDS == tuple(sorted(FIELDS))
    assert VALUES["counts"] == '{"elements_A":64,"elements_B":128}'
    assert VALUES["hour"] == "500000"
    assert (VALUES["operator"], VALUES["decision"]) == ("local", "")


@pytest.mark.parametrize(("at_s", "hour"), [(0, "0"), (3599.999, "0"), (3600, "1"), (1e10, "2777777")])
def test_entry_keeps_the_hour_and_nothing_finer(at_s: float, hour: str) -> None:
    assert ENTRY.values(at_s, "local")["hour"] == hour


def test_counts_have_one_text_whatever_their_order() -> None:
    assert canonical_counts({"b": 1, "a": 2}) == canonical_counts({"a": 2, "b": 1}) == '{"a":2,"b":1}'
    assert canonical_counts({}) == "{}"


def test_leaf_is_the_one_that_the_specification_writes_down() -> None:
    """Written out by hand: the line, then for each field its name, its length before it, and its HMAC."""
    expected = b"symbolon-audit-entry-v1\n"
    for name in FIELDS:
        label = bytes([len(name)]) + name.encode()
        expected += label + hmac.new(salt_of(name), label + VALUES[name].encode(), hashlib.sha256).digest()
    assert leaf_bytes(commitments(VALUES, SALTS)) == expected


def test_leaf_does_not_show_which_fields_are_empty() -> None:
    empty = Entry("started", "").values(0, "local")
    assert len(leaf_bytes(commitments(empty, SALTS))) == len(leaf_bytes(commitments(VALUES, SALTS)))


@pytest.mark.parametrize("name", FIELDS)
def test_opening_holds_for_its_field_value_and_salt_alone(name: str) -> None:
    made = commitments(VALUES, SALTS)
    require_opening(name, VALUES[name], salt_of(name), made[name])
    other = next(each for each in FIELDS if each != name)
    for tried in (
        (name, VALUES[name] + " ", salt_of(name), made[name]),
        (name, VALUES[name], salt_of(name)[:-1], made[name]),
        (name, VALUES[name], b"", made[name]),
        (name, VALUES[name], bytes([1]) * SALT_BYTES, made[name]),
        (other, VALUES[name], salt_of(name), made[name]),
        (name, VALUES[name], salt_of(name), made[other]),
        (name, VALUES[name], salt_of(name), b""),
    ):
        with pytest.raises(AuditError) as caught:
            require_opening(*tried)
        assert code_of(caught) == "audit.opening"


def test_commitments_with_two_salts_share_nothing() -> None:
    """Without the salt nobody can try a guess, not even of a field that has two values."""
    one, other = (commitments(VALUES, os.urandom(SALTS_BYTES)) for _ in range(2))
    assert not set(one.values()) & set(other.values())


def test_commitment_cannot_be_moved_from_one_field_to_another_with_the_same_salt() -> None:
    """The name's length is within: `no` and `te…` is never `note`."""
    salt = bytes(SALT_BYTES)
    assert commit("note", "x", salt) != commit("no", "tex", salt)
    assert commit("mode", "size", salt) != commit("note", "size", salt)


@pytest.mark.parametrize(
    ("values", "salts"),
    [
        ({**VALUES, "more": ""}, SALTS),
        ({name: VALUES[name] for name in FIELDS[1:]}, SALTS),
        ({}, SALTS),
        (VALUES, SALTS[:-1]),
        (VALUES, SALTS + b"x"),
        (VALUES, b""),
    ],
)
def test_commitments_of_other_fields_or_salts_are_refused(values: dict[str, str], salts: bytes) -> None:
    with pytest.raises(AuditError) as caught:
        commitments(values, salts)
    assert code_of(caught) == "audit.entry"


def test_leaf_of_other_commitments_is_refused() -> None:
    made = commitments(VALUES, SALTS)
    for wrong in (
        {**made, "more": bytes(32)},
        {name: made[name] for name in FIELDS[1:]},
        {**made, "note": made["note"][:-1]},
        {**made, "note": b""},
    ):
        with pytest.raises(AuditError) as caught:
            leaf_bytes(wrong)
        assert code_of(caught) == "audit.entry"
