"""Two-way properties of what storage writes: sealed values and key columns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolon.errors import SealError, StorageError
from symbolon.storage.key_columns import KeyLinks, join
from symbolon.storage.seal import Sealer

_SEALER = Sealer(bytes(range(32)))
_NAMES = st.text(max_size=12)
_ROWS = st.integers(0, 2**63 - 1) | st.text(max_size=12)
_U64 = st.integers(0, 2**64 - 1)
_LINKS = st.lists(
    st.tuples(_U64, _U64, st.binary(max_size=40), st.binary(min_size=32, max_size=32)), max_size=20
)


def _columns(links: list[tuple[int, int, bytes, bytes]]) -> KeyLinks:
    return KeyLinks.of(
        [no for no, _, _, _ in links],
        [pk for _, pk, _, _ in links],
        [key for _, _, key, _ in links],
        b"".join(point for _, _, _, point in links),
    )


@given(table=_NAMES, column=_NAMES, row=_ROWS, plaintext=st.binary(max_size=200))
def test_seal_then_open_gives_the_plaintext(
    table: str, column: str, row: int | str, plaintext: bytes
) -> None:
    assert _SEALER.open(table, column, row, _SEALER.seal(table, column, row, plaintext)) == plaintext


@given(first=st.tuples(_NAMES, _NAMES, _ROWS), second=st.tuples(_NAMES, _NAMES, _ROWS))
def test_seal_for_one_place_opens_in_no_other(
    first: tuple[str, str, int | str], second: tuple[str, str, int | str]
) -> None:
    sealed = _SEALER.seal(*first, b"x")
    if (*first[:2], str(first[2])) != (*second[:2], str(second[2])):
        with pytest.raises(SealError):
            _SEALER.open(*second, sealed)


@given(links=_LINKS)
def test_key_columns_encode_then_decode_gives_the_same(links: list[tuple[int, int, bytes, bytes]]) -> None:
    columns = _columns(links)
    read = KeyLinks.decode(columns.encode())
    assert read.encode() == columns.encode()
    assert len(read) == len(links)


@given(first=_LINKS, second=_LINKS)
def test_key_columns_join_equals_concatenation(
    first: list[tuple[int, int, bytes, bytes]], second: list[tuple[int, int, bytes, bytes]]
) -> None:
    assert join([_columns(first), _columns(second)]).encode() == _columns(first + second).encode()


@given(payload=st.binary(max_size=200))
def test_key_columns_decode_any_bytes_refuses_or_reads(payload: bytes) -> None:
    try:
        columns = KeyLinks.decode(payload)
    except StorageError:
        return
    assert columns.encode() == payload
