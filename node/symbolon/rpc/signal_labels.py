"""The labels of this member's signals, made once for all who are shown the same of them.

Handles: which labels there are of the signals that leave, and making what is missing from the newest
revisions, signed. Refuses, with `UnavailableError`, to go on where a signal changes meanwhile.
"""

import numpy as np
import numpy.typing as npt

from symbolon.errors import UnavailableError
from symbolon.exchange.id_sets import among
from symbolon.policy.obligations import Obligations
from symbolon.rpc.node import Node
from symbolon.signals.bundle import CHUNK_BYTES, encode_bundle, signed_message
from symbolon.signals.released import release
from symbolon.storage.signal_forms import FormIndex

Numbers = npt.NDArray[np.uint64]

MADE_AT_ONCE = 4096
"""Labels that are made and kept together: a second's work, which a session that breaks off does not lose."""


def labels_of(
    node: Node, digest: bytes, shape: Obligations, numbers: Numbers, contributors: npt.NDArray[np.uint8]
) -> FormIndex:
    """The labels of some signals in one form; those that are missing are made.

    Args:
        node: this node.
        digest: names the form.
        shape: makes it.
        numbers: uint64 `[n]`, ascending.
        contributors: `[n]`, independent members that said the same.

    Returns:
        The labels of these signals, in their order.

    Raises:
        UnavailableError: one of them changed meanwhile.
    """
    index = node.signals.form_index(digest)
    made = [(index.numbers, index.form_no, index.chunks)]
    missing = np.flatnonzero(~among(numbers, index.numbers, is_sorted=True))
    for start in range(0, len(missing), MADE_AT_ONCE):
        some = missing[start : start + MADE_AT_ONCE]
        voices = dict(zip(numbers[some].tolist(), contributors[some].tolist(), strict=True))
        made.append(_make(node, digest, shape, voices))
    of, form_no, chunks = (np.concatenate(each) for each in zip(*made, strict=True))
    here = np.flatnonzero(among(of, numbers, is_sorted=True))
    here = here[np.argsort(of[here], kind="stable")]
    found = FormIndex(of[here], form_no[here], chunks[here])
    if len(found.numbers) != len(numbers):
        raise UnavailableError("signals changed while their labels were made", hint="Try again.")
    return found


def _make(node: Node, digest: bytes, shape: Obligations, contributors: dict[int, int]) -> FormIndex:
    own = node.config.node
    key = node.signing_key

    def sign(header: bytes) -> bytes:
        return key.sign(signed_message(own.coalition, own.member, header))

    made: dict[int, tuple[int, bytes]] = {}
    newest = list(node.signals.newest(list(contributors)))
    # Read afterwards: where a signal is shown otherwise by now, it has another revision, and is left out.
    shown_as = node.signals.shown_as(list(contributors))
    for number, signal in newest:
        if number not in shown_as:
            continue
        released = release(signal, shape, contributors=contributors[number], shown_as=shown_as[number])
        made[number] = signal.revision, b"".join(encode_bundle(released, sign))
    kept = node.signals.save_forms(digest, [(number, *each) for number, each in made.items()])
    numbers = sorted(kept)
    sizes = [len(made[each][1]) // CHUNK_BYTES for each in numbers]
    form_no = [kept[each] for each in numbers]
    return FormIndex(np.array(numbers, np.uint64), np.array(form_no, np.uint64), np.array(sizes, np.int64))
