"""What members say about signals on the wire: encoding and decoding undo each other."""

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from signal_makers import days, prose
from symbolon.api.signal.v1 import signal_pb2 as pb
from symbolon.errors import RemoteProtocolError
from symbolon.rpc import signal_codec as codec
from symbolon.signals.signal import MAX_REVISION
from symbolon.storage.signal_response_columns import Relayed, ResponseKind, ResponseState
from symbolon.storage.signal_response_store import Standing

IDS = st.binary(min_size=16, max_size=16)
PURPOSES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}", fullmatch=True)
ABOUT = st.builds(codec.About, IDS, PURPOSES)
TEXTS = prose(400).filter(bool)


def again(message: Any) -> Any:
    """A message as it arrives."""
    return type(message).FromString(message.SerializeToString())


@given(ABOUT, st.integers(1, MAX_REVISION))
def test_question_for_a_narrative_comes_out_as_it_went_in(about: codec.About, revision: int) -> None:
    message = again(codec.encode_get_narrative(about, revision))
    assert codec.decode_get_narrative(message) == (about, revision)


@given(TEXTS, st.integers(1, MAX_REVISION), st.binary(min_size=64, max_size=64))
def test_narrative_comes_out_as_it_went_in_and_fills_a_class(
    text: str, revision: int, signature: bytes
) -> None:
    narrative = codec.Narrative(text, revision, signature)
    message = again(codec.encode_narrative(narrative))
    assert codec.decode_narrative(message, revision) == narrative
    size = len(message.narrative.encode()) + len(message.padding)
    assert size >= codec.LEAST_NARRATIVE_BYTES
    assert size.bit_count() == 1


@given(ABOUT, st.sampled_from(ResponseKind), TEXTS, days())
def test_relayed_text_comes_out_as_it_went_in_and_all_are_equally_long(
    about: codec.About, kind: ResponseKind, text: str, on: date
) -> None:
    relayed = Relayed(
        kind, text.encode()[: codec.MAX_RELAYED_BYTES].decode(errors="ignore"), on, about.purpose
    )
    message = again(codec.encode_contest(about, relayed))
    assert len(message.text.encode()) + len(message.padding) == codec.MAX_RELAYED_BYTES
    if not relayed.text.strip() or relayed.text != text:
        # Cut within what joins two letters it may be no plain text.
        return
    assert codec.decode_contest(message) == (about, relayed)


@given(st.sampled_from(ResponseState), st.text(st.characters(exclude_categories=("C",)), max_size=75))
def test_standing_comes_out_as_it_went_in(state: ResponseState, reason: str) -> None:
    standing = Standing(state, reason)
    assert codec.decode_standing(again(codec.encode_standing(standing))) == standing


def messages(kind: Any) -> st.SearchStrategy[Any]:
    """Any message of a kind, each field of whatever is on the wire."""
    values = {
        "bytes": st.binary(max_size=70) | st.binary(min_size=2990, max_size=3010),
        "str": st.text(max_size=40) | st.sampled_from(["contest", "reply", "2026-01-01", "due-diligence"]),
        "int": st.integers(0, 2**32 - 1),
    }
    fields = {
        each.name: values[{12: "bytes", 9: "str", 13: "int"}[each.type]] for each in kind.DESCRIPTOR.fields
    }
    return st.fixed_dictionaries({}, optional=fields).map(lambda found: kind(**found))


@given(
    st.one_of(
        st.tuples(st.just(codec.decode_purpose), messages(pb.WatchRequest)),
        st.tuples(st.just(codec.decode_get_narrative), messages(pb.GetNarrativeRequest)),
        st.tuples(st.just(codec.decode_contest), messages(pb.ContestRequest)),
        st.tuples(st.just(codec.decode_about), messages(pb.CorroborateRequest)),
        st.tuples(st.just(codec.decode_standing), messages(pb.ContestResponse)),
        st.tuples(
            st.just(lambda message: codec.decode_narrative(message, 1)), messages(pb.GetNarrativeResponse)
        ),
    )
)
def test_decoding_whatever_comes_gives_a_value_or_refuses_it_as_malformed(pair: tuple[Any, Any]) -> None:
    decode, message = pair
    code = "protocol.malformed"
    try:
        decode(message)
    except RemoteProtocolError as error:
        code = error.full_code
    assert code == "protocol.malformed"


@given(st.tuples(*[st.text(max_size=20)] * 2, IDS, st.integers(1, MAX_REVISION), TEXTS), st.data())
def test_what_a_publisher_signs_is_another_for_every_other_part(
    parts: tuple[str, str, bytes, int, str], data: st.DataObject
) -> None:
    others = data.draw(
        st.tuples(*[st.text(max_size=20)] * 2, IDS, st.integers(1, MAX_REVISION), TEXTS).filter(
            lambda each: each != parts
        )
    )
    assert codec.narrative_message(*parts) != codec.narrative_message(*others)
