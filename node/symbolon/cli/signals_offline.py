"""A signal from a laptop without a node, written into a file that one node elsewhere opens; that node's key.

The laptop keeps no copy, and the file's name says nothing. Whoever carries the key to the laptop and whoever
runs the node compare its fingerprint by another way: a key that was exchanged on the way opens to somebody
else.
"""

import json
import re
import secrets
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from symbolon.cli.node_home import open_node
from symbolon.cli.signals_confirm import confirm
from symbolon.cli.signals_draft import obtain_draft, tell_draft
from symbolon.cli.signals_options import AsJson, Yes
from symbolon.cli.signals_texts import read_text
from symbolon.cli.signals_typed import Fields
from symbolon.errors import InputError, UsageError
from symbolon.membership.atomic_file import write_atomically
from symbolon.signals.author_words import fold_words
from symbolon.signals.drop_file import MAX_KEY_FILE_BYTES, DropKey, seal_drop
from symbolon.signals.signal import Subject
from symbolon.signals.signal_file import draft_object

SUFFIX: Final = ".symbolon-drop"

_TELLING_CHARS: Final = 4
"""A word of the subject's name that is as long as this tells whom a file is about."""


def write_offline(
    target: Path,
    key_file: Path,
    fields: Fields,
    *,
    narrative_file: Path | None,
    source_file: Path | None,
    reviewed: bool,
    yes: bool,
) -> Path:
    """Writes a draft for a node elsewhere.

    Args:
        target: a file that is not there yet, or a folder, in which a name is made.
        key_file: the key of the node's drop box.
        fields: see `obtain_draft`, as for the three that follow.
        narrative_file: text of the narrative.
        source_file: text of the note on the source.
        reviewed: a person has looked at what the screening finds.
        yes: what `--yes` said.

    Returns:
        The file.

    Raises:
        UsageError, InputError, ReviewNeededError, SignalError: nothing was written.
    """
    key = DropKey.parse(read_text(key_file, "the key of a drop box", MAX_KEY_FILE_BYTES))
    print(f"For {key.member} of {key.coalition}. Its key: {key.shown_fingerprint}", file=sys.stderr)
    confirm("Is that the key that they told you by another way?", yes=yes, undone="Nothing was written.")
    path = target / f"{secrets.token_hex(8)}{SUFFIX}" if target.is_dir() else target
    if path.exists():
        raise InputError(f"{path} is there already", hint="Name a file that is not there, or a folder.")
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent}", hint="Make it, or name another one.")
    today = datetime.now(UTC).date()
    screened = obtain_draft(
        fields,
        narrative_file=narrative_file,
        source_file=source_file,
        today=today,
        members=None,
        own="",
        reviewed=reviewed,
    )
    require_silent_name(path, screened.draft.subject)
    # A second import of the file is known again by this.
    draft = replace(screened.draft, reference=f"drop-{secrets.token_hex(16)}")
    tell_draft(draft, today)
    confirm(f"Write it for {key.member}?", yes=yes, undone="Nothing was written.")
    content = json.dumps(draft_object(draft), ensure_ascii=False, separators=(",", ":")).encode()
    write_atomically(path, seal_drop(key, content))
    print(
        f"Wrote {path}. Only {key.member}'s node can open it: `symbolon signals import FILE` there.\n"
        "This machine keeps no copy of what you typed, and cannot read the file back.",
        file=sys.stderr,
    )
    if source_file is not None and str(source_file) != "-":
        print(f"symbolon: hint: {source_file} still holds the source in clear: erase it.", file=sys.stderr)
    return path


def require_silent_name(path: Path, subject: Subject) -> None:
    """Refuses a file name that tells whom the file is about.

    Raises:
        UsageError: a word of the subject's name or place stands in it.
    """
    record = subject.record
    told = fold_words(path.stem).replace(" ", "")
    for word in re.split(r" ", fold_words(f"{record.name} {record.city} {record.parent_name}")):
        if len(word) >= _TELLING_CHARS and word in told:
            raise UsageError(
                "the name of the file tells whom it is about",
                hint="Name a folder instead: then a name is made that says nothing.",
            )


def dropbox(
    out: Annotated[Path | None, typer.Option(help="Write the key to this file.")] = None,
    new: Annotated[
        bool, typer.Option("--new", help="Make another key; the one before opens files for 30 more days.")
    ] = False,
    forget_old: Annotated[
        bool, typer.Option("--forget-old", help="With --new: erase the keys before it at once.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Print the key for laptops without a node. They write signals with `signals add --offline`.

    Give the file to whoever writes signals there, and tell its fingerprint by another way, by telephone for
    example: they compare the two.
    """
    from symbolon.rpc.drop_box import current_key, renew_key

    if forget_old and not new:
        raise UsageError("--forget-old goes with --new")
    if forget_old:
        confirm("Files for the old keys will never open again. Erase these keys?", yes=yes, undone="")
    with open_node() as node:
        key = renew_key(node, forget=forget_old) if new else current_key(node)
    if out is not None:
        write_atomically(out, key.text().encode(), mode=0o644)
        print(f"Wrote {out}.", file=sys.stderr)
    elif not as_json:
        print(key.text(), end="")
    if as_json:
        print(
            json.dumps(
                {
                    "coalition": key.coalition,
                    "member": key.member,
                    "key": key.public.hex(),
                    "fingerprint": key.fingerprint.hex(),
                }
            )
        )
    print(f"Tell its fingerprint by another way: {key.shown_fingerprint}", file=sys.stderr)
