"""What a proposal makes of the state in force: the next metadata, the same bytes at every founder.

Handles: drafts, which signatures a draft still lacks, and the parts that publish it. Refuses: a proposal for
another coalition or on another base, a version that does not follow, a time that is not about now, a text of
terms other than the one its act names, authorities in another form, founders in the root other than those in
members.json, fewer founders left unsuspended than have to sign. Founders sign what they computed here, never
what they were sent. Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from tuf.api.metadata import Targets  # type: ignore[attr-defined] # as in coalition_roles

from symbolon.errors import MembershipError
from symbolon.membership.act_application import apply_acts
from symbolon.membership.acts import NewTerms
from symbolon.membership.authorities import Authorities
from symbolon.membership.coalition_parts import (
    TIMESTAMP_PART,
    root_part,
    snapshot_part,
    targets_part,
)
from symbolon.membership.coalition_roles import (
    TARGET_FILES,
    TARGETS_VALIDITY,
    TIMESTAMP_VALIDITY,
    Missing,
    key_id,
    make_root,
    make_snapshot,
    make_targets,
    make_timestamp,
    missing_signatures,
    signature_over,
    signed_bytes,
    with_signatures,
)
from symbolon.membership.coalition_state import State
from symbolon.membership.founding_words import drop_command
from symbolon.membership.member_record import Members, Status
from symbolon.membership.members_document import encode_members
from symbolon.membership.proposal import Proposal, Signatures, SignedRole

MAX_AGE: Final = timedelta(days=14)
"""How long people have to decide; afterwards the same is proposed anew."""

BINDING: Final = timedelta(days=7)
"""How long a signature binds its founder, counted from when the proposal was posed, see `rpc.founding`."""

SIGNING: Final = BINDING - timedelta(days=1)
"""How long a proposal may be signed and put in force after it was posed. What is put in force at the last
moment has a day to become known to those whom it binds."""

CLOCK_SKEW: Final = timedelta(hours=2)
"""How far a proposer's clock may be ahead."""

OVERTAKEN: Final = "membership.proposal.overtaken"
"""The code of a proposal on a state that is not the newest any more."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The metadata that a proposal makes, unsigned; equal at all founders.

    Attributes:
        members: the content of members.json.
        root: the new root, or None when the one in force stays.
    """

    members: Members
    members_json: bytes = field(repr=False)
    authorities_pem: bytes = field(repr=False)
    terms: bytes = field(repr=False)
    targets: bytes = field(repr=False)
    root: bytes | None = field(repr=False)


def next_version(state: State, posed: datetime) -> int:
    """The version of whatever is posed on a state at a time: one more, and one more for each week since.

    What was signed in an earlier week, and was not put in force, binds nobody any more, and nothing else ever
    takes its version. No founder has a choice, so none can use up the numbers.
    """
    age = posed - (state.expiries[Targets.type] - TARGETS_VALIDITY)
    return state.targets_version + 1 + max(0, age // BINDING)


def require_no_founder(member_id: str, state: State) -> None:
    """Checks that the root names no keys of a member, with which it could go on signing when it is none.

    Raises:
        MembershipError: `membership.proposal.founders`.
    """
    founders = [each.member_id for each in state.founders]
    if member_id not in founders:
        return
    if len(founders) == 1:
        raise _refused(
            "founders",
            f"{member_id} is the only founder",
            hint="First another member takes its place: it runs `symbolon coalition offer`, then here "
            f"`symbolon coalition founders --add LINE --drop {member_id} --threshold 1`.",
        )
    raise _refused(
        "founders",
        f"{member_id} is a founder, and its keys are in the root as well",
        hint=f"First run `{drop_command(member_id, state)}`, then this again once it is in force.",
    )


def draft(proposal: Proposal, state: State, now: datetime) -> Draft:
    """Applies a proposal to the state in force.

    Args:
        proposal: made here or anywhere.
        state: verified, in force at this founder.
        now: the current time, aware.

    Raises:
        MembershipError: `membership.proposal.` followed by `coalition`, `overtaken`, `base`, `version`,
            `time`, `terms` or `founders`; `membership.authorities`; `membership.metadata.root`; or what
            `apply_acts` says of an act.
    """
    # Step 1: it is on what this founder holds.
    if proposal.coalition != state.members.coalition:
        raise _refused("coalition", f"the proposal is for coalition {proposal.coalition}")
    if proposal.version <= state.targets_version:
        raise _refused("overtaken", f"version {state.targets_version} is in force already")
    if proposal.base != hashlib.sha256(state.members_json).digest():
        raise _refused(
            "base", "the proposal starts from another state of the coalition than this founder holds"
        )
    if proposal.version != next_version(state, proposal.posed):
        raise _refused("version", f"version {proposal.version} does not follow {state.targets_version}")
    # Step 2: it is of these days.
    if not now - MAX_AGE < proposal.made <= proposal.posed or not (
        now - SIGNING < proposal.posed <= now + CLOCK_SKEW
    ):
        raise MembershipError(
            f"the proposal was made at {proposal.made:%Y-%m-%d %H:%M} and posed at "
            f"{proposal.posed:%Y-%m-%d %H:%M} UTC",
            hint="Compare the clocks; a proposal that was left for too long is made anew.",
            code="membership.proposal.time",
        )
    # Step 3: what the acts make of it.
    today = now.astimezone(UTC).date()
    members = apply_acts(state.members, proposal.acts, today=today, version=proposal.version)
    terms = _terms(proposal, state)
    # Step 4: who signs is who members.json says.
    founding = proposal.founding
    founders = founding.founders if founding else state.founders
    if tuple(each.member_id for each in founders) != tuple(each.member_id for each in members.founders):
        for each in founders if founding is None else ():
            if each.member_id not in {left.member_id for left in members.founders}:
                require_no_founder(each.member_id, state)
        raise _refused(
            "founders",
            "members.json and root would name different founders",
            hint="Who is to be a founder no more: `symbolon coalition founders --drop ID`, then the rest.",
        )
    root = None
    authorities_pem = state.authorities_pem
    if founding:
        root = make_root(state.root_version + 1, founders, founding.threshold, proposal.made)
        authorities_pem = Authorities.parse(founding.authorities_pem).encode()
    threshold = founding.threshold if founding else state.root.threshold
    if sum(each.status is Status.ACTIVE for each in members.founders) < threshold:
        # Nobody asks a suspended founder, so nothing could be signed any more, not even its reinstatement.
        raise _refused(
            "founders",
            f"fewer than {threshold} founders would be left that are not suspended; so many sign each change",
            hint="First name other founders, or fewer that sign together: `symbolon coalition founders`.",
        )
    members_json = encode_members(members)
    expires = proposal.posed + TARGETS_VALIDITY
    targets = make_targets(members_json, authorities_pem, terms, proposal.version, expires)
    return Draft(members, members_json, authorities_pem, terms, targets, root)


def signed(made: Draft, role: SignedRole, signatures: Signatures) -> bytes:
    """A draft's metadata of a role with the signatures that there are."""
    metadata = made.root if role == "root" else made.targets
    if metadata is None:
        raise _refused("founders", "the proposal makes no new root")
    own = [(key, signature) for (signed_role, key), signature in signatures.items() if signed_role == role]
    return with_signatures(metadata, own)


def holding(proposal: Proposal, made: Draft, state: State, signatures: Signatures) -> Signatures:
    """Those of some signatures that count: by founders in force or proposed, over what the draft says."""
    founders = {*state.founders, *(proposal.founding.founders if proposal.founding else ())}
    root, targets = made.root and signed_bytes(made.root), signed_bytes(made.targets)
    found: dict[tuple[SignedRole, str], bytes] = {}
    for founder in founders:
        keys: tuple[tuple[SignedRole, bytes, bytes | None], ...] = (
            ("root", founder.root_key, root),
            ("targets", founder.metadata_key, targets),
        )
        for role, public_key, payload in keys:
            name = role, key_id(public_key)
            signature = signatures.get(name)
            if signature is None or payload is None:
                continue
            with suppress(InvalidSignature):
                Ed25519PublicKey.from_public_bytes(public_key).verify(signature, payload)
                found[name] = signature
    return found


def missing(made: Draft, state: State, signatures: Signatures) -> dict[SignedRole, tuple[Missing, ...]]:
    """What a draft still lacks before it can be published; empty when nothing."""
    lacks: dict[SignedRole, tuple[Missing, ...]] = {}
    if made.root is not None:
        lacks["root"] = missing_signatures(state.root_bytes, "root", signed(made, "root", signatures))
    lacks["targets"] = missing_signatures(
        made.root or state.root_bytes, "targets", signed(made, "targets", signatures)
    )
    return {role: each for role, each in lacks.items() if each}


def published(
    made: Draft, state: State, signatures: Signatures, metadata_key: Ed25519PrivateKey, now: datetime
) -> dict[str, bytes]:
    """The parts that put a draft in force.

    Args:
        made: a draft that lacks nothing.
        state: that it was made of.
        signatures: under it.
        metadata_key: a founder's, for snapshot and timestamp.
        now: the current time, aware.
    """
    version = made.members.version
    parts = {
        targets_part(version): signed(made, "targets", signatures),
        **content_parts(made.members_json, made.authorities_pem, made.terms),
        **dated(version, state.timestamp_version + 1, metadata_key, now),
    }
    if made.root is not None:
        parts[root_part(state.root_version + 1)] = signed(made, "root", signatures)
    return parts


def dated(
    targets_version: int, timestamp_version: int, metadata_key: Ed25519PrivateKey, now: datetime
) -> dict[str, bytes]:
    """Snapshot and timestamp of a version of targets, signed by one founder, to hold from now on."""
    expires = now + TIMESTAMP_VALIDITY
    snapshot = make_snapshot(targets_version, expires)
    timestamp = make_timestamp(timestamp_version, targets_version, expires)
    return {
        snapshot_part(targets_version): with_signatures(snapshot, [signature_over(snapshot, metadata_key)]),
        TIMESTAMP_PART: with_signatures(timestamp, [signature_over(timestamp, metadata_key)]),
    }


def content_parts(members_json: bytes, authorities_pem: bytes, terms: bytes) -> dict[str, bytes]:
    """The three target files under the names by which they travel."""
    contents: Iterable[bytes] = (members_json, authorities_pem, terms)
    return {
        f"{hashlib.sha256(content).hexdigest()}.{name}": content
        for name, content in zip(TARGET_FILES, contents, strict=True)
    }


def require_terms_text(terms: bytes) -> None:
    """Checks that terms of use can be read.

    Raises:
        MembershipError: `membership.proposal.terms`.
    """
    try:
        text = terms.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refused("terms", "the text of the terms is not UTF-8") from error
    if not text.strip():
        raise _refused("terms", "there is no text of the terms")


def _terms(proposal: Proposal, state: State) -> bytes:
    named = [act.sha256 for act in proposal.acts if isinstance(act, NewTerms)]
    if not named and not proposal.terms:
        return state.terms
    if named != [hashlib.sha256(proposal.terms).digest()]:
        raise _refused("terms", "the text of the terms is not the one that the act names")
    require_terms_text(proposal.terms)
    return proposal.terms


def _refused(
    kind: str,
    detail: str,
    hint: str = "Run `symbolon coalition sync`, then look at `symbolon coalition proposals` again.",
) -> MembershipError:
    return MembershipError(
        detail,
        hint=hint,
        code=f"membership.proposal.{kind}",
    )
