"""A revision as a document: one form, and nothing else is read."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from signal_makers import TODAY, make_signal, make_subject
from symbolon.errors import SignalError
from symbolon.policy.canonical_json import encode_canonical
from symbolon.signals.record_codec import (
    MAX_RECORD_BYTES,
    SUBJECT_FIELDS,
    decode_signal,
    decode_stored_signal,
    encode_signal,
)
from symbolon.signals.signal import (
    MAX_NARRATIVE_CHARS,
    MAX_NATIVE_CHARS,
    MAX_REPLY_BYTES,
    MAX_STATEMENT_BYTES,
    MAX_SUBJECT_CHARS,
    MAX_WORDS,
    Dispute,
    Native,
    Reply,
    Signal,
)
from symbolon.signals.vocabulary import DisputeState
from symbolon.suppliers.record import Supplier

FULL = make_signal(
    native=Native("SMETA", "critical"),
    dispute=Dispute(DisputeState.OPEN, TODAY, "We pay."),
    reply=Reply("See the wage slips.", TODAY),
    recipients=("mill", "weaver"),
    embargo=date(2026, 9, 1),
)


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The document of a signal with a change, in canonical form again."""
    content = json.loads(encode_signal(FULL))
    change(content)
    return encode_canonical(content)


def code_of(document: bytes) -> str:
    with pytest.raises(SignalError) as caught:
        decode_signal(document)
    return caught.value.full_code


def test_encode_signal_writes_the_document_that_the_specification_shows() -> None:
    plain = make_signal(
        subject=make_subject(name="Ünal", address="", city="", postal_code="", os_id=""),
        narrative="",
        period=None,
        native=None,
    )
    assert encode_signal(plain) == (
        b'{"confidence":70,"dispute":{"since":null,"state":"none","statement":""},"embargo":null,'
        b'"evidence":"worker-interview","expires":"2028-06-30","format":"symbolon-signal-1",'
        b'"indicators":["debt-bondage","withholding-of-wages"],"issued":"2026-07-01","likelihood":3,'
        b'"narrative":"","native":null,"period":null,"purposes":["due-diligence"],"recall_reason":null,'
        b'"recipients":[],"reliability":"B","reply":null,"review":"2026-12-28","revision":1,'
        b'"severity":{"irremediability":1,"scale":3,"scope":2},"signal_id":"000102030405060708090a0b0c0d0e0f",'
        b'"state":"active","subject":{"country":"BD","kind":"site","name":"\\u00dcnal"},"tlp":"amber",'
        b'"urgent":false}\n'
    )


def test_decode_signal_reads_back_every_field() -> None:
    assert decode_signal(encode_signal(FULL)) == FULL
    assert decode_stored_signal(encode_signal(FULL)) == FULL


def test_subject_fields_are_all_of_a_supplier_but_the_members_own_words() -> None:
    assert set(SUBJECT_FIELDS) == set(Supplier.__slots__) - {"supplier_id", "sector"}


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("tlp"),
        lambda d: d.update(price=3),
        lambda d: d.update(source="a guard"),
        lambda d: d.update(format="symbolon-signal-2"),
        lambda d: d.update(revision=True),
        lambda d: d.update(revision="1"),
        lambda d: d.update(revision=1.0),
        lambda d: d.update(confidence=70.5),
        lambda d: d.update(likelihood=5),
        lambda d: d.update(likelihood=-1),
        lambda d: d.update(likelihood=None),
        lambda d: d.update(urgent=0),
        lambda d: d.update(urgent=None),
        lambda d: d.update(tlp="white"),
        lambda d: d.update(tlp="RED"),
        lambda d: d.update(tlp=None),
        lambda d: d.update(state="deleted"),
        lambda d: d.update(evidence=""),
        lambda d: d.update(reliability="G"),
        lambda d: d.update(indicators=["withholding-of-wages", "debt-bondage"]),
        lambda d: d.update(indicators=["debt-bondage", "debt-bondage"]),
        lambda d: d.update(indicators=["slavery"]),
        lambda d: d.update(indicators="debt-bondage"),
        lambda d: d.update(indicators=[["debt-bondage"]]),
        lambda d: d.update(purposes={"due-diligence": 1}),
        lambda d: d.update(signal_id="00" * 15 + "0G"),
        lambda d: d.update(signal_id="000102030405060708090A0B0C0D0E0F"),
        lambda d: d.update(signal_id=" 000102030405060708090a0b0c0d0e0f"),
        lambda d: d.update(signal_id=7),
        lambda d: d.update(issued="20260701"),
        lambda d: d.update(issued="2026-W27-3"),
        lambda d: d.update(issued="2026-07-32"),
        lambda d: d.update(issued="2026-07-01T00:00:00"),
        lambda d: d.update(issued="٢٠٢٦-07-01"),
        lambda d: d.update(issued=None),
        lambda d: d.update(review=20270101),
        lambda d: d.update(period="2026-02"),
        lambda d: d.update(period={"from": "2026-02"}),
        lambda d: d.update(native={"scheme": "SMETA", "grade": "x", "score": "7"}),
        lambda d: d.update(reply={"text": "x"}),
        lambda d: d.update(reply=""),
        lambda d: d.update(dispute=None),
        lambda d: d["dispute"].pop("state"),
        lambda d: d["severity"].update(scale="3"),
        lambda d: d["severity"].update(likelihood=1),
        lambda d: d["subject"].pop("kind"),
        lambda d: d["subject"].update(kind="person"),
        lambda d: d["subject"].update(sector="garments"),
        lambda d: d["subject"].update(supplier_id="7"),
        lambda d: d["subject"].update(region=""),
        lambda d: d["subject"].update(city=None),
        lambda d: d.update(subject=[]),
    ],
)  # fmt: skip
def test_decode_signal_of_another_form_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    assert code_of(changed(change)) == "signal.malformed"


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(signal_id="00"),
        lambda d: d.update(revision=0),
        lambda d: d.update(revision=2**53),
        lambda d: d.update(confidence=101),
        lambda d: d.update(issued="2019-12-31"),
        lambda d: d.update(expires="9999-12-31"),
        lambda d: d.update(period={"from": "2026-02-01", "to": "2026-03"}),
        lambda d: d.update(period={"from": "2026-04", "to": "2026-03"}),
        lambda d: d.update(purposes=[]),
        lambda d: d.update(purposes=["b", "a"]),
        lambda d: d.update(tlp="red", recipients=[]),
        lambda d: d.update(urgent=True),
        lambda d: d.update(narrative="\u202e"),
        lambda d: d.update(narrative="\ud800"),
        lambda d: d["reply"].update(text="\ud800"),
        lambda d: d["reply"].update(text=""),
        lambda d: d["dispute"].update(since="0001-01-01"),
        lambda d: d["dispute"].update(since=None),
        lambda d: d["subject"].update(name="\ud800"),
        lambda d: d["subject"].update(name="a\nb"),
        lambda d: d["subject"].update(name="x" * (MAX_SUBJECT_CHARS + 1)),
        lambda d: d.update(state="recalled"),
        lambda d: d.update(state="recalled", recall_reason="withdrawn"),
        lambda d: d.update(recall_reason="withdrawn"),
    ],
)
def test_decode_signal_of_a_value_that_no_signal_has_is_refused(
    change: Callable[[dict[str, Any]], object],
) -> None:
    assert code_of(changed(change)) == "signal.value"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: b"",
        lambda d: b"null\n",
        lambda d: b"[]\n",
        lambda d: d[:-1],
        lambda d: d + b"\n",
        lambda d: b"\xef\xbb\xbf" + d,
        lambda d: d.replace(b'"tlp":', b'"tlp": '),
        lambda d: d.replace(b'"tlp":"amber"', b'"tlp":"amber","tlp":"amber"'),
        lambda d: d.replace(b'"tlp":"amber"', b'"tlp":"\\u0061mber"'),
        lambda d: d.replace(b'"confidence":70', b'"confidence":7e1'),
        lambda d: d.replace(b'"confidence":70', b'"confidence":NaN'),
        lambda d: d.replace(b'"confidence":70', b'"confidence":-Infinity'),
        lambda d: d.replace(b'"confidence":70', b'"confidence":' + b"7" * 5_000),
        lambda d: d.replace(b'"confidence":70', b'"confidence":' + b"[" * 5_000 + b"]" * 5_000),
        lambda d: d.decode().encode("utf-16"),
        lambda d: d.replace(b"Blue", b"Bl\xffe"),
        lambda d: b" " * MAX_RECORD_BYTES + d,
    ],
)
def test_decode_signal_of_bytes_that_only_look_canonical_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    document = spoil(encode_signal(FULL))
    assert document != encode_signal(FULL)
    assert code_of(document) == "signal.malformed"


def test_longest_signal_is_read_back() -> None:
    wide = "\U00020000"  # four bytes in UTF-8, twelve in the document
    words = tuple(sorted(f"{number:02}" + "w" * 62 for number in range(MAX_WORDS)))
    longest: Signal = make_signal(
        narrative=wide * MAX_NARRATIVE_CHARS,
        subject=make_subject(
            **{name: "" for name in SUBJECT_FIELDS if name != "name"}, name=wide * MAX_SUBJECT_CHARS
        ),
        native=Native(wide * MAX_NATIVE_CHARS, wide * MAX_NATIVE_CHARS),
        reply=Reply("é" * (MAX_REPLY_BYTES // 2), TODAY),
        dispute=Dispute(DisputeState.OPEN, TODAY, "é" * (MAX_STATEMENT_BYTES // 2)),
        purposes=words,
        recipients=words,
    )
    document = encode_signal(longest)
    assert len(document) <= MAX_RECORD_BYTES
    assert decode_signal(document) == longest


def test_decode_stored_signal_of_another_release_is_refused() -> None:
    document = encode_signal(FULL).replace(b"symbolon-signal-1", b"symbolon-signal-9")
    with pytest.raises(SignalError) as caught:
        decode_stored_signal(document)
    assert caught.value.full_code == "signal.malformed"


def test_refusal_of_a_document_says_nothing_of_what_was_in_it() -> None:
    document = changed(lambda d: d.update(narrative="canary\u202e"))
    with pytest.raises(SignalError) as caught:
        decode_signal(document)
    assert "canary" not in caught.value.detail
    document = changed(lambda d: d["subject"].update(name="canary\n"))
    with pytest.raises(SignalError) as caught:
        decode_signal(document)
    assert "canary" not in caught.value.detail
