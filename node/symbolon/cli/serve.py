"""`symbolon serve`: answer other members until SIGTERM or Ctrl-C."""

import asyncio
import logging
import sys
from typing import Annotated, Final

import typer

from symbolon.cli.lock_watch import stopped_when_locked
from symbolon.cli.node_home import home, open_node
from symbolon.cli.outdated_list import OUTDATED
from symbolon.rpc.server import GRACE_S, serve

_TWICE: Final = "One is enough. To start it anew, stop that one first."

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def serve_command(
    grace: Annotated[
        float, typer.Option(help="Seconds that running exchanges get to finish after a request to stop.")
    ] = GRACE_S,
) -> None:
    """Answer other members until stopped with SIGTERM or Ctrl-C.

    Nobody is answered unless an [[allow]] table of symbolon.toml says so. Logs go to stderr and hold counts
    and session ids only. Prints the address on stdout once it is open.
    """
    with (
        open_node() as node,
        # Two of them would take each other's place at the relays, for ever.
        node.database.exclusive("serve", "`symbolon serve` of this node", _TWICE),
        stopped_when_locked(home()),
    ):
        logging.basicConfig(
            stream=sys.stderr,
            level=node.config.node.log_level.upper(),
            format="%(asctime)s %(levelname)s %(message)s",
        )
        for chatty in ("alembic", "tuf"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        if not node.config.allow:
            logging.getLogger(__name__).warning("no [[allow]] table: this node answers nobody yet")
        if node.suppliers.is_outdated():
            logging.getLogger(__name__).warning("the supplier list was %s", OUTDATED)

        def listening(address: str) -> None:
            print(address, flush=True)
            logging.getLogger(__name__).info("member %s listens on %s", node.config.node.member, address)

        asyncio.run(serve(node, listening, grace_s=grace))
