"""What a founder's node signs by itself, what it shows to a person, and in which words.

Handles: the question whether an act carries its own proof, and one plain sentence for each act. Refuses: a
statement that does not hold, and an answer to an approved invitation with keys that the holder of its code
did not choose; no person's consent mends either. Whatever is not known to carry its proof goes to a person.
Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never

from symbolon.membership.acts import (
    Act,
    Admit,
    Amend,
    Appoint,
    Expel,
    NewTerms,
    Purposes,
    Refresh,
    Reinstate,
    Renew,
    Suspend,
    Vet,
)
from symbolon.membership.canonical_json import malformed
from symbolon.membership.certificates import load_certificate
from symbolon.membership.due_diligence import Acceptance, Vetting
from symbolon.membership.invitation_identity import parse_invitation_key, verify_join_proof
from symbolon.membership.member import (
    CoalitionId,
    MemberId,
    MemberKind,
    check_jurisdiction,
    parse_coalition_id,
    parse_member_id,
)
from symbolon.membership.member_record import Members, Role
from symbolon.membership.member_statement import Place, Revocation, public_key_sha256, verify_statement
from symbolon.membership.readmission import check_replaced


@dataclass(frozen=True, slots=True)
class InvitationTerms:
    """What a founder approved when it approved an invitation; who answers it may choose nothing of this.

    Attributes:
        roles: strictly ascending.
        expires: aware; from then on an answer needs a person.
        invitation_key: 65 bytes, see `invitation_identity`; only who holds the code can say with which keys
            it is answered.
        replaces: empty for a new member; for one whose keys are lost the signing key that it has now, see
            `Admit`.

    Raises:
        MembershipError: `membership.malformed`, at construction.
    """

    coalition: CoalitionId
    member_id: MemberId
    kind: MemberKind
    roles: tuple[Role, ...]
    jurisdiction: str
    vetting: Vetting
    expires: datetime
    invitation_key: bytes
    replaces: bytes = b""

    def __post_init__(self) -> None:
        check_replaced(self.replaces)
        parse_coalition_id(self.coalition)
        parse_member_id(self.member_id)
        check_jurisdiction(self.jurisdiction)
        parse_invitation_key(self.invitation_key)
        if self.expires.tzinfo is None:
            raise malformed("the expiry of an invitation has no time zone")

    def is_over(self, members: Members) -> bool:
        """Whether nobody can be admitted by it any more, since somebody was, or its id was expelled."""
        present = members.find(self.member_id)
        if self.replaces:
            return present is None or present.signing_key != self.replaces
        return present is not None or members.is_expelled(self.member_id)


def needs_person(
    act: Act, members: Members, approved_invitations: Mapping[bytes, InvitationTerms], *, now: datetime
) -> str | None:
    """Tells whether a founder's node may sign an act that nobody there has read.

    Args:
        act: one that `act_application` does not refuse.
        members: the present state.
        approved_invitations: those that this founder approved, by the SHA-256 that an `Admit` names.
        now: the current time, aware.

    Returns:
        None when the act carries its own proof; else why a person must look, one sentence.

    Raises:
        MembershipError: as `verify_statement`, for an act whose statement does not hold;
            `membership.invitation.proof` for an answer to an approved invitation whose proof does not hold.
    """
    match act:
        case Admit():
            return _doubt_of_invitation(act, members, approved_invitations.get(act.invitation_sha256), now)
        case Renew() | Amend():
            verify_statement(members, act.signed)
            return None
        case Refresh():
            return None
        case Vet():
            return "A person says whether the vetting took place and what it showed."
        case Suspend() | Expel():
            return "A person says whether the reason is a good one."
        case Reinstate():
            return "A person says whether what led to the suspension is over."
        case Appoint():
            return "A person says what a member may do for the others."
        case NewTerms() | Purposes():
            return "A person says what all members are to be bound by."
        case _:
            assert_never(act)


def describe(act: Act) -> str:
    """Says in one sentence, for a person who is no programmer, what an act would do."""
    match act:
        case Admit():
            return _admission(act)
        case Renew():
            return f"{act.member_id} gets a further certificate, which it asked for itself."
        case Amend():
            return _amendment(act.member_id, act.asks)
        case Vet():
            return f"{act.member_id} stays vetted: {_vetting(act.vetting)}."
        case Suspend():
            return f"{act.member_id} is suspended, and refused by all until that is lifted: {act.reason}"
        case Reinstate():
            return f"The suspension of {act.member_id} is lifted."
        case Expel():
            return f"{act.member_id} is expelled for good on {act.on}: {act.reason}"
        case Appoint():
            return f"From now on {act.member_id} is {_roles(act.roles)}."
        case NewTerms():
            return (
                f"Terms of use {act.version} come into force (SHA-256 of the text: {act.sha256.hex()}); "
                "each member is refused until it has accepted them."
            )
        case Purposes():
            listed = ", ".join(act.purposes) or "nothing at all"
            return f"Members may from now on exchange for these purposes only: {listed}."
        case Refresh():
            return "Nothing changes; the signatures are made anew before their time is out."
        case _:
            assert_never(act)


def describe_invitation(terms: InvitationTerms) -> str:
    """Says in one sentence whom an invitation would admit."""
    again = f" again{_REPLACED}" if terms.replaces else ""
    return (
        f"{terms.member_id} ({terms.kind}, {terms.jurisdiction}) is invited{again} as {_roles(terms.roles)}, "
        f"until {terms.expires:%Y-%m-%d}; {_vetting(terms.vetting)}."
    )


def _doubt_of_invitation(
    act: Admit, members: Members, approved: InvitationTerms | None, now: datetime
) -> str | None:
    record = act.record
    if approved is None:
        return f"Nobody here has approved the invitation that {act.member_id} answers."
    # Step 1: the holder of the code chose these keys, whatever else a person may have to look at.
    verify_join_proof(
        approved.invitation_key,
        act.proof,
        coalition=members.coalition,
        member_id=record.member_id,
        key_sha256=public_key_sha256(load_certificate(act.certificate_pem).public_key()),
        signing_key=record.signing_key,
    )
    # Step 2: the entry says what was approved, in time.
    compared = {
        "coalition": members.coalition == approved.coalition,
        "member id": record.member_id == approved.member_id,
        "kind": record.kind is approved.kind,
        "roles": record.roles == approved.roles,
        "country": record.jurisdiction == approved.jurisdiction,
        "vetting": record.due_diligence.vetting == approved.vetting,
        "keys that it replaces": act.replaces == approved.replaces,
    }
    other = ", ".join(name for name, same in compared.items() if not same)
    if other:
        return f"{act.member_id} joins otherwise than its approved invitation says: {other}."
    if now >= approved.expires:
        return f"The invitation that {act.member_id} answers expired at {approved.expires:%Y-%m-%d %H:%M %Z}."
    return None


_REPLACED: Final = ", with new keys, and its present keys and certificates are refused from then on,"


def _admission(act: Admit) -> str:
    record = act.record
    acceptance = record.due_diligence.acceptance
    again = f" again{_REPLACED}" if act.replaces else ""
    return (
        f"{record.member_id} ({record.kind}, {record.jurisdiction}) is admitted{again} as "
        f"{_roles(record.roles)}, reached {_place(record.endpoint, record.relays)}"
        f"{_running(record.relay_endpoint)}; "
        f"{_vetting(record.due_diligence.vetting)}; {_accepted(acceptance)}."
    )


def _amendment(member_id: MemberId, asks: Revocation | Place | Acceptance) -> str:
    if isinstance(asks, Revocation):
        return f"{member_id} has every certificate of its own refused but the one that it uses now."
    if isinstance(asks, Place):
        place = _place(asks.endpoint, asks.relays)
        return f"{member_id} is from now on reached {place}{_running(asks.relay_endpoint)}."
    return f"{member_id} attests for a year its purposes and the prohibited uses; {_accepted(asks)}."


def _accepted(acceptance: Acceptance) -> str:
    return f"{acceptance.person} accepted terms {acceptance.terms_version} for it on {acceptance.on}"


def _vetting(vetting: Vetting) -> str:
    return (
        f"{vetting.person} of {vetting.by} vetted it on {vetting.on} against {vetting.criteria}, "
        f"which holds until {vetting.lapses}"
    )


def _place(endpoint: str, relays: tuple[MemberId, ...]) -> str:
    ways = [f"at {endpoint}"] if endpoint else []
    if relays:
        ways.append(f"through the relays of {', '.join(relays)}")
    return " and ".join(ways) or "by nobody (it only asks others)"


def _running(relay_endpoint: str) -> str:
    return f", running a relay at {relay_endpoint}" if relay_endpoint else ""


def _roles(roles: tuple[Role, ...]) -> str:
    return " and ".join(roles) or "a member without further tasks"
