"""`symbolon init`: the folder of a new node."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from symbolon import config
from symbolon.cli.node_home import home
from symbolon.cli.typed_ids import typed_coalition_id, typed_listen, typed_member_id
from symbolon.errors import UsageError
from symbolon.membership.atomic_file import make_private_folder, write_atomically
from symbolon.membership.signing_key import create_signing_key
from symbolon.rpc.node import SEAL_KEY_FILE, SIGNING_KEY_FILE
from symbolon.storage.database import Database
from symbolon.storage.seal import Sealer
from symbolon.storage.seal_check import bind_key

app = typer.Typer(add_completion=False, rich_markup_mode=None)

DEFAULT_LISTEN = "127.0.0.1:7443"

Listen = Annotated[
    str,
    typer.Option(
        help="host:port to serve on; port 0, a free one at each start, is for a node behind a relay.",
        callback=typed_listen,
    ),
]
DatabaseUrl = Annotated[
    str,
    typer.Option(
        help="postgresql+psycopg://user@host/database, which must be empty; "
        "default: an SQLite file in the folder."
    ),
]


@app.command()
def init(
    member: Annotated[str, typer.Option(help="This member's id: lower-case letters, digits, hyphens.")],
    coalition: Annotated[str, typer.Option(help="The coalition's id.")],
    listen: Listen = DEFAULT_LISTEN,
    database: DatabaseUrl = "",
) -> None:
    """Make the folder of a new node ahead of `coalition join` or `coalition create`.

    Both make it themselves where it is missing; this is for a folder that is to be looked at first. No key
    ever leaves the folder. Nothing that exists is overwritten.
    """
    folder = home()
    create_node(
        folder,
        member=typed_member_id(member),
        coalition=typed_coalition_id(coalition),
        listen=listen,
        database=database,
    )
    print(f"Made {folder}. Next:", file=sys.stderr)
    print("  1. where the machine may be searched or stolen: `symbolon lock`, now, before", file=sys.stderr)
    print("     anything else; then `symbolon unlock` (docs/locking.md)", file=sys.stderr)
    print("  2. run `symbolon coalition join CODE` with the code that a founder sent you", file=sys.stderr)
    print("  3. run `symbolon suppliers import FILE`, then `symbolon doctor`", file=sys.stderr)
    print(folder)


def has_node(folder: Path) -> bool:
    """Whether there is a node in a folder."""
    return (folder / config.FILE_NAME).exists()


def create_node(folder: Path, *, member: str, coalition: str, listen: str, database: str = "") -> None:
    """Writes everything a node starts with, before it belongs to a coalition.

    Raises:
        UsageError: there is a node already.
        ConfigError: the URL of the database cannot be used.
        StorageError: the folder or the database cannot be made, or the database is not this node's.
    """
    if has_node(folder):
        raise UsageError(
            f"there is a node in {folder} already",
            hint="Name another folder with --home; to start anew, move this one away first.",
        )
    text = config.sample(member=member, coalition=coalition, listen=listen, url=database)
    url = config.parse(text, folder).database_url
    make_private_folder(folder)
    sealer = Sealer.load_or_create(folder / SEAL_KEY_FILE)
    create_signing_key(folder / SIGNING_KEY_FILE)
    # Not migrated: one that has tables of an older release is another node's.
    with Database.open(url, create=True, migrate=False) as opened:
        bind_key(opened, sealer)
    # Last: a folder with a configuration is a whole node.
    write_atomically(folder / config.FILE_NAME, text.encode())
