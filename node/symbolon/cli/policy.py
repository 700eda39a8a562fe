"""`symbolon policy`: check, test and explain what this node may give to whom."""

import typer

from symbolon.cli import policy_agree, policy_check, policy_explain, policy_test

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Check, test and explain what this node may give to whom.",
)

app.command()(policy_check.check)
app.command("test")(policy_test.run_test)
app.command()(policy_explain.explain)
app.command()(policy_agree.agree)
app.command()(policy_agree.agreements)
app.command()(policy_agree.withdraw)
