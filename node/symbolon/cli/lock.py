"""`symbolon lock`: the node's private keys open by a passphrase only, from now on."""

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from symbolon.cli.node_home import home
from symbolon.cli.typed_passphrase import NewPassphraseFile, PassphraseFile, new_passphrase, passphrase
from symbolon.errors import ConfigError, SealError, StorageError, UsageError
from symbolon.membership.key_file import SEAL_KEY_FILE, lock_state
from symbolon.membership.unlocked_key import require_memory
from symbolon.storage.seal_lock import (
    FoundKeys,
    Passphrase,
    change_passphrase,
    lock_folder,
    relock_folder,
    seal_key_path,
)

app = typer.Typer(add_completion=False, rich_markup_mode=None)

ROOT_KEY: Final = "founder/root-key.pem"

STOP_S: Final = 30.0
"""`serve` looks every second, and gives exchanges that run 20 s to finish."""


@app.command()
def lock(
    change: Annotated[bool, typer.Option("--change", help="Give a locked node another passphrase.")] = False,
    passphrase_file: PassphraseFile = None,
    new_passphrase_file: NewPassphraseFile = None,
) -> None:
    """Lock this node's private keys by a passphrase; lock them again after `symbolon unlock`.

    The first time it asks for a new passphrase, twice. There is no way back without it. Afterwards it needs
    none: what was unlocked is taken away at once, and a running `symbolon serve` stops. Best run right after
    `symbolon init`: keys that were on the disk in clear for longer may have left copies there.
    """
    folder = home()
    require_node(folder)
    if new_passphrase_file is not None and not change:
        raise UsageError("--new-passphrase-file goes with --change")
    if change:
        _change(folder, passphrase_file, new_passphrase_file)
    elif lock_state(folder).locked:
        _lock_again(folder)
        return
    else:
        _lock_first(folder, passphrase_file)
    _wait_for_serve(folder)


def require_node(folder: Path) -> None:
    """Refuses a folder without a node, and one of another user, whose unlocked key nobody else sees.

    Raises:
        ConfigError: there is none.
        UsageError: it is another user's.
    """
    if not (folder / SEAL_KEY_FILE).exists():
        from symbolon import config

        config.load(folder)
    elif folder.stat().st_uid != os.geteuid():
        raise UsageError(
            f"{folder} belongs to another user",
            hint="Run it as that user: an unlocked key is kept for each user apart.",
            code="usage.lock.user",
        )


def _lock_first(folder: Path, file: Path | None) -> None:
    from symbolon.cli import signed_in
    from symbolon.policy.operator_roles import Role

    since = datetime.fromtimestamp(seal_key_path(folder).stat().st_mtime).astimezone()
    try:
        # Whoever chooses the passphrase can lock all others out.
        signed_in.require_operator("lock", at_least=Role.ADMINISTRATOR)
        readable = True
    except StorageError as error:
        _tell(f"symbolon: hint: {error.detail}; its keys are locked all the same.")
        readable = False
    try:
        require_memory()
    except SealError as error:
        _tell(f"symbolon: hint: `symbolon unlock` will not work here: {error.detail}. {error.hint or ''}")
    chosen = Passphrase(new_passphrase(file))
    found = _lock_with_database(folder, chosen) if readable else lock_folder(folder, chosen)
    if found is None:
        _tell("The node was still empty: its keys were made anew, and none of them was on the disk in clear.")
    else:
        _tell(
            f"The keys were on this disk in clear since {since:%Y-%m-%d %H:%M}. They were overwritten; "
            "flash storage may keep copies: see docs/locking.md."
        )
        _tell_of(found)
        if ROOT_KEY in found.in_clear:
            _tell(f"symbolon: hint: {ROOT_KEY} opens in this folder only, now that it is locked with it;")
            _tell("symbolon: hint: docs/locking.md says how to keep it on a medium of its own.")
    _tell("Locked. Only the passphrase opens the keys: without it, all that they sealed is lost.")
    _tell("`symbolon unlock` makes them usable for a working day.")


def _lock_with_database(folder: Path, chosen: Passphrase) -> FoundKeys | None:
    """Locks the keys; None where the node was empty and got others."""
    from symbolon import config
    from symbolon.storage.database import Database
    from symbolon.storage.seal_lock_unused import lock_unused_folder

    with Database.open(config.load(folder).database_url, migrate=False) as database:
        if lock_unused_folder(folder, database, chosen):
            return None
        with database.exclusive("certificate", "renewal of this node's certificate, or joining,"):
            return lock_folder(folder, chosen)


def _lock_again(folder: Path) -> None:
    unlocked, found = relock_folder(folder)
    _tell("Locked." if unlocked else "The keys were locked already; the passphrase is the one chosen before.")
    _wait_for_serve(folder)
    _tell_of(found)
    if found.in_clear:
        raise StorageError(
            f"{', '.join(found.in_clear)}: in clear all the same, put there by hand or by a command that "
            "was killed",
            hint="Run `symbolon unlock`, which locks what is in clear, then `symbolon lock`.",
            code="storage.seal.in_clear",
        )


def _change(folder: Path, file: Path | None, new_file: Path | None) -> None:
    if not lock_state(folder).locked:
        raise UsageError("the keys of this node are not locked", hint="Leave out --change.")
    if file is not None and new_file is not None and str(file) == str(new_file) == "-":
        raise UsageError("both passphrases cannot come from standard input", hint="Name a file for one.")
    old = passphrase(file, "The present passphrase")
    change_passphrase(folder, old, Passphrase(new_passphrase(new_file)))
    _tell("Locked by the new passphrase. Copies of the folder made before still open by the old one.")


def _tell_of(found: FoundKeys) -> None:
    """Names what the passphrase does not lock."""
    for name in found.own:
        _tell(f"{name} has a passphrase of its own, and keeps it.")
    for name in found.strange:
        _tell(f"symbolon: hint: {name} holds a key in clear and is no file of a node's: it is not locked.")


def _wait_for_serve(folder: Path) -> None:
    """Sees that nothing holds the keys in memory any more, as far as that can be seen."""
    from symbolon import config
    from symbolon.cli.lock_watch import wait_for_serve
    from symbolon.storage.database import database_file
    from symbolon.storage.database_errors import StorageBusyError

    try:
        url = config.load(folder).database_url
        if database_file(url) is None:
            _tell("A `symbolon serve` that runs stops within seconds.")
        if wait_for_serve(url, 0.0):
            return
        _tell("`symbolon serve` still holds the keys in its memory: waiting until it stops.")
        stopped = wait_for_serve(url, STOP_S)
    except ConfigError:
        return
    if not stopped:
        raise StorageBusyError(
            "the keys are locked on the disk, but `symbolon serve` still holds them in its memory",
            hint="Stop it with Ctrl-C where it runs, or switch the computer off.",
            code="storage.seal.serving",
        )


def _tell(words: str) -> None:
    print(words, file=sys.stderr)
