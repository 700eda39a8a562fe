"""`symbolon suppliers show`: one page about one own supplier, from what this node holds. Nothing is sent.

Handles: its row and its match keys; members that have it too, as far as they let this node find out; signals
of other members about it; own signals about it, by a match key of tier A or B that both have; its history.
Refuses an id that the list does not hold. Specification: docs/signals.md, Recall, dispute and reply.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import typer

from symbolon.cli.match_table import MatchRow, match_rows
from symbolon.cli.node_home import open_node
from symbolon.cli.received_list import known_members, known_publishers, urgency
from symbolon.cli.received_shown import view_json, view_lines
from symbolon.cli.signals_delegating import delegated_line, standing_json
from symbolon.cli.signals_list import voices_of
from symbolon.cli.signals_shown import signal_json, summary_lines
from symbolon.cli.supplier_history import Happened, history_of
from symbolon.errors import InputError
from symbolon.matching.evidence import matches
from symbolon.matching.reasons import in_words
from symbolon.rpc.node import Node
from symbolon.signals.free_text import shown
from symbolon.storage.delegation_store import StoredDelegation
from symbolon.storage.received_signal_view import ReceivedLink, ReceivedView
from symbolon.storage.signal_columns import StoredSignal
from symbolon.storage.supplier_store import StoredSupplier
from symbolon.suppliers.match_keys import MatchKey, match_keys
from symbolon.suppliers.record import CANONICAL_HEADER, OPTIONAL_HEADER, Supplier
from symbolon.suppliers.tier import Tier


def show(
    supplier_id: Annotated[str, typer.Argument(help="Its id in the list.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the page as JSON.")] = False,
) -> None:
    """Show what is known of one supplier: its keys, the members that have it too, signals, its history.

    Which members have it too is known as far as they let this node find out, by `symbolon match`.
    """
    with open_node() as node:
        found = node.suppliers.by_supplier_id(supplier_id)
        if found is None:
            raise InputError(
                f"the list has no supplier {supplier_id}",
                hint="`symbolon suppliers list --search TEXT` finds it.",
                code="input.supplier",
            )
        page = _read(node, found)
        today = node.now.date()
    if as_json:
        print(json.dumps(_document(page, today), indent=2, ensure_ascii=False))
    else:
        for line in _lines(page, today):
            print(line)


@dataclass(frozen=True, slots=True)
class _Page:
    """Everything on the page.

    Attributes:
        number: the supplier's.
        record: its row.
        keys: its match keys.
        shared: members, purposes and matches with them.
        signals: of other members, what to look at first first.
        own: this member's signals about it, the newest first, and how another member publishes them.
        voices: by number, how many members say the same as each of them.
        history: the oldest first.
    """

    number: int
    record: Supplier
    keys: Sequence[MatchKey]
    shared: Sequence[tuple[str, str, MatchRow]]
    signals: Sequence[tuple[ReceivedLink, ReceivedView]]
    own: Sequence[tuple[StoredSignal, StoredDelegation | None]]
    voices: Mapping[int, int]
    history: Sequence[Happened]

    @property
    def known_since(self) -> str:
        """The first day on which the list is known to have held it."""
        return next((each.day for each in self.history if each.what == "listed"), "")


def _read(node: Node, found: StoredSupplier) -> _Page:
    number, keys = found.supplier_no, match_keys(found.record)
    shared: list[tuple[str, str, MatchRow]] = []
    listed = known_members(node)
    for member in () if listed is None else listed.members:
        for purpose, evidence in node.matches.load(member.member_id):
            rows = match_rows(node, member.member_id, matches([evidence]))
            shared += [(member.member_id, purpose, row) for row in rows if row.match.supplier_no == number]
    views = node.received.by_supplier([number], known_publishers(node))[number]
    signals = [(link, view) for view in views for link in view.links if link.link.supplier_no == number]
    signals.sort(key=lambda pair: urgency(pair[1], pair[0]))
    # As strong as what corroborates: signals about another site share keys of tier C.
    own = node.signals.about(each for each in keys if each.tier is not Tier.C)
    return _Page(
        number,
        found.record,
        keys,
        shared,
        signals,
        [(each, node.delegations.find(each.number)) for each in own],
        voices_of(node, own),
        history_of(node, number, views, own),
    )


def _lines(page: _Page, today: date) -> Iterator[str]:
    record = page.record
    yield f"{shown(record.supplier_id, one_line=True)}  {shown(record.name, one_line=True)}"
    for name in (*CANONICAL_HEADER, *OPTIONAL_HEADER):
        if name not in ("supplier_id", "name") and (text := getattr(record, name)):
            yield f"  {name.replace('_', ' ')}: {shown(text, one_line=True)}"
    yield ""
    yield "match keys, by which other members' lists and signals are found"
    if not page.keys:
        yield f"  none: `symbolon suppliers keys {record.supplier_id}` says why"
    for key in page.keys:
        yield f"  {key.tier.band}: {shown(key.value, one_line=True)} ({key.source})"
    yield ""
    yield "members that have it too, as far as they let this node find out"
    if not page.shared:
        yield "  none known"
    for member, purpose, row in page.shared:
        yield f"  {member}, {row.band}: {row.reason}; {row.decision}, for {purpose}"
    yield ""
    yield "signals of other members"
    if not page.signals:
        yield "  none"
    for link, view in page.signals:
        yield f"  {link.link.tier.band}: {in_words(link.link.reasons)}"
        yield from ("    " + line for line in view_lines(view, today))
    yield ""
    yield "own signals about it"
    if not page.own:
        yield "  none"
    for held, delegation in page.own:
        yield from ("  " + line for line in summary_lines(held.signal, today, page.voices.get(held.number)))
        if delegation is not None:
            yield f"    {delegated_line(delegation)}"
    yield ""
    yield "history, as far as this node knows"
    for happened in page.history:
        yield f"  {happened.day}  {happened.words}"


def _document(page: _Page, today: date) -> dict[str, Any]:
    suppliers = {page.number: page.record}
    return {
        "supplier": {
            name: text
            for name in (*CANONICAL_HEADER, *OPTIONAL_HEADER)
            if (text := getattr(page.record, name))
        },
        "known_since": page.known_since or None,
        "keys": [
            {"band": each.tier.band, "scheme": each.scheme, "value": each.value, "source": each.source}
            for each in page.keys
        ],
        "shared_with": [
            {
                "member": member,
                "purpose": purpose,
                "band": row.band,
                "reason": row.reason,
                "decision": row.decision,
            }
            for member, purpose, row in page.shared
        ],
        "signals": [view_json(view, suppliers, today) for _, view in page.signals],
        "own_signals": [
            {
                **signal_json(held, today, page.voices.get(held.number)),
                **({"delegated": standing_json(kept)} if kept else {}),
            }
            for held, kept in page.own
        ],
        "history": [each.as_json() for each in page.history],
    }
