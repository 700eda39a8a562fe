"""The [[allow]] tables of the configuration, written in Cedar.

Handles: one permit for each table and kind of thing, which allows exactly what the table says and nothing
else. Every word of
a table becomes a quoted text, so none of them is ever read as Cedar. Refuses words that have no form in
Unicode. A table that allows nothing gives no permit. Specification: docs/adr/0014.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from symbolon.errors import PolicyError
from symbolon.policy.bundle import GENERATED_ID, PolicySource


@dataclass(frozen=True, slots=True)
class AllowTable:
    """What one peer may do.

    Attributes:
        peer: member id.
        purposes, modes, tiers: any of them.
        signals: the peer may look up this node's signals about its own suppliers; or this node the peer's.
        answer: the peer may ask about this node's list.
        ask: this node may ask about the peer's list.
        invited: this node also asks when the peer invites it.
    """

    peer: str
    purposes: tuple[str, ...]
    modes: tuple[str, ...]
    tiers: tuple[str, ...]
    answer: bool
    ask: bool
    invited: bool
    signals: bool = False


def table_policies(tables: Iterable[AllowTable]) -> tuple[PolicySource, ...]:
    """Writes the permits.

    Args:
        tables: in the order of the file; a permit's `@id` counts them from 1.

    Raises:
        PolicyError: `policy.table`.
    """
    sources = []
    for number, table in enumerate(tables, 1):
        name = f"[[allow]] table {number}"
        texts = (
            _match_permit(f"{GENERATED_ID}{number}", table),
            _lookup_permit(f"{GENERATED_ID}{number}.signals", table),
            _release_permit(f"{GENERATED_ID}{number}.release", table),
        )
        sources += [PolicySource(name, text) for text in texts if text]
    return tuple(sources)


def _match_permit(policy_id: str, table: AllowTable) -> str:
    actions = [f"match_{mode}" for mode in ("size", "intersection") if table.answer and mode in table.modes]
    actions += ["match_mutual"] if table.invited else []
    actions += ["ask"] if table.ask else []
    if not (actions and table.purposes and table.modes and table.tiers):
        return ""
    condition = f"{_within(table)} &&\n    {_list(table.modes)}.contains(context.mode)"
    return _permit(policy_id, table, actions, "resource is Symbolon::SupplierList", condition)


def _lookup_permit(policy_id: str, table: AllowTable) -> str:
    on = (("lookup", table.answer), ("ask", table.ask), ("match_mutual", table.invited))
    actions = [action for action, allowed in on if allowed]
    if not (table.signals and actions and table.purposes and table.tiers):
        return ""
    condition = f'{_within(table)} &&\n    context.mode == "lookup"'
    return _permit(policy_id, table, actions, "resource", condition)


def _release_permit(policy_id: str, table: AllowTable) -> str:
    if not (table.signals and table.answer and table.purposes and table.tiers):
        return ""
    condition = f"{_list(table.purposes)}.contains(context.purpose)"
    return _permit(policy_id, table, ["release"], "resource is Symbolon::Signals", condition)


def _within(table: AllowTable) -> str:
    return (
        f"{_list(table.purposes)}.contains(context.purpose) &&\n"
        f"    {_list(table.tiers)}.containsAll(context.tiers)"
    )


def _permit(policy_id: str, table: AllowTable, actions: list[str], resource: str, condition: str) -> str:
    return f"""@id({quoted(policy_id)})
permit (
    principal == Symbolon::Member::{quoted(table.peer)},
    action in [{", ".join(f'Symbolon::Action::"{action}"' for action in actions)}],
    {resource}
)
when {{
    {condition}
}};"""


def _list(words: Iterable[str]) -> str:
    return f"[{', '.join(map(quoted, words))}]"


def quoted(word: str) -> str:
    """A text as Cedar reads it, whatever is in it.

    Raises:
        PolicyError: `policy.table`, half of a pair of UTF-16 is no character.
    """
    if not word.isascii() and any(0xD800 <= ord(each) <= 0xDFFF for each in word):
        raise PolicyError("a table holds a word that is not Unicode", code="policy.table")
    return '"' + "".join(each if _plain(each) else f"\\u{{{ord(each):x}}}" for each in word) + '"'


def _plain(character: str) -> bool:
    return " " <= character <= "~" and character not in '"\\'
