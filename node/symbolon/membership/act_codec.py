"""Acts as they travel between founders: the two-way codec of a list of them, as a part of a proposal.

Handles: acts to the tree that is encoded, and back. Refuses: lists that are too long, unknown acts, a field
more or less, shapes that `acts` refuses. The canonical form and the size of the whole are for `proposal` to
judge. An act that decodes is not yet believed: `act_application` judges it.
Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, assert_never

from symbolon.membership.acts import (
    MAX_ACTS,
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
from symbolon.membership.canonical_json import (
    date_text,
    malformed,
    read_array,
    read_bytes,
    read_date,
    read_object,
    read_text,
)
from symbolon.membership.member import MemberId
from symbolon.membership.member_statement import SignedStatement, read_statement, statement_content
from symbolon.membership.members_document import (
    read_record,
    read_roles,
    read_vetting,
    record_content,
    vetting_content,
)

_SIGNED_FIELDS: Final = frozenset({"signature", "statement"})
_FIELDS: Final = {
    name: frozenset({"act", *fields.split()})
    for name, fields in {
        "admit": "certificate_pem invitation_sha256 proof record replaces",
        "renew": "certificate_pem signed",
        "amend": "signed",
        "vet": "member_id vetting",
        "suspend": "member_id reason",
        "reinstate": "member_id",
        "expel": "member_id on reason",
        "appoint": "member_id roles",
        "new-terms": "sha256 version",
        "purposes": "purposes",
        "refresh": "",
    }.items()
}


def acts_content(acts: Sequence[Act]) -> Sequence[Mapping[str, object]]:
    """Returns acts as the tree that is encoded.

    Raises:
        MembershipError: `membership.malformed`.
    """
    _require_count(len(acts))
    return [_act_content(act) for act in acts]


def read_acts(value: object) -> tuple[Act, ...]:
    """Returns the acts of such a tree.

    Raises:
        MembershipError: `membership.malformed`.
    """
    array = read_array(value)
    _require_count(len(array))
    return tuple(_read_act(each) for each in array)


def _act_content(act: Act) -> Mapping[str, object]:
    match act:
        case Admit():
            return {
                "act": "admit",
                "certificate_pem": act.certificate_pem.decode("ascii"),
                "invitation_sha256": act.invitation_sha256.hex(),
                "proof": act.proof.hex(),
                "record": record_content(act.record),
                "replaces": act.replaces.hex(),
            }
        case Renew():
            pem = act.certificate_pem.decode("ascii")
            return {"act": "renew", "certificate_pem": pem, "signed": _signed_content(act.signed)}
        case Amend():
            return {"act": "amend", "signed": _signed_content(act.signed)}
        case Vet():
            return {"act": "vet", "member_id": act.member_id, "vetting": vetting_content(act.vetting)}
        case Suspend():
            return {"act": "suspend", "member_id": act.member_id, "reason": act.reason}
        case Reinstate():
            return {"act": "reinstate", "member_id": act.member_id}
        case Expel():
            on = date_text(act.on)
            return {"act": "expel", "member_id": act.member_id, "on": on, "reason": act.reason}
        case Appoint():
            return {"act": "appoint", "member_id": act.member_id, "roles": act.roles}
        case NewTerms():
            return {"act": "new-terms", "sha256": act.sha256.hex(), "version": act.version}
        case Purposes():
            return {"act": "purposes", "purposes": act.purposes}
        case Refresh():
            return {"act": "refresh"}
        case _:
            assert_never(act)


def _read_act(value: object) -> Act:
    name = value.get("act") if isinstance(value, dict) else None
    if not isinstance(name, str) or name not in _FIELDS:
        raise malformed("an act is not one of those known")
    fields = read_object(value, _FIELDS[name])
    match name:
        case "admit":
            return Admit(
                record=read_record(fields["record"]),
                invitation_sha256=read_bytes(fields["invitation_sha256"]),
                certificate_pem=_read_pem(fields["certificate_pem"]),
                proof=read_bytes(fields["proof"]),
                replaces=read_bytes(fields["replaces"]),
            )
        case "renew":
            return Renew(_read_pem(fields["certificate_pem"]), _read_signed(fields["signed"]))
        case "amend":
            return Amend(_read_signed(fields["signed"]))
        case "new-terms":
            return NewTerms(read_text(fields["version"]), read_bytes(fields["sha256"]))
        case "purposes":
            return Purposes(tuple(read_text(each) for each in read_array(fields["purposes"])))
        case "refresh":
            return Refresh()
        case _:
            return _read_founders_act(name, MemberId(read_text(fields["member_id"])), fields)


def _read_founders_act(name: str, member_id: MemberId, fields: Mapping[str, Any]) -> Act:
    match name:
        case "vet":
            return Vet(member_id, read_vetting(fields["vetting"]))
        case "suspend":
            return Suspend(member_id, read_text(fields["reason"]))
        case "reinstate":
            return Reinstate(member_id)
        case "expel":
            return Expel(member_id, read_date(fields["on"]), read_text(fields["reason"]))
        case _:
            return Appoint(member_id, read_roles(fields["roles"]))


def _signed_content(signed: SignedStatement) -> Mapping[str, object]:
    return {"signature": signed.signature.hex(), "statement": statement_content(signed.statement)}


def _read_signed(value: object) -> SignedStatement:
    fields = read_object(value, _SIGNED_FIELDS)
    return SignedStatement(read_statement(fields["statement"]), read_bytes(fields["signature"]))


def _read_pem(value: object) -> bytes:
    try:
        return read_text(value).encode("ascii")
    except UnicodeEncodeError as error:
        raise malformed("a certificate is not in PEM") from error


def _require_count(count: int) -> None:
    if count > MAX_ACTS:
        raise malformed(f"{count} acts are more than {MAX_ACTS}")
