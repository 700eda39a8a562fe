"""Where a member is reached, as options of a command."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from symbolon import config
from symbolon.cli.init import has_node
from symbolon.cli.typed_ids import typed_member_id
from symbolon.errors import MembershipError, UsageError
from symbolon.membership.member_statement import Place

_EVERY_ADDRESS: Final = ("0.0.0.0", "[::]")  # noqa: S104 - recognised, not bound

Endpoint = Annotated[str, typer.Option(help="host:port that other members dial.")]
Relays = Annotated[
    list[str] | None,
    typer.Option(help="Member through whose relay this node is reached, repeated; it then opens no port."),
]
RelayEndpoint = Annotated[str, typer.Option(help="host:port of the relay that you run for others.")]


def typed_place(endpoint: str, relays: list[str] | None, relay_endpoint: str) -> Place:
    """The place that options name.

    Raises:
        UsageError: one of them is malformed, or nowhere that others could dial.
    """
    for name, value in (("--endpoint", endpoint), ("--relay-endpoint", relay_endpoint)):
        host, _, port = value.rpartition(":")
        if host in _EVERY_ADDRESS or port == "0":
            raise UsageError(
                f"{value} is nowhere that other members could dial",
                hint=f"Name the address and the port by which they reach this machine: {name} host:port.",
            )
    try:
        return Place(endpoint, tuple(map(typed_member_id, relays or ())), relay_endpoint)
    except MembershipError as error:
        raise UsageError(
            error.detail, hint=error.hint or "Write host:port, as in node.example:7443."
        ) from None


def dialled_where_it_listens(place: Place, folder: Path, listen: str) -> Place:
    """Names the address that a node listens on where it names no other way to reach it.

    Args:
        place: what was typed.
        folder: of the node, which need not be made yet.
        listen: where it will listen when it is made; afterwards its configuration says so.

    Raises:
        UsageError: others could not dial it there.
    """
    if place.endpoint or place.relays:
        return place
    address = config.load(folder).node.listen if has_node(folder) else listen
    host, _, port = address.rpartition(":")
    if port == "0":
        raise UsageError(
            f"{address} is nowhere that other members could dial: it is another port at each start",
            hint="Name a port that stays (--listen host:port; node.listen in symbolon.toml where the node is "
            "made already), or how others reach this machine: --endpoint host:port.",
        )
    if host in _EVERY_ADDRESS:
        raise UsageError(
            f"{address} is nowhere that other members could dial: it is every address of this machine",
            hint="Say by which of them, or by which name, they reach it: --endpoint host:port.",
        )
    return replace(place, endpoint=address)
