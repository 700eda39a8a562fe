"""What every change of a signal is made with: the seal, the log, the time, and whom it is due to."""

from collections.abc import Callable
from dataclasses import dataclass

from symbolon.storage.audit_log import AuditLog
from symbolon.storage.seal import Sealer


@dataclass(frozen=True, slots=True)
class Writer:
    """What all changes are made with.

    Attributes:
        sealer: of the database.
        audit: of the node.
        clock: seconds since 1970-01-01 UTC.
        operator: pseudonym of whom they are due to.
    """

    sealer: Sealer
    audit: AuditLog
    clock: Callable[[], float]
    operator: str
