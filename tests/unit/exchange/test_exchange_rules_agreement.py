import hashlib

import pytest

from symbolon.exchange.limits import KEY_RULES_BYTES
from symbolon.exchange.rules_agreement import compare, fingerprint, with_caution
from symbolon.suppliers.key_schemes import VERSIONS, key_rules
from unit.exchange.harness import (
    ReceiverEnd,
    SenderEnd,
    converse,
    rng_of,
    size_answer,
    size_receiver,
    table_of,
)

OLD, NEW = fingerprint("lei.1"), fingerprint("lei.2")


def test_fingerprint_is_the_beginning_of_the_digest_and_changes_with_any_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert fingerprint("lei.1") == hashlib.sha256(b"lei.1").digest()[:KEY_RULES_BYTES]
    seen = {fingerprint(key_rules())}
    for kind, version in VERSIONS.copy().items():
        with monkeypatch.context() as newer:
            newer.setitem(VERSIONS, kind, version + 1)
            seen.add(fingerprint(key_rules()))
    assert len(seen) == len(VERSIONS) + 1


@pytest.mark.parametrize("rules", [None, ""])
def test_fingerprint_of_rules_that_were_not_noted_is_empty(rules: str | None) -> None:
    assert fingerprint(rules) == b""


@pytest.mark.parametrize(
    ("own", "theirs", "agreement"),
    [
        (OLD, OLD, "same"),
        (OLD, NEW, "different"),
        (OLD, b"", "unknown"),
        (b"", OLD, "unknown"),
        (b"", b"", "unknown"),
    ],
)
def test_rules_of_two_lists_are_said_to_be_the_same_only_when_both_are_known(
    own: bytes, theirs: bytes, agreement: str
) -> None:
    assert compare(own, theirs) == agreement


def test_sentence_is_left_alone_only_when_the_rules_are_the_same() -> None:
    assert with_caution("Nothing was found.", "same") == "Nothing was found."
    assert "keyed by different rules" in with_caution("Nothing was found.", "different")
    assert "is not known" in with_caution("Nothing was found.", "unknown")


def test_receivers_of_both_modes_know_nothing_of_the_rules_before_the_offer() -> None:
    table = table_of({1: {"a"}})
    sender = SenderEnd(rng_of("sender"))
    session = ReceiverEnd(rng_of("receiver")).ask({"A": table})
    count = size_receiver([table], rng_of("size"))
    assert (session.key_rules, count.key_rules) == ("unknown", "unknown")
    converse(session, lambda hello: sender.answer(hello, {"A": table}))
    converse(count, lambda hello: size_answer(hello, [table], rng_of("answer")))
    # Neither end of these told any.
    assert (session.key_rules, count.key_rules) == ("unknown", "unknown")
