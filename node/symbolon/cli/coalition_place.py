"""Where a member is reached, as options of a command."""

from typing import Annotated

import typer

from symbolon.cli.typed_ids import typed_member_id
from symbolon.errors import MembershipError, UsageError
from symbolon.membership.member_statement import Place

Endpoint = Annotated[str, typer.Option(help="host:port that other members dial.")]
Relays = Annotated[
    list[str] | None,
    typer.Option(help="Member through whose relay this node is reached, repeated; it then opens no port."),
]
RelayEndpoint = Annotated[str, typer.Option(help="host:port of the relay that you run for others.")]


def typed_place(endpoint: str, relays: list[str] | None, relay_endpoint: str) -> Place:
    """The place that options name.

    Raises:
        UsageError: one of them is malformed.
    """
    try:
        return Place(endpoint, tuple(map(typed_member_id, relays or ())), relay_endpoint)
    except MembershipError as error:
        raise UsageError(
            error.detail, hint=error.hint or "Write host:port, as in node.example:7443."
        ) from None
