"""`symbolon suppliers show`: one page about one own supplier, from what this node holds. Nothing is sent."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

from symbolon.cli.match_table import MatchRow, match_rows
from symbolon.cli.node_home import open_node
from symbolon.cli.received_list import known_members, known_publishers, urgency
from symbolon.cli.received_shown import view_json, view_lines
from symbolon.errors import InputError
from symbolon.matching.evidence import matches
from symbolon.matching.reasons import in_words
from symbolon.rpc.node import Node
from symbolon.signals.free_text import shown
from symbolon.storage.received_signal_view import ReceivedLink, ReceivedView
from symbolon.storage.supplier_store import StoredSupplier
from symbolon.suppliers.match_keys import MatchKey, match_keys
from symbolon.suppliers.record import CANONICAL_HEADER, OPTIONAL_HEADER


def show(
    supplier_id: Annotated[str, typer.Argument(help="Its id in the list.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the page as JSON.")] = False,
) -> None:
    """Show what is known of one supplier: its keys, the members that have it too, signals, and when it came.

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


class _Page:
    """Everything on the page."""

    def __init__(
        self,
        found: StoredSupplier,
        shared: list[tuple[str, str, MatchRow]],
        signals: list[tuple[ReceivedLink, ReceivedView]],
        known_since: str,
    ) -> None:
        self.number = found.supplier_no
        self.record = found.record
        self.keys: tuple[MatchKey, ...] = match_keys(found.record)
        self.shared = shared
        self.signals = signals
        self.known_since = known_since


def _read(node: Node, found: StoredSupplier) -> _Page:
    number = found.supplier_no
    shared: list[tuple[str, str, MatchRow]] = []
    listed = known_members(node)
    for member in () if listed is None else listed.members:
        for purpose, evidence in node.matches.load(member.member_id):
            rows = match_rows(node, member.member_id, matches([evidence]))
            shared += [(member.member_id, purpose, row) for row in rows if row.match.supplier_no == number]
    views = node.received.by_supplier([number], known_publishers(node))[number]
    signals = [(link, view) for view in views for link in view.links if link.link.supplier_no == number]
    signals.sort(key=lambda pair: urgency(pair[1], pair[0]))
    numbers, since_s = node.suppliers.first_known()
    place = int((numbers == number).argmax()) if (numbers == number).any() else -1
    day = "" if place < 0 else datetime.fromtimestamp(int(since_s[place]), UTC).date().isoformat()
    return _Page(found, shared, signals, day)


def _lines(page: _Page, today: date) -> Iterator[str]:
    record = page.record
    yield f"{shown(record.supplier_id, one_line=True)}  {shown(record.name, one_line=True)}"
    for name in (*CANONICAL_HEADER, *OPTIONAL_HEADER):
        if name not in ("supplier_id", "name") and (text := getattr(record, name)):
            yield f"  {name.replace('_', ' ')}: {shown(text, one_line=True)}"
    if page.known_since:
        yield f"  in the list since {page.known_since}"
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
    }
