"""`symbolon coalition offer` and `founders`: who signs for the coalition, and how many of them."""

import sys
from typing import Annotated

import typer
from tuf.api.metadata import Root  # type: ignore[attr-defined] # as in coalition_roles

from symbolon.cli.coalition_changes import carry
from symbolon.cli.node_home import open_node
from symbolon.cli.root_key import (
    EncryptsRootKey,
    OpensRootKey,
    RootKeyElsewhere,
    read_passphrase,
    root_key_of,
)
from symbolon.cli.typed_ids import typed_member_id
from symbolon.errors import UsageError
from symbolon.membership.acts import Act, Appoint, Refresh
from symbolon.membership.authorities import Authorities
from symbolon.membership.coalition_roles import ROOT_VALIDITY, Founder
from symbolon.membership.founder_keys import (
    ROOT_KEY_FILE,
    create_founder_keys,
    load_founder_keys,
)
from symbolon.membership.founder_offer import FounderOffer, read_offer, sign_offer
from symbolon.membership.founding_words import describe_offer
from symbolon.membership.member import CoalitionId
from symbolon.membership.member_record import Members, Role
from symbolon.membership.proposal import NewFounders
from symbolon.membership.proposal_draft import MAX_AGE
from symbolon.rpc.node import FOUNDER_FOLDER


def offer(passphrase_file: EncryptsRootKey = None) -> None:
    """Make a founder's keys on this node, and print their public halves for `founders`.

    Nothing secret is printed. The root key is used when founders change, and for nothing else: move the file
    founder/root-key.pem to a medium of its own, and keep a copy.
    """
    with open_node() as node:
        folder = node.home / FOUNDER_FOLDER
        if node.is_founder:
            if passphrase_file is not None:
                raise UsageError(
                    "this node's root key was made before, and stays as it is",
                    hint="Run it without --passphrase-file: showing the offer again takes no passphrase.",
                )
            keys = load_founder_keys(folder, node.member_id)
        else:
            coalition = node.config.node.coalition
            passphrase = read_passphrase(passphrase_file)
            keys = create_founder_keys(folder, coalition, node.member_id, node.now, passphrase=passphrase)
            print(
                f"Made the root key {folder / ROOT_KEY_FILE}: move it to a medium of its own, keep a copy.",
                file=sys.stderr,
            )
        made = FounderOffer(CoalitionId(node.config.node.coalition), keys.founder, keys.authority_pem)
        print(
            f"Send this line to a founder; tell the fingerprint {made.fingerprint} by telephone.",
            file=sys.stderr,
        )
        print(
            f"Others who are asked to sign will compare: {describe_offer(keys.founder, keys.authority_pem)}.",
            file=sys.stderr,
        )
        print("Keep `symbolon serve` running: founders sign each other's changes.", file=sys.stderr)
        print(sign_offer(made, node.signing_key))


def founders(
    threshold: Annotated[int, typer.Option(help="How many of them sign each change; more than half.", min=1)],
    add: Annotated[list[str] | None, typer.Option(help="A member's offer, repeated.")] = None,
    drop: Annotated[
        list[str] | None, typer.Option(help="A founder that is to be none any more, repeated.")
    ] = None,
    root_key: RootKeyElsewhere = None,
    passphrase_file: OpensRootKey = None,
) -> None:
    """Name the founders, and how many of them sign together; also makes a new root before the old one ends.

    Takes the signatures of enough founders as they are, and of enough as they will be.
    """
    with open_node() as node:
        founding, state = node.founding, node.coalition.state()
        offers = [read_offer(line, state.members) for line in add or ()]
        dropped = {typed_member_id(each) for each in drop or ()}
        chosen: dict[str, Founder] = {each.member_id: each for each in state.founders}
        chosen |= {each.founder.member_id: each.founder for each in offers}
        chosen = {name: each for name, each in chosen.items() if name not in dropped}
        gone = dropped - {each.member_id for each in state.founders}
        if gone:
            raise UsageError(
                f"{', '.join(sorted(gone))} is no founder", hint="`symbolon coalition members` shows who is."
            )
        if not len(chosen) < 2 * threshold <= 2 * len(chosen):
            raise UsageError(
                f"{threshold} of {len(chosen)} founders cannot be the threshold",
                hint="More than half of them have to sign, and at most all.",
            )
        for each in offers:
            print(f"{each.founder.member_id}: compare the fingerprint {each.fingerprint}", file=sys.stderr)
        unchanged_for = node.now - (state.expiries[Root.type] - ROOT_VALIDITY) - MAX_AGE
        authorities = Authorities.parse(state.authorities_pem).after(
            [each.authority_pem for each in offers],
            {each.member_id for each in state.founders},
            unchanged_for,
        )
        new = NewFounders(
            tuple(chosen[each] for each in sorted(chosen)),
            threshold,
            authorities.encode(),
        )
        key = root_key_of(node, root_key, passphrase_file)
        acts = _appointments(state.members, set(chosen)) or [Refresh()]
        carry(node, founding.propose(acts, founding=new, root_key=key))


def _appointments(members: Members, chosen: set[str]) -> list[Act]:
    acts: list[Act] = []
    for record in members.members:
        if (Role.FOUNDER in record.roles) != (record.member_id in chosen):
            roles = set(record.roles) ^ {Role.FOUNDER}
            acts.append(Appoint(record.member_id, tuple(sorted(roles))))
    return acts
