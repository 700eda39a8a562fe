"""The line that is written before anything leaves.

`Journal` is the interface. A line names the peer, the session, the purpose and counts; never identifiers,
tokens, elements or hits. The line and the state that it speaks of are one transaction of the store.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from symbolon.policy.operator_roles import LOCAL

Event = Literal[
    "asked",
    "answered",
    "released",
    "withdrawn",
    "learned",
    "denied",
    "failed",
    "ended",
    # Of people: an operator was changed; a second pair of eyes was asked for, agreed, did not, was used.
    "operator",
    "requested",
    "approved",
    "declined",
    "carried_out",
]


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line.

    Attributes:
        event: what happens next (or, for `learned`, `denied`, `failed`, `ended`, what has happened).
        peer: the other member.
        session_id: hexadecimal, the same in both journals; empty where there was none.
        counts: numbers by name, for example `elements`, `entries`.
        note: a fixed phrase: mode, purpose, basis of the permission, error code.
        operator: pseudonym of the operator it is due to; of a running node, who started it. The journal
            fills it in.
    """

    event: Event
    peer: str
    session_id: str
    mode: str
    purpose: str
    counts: dict[str, int]
    note: str = ""
    operator: str = LOCAL


class Journal(Protocol):
    """Takes lines, in order, durably."""

    def write(self, line: JournalLine) -> None:
        """Returns only once the line is on the disk.

        Raises:
            StorageError: the line could not be written; whatever it announces must not happen.
        """
        ...
