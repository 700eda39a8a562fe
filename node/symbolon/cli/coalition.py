"""`symbolon coalition`: found or join a coalition, and change it."""

import typer

from symbolon.cli import (
    coalition_changes,
    coalition_create,
    coalition_founders,
    coalition_invitations,
    coalition_invite,
    coalition_join,
    coalition_members,
    coalition_own,
    coalition_proposals,
)

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Found or join a coalition, and see to its members.",
)

app.command()(coalition_create.create)
app.command()(coalition_invite.invite)
app.command()(coalition_invitations.invitations)
app.command()(coalition_invitations.withdraw)
app.command()(coalition_join.join)
app.command()(coalition_members.members)
app.command()(coalition_members.sync)
app.command()(coalition_own.move)
app.command()(coalition_own.attest)
app.command()(coalition_own.rotate)
app.command()(coalition_founders.offer)
app.command()(coalition_founders.founders)
app.command()(coalition_changes.vet)
app.command()(coalition_changes.suspend)
app.command()(coalition_changes.reinstate)
app.command()(coalition_changes.expel)
app.command()(coalition_proposals.proposals)
app.command()(coalition_proposals.approve)
