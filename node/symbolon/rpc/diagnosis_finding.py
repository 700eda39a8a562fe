"""What a diagnosis consists of: whom it is about, and what each check found.

Nothing raises here: every outcome is a `Finding`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from symbolon.membership.certificates import tls_target_name
from symbolon.membership.member_record import MemberRecord
from symbolon.rpc.tls_material import LeafFiles

SOON_DAYS: Final = 30
"""A certificate with fewer days left is worth a warning: a served node renews it when 90 are left."""


class State(StrEnum):
    """How a check came out. `unknown`: it could not be made, or the other side does not tell."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check.

    Attributes:
        check: what was looked at, in one or two words.
        said: what was found, one sentence without a full stop.
        hint: what to do, one sentence; empty where nothing is to be done.
        code: stable, for programs; empty for `ok`.
    """

    check: str
    state: State
    said: str
    hint: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to probe and what to hold it against.

    Attributes:
        peer: the member, as our metadata names it.
        endpoint: `host:port` to probe, that of its node or of the relay it runs.
        own: this node's member.
        command: what its operator runs there, `serve` or `relay`.
        authorities: certificates of our coalition's authorities, PEM.
        leaf: our own certificate and key; a missing one only costs the steps that need it.
        now: the current time, aware.
    """

    peer: MemberRecord
    endpoint: str
    own: str
    command: str
    coalition: str
    authorities: bytes
    leaf: LeafFiles
    now: datetime

    @property
    def name(self) -> str:
        """The name that TLS demands of the peer."""
        return tls_target_name(self.peer.member_id, self.coalition)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self.endpoint.rpartition(":")
        return host.strip("[]"), int(port)


def days_left(moment: datetime, now: datetime) -> int:
    """Whole days until a moment; negative once it has passed."""
    return (moment - now).days


def good(check: str, said: str) -> Finding:
    """A check that found all well."""
    return Finding(check, State.OK, said)


def warned(check: str, code: str, said: str, hint: str) -> Finding:
    """A check that found what somebody should see to before it fails."""
    return Finding(check, State.WARN, said, hint, code)


def failed(check: str, code: str, said: str, hint: str) -> Finding:
    """A check that failed."""
    return Finding(check, State.FAIL, said, hint, code)
