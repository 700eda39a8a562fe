"""The supplier's side in a signal file: a contest and a reply, as an export of own signals has them.

Handles: writing both from a signal, and telling whoever reads the file that they are there. A draft has no
place for either: what a supplier said is relayed by a person, with the day on which it came in, and no file
may put words into its mouth. So they are named with the command that brings them in, and never taken.
Specification: docs/signals-interchange.md, JSON Lines.
"""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field

from symbolon.signals.file_fields import DayField, FileModel, unicode_text
from symbolon.signals.signal import MAX_REPLY_BYTES, MAX_STATEMENT_BYTES, NO_DISPUTE, Signal
from symbolon.signals.vocabulary import DisputeState
from symbolon.suppliers.row_problem import RowProblem

_Statement = Annotated[str, Field(max_length=MAX_STATEMENT_BYTES), AfterValidator(unicode_text)]
_ReplyText = Annotated[str, Field(min_length=1, max_length=MAX_REPLY_BYTES), AfterValidator(unicode_text)]


class DisputeFile(FileModel):
    """The supplier's contest, as an export has it; it is told to the importer and not read in."""

    model_config = ConfigDict(title="Dispute")

    state: Annotated[DisputeState, Field(strict=False)] = Field(
        title="State", description="How the contest stands."
    )
    since: DayField = Field(title="Since", description="The day it came in.")
    statement: _Statement | None = Field(None, title="Statement", description="What is contested.")


class ReplyFile(FileModel):
    """The supplier's answer, as an export has it; it is told to the importer and not read in."""

    model_config = ConfigDict(title="Reply")

    received: DayField = Field(title="Received", description="The day it came in.")
    text: _ReplyText = Field(title="Text", description="In the supplier's words.")


def supplier_side(signal: Signal) -> dict[str, Any]:
    """The fields of a file that hold a signal's contest and reply; none where nothing was said."""
    fields: dict[str, Any] = {}
    dispute, reply = signal.dispute, signal.reply
    if dispute != NO_DISPUTE and dispute.since is not None:
        fields["dispute"] = {"state": dispute.state.value, "since": dispute.since.isoformat()}
        if dispute.statement:
            fields["dispute"]["statement"] = dispute.statement
    if reply is not None:
        fields["reply"] = {"received": reply.received.isoformat(), "text": reply.text}
    return fields


def supplier_side_notes(row: int, *, has_dispute: bool, has_reply: bool) -> Iterator[RowProblem]:
    """Yields what an importer is told: the supplier's side is never dropped in silence.

    Args:
        row: number of the row, line, event or object that has it.
        has_dispute: whether it has a contest.
        has_reply: whether it has an answer.
    """
    if has_dispute:
        yield RowProblem(
            row,
            "dispute",
            "the subject contests this signal; a draft has no place for that",
            "bring the contest in with `symbolon signals dispute`",
            fatal=False,
        )
    if has_reply:
        yield RowProblem(
            row,
            "reply",
            "the subject has answered; a draft has no place for that",
            "bring the answer in with `symbolon signals reply`",
            fatal=False,
        )
