"""`symbolon coalition join`: from a code to a member's node."""

import asyncio
import contextlib
import sys
from typing import Annotated

import typer

from symbolon.cli.coalition_place import (
    Endpoint,
    RelayEndpoint,
    Relays,
    dialled_where_it_listens,
    typed_place,
)
from symbolon.cli.coalition_terms import show_terms
from symbolon.cli.init import DEFAULT_LISTEN, DatabaseUrl, Listen, create_node, has_node
from symbolon.cli.node_home import home, open_node
from symbolon.errors import MembershipError, UsageError
from symbolon.membership.certificates import certificate_fingerprint
from symbolon.membership.coalition_state import State
from symbolon.membership.due_diligence import Acceptance
from symbolon.membership.invitation_code import InvitationCode
from symbolon.membership.member import WITHOUT_LIST
from symbolon.rpc.first_contact import check_both_ways
from symbolon.rpc.join_node import join_with, place_in
from symbolon.rpc.node import Node


def join(
    code: Annotated[str, typer.Argument(help="The code that a founder sent you; - reads it from stdin.")],
    person: Annotated[str, typer.Option(help="Name or function of who accepts the terms for you.")],
    accept_terms: Annotated[
        str, typer.Option(help="Version of the terms that you have read and accept; asked for otherwise.")
    ] = "",
    listen: Listen = DEFAULT_LISTEN,
    endpoint: Endpoint = "",
    relay: Relays = None,
    relay_endpoint: RelayEndpoint = "",
    database: DatabaseUrl = "",
) -> None:
    """Join a coalition with the code of an invitation.

    Makes the node where there is none yet. Keys are made here and never travel. Without --endpoint the node
    is reached through the coalition's relays, if it has any, and opens no port. Interrupted, or told to wait
    for other founders, run the same command again.
    """
    invitation = InvitationCode.decode(_given(sys.stdin.read() if code == "-" else code))
    folder = home()
    place, joined = typed_place(endpoint, relay, relay_endpoint), False
    if has_node(folder):
        with open_node() as node:
            _require_invited(node, invitation)
            joined = _has_joined(node)
    if not joined:
        place = asyncio.run(place_in(folder, invitation, place))
        place = dialled_where_it_listens(place, folder, listen)
    if not has_node(folder):
        create_node(
            folder,
            member=invitation.member_id,
            coalition=invitation.coalition,
            listen=listen if place.endpoint else "127.0.0.1:0",
            database=database,
        )

    def accept(state: State) -> Acceptance:
        version = state.members.terms_version
        if accept_terms:
            if accept_terms != version:
                raise UsageError(
                    f"terms {accept_terms} were accepted, the coalition's are {version}",
                    hint="Run the command without --accept-terms to read them.",
                )
        else:
            _ask(state, version)
        with open_node() as node:
            return Acceptance(version, node.now.date(), person)

    with open_node() as node:
        if joined:
            print(f"{node.member_id} has joined already.", file=sys.stderr)
            print("To have stolen keys replaced, join in another folder (--home).", file=sys.stderr)
        else:
            try:
                state = asyncio.run(join_with(node, invitation, place, accept))
            except KeyboardInterrupt:
                print("Run the same command again: it goes on with the keys made here.", file=sys.stderr)
                raise
            print(f"{node.member_id} is a member of {state.members.coalition}.", file=sys.stderr)
        for line in asyncio.run(check_both_ways(node, invitation.sponsor)):
            print(line, file=sys.stderr)
        own = node.coalition.state().members.find(node.member_id)
        imports = "" if own and own.kind in WITHOUT_LIST else "`symbolon suppliers import FILE`, then "
        print(f"Next: {imports}`symbolon serve`.", file=sys.stderr)
        print(folder)


def _given(code: str) -> str:
    """The code that somebody typed.

    Raises:
        UsageError: they typed none.
    """
    if code.strip() in ("", "CODE"):
        raise UsageError(
            "no code was given",
            hint="In its place give the code that a founder sent you, the whole word that begins with "
            "symbolon1-; or give -, paste it and end with Ctrl-D.",
        )
    return code


def _require_invited(node: Node, invitation: InvitationCode) -> None:
    named = node.config.node
    if (named.member, named.coalition) != (invitation.member_id, invitation.coalition):
        raise UsageError(
            f"the node in {node.home} is {named.member} of {named.coalition}, the code is for "
            f"{invitation.member_id} of {invitation.coalition}",
            hint="Name another folder with --home.",
        )


def _ask(state: State, version: str) -> None:
    """Shows the terms and asks.

    Raises:
        UsageError: nobody can be asked, or whoever is asked says no.
    """
    show_terms(state)
    answer = ""
    with contextlib.suppress(EOFError):
        print(
            f"Do you accept these terms ({version}) for your organisation? Type yes: ",
            end="",
            file=sys.stderr,
        )
        sys.stderr.flush()
        answer = sys.stdin.readline().strip().lower()
    if answer != "yes":
        raise UsageError(
            "the terms were not accepted; nothing was sent",
            hint=f"Once you have read and accept them: --accept-terms {version}",
        )


def _has_joined(node: Node) -> bool:
    """Whether this node shows a certificate that the coalition lists for it."""
    try:
        fingerprint = certificate_fingerprint(node.credentials.certificate)
        node.directory.require(node.member_id, fingerprint, node.now)
    except MembershipError:
        return False
    return True
