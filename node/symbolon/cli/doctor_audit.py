"""What `symbolon doctor` says of the audit log: whether it is whole, and who has cosigned it.

Handles: judging what this node holds itself; no member is asked. A log that is not the one that was signed
before comes out as the error that says so. docs/adr/0015.
"""

from collections.abc import Iterator
from typing import Final

from symbolon.audit.checkpoint import parse_checkpoint
from symbolon.membership.member_record import Members
from symbolon.rpc.diagnosis_finding import Finding, good, warned
from symbolon.rpc.witnessing import LOOKED_BACK, cosigners, majority, witnesses
from symbolon.storage.audit_checkpoints import Checkpoints
from symbolon.storage.audit_log import AuditLog

_CHECK = "audit log"
YOUNG_S: Final = 2 * 86400
"""A log that began later than this ago has had little time to be cosigned."""

_ASK = "`symbolon serve` asks them every day; `symbolon audit witness` asks now."


def look_at_audit(
    log: AuditLog, checkpoints: Checkpoints, members: Members, own: str, now_s: float
) -> Iterator[Finding]:
    """Whether the log is whole as far as this node can tell, its newest checkpoint, and contradictions held.

    Args:
        log: of this node.
        checkpoints: of this node.
        members: the present state.
        own: this member.
        now_s: seconds since 1970-01-01 UTC.

    Raises:
        AuditError: `audit.truncated`.
    """
    checkpoints.require_whole()
    said = f"{log.size():,} entries, whole"
    first = next(log.entries(0, 1), None)
    young = first is None or now_s - first.at_s < YOUNG_S
    newest = checkpoints.newest(LOOKED_BACK)
    others = len(witnesses(members, own))
    counts = [len(cosigners(note, checkpoints.public, members, own)) for note in newest]
    if newest:
        shown = f"{parse_checkpoint(newest[0].text).size:,}"
        said += f"; the newest checkpoint, of {shown}, has been cosigned by {counts[0]} of {others} others"
    held = checkpoints.evidence()
    if held:
        whose = ", ".join(sorted({origin.rpartition("/")[2] for origin, _, _ in held}))
        hint = "`symbolon audit witness` shows both checkpoints; tell the founders."
        yield warned(_CHECK, "audit.contradiction", f"{said}; the log of {whose} contradicts itself", hint)
    elif newest and others and not young and max(counts) < majority(others):
        yield warned(_CHECK, "audit.alone", f"{said}; no majority of them has cosigned it of late", _ASK)
    else:
        yield good(_CHECK, said)
