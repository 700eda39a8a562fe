"""`symbolon audit report` and `demanded` within this process, for one node."""

from pathlib import Path

import typer
from click.testing import Result
from typer.testing import CliRunner

from symbolon.cli import audit_report, node_home

APP = typer.Typer(add_completion=False, rich_markup_mode=None)
APP.command()(audit_report.report)
APP.command()(audit_report.demanded)


def run(home: Path, *arguments: str) -> Result:
    """Runs one of the two; what it raises is in the result."""
    token = node_home.chosen.set(home)
    try:
        return CliRunner().invoke(APP, arguments)
    finally:
        node_home.chosen.reset(token)
