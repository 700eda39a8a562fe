"""`symbolon signals`: contribute risk signals, say who may see them, correct, recall or keep them."""

import typer

from symbolon.cli import (
    signals_add,
    signals_approve,
    signals_corroborate,
    signals_count,
    signals_delegated,
    signals_export,
    signals_hold,
    signals_import,
    signals_list,
    signals_lookup,
    signals_narrative,
    signals_offline,
    signals_pending,
    signals_recall,
    signals_received,
    signals_review,
    signals_revise,
    signals_supplier_side,
    signals_watch,
    signals_who,
    signals_words,
)

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Contribute risk signals about suppliers, choose who may see them, correct and recall them.",
)

app.command()(signals_add.add)
app.command("import")(signals_import.import_command)
app.command("list")(signals_list.list_command)
app.command()(signals_list.show)
app.command()(signals_who.who)
app.command()(signals_lookup.lookup)
app.command()(signals_count.count)
app.command()(signals_received.received)
app.command()(signals_narrative.narrative)
app.command()(signals_corroborate.corroborate)
app.command()(signals_watch.watch)
app.command()(signals_watch.feeds)
app.command()(signals_delegated.delegated)
app.command()(signals_revise.revise)
app.command()(signals_recall.recall)
app.command()(signals_supplier_side.dispute)
app.command()(signals_supplier_side.settle)
app.command()(signals_supplier_side.reply)
app.command("reply-form")(signals_supplier_side.reply_form)
app.command()(signals_pending.pending)
app.command()(signals_approve.approve)
app.command()(signals_approve.notified)
app.command()(signals_review.review)
app.command()(signals_words.words)
app.command()(signals_words.schema)
app.command()(signals_export.export)
app.command()(signals_hold.hold)
app.command()(signals_offline.dropbox)
