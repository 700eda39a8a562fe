"""`symbolon coalition invite`: a code with which one new member can join."""

import asyncio
import sys
from datetime import timedelta
from typing import Annotated

import typer

from symbolon.cli.node_home import open_node
from symbolon.cli.typed_ids import typed_date, typed_jurisdiction, typed_kind, typed_member_id
from symbolon.rpc.inviting import Invited, ask_approval, write_invitation


def invite(
    member: Annotated[str, typer.Argument(help="Id of the new member; the code is good for no other.")],
    jurisdiction: Annotated[str, typer.Option(help="Two-letter country code of its organisation.")],
    vetted_by: Annotated[str, typer.Option(help="Name or function of who vetted it on your side.")],
    criteria: Annotated[str, typer.Option(help="Against what it was vetted, in a few words.")],
    kind: Annotated[str, typer.Option(help="company, ngo, coordinator or auditor.")] = "company",
    vetted_on: Annotated[str, typer.Option(help="Day of the vetting, YYYY-MM-DD; default: today.")] = "",
    lapses: Annotated[
        str, typer.Option(help="Day on which the vetting lapses; default: a year after it.")
    ] = "",
    relay: Annotated[bool, typer.Option(help="It will run a relay for others.")] = False,
    days: Annotated[int, typer.Option(help="How long the code is good.", min=1, max=30)] = 7,
) -> None:
    """Invite one new member: prints a code that it joins with, once, within a week.

    Send it as you would a password. Your node must be running while it joins. Only a hash of the code is
    kept here: if it is lost, invite again.
    """
    with open_node() as node:
        today = node.now.date()
        on = typed_date(vetted_on) if vetted_on else today
        wanted = Invited(
            member_id=typed_member_id(member),
            kind=typed_kind(kind),
            jurisdiction=typed_jurisdiction(jurisdiction),
            relay=relay,
            person=vetted_by,
            criteria=criteria,
            vetted=on,
            lapses=typed_date(lapses) if lapses else on + timedelta(days=365),
            open_for=timedelta(days=days),
        )
        code = write_invitation(node, wanted)
        if node.coalition.state().root.threshold > 1:
            failures = asyncio.run(ask_approval(node, code))
            for each, failure in sorted(failures.items()):
                print(f"{each} could not be told: {failure.detail}", file=sys.stderr)
            print("Other founders sign too. So that nobody waits when it joins, there now:", file=sys.stderr)
            print(f"  symbolon coalition approve {code.stored_hash.hex()[:12]}", file=sys.stderr)
        print(f"{member} joins with: symbolon coalition join CODE", file=sys.stderr)
        print(f"The code is good once, until {code.expires:%Y-%m-%d %H:%M} UTC.", file=sys.stderr)
        print(code.encode())
