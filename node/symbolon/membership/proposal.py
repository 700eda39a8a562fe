"""A proposal: acts on the state that a founder holds, as it travels between founders.

Handles: the shape of proposals, their two-way codec, and the names of a proposal: of the document, and of its
matter, which stays the same when it is posed again on a later state. Refuses: other shapes and any but the
canonical form. Whether a proposal holds on a state is for `proposal_draft` to say; who may sign it, and when,
is in `symbolon.rpc.founding`. Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal

from symbolon.membership.act_codec import acts_content, read_acts
from symbolon.membership.acts import Act, Admit, Amend, Refresh, Renew, Vet
from symbolon.membership.canonical_json import (
    decode_json,
    encode_canonical,
    malformed,
    read_array,
    read_bytes,
    read_integer,
    read_object,
    read_text,
    require_size,
)
from symbolon.membership.coalition_parts import MAX_AUTHORITIES_BYTES, MAX_TERMS_BYTES
from symbolon.membership.coalition_roles import Founder
from symbolon.membership.member import FINGERPRINT_BYTES, CoalitionId, MemberId, parse_coalition_id

MAX_PROPOSAL_BYTES: Final = 3 * 1024 * 1024
"""Room for `MAX_ACTS` admissions of 10 KiB, four times what one has, beside terms and authorities at their
largest, in hexadecimal; below one gRPC message."""

SignedRole = Literal["root", "targets"]
Signatures = Mapping[tuple[SignedRole, str], bytes]
"""Role and key id to signature."""

_MAX_TIME_S: Final = 2**35
_FIELDS: Final = frozenset("acts base coalition founding made posed terms version".split())
_FOUNDING_FIELDS: Final = frozenset("authorities founders threshold".split())
_FOUNDER_FIELDS: Final = frozenset("member_id metadata_key root_key".split())


@dataclass(frozen=True, slots=True)
class NewFounders:
    """Who signs from now on; with it a proposal makes a new root.

    Attributes:
        founders: all of them, in ascending order of their ids.
        threshold: how many sign; more than half.
        authorities_pem: the certificates of their authorities.
    """

    founders: tuple[Founder, ...]
    threshold: int
    authorities_pem: bytes


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a founder proposes.

    Attributes:
        base: SHA-256 of the members.json that it starts from, 32 bytes.
        version: that it makes.
        made: UTC, whole seconds; the validity of a new root counts from here, and the time to decide.
        posed: likewise, when it was put on this base; the validity of targets counts from here, and the time
            to sign.
        terms: the text of new terms, UTF-8, or nothing.
        founding: who signs from now on, or None when that stays.

    Raises:
        MembershipError: `membership.malformed`, at construction.
    """

    coalition: CoalitionId
    base: bytes
    version: int
    made: datetime
    posed: datetime
    acts: tuple[Act, ...]
    terms: bytes = b""
    founding: NewFounders | None = None

    def __post_init__(self) -> None:
        parse_coalition_id(self.coalition)
        if len(self.base) != FINGERPRINT_BYTES:
            raise malformed("a proposal names its base by 32 bytes")
        if any(each.tzinfo is not UTC or each.microsecond for each in (self.made, self.posed)):
            raise malformed("a time of a proposal is not UTC with whole seconds")
        if len(self.terms) > MAX_TERMS_BYTES:
            raise malformed("the terms are too long")
        if self.founding and len(self.founding.authorities_pem) > MAX_AUTHORITIES_BYTES:
            raise malformed("the authorities are too many")

    @property
    def routine(self) -> bool:
        """Whether it holds nothing but acts that can carry their own proof."""
        return self.founding is None and all(
            isinstance(act, Admit | Renew | Amend | Refresh) for act in self.acts
        )

    @property
    def mends(self) -> bool:
        """Whether it holds nothing but what members need to come back whose records have lapsed.

        Founders whose own records have lapsed propose and sign it too: all of them can lapse on one day.
        """
        return self.founding is None and all(
            isinstance(act, Renew | Amend | Vet | Refresh) for act in self.acts
        )

    @property
    def invitations(self) -> tuple[bytes, ...]:
        """The SHA-256 by which it names the invitations that it answers."""
        return tuple(act.invitation_sha256 for act in self.acts if isinstance(act, Admit))


def encode_proposal(proposal: Proposal) -> bytes:
    """Encodes a proposal in its canonical form.

    Raises:
        MembershipError: `membership.too_large` or `membership.malformed`.
    """
    founding = proposal.founding
    content = {
        "acts": acts_content(proposal.acts),
        "base": proposal.base.hex(),
        "coalition": proposal.coalition,
        "founding": founding and _founding_content(founding),
        "made": int(proposal.made.timestamp()),
        "posed": int(proposal.posed.timestamp()),
        "terms": proposal.terms.hex(),
        "version": proposal.version,
    }
    return require_size(encode_canonical(content), MAX_PROPOSAL_BYTES)


def decode_proposal(document: bytes) -> Proposal:
    """Decodes a proposal from anywhere; `proposal_draft.draft` judges it.

    Raises:
        MembershipError: `membership.too_large` or `membership.malformed`.
    """
    fields = read_object(decode_json(document, MAX_PROPOSAL_BYTES), _FIELDS)
    founding = fields["founding"]
    proposal = Proposal(
        coalition=CoalitionId(read_text(fields["coalition"])),
        base=read_bytes(fields["base"]),
        version=read_integer(fields["version"]),
        made=_read_time(fields["made"]),
        posed=_read_time(fields["posed"]),
        acts=read_acts(fields["acts"]),
        terms=read_bytes(fields["terms"]),
        founding=None if founding is None else _read_founding(founding),
    )
    if encode_proposal(proposal) != document:
        raise malformed("the proposal is not in canonical form")
    return proposal


def proposal_sha256(document: bytes) -> bytes:
    """The name of a proposal: the SHA-256 of its document, 32 bytes."""
    return hashlib.sha256(document).digest()


def matter_sha256(proposal: Proposal) -> bytes:
    """The name of what is proposed, whichever state it is posed on: 32 bytes."""
    unposed = replace(proposal, base=bytes(FINGERPRINT_BYTES), version=0, posed=proposal.made)
    return proposal_sha256(encode_proposal(unposed))


def _founding_content(founding: NewFounders) -> Mapping[str, object]:
    return {
        "authorities": founding.authorities_pem.hex(),
        "founders": [
            {
                "member_id": each.member_id,
                "metadata_key": each.metadata_key.hex(),
                "root_key": each.root_key.hex(),
            }
            for each in founding.founders
        ],
        "threshold": founding.threshold,
    }


def _read_founding(value: object) -> NewFounders:
    fields = read_object(value, _FOUNDING_FIELDS)
    return NewFounders(
        founders=tuple(_read_founder(each) for each in read_array(fields["founders"])),
        threshold=read_integer(fields["threshold"]),
        authorities_pem=read_bytes(fields["authorities"]),
    )


def _read_founder(value: object) -> Founder:
    fields = read_object(value, _FOUNDER_FIELDS)
    return Founder(
        member_id=MemberId(read_text(fields["member_id"])),
        root_key=read_bytes(fields["root_key"]),
        metadata_key=read_bytes(fields["metadata_key"]),
    )


def _read_time(value: object) -> datetime:
    seconds = read_integer(value)
    if seconds > _MAX_TIME_S:
        raise malformed("a time of a proposal is out of range")
    return datetime.fromtimestamp(seconds, UTC)
