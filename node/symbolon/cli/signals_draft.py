"""One draft from whoever is at the keyboard: asked for in plain words, or typed as options; then screened.

The same for a node and for a laptop without one. Nothing is kept before its author has confirmed it.
"""

import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

import typer

from symbolon.cli.signals_asking import say
from symbolon.cli.signals_confirm import is_interactive
from symbolon.cli.signals_findings import refuse_unreviewed, tell_findings
from symbolon.cli.signals_guided import Guide
from symbolon.cli.signals_shown import content_lines, indented, subject_line
from symbolon.cli.signals_texts import is_open_to_others, read_text, require_one_stdin
from symbolon.cli.signals_typed import (
    Fields,
    is_empty,
    read_typed,
    require_known,
    try_typed,
    typed_object,
)
from symbolon.errors import UsageError
from symbolon.membership.member_record import Members
from symbolon.rpc.contributing import Screened
from symbolon.signals.draft import MAX_SOURCE_CHARS, Draft
from symbolon.signals.draft_problems import ANY_PURPOSE
from symbolon.signals.signal import ID_BYTES, MAX_NARRATIVE_CHARS

_REVIEWED: Final = "reviewed"


def obtain_draft(
    fields: Fields,
    *,
    narrative_file: Path | None,
    source_file: Path | None,
    today: date,
    members: Members | None,
    own: str,
    reviewed: bool,
) -> Screened:
    """The draft that its author wants to add, screened, and looked at where something was found.

    Args:
        fields: what was typed; if nothing was, its author is asked.
        narrative_file: text of the narrative.
        source_file: text of the note on the source.
        today: by this machine's clock.
        members: of the coalition; None on a machine without a node.
        own: this member's id.
        reviewed: a person has looked at what the screening finds.

    Raises:
        UsageError: something typed does not hold, or there is nobody to ask.
        InputError: a file cannot be used.
        ReviewNeededError: something was found, and nobody has looked at it.
    """
    require_one_stdin(narrative_file, source_file)
    texts = {}
    if narrative_file is not None:
        texts["narrative"] = read_text(narrative_file, "the narrative", MAX_NARRATIVE_CHARS)
    if source_file is not None:
        texts["source"] = read_text(source_file, "the note on the source", MAX_SOURCE_CHARS)
        if is_open_to_others(source_file):
            print(f"symbolon: hint: {source_file} is open to other users of this machine.", file=sys.stderr)
    if is_empty(fields) and narrative_file is None:
        if not is_interactive():
            raise UsageError(
                "nothing says what the signal is about",
                hint="Give its fields as options, or run `symbolon signals add` at a terminal: it asks.",
            )
        return _guided(Guide(today, members, own, ask_source=source_file is None), texts, today)
    draft = read_typed(typed_object({**fields, **texts}), today)
    draft = _with_purpose(draft, members)
    require_known(draft, members, own)
    screened = Screened(draft)
    refuse_unreviewed(screened.found, reviewed=reviewed)
    return screened


def tell_draft(draft: Draft, today: date) -> None:
    """Shows on stderr what would be stored; of the source only whether there is a note."""
    unsaid = "" if draft.purposes else "what the node will say"
    draft = replace(draft, purposes=draft.purposes or (ANY_PURPOSE,))
    signal = draft.first_revision(bytes(ID_BYTES), today)
    say(f"\n{subject_line(signal)} ({signal.subject.kind.value})")
    for line in content_lines(signal, today, purposes=unsaid):
        say(f"  {line}")
    if signal.narrative:
        say("  narrative:")
        for line in indented(signal.narrative):
            say(f"  {line}")
    say(f"  source: {'noted, sealed at the node' if draft.source else 'not noted'}")


def _with_purpose(draft: Draft, members: Members | None) -> Draft:
    """The draft with the coalition's purpose, where it names none and there is only one."""
    if draft.purposes or members is None:
        return draft
    if len(members.purposes) != 1:
        raise UsageError(
            "--purpose: nothing says what the signal may be used for",
            hint=f"Name one or more of: {', '.join(members.purposes)}.",
            code="usage.signal",
        )
    return replace(draft, purposes=members.purposes)


def _guided(guide: Guide, texts: dict[str, str], today: date) -> Screened:
    made = guide.ask()
    while True:
        draft, problems = try_typed({**made, **texts}, today)
        if draft is None:
            # Each answer held by itself; two of them do not hold together.
            said = "; ".join(each.message for each in problems if each.fatal)
            raise UsageError(said, hint="Run the command again, and answer otherwise.", code="usage.signal")
        screened = Screened(draft)
        if not screened.found:
            return screened
        tell_findings(screened.found)
        say("Type 1 to write it again, or the word reviewed to keep it as it is. Ctrl-C leaves.")
        answer = typer.prompt("1 or reviewed", err=True).strip().lower()
        if answer == _REVIEWED:
            return screened
        if answer == "1":
            made = guide.ask_again({each.finding.field for each in screened.found})
