"""`symbolon init`: the folder of a new node, and the request for its certificate."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from symbolon import config
from symbolon.cli.enrolment_file import Request
from symbolon.cli.node_home import home
from symbolon.cli.typed_ids import typed_coalition_id, typed_member_id
from symbolon.errors import UsageError
from symbolon.membership.atomic_file import write_atomically
from symbolon.membership.enrolment import make_leaf_key_and_csr
from symbolon.membership.member import MemberKind
from symbolon.rpc.node import LEAF_KEY_FILE, SEAL_KEY_FILE
from symbolon.storage.database import Database
from symbolon.storage.seal import Sealer
from symbolon.storage.seal_check import bind_key

app = typer.Typer(add_completion=False, rich_markup_mode=None)

REQUEST_FILE = "request.json"


@app.command()
def init(
    member: Annotated[str, typer.Option(help="This member's id: lower-case letters, digits, hyphens.")],
    coalition: Annotated[str, typer.Option(help="The coalition's id.")],
    kind: Annotated[str, typer.Option(help="company, ngo, coordinator or auditor.")] = "company",
    listen: Annotated[
        str, typer.Option(help="host:port to serve on; port 0 takes a free one.")
    ] = "127.0.0.1:7443",
    endpoint: Annotated[
        str, typer.Option(help="host:port that other members dial; default: the same as --listen.")
    ] = "",
    database: Annotated[
        str,
        typer.Option(
            help="postgresql+psycopg://user@host/database, which must be empty; "
            "default: an SQLite file in the folder."
        ),
    ] = "",
) -> None:
    """Make the folder of a new node: configuration, database, keys, and request.json for the coordinator.

    The private key never leaves the folder. Nothing that exists is overwritten.
    """
    folder = home()
    create_node(
        folder,
        member=typed_member_id(member),
        coalition=typed_coalition_id(coalition),
        kind=kind,
        listen=listen,
        endpoint=endpoint or listen,
        database=database,
    )
    print(f"Made {folder}. Next:", file=sys.stderr)
    print(f"  1. send {folder / REQUEST_FILE} to the coordinator (it holds no secret)", file=sys.stderr)
    print("  2. run `symbolon coalition accept ENROLMENT` on the file that comes back", file=sys.stderr)
    print("  3. run `symbolon suppliers import FILE`, then `symbolon doctor`", file=sys.stderr)
    print(folder / REQUEST_FILE)


def create_node(
    folder: Path,
    *,
    member: str,
    coalition: str,
    kind: str,
    listen: str,
    endpoint: str,
    database: str = "",
) -> None:
    """Writes everything a node starts with.

    Raises:
        UsageError: there is a node already.
        MembershipError: an id is not one.
        ConfigError: the URL of the database cannot be used.
        StorageError: the database cannot be made, or is not this node's.
    """
    if (folder / config.FILE_NAME).exists():
        raise UsageError(
            f"there is a node in {folder} already",
            hint="Name another folder with --home; to start anew, move this one away first.",
        )
    try:
        member_kind = MemberKind(kind)
    except ValueError:
        raise UsageError(f"unknown kind {kind}", hint=f"Known: {', '.join(MemberKind)}.") from None
    request = make_leaf_key_and_csr(member, coalition)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    sealer = Sealer.load_or_create(folder / SEAL_KEY_FILE)
    write_atomically(folder / LEAF_KEY_FILE, request.key_pem)
    asked = Request(coalition, member, member_kind, endpoint, request.csr_pem)
    asked.write(folder / REQUEST_FILE)
    text = config.sample(member=member, coalition=coalition, listen=listen, url=database)
    # Not migrated: one that has tables of an older release is another node's.
    url = config.parse(text, folder).database_url
    with Database.open(url, create=True, migrate=False) as opened:
        bind_key(opened, sealer)
    # Last: a folder with a configuration is a whole node.
    write_atomically(folder / config.FILE_NAME, text.encode())
