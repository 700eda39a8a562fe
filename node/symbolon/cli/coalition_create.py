"""`symbolon coalition create`: a new coalition, with this node as its first founder."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from symbolon.cli.coalition_place import (
    Endpoint,
    RelayEndpoint,
    Relays,
    dialled_where_it_listens,
    typed_place,
)
from symbolon.cli.coalition_terms import show_uses
from symbolon.cli.init import DEFAULT_LISTEN, DatabaseUrl, Listen, create_node, has_node
from symbolon.cli.node_home import home, open_node
from symbolon.cli.root_key import EncryptsRootKey, read_passphrase
from symbolon.cli.typed_ids import typed_coalition_id, typed_jurisdiction, typed_kind, typed_member_id
from symbolon.errors import UsageError
from symbolon.membership.atomic_file import read_bounded
from symbolon.membership.coalition_parts import MAX_TERMS_BYTES
from symbolon.membership.due_diligence import VETTING_VALIDITY, Acceptance, DueDiligence, Vetting
from symbolon.membership.founder_keys import ROOT_KEY_FILE
from symbolon.rpc.founder_setup import STANDARD_TERMS, Charter, found
from symbolon.rpc.node import FOUNDER_FOLDER

DEFAULT_PURPOSES = ("audit", "due-diligence", "remediation")


def create(
    name: Annotated[str, typer.Argument(help="The coalition's id: lower-case letters, digits, hyphens.")],
    member: Annotated[str, typer.Option(help="Your own id in it.")],
    person: Annotated[str, typer.Option(help="Your name or function; it stands in the members' records.")],
    jurisdiction: Annotated[str, typer.Option(help="Two-letter country code of your organisation.")],
    kind: Annotated[str, typer.Option(help="company, ngo, coordinator or auditor.")] = "coordinator",
    purpose: Annotated[
        list[str] | None,
        typer.Option(
            help="What members may exchange for, repeated; default: audit, due-diligence, remediation."
        ),
    ] = None,
    terms: Annotated[
        Path | None, typer.Option(help="Text of your own terms of use; default: the standard terms.")
    ] = None,
    terms_version: Annotated[str, typer.Option(help="How the terms are called.")] = "1",
    listen: Listen = DEFAULT_LISTEN,
    endpoint: Endpoint = "",
    relay: Relays = None,
    relay_endpoint: RelayEndpoint = "",
    database: DatabaseUrl = "",
    passphrase_file: EncryptsRootKey = None,
) -> None:
    """Found a coalition, and make this node its first founder.

    Keys are made here and never travel. Then invite the others, and name further founders: until then this
    node alone decides.
    """
    folder = home()
    coalition, member_id = typed_coalition_id(name), typed_member_id(member)
    country, sort = typed_jurisdiction(jurisdiction), typed_kind(kind)
    place = dialled_where_it_listens(typed_place(endpoint, relay, relay_endpoint), folder, listen)
    text = read_bounded(terms, MAX_TERMS_BYTES) if terms else STANDARD_TERMS.read_bytes()
    passphrase = read_passphrase(passphrase_file)
    if not has_node(folder):
        create_node(folder, member=member_id, coalition=coalition, listen=listen, database=database)
    with open_node() as node:
        if (node.member_id, node.config.node.coalition) != (member_id, coalition):
            raise UsageError(
                f"the node in {folder} is {node.member_id} of {node.config.node.coalition}",
                hint="Name another folder with --home.",
            )
        today = node.now.date()
        records = DueDiligence(
            Acceptance(terms_version, today, person),
            Vetting(member_id, person, today, "founder", today + VETTING_VALIDITY),
            today,
        )
        charter = Charter(tuple(purpose or DEFAULT_PURPOSES), terms_version, text)
        state = found(
            node,
            charter,
            kind=sort,
            jurisdiction=country,
            place=place,
            due_diligence=records,
            passphrase=passphrase,
        )
        print(f"Founded {coalition}: {member_id} is its only founder.", file=sys.stderr)
        show_uses(state)
        print(
            f"The root key is {node.home / FOUNDER_FOLDER / ROOT_KEY_FILE}: best moved away from this "
            "machine, with a copy kept; `--root-key PATH` names it where it is needed.",
            file=sys.stderr,
        )
        print("Next: run `symbolon serve`, then `symbolon coalition invite MEMBER`.", file=sys.stderr)
        print("The fingerprint of the first root, which members can compare:", file=sys.stderr)
        sys.stderr.flush()
        print(state.root_sha256().hex())
