"""Tags and pads are HKDF-Expand as everyone else computes it."""

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolon.exchange.derive import entry_info, entry_masks, expand_each

rows = st.lists(st.binary(min_size=64, max_size=64), max_size=6)


@given(outputs=rows, info=st.binary(max_size=200), length=st.integers(1, 64))
def test_expand_each_equals_the_hkdf_of_the_library(outputs: list[bytes], info: bytes, length: int) -> None:
    expected = b"".join(HKDFExpand(SHA512(), length, info).derive(output) for output in outputs)
    assert expand_each(b"".join(outputs), info, length) == expected


@settings(max_examples=3)
@given(seed=st.binary(min_size=64, max_size=64), extra=st.integers(0, 2))
def test_expand_each_across_its_batches_keeps_the_order(seed: bytes, extra: int) -> None:
    outputs = [at.to_bytes(4) + seed[4:] for at in range(4096 + extra)]
    whole = expand_each(b"".join(outputs), b"info", 10)
    for at in (0, 4095, len(outputs) - 1):
        assert whole[10 * at : 10 * at + 10] == HKDFExpand(SHA512(), 10, b"info").derive(outputs[at])


@given(outputs=rows, slot=st.integers(0, 3), tag_bytes=st.integers(10, 32))
def test_entry_masks_are_a_tag_of_the_epochs_length_and_a_pad_that_ignores_it(
    outputs: list[bytes], slot: int, tag_bytes: int
) -> None:
    masks = entry_masks(b"".join(outputs), slot, tag_bytes)
    assert masks.shape == (len(outputs), tag_bytes + 6)
    for output, row in zip(outputs, masks, strict=True):
        stream = HKDFExpand(SHA512(), 38, entry_info(slot)).derive(output)
        assert row.tobytes() == stream[:tag_bytes] + stream[32:38]


@given(one=st.integers(0, 255), other=st.integers(0, 255))
def test_entry_info_of_two_slots_differs(one: int, other: int) -> None:
    assert (entry_info(one) == entry_info(other)) == (one == other)
