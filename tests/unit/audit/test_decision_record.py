"""What the log keeps of a decision: one form, from which everybody decides again."""

import json
from dataclasses import replace

import pytest

from policy_material import ALLOW_ALL, decider, request
from symbolon.audit.decision_record import MAX_RECORD_BYTES, DecisionRecord, parse_record
from symbolon.errors import AuditError
from symbolon.policy.canonical_json import encode_canonical

ASKED = request()
RECORD = DecisionRecord(ASKED, decider(ALLOW_ALL).decide(ASKED), "a" * 64, "b" * 64)
FIELDS = json.loads(RECORD.text())


def changed(**fields: object) -> str:
    return encode_canonical({**FIELDS, **fields}).decode()


def inside(name: str, **fields: object) -> str:
    """The record with something else in one of its two documents."""
    return changed(**{name: encode_canonical({**json.loads(FIELDS[name]), **fields}).decode()})


@pytest.mark.parametrize("agreement", ["", "b" * 64])
def test_record_is_read_as_it_was_written(agreement: str) -> None:
    record = replace(RECORD, agreement=agreement)
    assert parse_record(record.text()) == record
    assert parse_record(record.text()).text() == record.text()


def test_record_of_a_denial_keeps_why() -> None:
    denied = decider().decide(ASKED)
    record = parse_record(DecisionRecord(ASKED, denied, "a" * 64).text())
    assert (record.decision.allowed, record.agreement) == (False, "")
    assert decider().decide(record.request) == record.decision


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "[" * 100_000,
        RECORD.text() + "\n",
        RECORD.text().rstrip(),
        " " + RECORD.text(),
        RECORD.text().replace('":"', '": "', 1),
        changed(more=""),
        changed(coalition=""),
        changed(coalition="A" * 64),
        changed(coalition="a" * 63),
        changed(coalition=None),
        changed(agreement="b" * 65),
        changed(agreement="none"),
        changed(agreement=0),
        changed(request=json.loads(FIELDS["request"])),
        changed(request=""),
        changed(request="\ud800"),
        changed(decision="{}"),
        inside("request", context=[]),
        inside("request", context={"tiers": ["B", "A"]}),
        inside("request", context={"keys": 1.5}),
        inside("request", more=1),
        inside("decision", allowed="yes"),
        inside("decision", bundle="0" * 63),
        inside("decision", obligations="burn"),
        inside("decision", obligations="delay( 3 )"),
        inside("decision", policies="all"),
        "\ud800",
        " " * (MAX_RECORD_BYTES + 1),
    ],
)
def test_record_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(AuditError) as caught:
        parse_record(text)
    assert caught.value.full_code == "audit.decision"


def test_record_without_one_field_is_refused() -> None:
    for name in FIELDS:
        with pytest.raises(AuditError):
            parse_record(encode_canonical({k: v for k, v in FIELDS.items() if k != name}).decode())


def test_record_longer_than_its_bound_is_refused_before_it_is_read() -> None:
    with pytest.raises(AuditError) as caught:
        parse_record(RECORD.text() + " " * MAX_RECORD_BYTES)
    assert str(MAX_RECORD_BYTES) in caught.value.detail
