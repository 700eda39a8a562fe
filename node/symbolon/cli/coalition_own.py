"""`symbolon coalition move`, `attest`, `rotate`: what a member changes about itself."""

import asyncio
import sys
from typing import Annotated

import typer

from symbolon.cli.coalition_place import Endpoint, RelayEndpoint, Relays, typed_place
from symbolon.cli.coalition_terms import show_terms
from symbolon.cli.node_home import open_node
from symbolon.cli.typed_ids import typed_member_id
from symbolon.errors import UsageError
from symbolon.membership.due_diligence import Acceptance
from symbolon.rpc.renewal import renew, state_own

ROTATED = ("certificate", "epoch-keys")


def move(endpoint: Endpoint = "", relay: Relays = None, relay_endpoint: RelayEndpoint = "") -> None:
    """Tell the coalition where this node is reached from now on.

    Names all of it anew: an endpoint, or the relays it is reached through, and the relay it runs for others.
    """
    place = typed_place(endpoint, relay, relay_endpoint)
    if not place.endpoint and not place.relays:
        raise UsageError(
            "nobody could reach this node any more", hint="Give --endpoint host:port, or --relay MEMBER."
        )
    with open_node() as node:
        state = asyncio.run(state_own(node, place))
        print(f"Written down in version {state.targets_version}.", file=sys.stderr)
        if node.is_founder and not place.endpoint:
            print(
                "Nobody can join through this founder any more until it has an endpoint again "
                "(--endpoint host:port): who joins dials it directly.",
                file=sys.stderr,
            )


def attest(
    person: Annotated[str, typer.Option(help="Name or function of who attests.")],
    accept_terms: Annotated[str, typer.Option(help="Version of the terms that are accepted.")] = "",
) -> None:
    """Confirm for another year the terms, the purposes and the prohibited uses."""
    with open_node() as node:
        state = node.coalition.state()
        version = state.members.terms_version
        if accept_terms != version:
            show_terms(state)
            raise UsageError(
                "nothing was attested yet",
                hint=f"Once you have read and accept these: --accept-terms {version}",
            )
        after = asyncio.run(state_own(node, Acceptance(version, node.now.date(), person)))
        print(f"Attested; written down in version {after.targets_version}.", file=sys.stderr)


def rotate(
    what: Annotated[str, typer.Argument(help="certificate or epoch-keys.")],
    peer: Annotated[str, typer.Option(help="Only the epoch keys made for this member.")] = "",
    stolen: Annotated[
        bool, typer.Option("--stolen", help="Have every earlier certificate refused at once.")
    ] = False,
) -> None:
    """Replace keys: this node's certificate and its key, or the match keys made for peers.

    A running node shows a new certificate from the next connection on; no call fails. With --stolen calls
    under an earlier certificate end; where signing-key.pem may be in other hands too, ask a founder for
    `symbolon coalition invite ID --again` instead. Erase epoch keys after the node was restored from a
    backup: the next session with each peer compares the whole lists; budgets go on. Root keys change with
    `symbolon coalition founders`.
    """
    if what not in ROTATED:
        raise UsageError(f"{what} cannot be rotated", hint=f"Known: {', '.join(ROTATED)}.")
    if stolen and what != "certificate":
        raise UsageError("--stolen is for a certificate", hint="Epoch keys that are erased are gone at once.")
    with open_node() as node:
        if what == "epoch-keys":
            owner = typed_member_id(peer) if peer else ""
            erased = node.sending.erase_where(lambda each, _: not owner or each == owner)
            if owner and not erased:
                raise UsageError(
                    f"no match key was made for {owner}: nothing was erased",
                    hint="`symbolon status` shows for which peers there is one.",
                )
            print(f"Erased {erased} match keys.", file=sys.stderr)
            return
        state = asyncio.run(renew(node, stolen=stolen))
        print(f"A new certificate is in use; listed in version {state.targets_version}.", file=sys.stderr)
        if stolen:
            print("Every earlier one is refused by whoever has this version.", file=sys.stderr)
