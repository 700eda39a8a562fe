"""`symbolon audit`: read, check, export and report on the audit log."""

import typer

from symbolon.cli import (
    audit_export,
    audit_log,
    audit_prove,
    audit_report,
    audit_verify,
    audit_witness,
)

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Read, check, export and report on the audit log.",
)

app.command()(audit_log.log)
app.command(epilog=audit_verify.EPILOG)(audit_verify.verify)
app.command()(audit_prove.prove)
app.command()(audit_export.export)
app.command(epilog=audit_witness.EPILOG)(audit_witness.witness)
app.command()(audit_report.report)
app.command()(audit_report.demanded)
