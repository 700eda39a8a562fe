"""`symbolon relay`: carry connections between members that only dial out, until SIGTERM or Ctrl-C."""

import asyncio
import logging
import sys
from typing import Annotated

import typer

from symbolon.cli.lock_watch import stopped_when_locked
from symbolon.cli.node_home import home, open_node
from symbolon.cli.typed_ids import typed_listen
from symbolon.rpc.relay_server import serve_relay
from symbolon.rpc.server import GRACE_S

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def relay_command(
    listen: Annotated[
        str, typer.Option(help="host:port to listen on; port 0 takes a free one.", callback=typed_listen)
    ],
    grace: Annotated[
        float, typer.Option(help="Seconds that open connections get to finish after a request to stop.")
    ] = GRACE_S,
) -> None:
    """Carry connections between members that only dial out.

    Any member may run one, beside its node or without; it shows the node's own certificate and answers
    current members only. What it carries is encrypted from end to end: it sees who talks to whom, when and
    how much, and writes none of that down. Logs go to stderr. Prints the address on stdout once it is open.
    """
    with open_node() as node, stopped_when_locked(home()):
        logging.basicConfig(
            stream=sys.stderr,
            level=node.config.node.log_level.upper(),
            format="%(asctime)s %(levelname)s %(message)s",
        )
        for chatty in ("alembic", "tuf"):
            logging.getLogger(chatty).setLevel(logging.WARNING)

        def listening(address: str) -> None:
            print(address, flush=True)
            logging.getLogger(__name__).info("relay of %s listens on %s", node.config.node.member, address)

        asyncio.run(serve_relay(node, listen, listening, grace_s=grace))
