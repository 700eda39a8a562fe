"""The next `members.json` from the present one and a list of acts: the same bytes at every founder.

Handles: the effect of each act, judged in the order in which they stand. Refuses: an empty list or one too
long, two acts on one subject, an act that would change nothing, statements that do not hold (see
`member_statement`), ids that may not be admitted (see `readmission`), certificates that speak for another
member or are for another key, lapsed vettings, vetting by oneself while there is another founder, other terms
than those in force, relays that are none.

`today` decides only what is refused and never what is written, so founders whose clocks differ compute the
same or nothing. Whether the founders that remain can still sign is for the root to say. The chain of a
certificate is for the TLS handshake: what is listed here is necessary there, and does not suffice.
Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final, assert_never

from symbolon.errors import MembershipError
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
from symbolon.membership.canonical_json import MAX_INTEGER
from symbolon.membership.certificates import load_certificate, peer_identity
from symbolon.membership.due_diligence import Acceptance, Vetting, require_standing
from symbolon.membership.member import MemberId
from symbolon.membership.member_record import (
    MAX_EXPELLED,
    MAX_MEMBERS,
    Expelled,
    MemberRecord,
    Members,
    Role,
    Status,
)
from symbolon.membership.member_statement import (
    Place,
    Revocation,
    public_key_sha256,
    require_present,
    verify_statement,
)
from symbolon.membership.members_document import encode_members, members_sha256
from symbolon.membership.readmission import require_new, require_replaceable, require_same

CLOCK_DAYS: Final = timedelta(days=1)
"""Around midnight, UTC, the clock that wrote a day may be ahead of the one that judges it."""


def apply_acts(members: Members, acts: Sequence[Act], *, today: date, version: int | None = None) -> Members:
    """Computes the next state of a coalition.

    Args:
        members: the present state.
        acts: 1 to `MAX_ACTS`, at most one on each member, at most one of each kind of the others; a refresh
            stands alone.
        today: UTC.
        version: the next version, higher than the present one; one more when None.

    Returns:
        The next state, which names the present one as the one it was made from.

    Raises:
        MembershipError: `membership.duplicate`, `.expelled`, `.unknown`, `.full`, `.too_large`, `.lapsed.…`,
            `.certificate.…`, `.statement.…`, or `membership.act.` followed by `count`, `twice`, `idle`,
            `version`, `certificate`, `vetting`, `terms`, `date`, `relay`, `suspended`, `founder` or `again`.
    """
    # Step 1: the list as a whole.
    if not 1 <= len(acts) <= MAX_ACTS:
        raise _refused("count", f"{len(acts)} acts are not from 1 to {MAX_ACTS}")
    subjects = {_subject(act) for act in acts}
    if len(subjects) != len(acts) or (Refresh in subjects and len(acts) > 1):
        raise _refused("twice", "two acts are on one subject, or a refresh stands beside other acts")
    following = members.version + 1 if version is None else version
    if not members.version < following <= MAX_INTEGER:
        raise _refused("version", f"version {following} cannot follow version {members.version}")
    # Step 2: each act, on what those before it left.
    draft = _Draft(members, today)
    for act in acts:
        draft.apply(act)
    # Step 3: the whole, within its limits.
    changed = draft.finish(following)
    encode_members(changed)
    return changed


class _Draft:
    """The next state while it is being made.

    Entries are looked up in the present state: no member is changed twice. Only what one act needs of another
    member, that it is a founder or a relay, is asked of the draft.
    """

    def __init__(self, present: Members, today: date) -> None:
        self._present = present
        self._today = today
        self._records = {record.member_id: record for record in present.members}
        self._expelled = {each.member_id: each for each in present.expelled}
        self._terms_version = present.terms_version
        self._purposes = present.purposes

    def apply(self, act: Act) -> None:
        match act:
            case Admit():
                self._admit(act)
            case Renew():
                self._renew(act)
            case Amend():
                self._amend(act)
            case Vet():
                self._require_vetting(act.member_id, act.vetting)
                record = require_present(self._present, act.member_id)
                due_diligence = replace(record.due_diligence, vetting=act.vetting)
                self._change(record, replace(record, due_diligence=due_diligence))
            case Suspend():
                record = require_present(self._present, act.member_id)
                self._change(record, replace(record, status=Status.SUSPENDED, reason=act.reason))
            case Reinstate():
                record = require_present(self._present, act.member_id)
                self._change(record, replace(record, status=Status.ACTIVE, reason=""))
            case Expel():
                self._expel(act)
            case Appoint():
                record = require_present(self._present, act.member_id)
                self._change(record, replace(record, roles=act.roles))
            case NewTerms():
                if act.version == self._terms_version:
                    raise _idle(f"terms {act.version} are in force already")
                self._terms_version = act.version
            case Purposes():
                if act.purposes == self._purposes:
                    raise _idle("these are the purposes already")
                self._purposes = act.purposes
            case Refresh():
                pass
            case _:
                assert_never(act)

    def finish(self, version: int) -> Members:
        """The next state; who was a relay and is none any more is left out wherever it was named as one.

        Every entry that is not as before says in which version it changed. One that only looked as it did
        some time ago would let all that its member stated then hold again.
        """
        relaying = {record.member_id for record in self._records.values() if _relays(record)}
        left = {
            name: replace(record, relays=tuple(each for each in record.relays if each in relaying))
            for name, record in self._records.items()
        }
        return replace(
            self._present,
            version=version,
            previous=members_sha256(self._present),
            terms_version=self._terms_version,
            purposes=self._purposes,
            members=tuple(
                record if record == self._present.find(name) else replace(record, changed=version)
                for name, record in sorted(left.items())
            ),
            expelled=tuple(each for _, each in sorted(self._expelled.items())),
        )

    def _admit(self, act: Admit) -> None:
        record = act.record
        # Step 1: the id was never given, or is this member's; the key is nobody's, and there is room.
        if act.replaces:
            present = require_replaceable(self._present, record.member_id)
            require_same(present, act.replaces, record.kind, record.jurisdiction, record.roles)
            if any(present.owns(each) for each in record.certificates):
                raise _refused("certificate", f"{record.member_id} would keep a certificate that it has now")
        else:
            require_new(self._present, record.member_id)
        if any(record.signing_key == other.signing_key for other in self._records.values()):
            raise MembershipError(
                f"the signing key of {record.member_id} is in use", code="membership.duplicate"
            )
        if not act.replaces and len(self._records) >= MAX_MEMBERS:
            raise MembershipError(f"a coalition has at most {MAX_MEMBERS} members", code="membership.full")
        # Step 2: the certificate is the member's, and the only one.
        identity = peer_identity(act.certificate_pem, self._present.coalition)
        if identity.member_id != record.member_id or record.certificates != (identity.fingerprint,):
            raise _refused("certificate", f"the entry of {record.member_id} does not name its certificate")
        # Step 3: vetted by a founder, on the terms in force, with nothing lapsed or of tomorrow.
        if record.status is not Status.ACTIVE:
            raise _refused("suspended", f"{record.member_id} would be suspended from the start")
        due_diligence = record.due_diligence
        self._require_vetting(record.member_id, due_diligence.vetting)
        require_standing(due_diligence, self._terms_version, self._today)
        self._require_past(due_diligence.acceptance.on)
        self._require_past(due_diligence.attested)
        # Step 4: the relays are relays.
        self._require_relays(record.member_id, record.relays)
        self._records[record.member_id] = record

    def _renew(self, act: Renew) -> None:
        record = verify_statement(self._present, act.signed)
        identity = peer_identity(act.certificate_pem, self._present.coalition)
        key_sha256 = public_key_sha256(load_certificate(act.certificate_pem).public_key())
        if identity.member_id != record.member_id or key_sha256 != act.asks.key_sha256:
            raise _refused("certificate", f"the certificate is not the one that {record.member_id} asked for")
        if record.owns(identity.fingerprint):
            raise _idle(f"the certificate of {record.member_id} is listed already")
        if not record.owns(act.asks.beside):
            raise _not_listed(record)
        self._change(record, replace(record, certificates=(act.asks.beside, identity.fingerprint)))

    def _amend(self, act: Amend) -> None:
        record = verify_statement(self._present, act.signed)
        match act.asks:
            case Revocation() as asks:
                if not record.owns(asks.kept):
                    raise _not_listed(record)
                self._change(record, replace(record, certificates=(asks.kept,)))
            case Place() as asks:
                self._require_relays(record.member_id, asks.relays)
                place = replace(
                    record, endpoint=asks.endpoint, relays=asks.relays, relay_endpoint=asks.relay_endpoint
                )
                self._change(record, place)
            case Acceptance() as asks:
                self._require_past(asks.on)
                if asks.on < record.due_diligence.attested:
                    raise _refused("date", f"{record.member_id} attested on a later day already")
                if asks.terms_version != self._terms_version:
                    raise _refused(
                        "terms",
                        f"{record.member_id} accepts terms {asks.terms_version}, not those in force",
                        hint="The member attests again, on the terms in force.",
                    )
                due_diligence = replace(record.due_diligence, acceptance=asks, attested=asks.on)
                self._change(record, replace(record, due_diligence=due_diligence))

    def _expel(self, act: Expel) -> None:
        record = require_present(self._present, act.member_id)
        self._require_past(act.on)
        if len(self._expelled) >= MAX_EXPELLED:
            raise MembershipError(
                f"a coalition remembers at most {MAX_EXPELLED} expelled members", code="membership.full"
            )
        del self._records[record.member_id]
        self._expelled[record.member_id] = Expelled(act.member_id, act.on, act.reason)

    def _change(self, record: MemberRecord, changed: MemberRecord) -> None:
        if changed == record:
            raise _idle(f"the entry of {record.member_id} says so already")
        self._records[record.member_id] = changed

    def _require_vetting(self, member_id: MemberId, vetting: Vetting) -> None:
        """Checks who vetted whom, and when.

        A founder vets itself only while it is the only one, since nobody else could renew its vetting. That
        is asked of the present state, so that no list can first remove the others.
        """
        founder = self._records.get(vetting.by)
        alone = [each.member_id for each in self._present.founders] == [member_id]
        if (
            (vetting.by == member_id and not alone)
            or founder is None
            or Role.FOUNDER not in founder.roles
            or founder.status is not Status.ACTIVE
        ):
            raise _refused(
                "vetting",
                f"{vetting.by} cannot vet {member_id}",
                hint="A founder that is not suspended vets others, and itself while it is the only one.",
            )
        self._require_past(vetting.on)
        if self._today >= vetting.lapses:
            raise _refused("vetting", f"the vetting of {member_id} lapsed on {vetting.lapses}")

    def _require_relays(self, member_id: MemberId, relays: tuple[MemberId, ...]) -> None:
        for relay in relays:
            record = self._records.get(relay)
            if record is None or not _relays(record) or relay == member_id:
                raise _refused("relay", f"{relay} is no relay for {member_id}")

    def _require_past(self, day: date) -> None:
        if day - self._today > CLOCK_DAYS:
            raise _refused("date", f"{day} is in the future", hint="Check the clocks at both ends.")


def _subject(act: Act) -> MemberId | type[Act]:
    """What only one act of a list may be on."""
    if isinstance(act, NewTerms | Purposes | Refresh):
        return type(act)
    return act.member_id


def _relays(record: MemberRecord) -> bool:
    return Role.RELAY in record.roles and bool(record.relay_endpoint)


def _not_listed(record: MemberRecord) -> MembershipError:
    return _refused("certificate", f"the certificate that {record.member_id} means to keep is not listed")


def _idle(detail: str) -> MembershipError:
    return _refused("idle", detail)


def _refused(kind: str, detail: str, *, hint: str | None = None) -> MembershipError:
    return MembershipError(detail, hint=hint, code=f"membership.act.{kind}")
