"""An own export that comes back, perhaps after a person has worked on it in another system.

Handles: telling what is still as it was written from what was added or changed; free texts among that stand
behind the narrative, where the screening sees them; a TLP mark that was made stricter holds. Refuses, by a
fatal `RowProblem`, more text than a narrative has. Specification: docs/signals-interchange.md, The way back.
"""

from collections.abc import Iterator
from dataclasses import replace

from symbolon.signals.draft import Draft
from symbolon.signals.exported import description, summary, title
from symbolon.signals.exported_record import ReadRecord
from symbolon.signals.foreign_signal import ForeignSignal
from symbolon.signals.free_text import clean
from symbolon.signals.json_tree import Tree
from symbolon.signals.signal import MAX_NARRATIVE_CHARS
from symbolon.signals.vocabulary import Tlp
from symbolon.suppliers.row_problem import RowProblem


def keep_stricter(signal: Tree, mark: Tlp | None) -> None:
    """Puts the stricter of two marks into a record's signal.

    Args:
        signal: as it came; a mark in it that is none is left for its reader to refuse.
        mark: that stands beside the record now.
    """
    if mark is not None and signal.get("tlp") in list(Tlp):
        signal["tlp"] = min(mark, Tlp(signal["tlp"]), key=lambda each: each.number).value


def written_texts(read: ReadRecord) -> frozenset[str]:
    """The texts that an export writes besides the record, for people; none where that is not known."""
    if read.released is None or read.draft is None:
        return frozenset()
    released, publisher = read.released, read.publisher
    whole = description(released, read.draft.narrative, publisher)
    return frozenset({title(released), summary(released, publisher), whole})


def own_draft(
    read: ReadRecord, draft: Draft, found: ForeignSignal, placed: dict[str, str]
) -> Iterator[Draft | RowProblem]:
    """Yields an own export's problems and its draft, with the texts that were added since.

    Args:
        read: its record.
        draft: of the record.
        found: everything else in the event or report, but what `written_texts` knows.
        placed: what of the subject the export put beside the record.
    """
    yield from read.problems
    # What tags and labels say besides a mark, the record says better.
    found.words.notes.clear()
    added = found.paragraphs
    if added:
        written = {clean(each) for each in found.known}
        added = [each for each in added if each not in written]
    narrative = "\n\n".join(each for each in (draft.narrative, *added) if each)
    if added:
        found.note(
            "narrative",
            f"texts added or changed after the export; they stand behind the narrative: {len(added):,}",
            "look at how it reads now",
            fatal=len(narrative) > MAX_NARRATIVE_CHARS,
        )
    if found.subjects != ([placed] if placed else []):
        found.note(
            "subject",
            "the subject was changed after the export; what the export said of it was taken",
            "if the change is right, add the signal by hand",
        )
    found.tell_dropped()
    yield from found.problems
    if not any(each.fatal for each in found.problems):
        yield replace(draft, narrative=narrative)
