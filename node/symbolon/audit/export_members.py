"""Who the members were, as the documents in an exported log say: whose key signs what.

Handles: reading coalition documents under a chain of roots, the signing keys of each member in any of them,
and what was signed with these. A member's key changes when it is admitted anew, so a signature holds under
any key that the founders ever listed for it in the file. Refuses by raising; which finding it is, the caller
knows. Specification: docs/adr/0015, Export.
"""

from collections.abc import Sequence
from typing import Final

from tuf.api.metadata import Root  # type: ignore[attr-defined] # as in membership.coalition_roles

from symbolon.audit.checkpoint import Checkpoint, log_origin, parse_checkpoint
from symbolon.audit.cosignature import CosignedCheckpoint, WitnessKey, verify_cosigned
from symbolon.audit.receipt import verify_request, verify_result
from symbolon.audit.signed_note import NoteKey, SignedNote
from symbolon.errors import AuditError
from symbolon.membership.coalition_document import read_coalition_document
from symbolon.membership.member import MemberId
from symbolon.membership.member_record import Members

UNLISTED: Final = "audit.export.unlisted"
"""Code of what is said of a member that no list names."""


class ListedMembers:
    """The members in all coalition documents of one file.

    Args:
        coalition: that the file is about.
        roots: verified, see `verify_roots`.
    """

    def __init__(self, coalition: str, roots: Sequence[Root]) -> None:
        self._coalition = coalition
        self._roots = roots
        self._states: dict[str, Members] = {}
        self._keys: dict[str, list[bytes]] = {}
        self._newest: Members | None = None

    def add(self, sha256: str, document: bytes) -> None:
        """Takes a coalition document.

        Raises:
            MembershipError: no root vouches for it, or it has another form.
            AuditError: `audit.export.coalition`, it is another coalition's.
        """
        members = read_coalition_document(document, self._roots)
        if members.coalition != self._coalition:
            raise AuditError(
                f"a coalition document is of {members.coalition}, not of {self._coalition}",
                code="audit.export.coalition",
            )
        self._states[sha256] = members
        for each in members.members:
            keys = self._keys.setdefault(each.member_id, [])
            if each.signing_key not in keys:
                keys.append(each.signing_key)
        if self._newest is None or members.version > self._newest.version:
            self._newest = members

    def state(self, sha256: str) -> Members | None:
        """The members in one document, by its SHA-256; None where it is not in the file."""
        return self._states.get(sha256)

    def states(self) -> tuple[Members, ...]:
        """The members in every document."""
        return tuple(self._states.values())

    def others(self, member: str) -> tuple[str, ...]:
        """The other members in the newest document: those that could have cosigned."""
        listed = self._newest.members if self._newest is not None else ()
        return tuple(each.member_id for each in listed if each.member_id != member)

    def checkpoint(self, note: SignedNote, member: str) -> Checkpoint:
        """Verifies that a member signed a checkpoint of its log.

        Raises:
            AuditError: it did not.
        """
        return self.cosigned(note, member, witnesses=False).checkpoint

    def cosigned(self, note: SignedNote, member: str, *, witnesses: bool = True) -> CosignedCheckpoint:
        """Verifies a checkpoint of a member's log and the cosignatures of the others.

        Raises:
            AuditError: the member did not sign it, or a cosignature of a member does not hold.
        """
        origin = self._name(member)
        found = parse_checkpoint(note.text)
        if found.origin != origin:
            raise AuditError(f"the checkpoint is not of {origin}", code="audit.checkpoint.origin")
        others = [
            WitnessKey(self._name(other), key)
            for other, keys in (self._keys.items() if witnesses else ())
            if other != member
            for key in keys
        ]
        refused: AuditError | None = None
        for key in self._keys.get(member, ()):
            try:
                return verify_cosigned(note, NoteKey(origin, key), others)
            except AuditError as error:
                # Under the key that it had then it may hold: that no key signed it says less than the rest.
                if refused is None or refused.full_code == "audit.note.unsigned":
                    refused = error
        raise refused or _unlisted(member)

    def request(self, document: bytes, signature: bytes, member: str) -> None:
        """Verifies a member's signature over a request.

        Raises:
            AuditError: `audit.signature`, or `UNLISTED`.
        """
        for key in self._keys.get(member, ()):
            try:
                return verify_request(document, signature, key)
            except AuditError:
                continue
        raise _unsigned(member) if member in self._keys else _unlisted(member)

    def result(self, document: bytes, signature: bytes, member: str) -> None:
        """Verifies a member's signature over a result.

        Raises:
            AuditError: `audit.signature`, or `UNLISTED`.
        """
        for key in self._keys.get(member, ()):
            try:
                return verify_result(document, signature, key)
            except AuditError:
                continue
        raise _unsigned(member) if member in self._keys else _unlisted(member)

    def _name(self, member: str) -> str:
        members = self._newest
        if members is None:
            raise _unlisted(member)
        return log_origin(members.coalition, MemberId(member))


def _unlisted(member: str) -> AuditError:
    return AuditError(f"{member} is in no list of members in the file", code=UNLISTED)


def _unsigned(member: str) -> AuditError:
    return AuditError(f"no key that is listed for {member} made the signature", code="audit.signature")
