"""`symbolon coalition invite`: a code with which one new member can join."""

import asyncio
import sys
from datetime import timedelta
from typing import Annotated

import typer

from symbolon.cli.node_home import open_node
from symbolon.cli.typed_ids import typed_date, typed_jurisdiction, typed_kind, typed_member_id
from symbolon.errors import UsageError
from symbolon.membership.due_diligence import VETTING_VALIDITY
from symbolon.membership.member_record import Role
from symbolon.membership.readmission import require_replaceable
from symbolon.rpc.inviting import Invited, ask_approval, write_invitation


def invite(
    member: Annotated[str, typer.Argument(help="Id of the new member; the code is good for no other.")],
    vetted_by: Annotated[str, typer.Option(help="Name or function of who vetted it on your side.")],
    criteria: Annotated[str, typer.Option(help="Against what it was vetted, in a few words.")],
    jurisdiction: Annotated[str, typer.Option(help="Two-letter country code of its organisation.")] = "",
    kind: Annotated[str, typer.Option(help="company, ngo, coordinator or auditor; default: company.")] = "",
    vetted_on: Annotated[str, typer.Option(help="Day of the vetting, YYYY-MM-DD; default: today.")] = "",
    lapses: Annotated[
        str, typer.Option(help="Day on which the vetting lapses; default: a year after it.")
    ] = "",
    relay: Annotated[bool, typer.Option(help="It will run a relay for others.")] = False,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="It is a member, and its keys are lost or stolen, or its certificate has ended."
        ),
    ] = False,
    days: Annotated[int, typer.Option(help="How long the code is good.", min=1, max=30)] = 7,
) -> None:
    """Invite one new member: prints a code that it joins with, once, within a week.

    Send it as you would a password. Your node must be running while it joins. Only a hash of the code is
    kept here: if it is lost, invite again. With --again a member keeps its id, kind, country and roles, and
    gets new keys; from then on its present ones are refused. First make sure, by a way you know, that it is
    this member who asks.
    """
    with open_node() as node:
        today = node.now.date()
        on = typed_date(vetted_on) if vetted_on else today
        member_id = typed_member_id(member)
        if again and (jurisdiction or kind or relay):
            raise UsageError(
                "with --again a member stays what it is",
                hint="Leave out --jurisdiction, --kind and --relay.",
            )
        present = require_replaceable(node.coalition.state().members, member_id) if again else None
        wanted = Invited(
            member_id=member_id,
            kind=present.kind if present else typed_kind(kind or "company"),
            jurisdiction=present.jurisdiction if present else typed_jurisdiction(jurisdiction),
            relay=Role.RELAY in present.roles if present else relay,
            replaces=present.signing_key if present else b"",
            person=vetted_by,
            criteria=criteria,
            vetted=on,
            lapses=typed_date(lapses) if lapses else on + VETTING_VALIDITY,
            open_for=timedelta(days=days),
        )
        earlier = [
            each
            for each in node.founding.store.invitations("offered", "approved")
            if each.member == member_id
        ]
        code = write_invitation(node, wanted)
        if earlier:
            print(
                f"Open for {member} besides this one: {len(earlier)}. `symbolon coalition invitations` shows "
                "them, `symbolon coalition withdraw` ends one.",
                file=sys.stderr,
            )
        if again:
            print(f"Its present keys hold until {member} has joined again.", file=sys.stderr)
        print(f"{member} joins with: symbolon coalition join CODE", file=sys.stderr)
        print(f"The code is good once, until {code.expires:%Y-%m-%d %H:%M} UTC.", file=sys.stderr)
        # Before others are asked: interrupted, it is known and not only open.
        print(code.encode(), flush=True)
        threshold = node.coalition.state().root.threshold
        if threshold > 1:
            failures = asyncio.run(ask_approval(node, code))
            for each, failure in sorted(failures.items()):
                print(f"{each} could not be told: {failure.detail}", file=sys.stderr)
            print(
                f"{threshold} founders sign. So that nobody waits when it joins, {threshold - 1} of the "
                "others should run ahead of it:",
                file=sys.stderr,
            )
            print(f"  symbolon coalition approve {code.stored_hash.hex()[:12]}", file=sys.stderr)
