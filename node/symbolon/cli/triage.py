"""`symbolon triage`: which own suppliers to look at first."""

import typer

from symbolon.cli import signals_received

app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.command()(signals_received.triage)
