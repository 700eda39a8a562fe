"""Tags and pads are the one-step derivation of SP 800-56C as everyone else computes it."""

import pytest
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from hypothesis import given
from hypothesis import strategies as st

from symbolon.exchange.derive import entry_info, entry_masks

rows = st.lists(st.binary(min_size=64, max_size=64), max_size=6)


@given(outputs=rows, slot=st.integers(0, 255), tag_bytes=st.integers(10, 32))
def test_entry_masks_are_a_tag_of_the_epochs_length_and_a_pad_that_ignores_it(
    outputs: list[bytes], slot: int, tag_bytes: int
) -> None:
    masks = entry_masks(b"".join(outputs), slot, tag_bytes)
    assert masks.shape == (len(outputs), tag_bytes + 6)
    for output, row in zip(outputs, masks, strict=True):
        stream = ConcatKDFHash(SHA512(), 38, entry_info(slot)).derive(output)
        assert row.tobytes() == stream[:tag_bytes] + stream[32:38]


def test_entry_masks_of_a_torn_output_are_refused() -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        entry_masks(bytes(65), 0, 10)


@given(one=st.integers(0, 255), other=st.integers(0, 255))
def test_entry_info_of_two_slots_differs(one: int, other: int) -> None:
    assert (entry_info(one) == entry_info(other)) == (one == other)
