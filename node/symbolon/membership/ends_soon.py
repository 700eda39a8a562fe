"""What ends soon and takes people to renew: a coalition's metadata, and a member's records.

A coalition whose root or targets have ended has no members any more, and a member whose records have lapsed
is refused by all; both come without anybody doing anything. docs/adr/0013.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from symbolon.membership.coalition_state import ASK_FOR_NEWER, State
from symbolon.membership.due_diligence import ATTESTATION_VALIDITY, DueDiligence

METADATA_SOON_DAYS: Final = {"root": 60, "targets": 30, "snapshot": 3, "timestamp": 3}
"""Fewer days left are worth a warning. Founders' nodes sign the last two again each day, so that three days
left mean four days without news; the first two take people."""

RECORD_SOON_DAYS: Final = 30
"""Likewise for what a person has to renew in the own entry."""


@dataclass(frozen=True, slots=True)
class EndsSoon:
    """One thing that ends soon.

    Attributes:
        code: names it.
        said: what, and when.
        hint: who does what.
    """

    code: str
    said: str
    hint: str


def ends_soon(state: State, member: str, now: datetime) -> list[EndsSoon]:
    """All that ends soon for a member, the metadata first.

    Args:
        state: the metadata held; of what has ended already nothing is said.
        member: its id; one that is not listed has no records.
        now: the current time, aware.
    """
    own, metadata = state.members.find(member), metadata_ends_soon(state, now)
    records = records_end_soon(own.due_diligence, now) if own else ()
    return [*((metadata,) if metadata else ()), *records]


def metadata_ends_soon(state: State, now: datetime) -> EndsSoon | None:
    """The roles of the metadata that end soon, in one sentence."""
    left = {role: (expires - now).days for role, expires in state.expiries.items()}
    soon = {role: days for role, days in left.items() if 0 <= days < METADATA_SOON_DAYS[role]}
    if not soon:
        return None
    words = ", ".join(f"{role} has {days} days left" for role, days in soon.items())
    signers = (
        "The founders have to sign anew, the root with `symbolon coalition founders`; then run `symbolon "
        "coalition sync`."
    )
    return EndsSoon(
        "metadata.soon", words, signers if {"root", "targets"} & soon.keys() else f"Run {ASK_FOR_NEWER}."
    )


def records_end_soon(record: DueDiligence, now: datetime) -> Iterator[EndsSoon]:
    """A vetting and an attestation that lapse soon."""
    today, soon = now.date(), now.date() + timedelta(days=RECORD_SOON_DAYS)
    if today < record.vetting.lapses < soon:
        said = f"the vetting lapses on {record.vetting.lapses}"
        yield EndsSoon(
            "members.vetting", said, "Ask a founder to look anew and to run `symbolon coalition vet`."
        )
    attested_until = record.attested + ATTESTATION_VALIDITY
    if today <= attested_until < soon:
        said = f"the yearly attestation lapses after {attested_until}"
        yield EndsSoon("members.attestation", said, "Run `symbolon coalition attest`.")
