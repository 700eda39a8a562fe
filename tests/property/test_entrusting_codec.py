"""What contributor and delegate say to each other comes back as it was, and whatever else came is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signal_makers import disputes, make_signal, replies, signals
from symbolon.api.signal.v1 import signal_pb2 as pb
from symbolon.errors import RemoteProtocolError
from symbolon.rpc.entrusting_codec import (
    LEAST_DOCUMENT_BYTES,
    MAX_DISCLOSED,
    MAX_PADDING_BYTES,
    SIDE_BYTES,
    AtDelegate,
    Entrusting,
    decode_at_delegate,
    decode_entrust,
    decode_entrusted,
    decode_taken,
    encode_at_delegate,
    encode_entrust,
    encode_taken,
)
from symbolon.signals.record_codec import MAX_RECORD_BYTES, encode_signal
from symbolon.signals.signal import MAX_REVISION
from symbolon.signals.vocabulary import ShownAs, State
from symbolon.storage.entrusted_store import Taken

IDS = st.binary(min_size=16, max_size=16)
REVISIONS = st.integers(1, MAX_REVISION)
SHOWN = st.sampled_from(ShownAs)
TAKEN = st.builds(Taken, IDS, REVISIONS, SHOWN) | st.builds(Taken, st.just(b""), st.just(0), SHOWN)


@st.composite
def entrustings(draw: st.DrawFn) -> Entrusting:
    theirs = draw(signals())
    signature = draw(st.binary(min_size=64, max_size=64))
    return Entrusting(theirs, encode_signal(theirs), signature, draw(SHOWN), draw(st.booleans()))


STANDINGS = st.builds(
    AtDelegate,
    TAKEN,
    st.sampled_from(State),
    REVISIONS,
    disputes(),
    st.none() | replies(),
    st.integers(0, MAX_DISCLOSED),
)


@given(entrustings())
@settings(deadline=None)
def test_revision_comes_back_and_is_brought_to_a_power_of_two(entrusting: Entrusting) -> None:
    message = encode_entrust(entrusting)
    assert decode_entrust(pb.EntrustRequest.FromString(message.SerializeToString())) == entrusting
    size = len(message.document) + len(message.padding)
    assert size == max(LEAST_DOCUMENT_BYTES, 1 << (len(message.document) - 1).bit_length())
    assert not any(message.padding)


@pytest.mark.parametrize(("chars", "size"), [(0, 4_096), (5_000, 8_192), (20_000, 32_768)])
def test_length_of_a_long_narrative_shows_as_a_power_of_two(chars: int, size: int) -> None:
    theirs = make_signal(narrative="x" * chars)
    message = encode_entrust(
        Entrusting(theirs, encode_signal(theirs), bytes(64), ShownAs.NGO, reviewed=False)
    )
    assert len(message.document) + len(message.padding) == size


@given(TAKEN)
def test_answer_comes_back(taken: Taken) -> None:
    assert decode_taken(pb.EntrustResponse.FromString(encode_taken(taken).SerializeToString())) == taken


@given(STANDINGS)
def test_standing_comes_back_and_all_texts_have_one_length(standing: AtDelegate) -> None:
    message = encode_at_delegate(standing)
    assert decode_at_delegate(pb.EntrustedResponse.FromString(message.SerializeToString())) == standing
    texts = len(message.statement.encode()) + len(message.reply.encode())
    assert texts + len(message.padding) == SIDE_BYTES


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_by_one_code(data: bytes) -> None:
    for message, decode in (
        (pb.EntrustRequest(document=data, signature=bytes(64), shown_as="publisher"), decode_entrust),
        (pb.EntrustedRequest(signal_id=data), decode_entrusted),
        (pb.EntrustResponse(signal_id=data, revision=1, shown_as="publisher"), decode_taken),
    ):
        try:
            decode(message)  # type: ignore[operator]
        except RemoteProtocolError as error:
            code = error.full_code
        else:
            code = "protocol.malformed" if len(data) == 16 else ""
        assert code == "protocol.malformed"


@pytest.mark.parametrize(
    "wrong",
    [
        {"document": b""},
        {"document": bytes(MAX_RECORD_BYTES + 1)},
        {"signature": bytes(63)},
        {"signature": b""},
        {"shown_as": ""},
        {"shown_as": "Publisher"},
        {"shown_as": "ngos"},
        {"padding": bytes(MAX_PADDING_BYTES + 1)},
    ],
    ids=str,
)
def test_revision_of_another_form_is_refused(wrong: dict[str, object]) -> None:
    good = {"document": encode_signal(make_signal()), "signature": bytes(64), "shown_as": "publisher"}
    decode_entrust(pb.EntrustRequest(**good))
    with pytest.raises(RemoteProtocolError) as caught:
        decode_entrust(pb.EntrustRequest(**{**good, **wrong}))
    assert caught.value.full_code == "protocol.malformed"


@pytest.mark.parametrize(
    "wrong",
    [
        {"signal_id": bytes(15)},
        {"signal_id": b""},
        {"revision": 0},
        {"revision": MAX_REVISION + 1},
        {"shown_as": "nobody"},
        {"state": "expired"},
        {"state": ""},
        {"taken": 0},
        {"taken": MAX_REVISION + 1},
        {"dispute": "won"},
        {"dispute_since": "yesterday"},
        {"dispute_since": "2026-02-30"},
        {"dispute": "open", "dispute_since": ""},
        {"statement": "x" * 601, "dispute": "open", "dispute_since": "2026-02-03"},
        {"statement": "\x1b[2J", "dispute": "open", "dispute_since": "2026-02-03"},
        {"reply": "Not us.", "reply_received": ""},
        {"reply": "x" * 3001, "reply_received": "2026-02-03"},
        {"disclosed": MAX_DISCLOSED + 1},
        {"padding": bytes(SIDE_BYTES + 1)},
    ],
    ids=lambda each: str(each)[:40],
)
def test_standing_of_another_form_is_refused(wrong: dict[str, object]) -> None:
    good = {
        "signal_id": bytes(16),
        "revision": 3,
        "shown_as": "ngo",
        "state": "active",
        "taken": 2,
        "dispute": "none",
        "disclosed": 4,
    }
    decode_at_delegate(pb.EntrustedResponse(**good))
    with pytest.raises(RemoteProtocolError) as caught:
        decode_at_delegate(pb.EntrustedResponse(**{**good, **wrong}))
    assert caught.value.full_code == "protocol.malformed"
