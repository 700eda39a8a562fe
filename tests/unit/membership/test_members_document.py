import json
from dataclasses import replace
from datetime import date
from hashlib import sha256

import pytest

from coalition_members import ACME, CEDAR, DELTA, coalition, member, vetting
from symbolon.errors import MembershipError
from symbolon.membership.canonical_json import MAX_INTEGER
from symbolon.membership.due_diligence import Acceptance, DueDiligence
from symbolon.membership.member import MemberId
from symbolon.membership.member_record import Expelled, Role, Status
from symbolon.membership.members_document import (
    MAX_MEMBERS_BYTES,
    decode_members,
    encode_members,
    entry_sha256,
    members_sha256,
)

FORMER = Expelled(MemberId("zelkova"), date(2026, 1, 5), "resold what it was told")
EXAMPLE = coalition(
    member(ACME, (Role.FOUNDER, Role.RELAY), jurisdiction="IN"),
    member(DELTA, relays=(ACME,), endpoint="", status=Status.SUSPENDED, reason="Prüfung läuft"),
    expelled=(FORMER,),
)


def refused(document: bytes) -> str:
    with pytest.raises(MembershipError) as caught:
        decode_members(document)
    return caught.value.full_code


def written(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii") + b"\n"


def test_encode_members_example_is_these_bytes() -> None:
    """The form is what founders sign: a change of it splits a coalition."""
    one = coalition(
        member(
            DELTA,
            certificates=(bytes(range(32)),),
            changed=6,
            signing_key=bytes(range(32, 64)),
            due_diligence=DueDiligence(
                Acceptance("2026-1", date(2026, 2, 1), "B. Okoro"), vetting(), date(2026, 2, 2)
            ),
        ),
        expelled=(FORMER,),
    )
    assert encode_members(one) == (
        b'{"coalition":"clean-hands","expelled":[{"member_id":"zelkova","on":"2026-01-05",'
        b'"reason":"resold what it was told"}],"members":[{"certificates":['
        b'"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"],"changed":6,"due_diligence":{'
        b'"acceptance":{"on":"2026-02-01","person":"B. Okoro","terms_version":"2026-1"},'
        b'"attested":"2026-02-02","vetting":{"by":"acme","criteria":"charter, section 2",'
        b'"lapses":"2028-02-01","on":"2026-02-01","person":"A. Rao"}},"endpoint":"delta.example:7443",'
        b'"jurisdiction":"DE","kind":"company","member_id":"delta","reason":"","relay_endpoint":"",'
        b'"relays":[],"roles":[],"signing_key":'
        b'"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f","status":"active"}],'
        b'"previous":"0000000000000000000000000000000000000000000000000000000000000000",'
        b'"prohibited_uses":["immigration-or-police-work","action-against-organising-workers","resale"],'
        b'"purposes":["due-diligence","remediation"],"terms_version":"2026-1","version":7}\n'
    )


def test_decode_members_encoded_is_the_same() -> None:
    document = encode_members(EXAMPLE)
    assert document.isascii()
    assert decode_members(document) == EXAMPLE
    assert members_sha256(EXAMPLE) == sha256(document).digest()


def test_entry_sha256_any_change_of_the_entry_changes_it() -> None:
    entry = member(DELTA)
    changed = [
        replace(entry, changed=1),
        replace(entry, jurisdiction="FR"),
        replace(entry, relays=(CEDAR,)),
        replace(entry, certificates=(*entry.certificates, bytes(32))),
        replace(entry, due_diligence=replace(entry.due_diligence, attested=date(2026, 2, 3))),
    ]
    assert len({entry_sha256(each) for each in [entry, *changed]}) == 1 + len(changed)
    assert entry_sha256(member(DELTA)) == entry_sha256(entry)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"version":7}', b'"version": 7}'),
        (b'"version":7}\n', b'"version":7}'),
        (b'"version":7}\n', b'"version":7}\n\n'),
        (b'"version":7', b'"version":7.0'),
        (b'"version":7', b'"version":true'),
        (b'"version":7', b'"version":0'),
        (b'"version":7', b'"version":-7'),
        (b'"version":7', b'"version":"7"'),
        (b'"version":7', b'"version":9007199254740992'),
        (b'"version":7', b'"version":' + b"7" * 5_000),
        (b'"version":7', b'"version":7,"version":7'),
        (b'"version":7', b'"version":7,"zeal":7'),
        (b',"version":7', b""),
        (b"2026-01-05", b"20260105"),
        (b"2026-01-05", b"2026-02-30"),
        (b"2026-01-05", b"1999-12-31"),
        (b"2028-02-01", b"9999-12-31"),
        (b'"DE"', b'"de"'),
        (b'"DE"', b'"\\u0044E"'),
        (b"Pr\\u00fcfung", "Prüfung".encode()),
        (b"\\u00fc", b"\\u00FC"),
        (b'"company"', b'"bank"'),
        (b'"suspended"', b'"active"'),
        (b'["founder","relay"]', b'["relay","founder"]'),
        (b'["founder","relay"]', b'"founder"'),
        (b'"previous":"00', b'"previous":"'),
        (b'"previous":"00', b'"previous":" 00'),
        (b'"previous":"00', b'"previous":null,"x":"00'),
        (b'"resale"]', b'"resale","anything"]'),
        (b',"resale"]', b"]"),
        (b'["immigration-or-police-work",', b"["),
        (b'"zelkova"', b'"delta"'),
    ],
)
def test_decode_members_altered_document_is_refused(before: bytes, after: bytes) -> None:
    document = encode_members(EXAMPLE)
    altered = document.replace(before, after, 1)
    assert altered != document
    assert refused(altered) == "membership.malformed"


def test_decode_members_upper_case_fingerprint_is_refused() -> None:
    document = encode_members(EXAMPLE)
    name = EXAMPLE.members[0].signing_key.hex().encode()
    assert name.upper() != name
    assert refused(document.replace(name, name.upper())) == "membership.malformed"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_decode_members_other_encoding_is_refused(encoding: str) -> None:
    assert refused(encode_members(EXAMPLE).decode("ascii").encode(encoding)) == "membership.malformed"


@pytest.mark.parametrize("document", [b"", b"\xff", b"null\n", b"[]\n", b"{}\n", b"[" * 200_000, b"NaN\n"])
def test_decode_members_no_document_is_refused(document: bytes) -> None:
    assert refused(document) == "membership.malformed"


def test_decode_members_too_large_is_refused_before_it_is_parsed() -> None:
    assert refused(b"[" * (MAX_MEMBERS_BYTES + 1)) == "membership.too_large"
    assert refused(b"[" * MAX_MEMBERS_BYTES) == "membership.malformed"


def test_encode_members_too_large_is_refused() -> None:
    wordy = tuple(
        Expelled(MemberId(f"former-{number:05}"), date(2026, 1, 5), "é" * 200) for number in range(2_000)
    )
    with pytest.raises(MembershipError) as caught:
        encode_members(coalition(expelled=wordy))
    assert caught.value.full_code == "membership.too_large"


@pytest.mark.parametrize(
    "changes",
    [
        {"version": MAX_INTEGER + 1},
        {"version": 10**5_000},
        {"expelled": (replace(FORMER, on=date(9999, 12, 31)),)},
    ],
)
def test_encode_members_what_could_not_be_decoded_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(MembershipError) as caught:
        encode_members(coalition(**changes))
    assert caught.value.full_code == "membership.malformed"


def test_decode_members_no_purposes_and_no_members_is_read() -> None:
    empty = replace(EXAMPLE, purposes=(), members=(), expelled=(), version=MAX_INTEGER)
    assert decode_members(encode_members(empty)) == empty
    content = json.loads(encode_members(empty))
    assert written(content) == encode_members(empty)
