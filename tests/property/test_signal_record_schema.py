"""The published schema of a record takes whatever the codec writes, and both refuse what is no record."""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from json_schema_validator import accepts
from signal_makers import signals
from symbolon.errors import SignalError
from symbolon.policy.canonical_json import encode_canonical
from symbolon.signals.record_codec import decode_signal, encode_signal
from symbolon.signals.record_schema import record_schema
from symbolon.signals.signal import Signal
from symbolon.signals.vocabulary import DisputeState, State

SCHEMA = record_schema()
WORDS = ("active", "recalled", "none", "open", "red", "amber", "error", "site", "media", "A", "2026-03")
SIMPLE = (
    st.none() | st.booleans() | st.integers(-1, 101) | st.sampled_from(WORDS) | st.text("ab 0-", max_size=9)
)
VALUES = st.one_of(
    SIMPLE,
    st.lists(st.sampled_from(WORDS), max_size=3),
    st.dictionaries(st.sampled_from(("state", "since", "text", "from", "x")), SIMPLE, max_size=3),
)
NEVER = st.sampled_from([{"x": 1}, [{}], 0.5, "\x00", -1])
"""What no field of a record has."""


def is_read(content: Any) -> bool:
    """Whether the codec takes a document."""
    try:
        decode_signal(encode_canonical(content))
    except SignalError:
        return False
    return True


def fields_of(content: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Every object of a document with each of its fields."""
    for name, value in content.items():
        yield content, name
        if isinstance(value, dict):
            yield from fields_of(value)


@given(signals())
@settings(max_examples=60)
def test_record_schema_takes_every_record_that_the_codec_writes(signal: Signal) -> None:
    assert accepts(SCHEMA, json.loads(encode_signal(signal)))


@given(signals(), VALUES, st.data())
@settings(max_examples=150)
def test_record_schema_takes_every_changed_record_that_the_codec_takes(
    signal: Signal, value: Any, data: st.DataObject
) -> None:
    content = json.loads(encode_signal(signal))
    place, name = data.draw(st.sampled_from(list(fields_of(content))))
    place[name] = value
    assert accepts(SCHEMA, content) or not is_read(content)


@given(signals(), NEVER, st.data())
@settings(max_examples=80)
def test_record_schema_and_codec_both_refuse_what_no_field_holds(
    signal: Signal, value: Any, data: st.DataObject
) -> None:
    content = json.loads(encode_signal(signal))
    texts = {"narrative", "statement", "text", "scheme", "grade"}
    places = [(place, name) for place, name in fields_of(content) if place is not content["subject"]]
    place, name = data.draw(st.sampled_from(places))
    place[name] = 7 if name in texts else value
    assert not accepts(SCHEMA, content)
    assert not is_read(content)


@given(signals(), st.data())
@settings(max_examples=80)
def test_record_schema_and_codec_both_refuse_a_field_too_few_and_one_too_many(
    signal: Signal, data: st.DataObject
) -> None:
    document = encode_signal(signal)
    content = json.loads(document)
    places = [(place, name) for place, name in fields_of(content) if place is not content["subject"]]
    place, name = data.draw(st.sampled_from([*places, (content["subject"], "kind")]))
    left = place.pop(name)
    assert not accepts(SCHEMA, content)
    assert not is_read(content)
    place[name] = left
    place["price"] = 1
    assert not accepts(SCHEMA, content)
    assert not is_read(content)
    del place["price"]
    assert encode_canonical(content) == document


@given(signals())
@settings(max_examples=60)
def test_record_schema_and_codec_both_refuse_what_does_not_go_together(signal: Signal) -> None:
    stands = signal.state is State.ACTIVE
    spoilt: list[dict[str, Any]] = [
        {"state": "recalled" if stands else "active"},
        {"recall_reason": "error" if stands else None},
        {"evidence": None if stands else "media"},
        {"indicators": [] if stands else ["isolation"]},
        {"tlp": "red", "recipients": []},
        {"subject": {"kind": "site", "country": "BD"}},
        {"dispute": {"state": "none", "since": "2026-07-01", "statement": ""}},
        {"dispute": {"state": "open", "since": None, "statement": ""}},
        {"dispute": {"state": "none", "since": None, "statement": "We pay."}},
    ]
    if not stands:
        spoilt += [{"narrative": "x"}, {"confidence": 0}, {"likelihood": 1}]
        open_since = {"state": DisputeState.OPEN.value, "since": "2026-07-01", "statement": ""}
        spoilt.append({"dispute": open_since})
    content = json.loads(encode_signal(signal))
    for change in spoilt:
        assert not accepts(SCHEMA, {**content, **change}), change
        assert not is_read({**content, **change}), change
