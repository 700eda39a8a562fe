"""`symbolon unlock`: make the keys of a locked node usable for a while, or for good."""

import sys
from datetime import datetime
from typing import Annotated, Final

import typer

from symbolon.cli.lock import require_node
from symbolon.cli.node_home import home
from symbolon.cli.typed_passphrase import PassphraseFile, passphrase
from symbolon.errors import UsageError
from symbolon.membership.key_file import lock_state
from symbolon.membership.unlocked_key import DEFAULT_LIFE_S, MAX_LIFE_S, require_memory
from symbolon.storage.seal_lock import unlock_folder, unlock_for_good

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_HOUR_S: Final = 3600


@app.command()
def unlock(
    hours: Annotated[
        float | None,
        typer.Option(
            "--for",
            metavar="HOURS",
            help=f"Until then at the latest; default {DEFAULT_LIFE_S // _HOUR_S}, "
            f"at most {MAX_LIFE_S // _HOUR_S}.",
        ),
    ] = None,
    for_good: Annotated[
        bool,
        typer.Option("--for-good", help="Put the keys back in clear: nothing is locked then."),
    ] = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make the keys of a locked node usable: until `symbolon lock`, a restart, or the hours are over.

    The key is kept in memory meanwhile, never on the disk. `symbolon serve` stops when the time is over.
    """
    folder = home()
    require_node(folder)
    if for_good:
        if hours is not None:
            raise UsageError("--for and --for-good exclude each other")
        unlock_for_good(folder, lambda: passphrase(passphrase_file))
        print("Not locked any more: whoever reads this folder has its keys.", file=sys.stderr)
        return
    life_s = DEFAULT_LIFE_S if hours is None else _seconds(hours)
    if not lock_state(folder).locked:
        print("The keys of this node are not locked: there is nothing to unlock.", file=sys.stderr)
        return
    require_memory()
    until = unlock_folder(folder, passphrase(passphrase_file), life_s)
    print(f"Unlocked until {datetime.fromtimestamp(until).astimezone():%Y-%m-%d %H:%M}.", file=sys.stderr)
    print("`symbolon lock` ends it at once; so does a restart.", file=sys.stderr)


def _seconds(hours: float) -> int:
    # What is not a number is not between them.
    if not 0 < hours * _HOUR_S <= MAX_LIFE_S:
        raise UsageError(
            f"--for takes up to {MAX_LIFE_S // _HOUR_S} hours",
            hint="For longer, `symbolon unlock --for-good` puts the keys back in clear.",
            code="usage.unlock.hours",
        )
    return max(1, int(hours * _HOUR_S))
