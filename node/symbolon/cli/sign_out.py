"""`symbolon sign-out`: end the sign-in of this user at this node."""

import sys

import typer

from symbolon.cli.node_home import home
from symbolon.cli.operator_session import end_session

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def sign_out() -> None:
    """Sign out of this node."""
    print("Signed out." if end_session(home()) else "Nobody was signed in.", file=sys.stderr)
