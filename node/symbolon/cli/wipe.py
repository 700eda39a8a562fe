"""`symbolon wipe`: destroy this node, its keys within a second.

Nothing that takes time is imported or looked at before the keys are gone.
"""

import json
import re
import sys
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from symbolon import config
from symbolon.cli.node_home import home
from symbolon.errors import StorageError, SymbolonError, UsageError
from symbolon.membership.key_file import SEAL_KEY_FILE
from symbolon.membership.sealing_key import MAX_FILE_BYTES, parse_key_file
from symbolon.storage.wipe import NOT_OURS, Wipe, is_node_database

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_DATABASE: Final = "node.db"
_MEMBER: Final = re.compile(r"[a-z0-9-]{1,64}")
_FOUNDER: Final = "founder"
_SERVER: Final = "postgresql"
_STOP_S: Final = 5.0
"""`serve` looks every second whether its keys are there, and ends at once when they are not."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a node that may be half gone.

    Attributes:
        member: its id, or ''.
        database_url: as configured, or ''.
        founder: whether it holds a founder's keys.
    """

    member: str
    database_url: str
    founder: bool


@app.command()
def wipe(
    yes_destroy: Annotated[
        str, typer.Option("--yes-destroy", metavar="MEMBERID", help="For scripts: what is typed otherwise.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print what was destroyed as JSON.")] = False,
) -> None:
    """Destroy this node: its keys at once, then its database and all that Symbolon made in its folder.

    Works on a locked node, without the passphrase, and goes on where it was cut off. Nothing brings the node
    back but a backup of its folder. It tells what it could not reach, and what to do next.
    """
    folder = home()
    known = _recognised(folder)
    _require_meant(folder, known, yes_destroy)
    with Wipe(folder) as wiping:
        gone = wiping.erase_keys()
        if gone:
            print("The keys are destroyed: what they sealed cannot be read any more.", file=sys.stderr)
        else:
            print("symbolon: error: not all keys could be destroyed", file=sys.stderr)
        _erase_data(known, wiping)
        wiping.erase_last(config.FILE_NAME)
    _report(known, wiping, as_json=as_json)
    if any(each.why != NOT_OURS for each in wiping.left):
        raise StorageError(
            "not everything of this node could be destroyed",
            hint="The lines above name it; run the command again, or destroy the disk.",
            code="storage.wipe",
        )


def _recognised(folder: Path) -> _Known:
    """Looks whether a folder is a node's, of which any part may be gone already.

    Raises:
        UsageError: it is none.
    """
    path = folder / config.FILE_NAME
    try:
        document: dict[str, Any] = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        document = {}
    node, storage = document.get("node"), document.get("storage")
    member = node.get("member") if isinstance(node, dict) else None
    url = storage.get("url") if isinstance(storage, dict) else None
    known = _Known(
        # What is shown on the terminal, and in a command to be copied.
        member if isinstance(member, str) and _MEMBER.fullmatch(member) else "",
        url if isinstance(url, str) else "",
        (folder / _FOUNDER).is_dir(),
    )
    if known.member or _is_sealing_key(folder / SEAL_KEY_FILE) or is_node_database(folder / _DATABASE):
        return known
    raise UsageError(
        f"{folder} is not the folder of a node",
        hint="Name it with --home or SYMBOLON_HOME. Nothing was destroyed.",
        code="usage.wipe.folder",
    )


def _is_sealing_key(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            parse_key_file(file.read(MAX_FILE_BYTES))
    except (OSError, SymbolonError):
        return False
    return True


def _require_meant(folder: Path, known: _Known, said: str) -> None:
    """Asks for the member's id, or for the name of the folder where the configuration is gone.

    Raises:
        UsageError: another was named.
    """
    expected = known.member or folder.resolve().name
    if not said:
        if not sys.stdin.isatty():
            raise UsageError("what is to be destroyed is missing", hint=f"Name it: --yes-destroy {expected}")
        what = f"the node of member {known.member}" if known.member else "what is left of a node"
        print(f"This destroys {what} in {folder.resolve()}, for good.", file=sys.stderr)
        if known.database_url:
            # Not the URL: a password can be in it.
            print("Its database, which symbolon.toml places elsewhere, goes too.", file=sys.stderr)
        said = typer.prompt(f"Type {expected} to destroy it", err=True)
    if said.strip() != expected:
        raise UsageError(f"{said.strip()!r} is not {expected}: nothing was destroyed", code="usage.wipe.name")


def _erase_data(known: _Known, wiping: Wipe) -> None:
    """Destroys the database and all other files, wherever the database is."""
    from symbolon.cli.lock_watch import wait_for_serve
    from symbolon.storage.database import database_file

    url = known.database_url or f"sqlite:///{wiping.home / _DATABASE}"
    try:
        if not wait_for_serve(url, _STOP_S):
            wiping.note("`symbolon serve`", "still runs: switch the computer off")
        database = database_file(url)
    except SymbolonError as error:
        wiping.note("the database", error.detail)
        wiping.erase_rest(None)
        return
    wiping.erase_rest(database)
    if database is None:
        from symbolon.storage.dropped_tables import drop_tables

        try:
            wiping.erased.append(f"{drop_tables(url)} tables on the database server")
        except SymbolonError as error:
            why = f"{error.detail}; have the server's administrator drop the database"
            wiping.note("the tables on the database server", why)


def _report(known: _Known, wiping: Wipe, *, as_json: bool) -> None:
    """Says what was destroyed, what was not, and what to do next."""
    beyond, following = _beyond(known), _next(known)
    if as_json:
        document = {
            "member": known.member,
            "home": str(wiping.home),
            "destroyed": wiping.erased,
            "left": [asdict(each) for each in wiping.left],
            "beyond": beyond,
            "next": following,
        }
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    print(f"Destroyed {len(wiping.erased)} files in {wiping.home}, the keys first.")
    for title, lines in (
        ("Not destroyed:", [f"{each.name}: {each.why}" for each in wiping.left]),
        ("Out of reach of this command:", beyond),
        ("Next:", following),
    ):
        if lines:
            print(f"\n{title}")
            for line in lines:
                print(f"  {line}")


def _beyond(known: _Known) -> list[str]:
    """What no command on this machine can destroy."""
    lines = [
        "copies of this folder and of its database elsewhere: backups, snapshots, a stick. One of a folder "
        "that was not locked opens by itself, one that was by the passphrase",
        "blocks that flash storage keeps of files that are gone: an encrypted disk keeps them closed",
        "the memory of this computer, its swap and hibernation file: switch it off, do not suspend it",
        "files that commands wrote outside this folder: lists, exports, results",
    ]
    if known.database_url.startswith(_SERVER):
        lines.append("the database server's write-ahead log and its backups")
    return lines


def _next(known: _Known) -> list[str]:
    """What a person does now."""
    member = known.member or "MEMBER"
    lines = [
        "tell a founder, by telephone, that this node is gone and may have been in other hands; the founder "
        f'runs: symbolon coalition suspend {member} --reason "node destroyed"',
    ]
    if known.founder:
        lines.append(
            "this node was a founder's: the others run: symbolon coalition founders --threshold N "
            f"--drop {member}, and a root key on a medium of its own is destroyed by hand"
        )
    lines.append("a new node for the same member: docs/joining.md, when keys are lost")
    return lines
