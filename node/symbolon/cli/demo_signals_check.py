"""What a lookup must give, computed in the clear, and what must be left of a signal that was recalled.

Both yardsticks exist in a demonstration alone, where the lists and the signals of everybody are at hand. The
first is made of match keys and of what the contributor typed, without the exchange, the policies and the
store; the second looks into the files themselves.
"""

import contextlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from symbolon.cli.demo_check import keys_of
from symbolon.cli.demo_contributed import Contribution
from symbolon.errors import SymbolonError
from symbolon.exchange.messages import SIGNAL
from symbolon.rpc.node import Node
from symbolon.signals.bundle import group_chunks
from symbolon.signals.vocabulary import Level
from symbolon.suppliers.match_keys import match_keys
from symbolon.suppliers.record import Supplier
from symbolon.suppliers.tier import Tier

Link = tuple[str, str, frozenset[str]]
"""Own supplier id, band, kinds of key that hit."""

_SEVERITY: Final = ("scale", "scope", "irremediability")
_SUBJECT: Final = ("name", "address", "city", "country", "os_id")
_NOTHING: Final[Mapping[str, object]] = {
    "indicators": frozenset(),
    "evidence": None,
    "severity": dict.fromkeys(_SEVERITY, 0),
    "likelihood": 0,
    "confidence": None,
    "reliability": None,
    "native": None,
    "period": None,
    "has_narrative": False,
}
"""What a signal shows of each field where policy keeps it back."""


@dataclass(frozen=True, slots=True)
class SuppliersSide:
    """What the supplier says against a signal, and its answer; '' where it has not said anything."""

    statement: str = ""
    reply: str = ""


SILENT: Final = SuppliersSide()


@dataclass(frozen=True, slots=True)
class ClearSignal:
    """A signal as one company must be shown it.

    Attributes:
        links: own suppliers that it is about.
        says: the fields, as `symbolon signals received --json` names them.
    """

    links: frozenset[Link]
    says: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A signal in the clear, and what its contributor wants a company to see of it.

    Attributes:
        typed: as the contributor typed it.
        withheld: fields that policy keeps back.
        side: the supplier's.
    """

    typed: Contribution
    withheld: frozenset[str] = frozenset()
    side: SuppliersSide = SILENT


def clear_signals(ours: Path, wanted: Mapping[str, Wanted], tiers: Iterable[str]) -> dict[str, ClearSignal]:
    """Finds in the clear which signals are about suppliers of a list, and what they must say.

    Args:
        ours: file of the company that asks.
        wanted: what policy lets it have, by signal id.
        tiers: letters of the tiers that it asks.
    """
    asked = [Tier(letter) for letter in tiers]
    own = keys_of(ours, asked)
    found = {}
    for signal_id, each in wanted.items():
        subject = Supplier("", **{name: each.typed.get(name, "") for name in _SUBJECT})
        hits: dict[str, set[tuple[Tier, str]]] = defaultdict(set)
        for key in match_keys(subject):
            for supplier_id in own.get((key.tier, key.scheme, key.value), ()):
                hits[supplier_id].add((key.tier, key.scheme))
        if hits:
            found[signal_id] = ClearSignal(frozenset(_link(*item) for item in hits.items()), _says(each))
    return found


def _link(supplier_id: str, hits: Collection[tuple[Tier, str]]) -> Link:
    return supplier_id, min(tier for tier, _ in hits).band, frozenset(scheme for _, scheme in hits)


def _says(wanted: Wanted) -> dict[str, object]:
    typed = wanted.typed
    whole: dict[str, object] = {
        "indicators": frozenset(typed["indicators"].split(";")),
        "evidence": typed["evidence"],
        "severity": {name: int(Level[typed[name].upper()]) for name in _SEVERITY},
        "likelihood": int(Level[typed["likelihood"].upper()]),
        "confidence": int(typed["confidence"]),
        "reliability": typed["reliability"],
        "native": {"scheme": typed["scheme"], "grade": typed["grade"]} if "scheme" in typed else None,
        "period": {"from": typed["period_from"], "to": typed["period_to"]},
        "has_narrative": "narrative" in typed,
    }
    shown = {name: _NOTHING[name] if name in wanted.withheld else value for name, value in whole.items()}
    side = wanted.side
    return {
        **shown,
        "withheld": wanted.withheld,
        "dispute": ("open" if side.statement else "none", side.statement.strip()),
        "reply": side.reply.strip(),
    }


def require_told(expected: Mapping[str, ClearSignal], shown: Iterable[Mapping[str, Any]]) -> None:
    """Holds what a company is shown against the clear.

    Args:
        expected: from `clear_signals`.
        shown: "signals" of `symbolon signals received --json`.

    Raises:
        SymbolonError: they differ.
    """
    told = {each["signal_id"]: _told(each) for each in shown}
    if told == expected:
        return
    lost, added = len(expected.keys() - told.keys()), len(told.keys() - expected.keys())
    other = sum(told[each] != expected[each] for each in told.keys() & expected.keys())
    raise SymbolonError(
        f"the signals shown differ from those in the clear: {lost} missing, {added} extra, {other} otherwise",
        hint="This is a defect: please report it with the output of `symbolon doctor`.",
        code="demo.differs",
    )


def _told(document: Mapping[str, Any]) -> ClearSignal:
    links = (
        (each["supplier_id"], each["band"], frozenset(each["reasons"])) for each in document["suppliers"]
    )
    says = {name: document[name] for name in _NOTHING}
    dispute, reply = document["dispute"], document["reply"]
    return ClearSignal(
        frozenset(links),
        {
            **says,
            "indicators": frozenset(document["indicators"]),
            "withheld": frozenset(document["withheld"]),
            "dispute": (dispute["state"], dispute["statement"]),
            "reply": reply["text"] if reply else "",
        },
    )


# -------------------------------------------------------------------------------------------- what is left


@dataclass(frozen=True, slots=True)
class Held:
    """What a company holds of a signal.

    Attributes:
        sealed: as it stands in its database.
        chunks: the entries of the exchange that opened to it, 128 bytes each.
    """

    sealed: frozenset[bytes]
    chunks: frozenset[bytes]


def held_of(home: Path, peer: str, signal_id: str) -> Held:
    """Looks for a signal in a node's database.

    Args:
        home: of a node that does not run.
        peer: who released it.
        signal_id: 32 hexadecimal digits.
    """
    with contextlib.closing(sqlite3.connect(f"file:{home / 'node.db'}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT content FROM received_form WHERE signal_id = ?", (signal_id,))
        sealed = frozenset(content for (content,) in rows)
    labels = [chunks for rows in _opened(home, peer) for chunks in group_chunks(rows)]
    labels = [chunks for chunks in labels if bytes.fromhex(signal_id) in chunks[0]]
    return Held(sealed, frozenset(chunk for chunks in labels for chunk in chunks))


def _opened(home: Path, peer: str) -> Iterator[Sequence[bytes]]:
    """What the entries held of a peer open to, those of one key together."""
    with Node(home) as node, node.database.read("look at what was opened") as connection:
        for held in node.receiving.opened(connection, peer, SIGNAL):
            by_key: dict[int, list[bytes]] = defaultdict(list)
            for key_id, row in zip(held.hits.key_ids.tolist(), held.hits.labels, strict=True):
                by_key[key_id].append(row.tobytes())
            yield from by_key.values()


def require_erased(home: Path, peer: str, signal_id: str, before: Held) -> None:
    """Makes sure that nothing is left of what a signal said: in no row, in no page, in no entry that opens.

    Args:
        home: of a node that does not run.
        peer: who recalled it.
        signal_id: of the recalled signal.
        before: from `held_of`, before the recall arrived.

    Raises:
        SymbolonError: something is left, or nothing was there.
    """
    if not (before.sealed and before.chunks):
        raise SymbolonError(f"{home.name} never held {signal_id}", code="demo.signals")
    pages = [path.read_bytes() for path in sorted(home.glob("node.db*"))]
    in_pages = any(each in content for each in before.sealed for content in pages)
    opens = any(row in before.chunks for rows in _opened(home, peer) for row in rows)
    if in_pages or opens or held_of(home, peer, signal_id).sealed:
        raise SymbolonError(f"{home.name} still holds what {signal_id} said", code="demo.signals")


def require_released_after_recall(publisher: Path, asker: str) -> None:
    """Makes sure that by the audit log a company was given something once after the recall, and before it.

    Raises:
        SymbolonError: it was not.
    """
    with Node(publisher) as node:
        entries = [each.entry for each in node.audit.entries()]
    (recalled,) = (
        at for at, each in enumerate(entries) if (each.event, each.note) == ("contributed", "recalled")
    )
    released = [at for at, each in enumerate(entries) if (each.event, each.peer) == ("released", asker)]
    answered = [at for at, each in enumerate(entries) if (each.event, each.peer) == ("answered", asker)]
    since = [at for at in answered if at > recalled]
    if len(since) != 1 or not released[0] < recalled < since[0] < released[-1]:
        raise SymbolonError("the log does not tell which lookup brought the recall", code="demo.signals")


def require_counted(publisher: Path, asker: Path, number: int) -> None:
    """Makes sure that both ends wrote down how many signals the one told the other that it may count.

    Args:
        publisher: folder of the node that told it.
        asker: of the node that asked.
        number: that was told.

    Raises:
        SymbolonError: one of them did not, or wrote down another number.
    """
    with Node(publisher) as told, Node(asker) as asked:
        ends = ((told, asked.member_id, "counted now"), (asked, told.member_id, "told"))
        for node, peer, note in ends:
            entries = [each.values for each in node.audit.entries()]
            counts = [
                json.loads(each["counts"])
                for each in entries
                if (each["event"], each["peer"], each["note"]) == ("counted", peer, note)
            ]
            if counts != [{"signals": number}]:
                raise SymbolonError(
                    f"the log of {node.member_id} does not tell that {number} were counted",
                    code="demo.signals",
                )


def require_nowhere(folder: Path, text: str) -> int:
    """Makes sure that no file holds a line of a text, or half a sentence of it.

    Returns:
        How many files were read; nodes may run, and some files of theirs are there for a moment only.

    Raises:
        SymbolonError: one does.
    """
    pieces = [piece.strip().encode() for line in text.splitlines() for piece in _halves(line)]
    count = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if not path.is_file():
                continue
            content = path.read_bytes()
            count += 1
            if any(piece in content for piece in pieces):
                raise SymbolonError(
                    f"{path.relative_to(folder)} holds a note on a source", code="demo.signals"
                )
    return count


def _halves(line: str) -> Iterable[str]:
    return (part for part in line.replace(":", ",").replace(".", ",").split(",") if part.strip())
