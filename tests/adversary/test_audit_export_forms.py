"""Attacks on the form of exported logs, and guesses at what closed entries say."""

import base64
import hashlib
import hmac
import io
import json
from collections.abc import Callable
from functools import cache

import pytest

from coalition_members import ACME, DELTA
from exported_logs import HOUR, PURPOSE, two_logs, verdict_on
from symbolon.audit.entry import FIELDS, commit, leaf_bytes
from symbolon.audit.export_check import check_files
from symbolon.audit.export_file import read_lines
from symbolon.audit.export_format import MAX_ENTRIES, MAX_LINE_BYTES, decode_line
from symbolon.audit.merkle import leaf_hash
from symbolon.errors import AuditError
from symbolon.policy.canonical_json import encode_canonical


@cache
def file() -> bytes:
    _, owner = two_logs(2)
    return owner.export()


def lines() -> list[bytes]:
    """All lines but the last."""
    return file().splitlines(keepends=True)[:-1]


def closed(*parts: bytes) -> bytes:
    """A file of these lines with a last line that fits them, as an attacker would make it."""
    body = b"".join(parts)
    end = {"kind": "end", "lines": body.count(b"\n"), "sha256": hashlib.sha256(body).hexdigest()}
    return body + encode_canonical(end)


def refusal(data: bytes) -> str:
    with pytest.raises(AuditError) as caught:
        check_files([("file", io.BytesIO(data))])
    assert caught.value.exit_code == 65
    assert caught.value.detail.startswith("file")
    return caught.value.full_code.removeprefix("audit.export.")


def test_attackers_last_line_is_taken() -> None:
    assert closed(*lines()) == file()
    assert verdict_on(file()).holds


def test_file_cut_at_any_line_is_refused() -> None:
    found = {refusal(b"".join(lines()[:count])) for count in range(len(lines()) + 1)}
    assert found == {"truncated"}
    found = {refusal(closed(*lines()[:count])) for count in range(1, len(lines()))}
    assert found == {"truncated"}


@pytest.mark.parametrize("keep", [1, 100, -1, -2, -70])
def test_file_cut_within_a_line_is_refused(keep: int) -> None:
    assert refusal(file()[:keep]) == "truncated"


def test_file_that_goes_on_after_its_last_line_is_refused() -> None:
    assert refusal(file() + b"\n") == "line"
    assert refusal(file() + file()) == "line"


def test_line_that_stands_twice_is_refused() -> None:
    for at, line in enumerate(lines()):
        twice = closed(*lines()[:at], line, *lines()[at:])
        # A root that is there twice says nothing else than once.
        if b'"kind":"root"' in line:
            assert verdict_on(twice).holds
        else:
            assert refusal(twice) in ("order", "size"), line[:80]


def test_lines_in_another_order_are_refused() -> None:
    for at in range(len(lines()) - 1):
        swapped = list(lines())
        swapped[at], swapped[at + 1] = swapped[at + 1], swapped[at]
        assert refusal(closed(*swapped)) == "order", at


def test_line_that_was_taken_out_is_refused_or_missed() -> None:
    for at, line in enumerate(lines()):
        data = closed(*lines()[:at], *lines()[at + 1 :])
        if b'"kind":"document"' in line or b'"kind":"checkpoint"' in line:
            # An earlier checkpoint is evidence of the past; the last one covers all.
            earlier = b'"kind":"checkpoint"' in line and b"delta\\n6\\n" not in line
            assert verdict_on(data).holds is earlier, line[:80]
        else:
            assert refusal(data) in ("order", "truncated"), line[:80]


def test_line_of_ten_megabytes_is_refused_before_it_is_read() -> None:
    class Counting(io.BytesIO):
        most = 0

        def readline(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            self.most = max(self.most, size)
            return super().readline(size)

    assert MAX_LINE_BYTES < 10 * 1024 * 1024
    stream = Counting(b'{"kind":"' + b"x" * 10 * 1024 * 1024)
    with pytest.raises(AuditError) as caught:
        list(read_lines(stream))
    assert caught.value.full_code == "audit.export.size"
    assert stream.most == MAX_LINE_BYTES + 1


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000 + b"\n",
        b'{"kind":' * 100_000 + b"\n",
        b'{"kind":"leaf","leaf":"","number":' + b"9" * 5_000 + b"}\n",
        b'{"kind":"leaf","leaf":"","number":1e400}\n',
        b'{"kind":"leaf","leaf":"","number":NaN}\n',
        b'{"kind":"zip"}\n',
        b'{"kind":["header"]}\n',
        b'{"kind":null}\n',
        b"{}\n",
        b"[]\n",
        b"\n",
        b"\xff\xfe\n",
        b'{"kind":"end","lines":-1,"sha256":"' + b"0" * 64 + b'"}\n',
        b'{"kind":"end","lines":true,"sha256":"' + b"0" * 64 + b'"}\n',
    ],
    ids=lambda line: str(line[:40]),
)
def test_line_of_hostile_json_is_refused(line: bytes) -> None:
    assert refusal(line) == "line"
    assert refusal(lines()[0] + line) in ("line", "truncated")


def header(**changes: object) -> bytes:
    return encode_canonical({**json.loads(lines()[0]), **changes})


@pytest.mark.parametrize("size", [MAX_ENTRIES + 1, 1 << 62, 10**30, -1, "6", 6.0, True, None])
def test_header_that_counts_more_than_any_log_is_refused(size: object) -> None:
    assert refusal(closed(header(size=size), *lines()[1:])) == "line"


def test_header_that_counts_millions_of_entries_fills_no_memory() -> None:
    assert refusal(closed(header(size=MAX_ENTRIES), *lines()[1:])) == "truncated"


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "symbolon-audit-export-v2"},
        {"format": "symbolon-audit-proof-v1"},
        {"member": "../../etc"},
        {"member": ""},
        {"coalition": "a b"},
        {"recipient": "\x1b[2J"},
        {"hour": 1 << 40},
        {"more": 1},
    ],
    ids=repr,
)
def test_header_that_says_something_else_is_refused(changes: dict[str, object]) -> None:
    assert refusal(closed(header(**changes), *lines()[1:])) in ("line", "order", "truncated")


def test_header_of_another_member_is_found() -> None:
    told = verdict_on(closed(header(member="acme"), *lines()[1:]))
    assert "checkpoint.signature" in {each.code for each in told.findings}


def test_files_of_two_coalitions_are_not_compared() -> None:
    told = verdict_on(file(), closed(header(coalition="other"), *lines()[1:]))
    assert {each.code for each in told.findings} == {"coalition"}


def entry(change: Callable[[dict], object]) -> bytes:
    at = next(n for n, line in enumerate(lines()) if b'"kind":"entry"' in line)
    content = json.loads(lines()[at])
    change(content)
    return encode_canonical(content)


@pytest.mark.parametrize(
    "change",
    [
        lambda each: each["values"].pop("note"),
        lambda each: each["salts"].pop("note"),
        lambda each: each["commitments"].update(note=base64.b64encode(bytes(32)).decode()),
        lambda each: each["values"].update(supplier="S-1"),
        lambda each: each["values"].update(note=1),
        lambda each: each["values"].update(note="\ud800"),
        lambda each: each["salts"].update(note=base64.b64encode(bytes(31)).decode()),
        lambda each: each["salts"].update(note="A" * 43),
        lambda each: each.update(values={}, salts={}),
        lambda each: each.update(number=-1),
        lambda each: each.update(values=[]),
        lambda each: each.update(more=1),
    ],
)
def test_entry_of_another_form_is_refused(change: Callable[[dict], object]) -> None:
    with pytest.raises(AuditError) as caught:
        decode_line(entry(change))
    assert caught.value.full_code == "audit.export.line"


def test_entry_with_a_field_of_a_megabyte_is_refused() -> None:
    with pytest.raises(AuditError) as caught:
        decode_line(entry(lambda each: each["values"].update(note="x" * 600_000)))
    assert caught.value.full_code == "audit.export.size"


def test_document_signed_by_nine_members_is_refused() -> None:
    at = next(n for n, line in enumerate(lines()) if b'"type":"result"' in line)
    content = json.loads(lines()[at])
    content["signatures"] = {f"m{number}": "AAAA" for number in range(9)}
    with pytest.raises(AuditError) as caught:
        decode_line(encode_canonical(content))
    assert caught.value.full_code == "audit.export.size"


DICTIONARY = [
    ACME,
    DELTA,
    PURPOSE,
    "intersection",
    "size",
    "answered",
    "released",
    "ended",
    "local",
    "tier A",
]
DICTIONARY += ["", "{}", '{"elements_A":128}', '{"entries":256}', *(str(HOUR + n) for n in range(40))]
DICTIONARY += [f"{number:032x}" for number in range(1, 4)]


def test_dictionary_of_what_is_true_finds_nothing_in_a_closed_export() -> None:
    _, owner = two_logs(2)
    told = {value for each in owner.told for value in each.values.values()}
    assert len(told & set(DICTIONARY)) > 10
    shown = owner.export(opens=lambda _: False)
    entries = [line for line in shown.splitlines() if b'"kind":"leaf"' in line]
    assert len(entries) == len(owner.told)
    leaves = {base64.b64decode(json.loads(line)["leaf"]) for line in entries}
    for guess in DICTIONARY:
        assert not guess or guess.encode() not in b"\n".join(entries)
    # All that can be computed without salts: the leaf of an entry that is guessed wholly right.
    for each in owner.told:
        for salt in (b"", bytes(32), b"symbolon-audit-entry-v1"):
            made = {
                name: hmac.digest(
                    salt, bytes([len(name)]) + name.encode() + each.values[name].encode(), "sha256"
                )
                for name in FIELDS
            }
            assert leaf_hash(leaf_bytes(made)) not in leaves


def test_dictionary_of_what_is_true_finds_nothing_in_closed_fields() -> None:
    _, owner = two_logs(2)
    shown = owner.export(fields=("event",))
    entries = [json.loads(line) for line in shown.splitlines() if b'"kind":"entry"' in line]
    seen = {salt for each in entries for salt in each["salts"].values()}
    commitments = {each for line in entries for each in line["commitments"].values()}
    assert len(commitments) == len(entries) * (len(FIELDS) - 1)
    salts = [bytes(32), *map(base64.b64decode, seen)]
    for name in FIELDS:
        if name == "event":
            continue
        for guess in DICTIONARY:
            guesses = {base64.b64encode(commit(name, guess, salt)).decode() for salt in salts}
            guesses.add(base64.b64encode(hashlib.sha256(guess.encode()).digest()).decode())
            assert not guesses & commitments
    told = verdict_on(shown)
    assert told.holds
    assert "closed" in {each.code for each in told.findings}
