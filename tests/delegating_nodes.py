"""An organisation that has another one publish its signals, as real nodes, and the commands it types."""

import json
from pathlib import Path
from typing import Any

from real_nodes import Nodes
from signal_nodes import records
from symbolon.cli.local_coalition import PURPOSE
from symbolon.cli.made_up_suppliers import MadeUpList

CLEAR, DELTA, ALDER = "clear-ngo", "delta-ngo", "alder-co"
"""The contributor, its delegate, and a company that may look up the delegate's signals."""

LIST = 40
"""Suppliers of the company."""

NARRATIVE = "They repay what they were made to borrow."
SOURCE = "Zorvanpur line leader 4417"


def make_members(nodes: Nodes, *others: str, **sections: dict[str, object]) -> None:
    """Makes the three, and further organisations; `sections` are of the configurations of all three."""
    for member in (CLEAR, DELTA, *others):
        nodes.coalition.add(member, kind="ngo")
    nodes.coalition.add(ALDER, kind="company")
    sections = {"exchange": {"additions_interval_s": 0}, **sections}
    nodes.configure(CLEAR, **sections)
    nodes.configure(
        DELTA,
        allow=({"peer": ALDER, "signals": True, "purposes": (PURPOSE,)},),
        signals={"publishes_for": (CLEAR, "nobody-co")},
        **sections,
    )
    nodes.configure(ALDER, allow=({"peer": DELTA, "signals": True, "purposes": (PURPOSE,)},), **sections)
    nodes.take_in(ALDER, MadeUpList(LIST, 0, 0, ALDER))


def file(nodes: Nodes, name: str, text: str) -> str:
    """A text, as a file."""
    path: Path = nodes.coalition.folder / name
    path.write_text(text)
    return str(path)


def say(nodes: Nodes, member: str, *arguments: str, code: int = 0) -> tuple[str, str]:
    """Runs one `symbolon signals` command; what it printed and what it said."""
    done = nodes.run(member, "signals", *arguments, code=code, quick=True)
    return done.stdout, done.stderr


def add_command(nodes: Nodes, number: int, *more: str) -> tuple[str, ...]:
    """The words that have the delegate publish a signal about the company's supplier of a number."""
    (record,) = records(nodes, ALDER, 1, number)
    options = {
        "--kind": "factory",
        "--name": record.name,
        "--city": record.city,
        "--country": record.country,
        "--lei": record.lei,
        "--indicator": "debt-bondage",
        "--evidence": "worker-interview",
        "--scale": "high",
        "--purpose": PURPOSE,
        "--narrative-file": file(nodes, "narrative.txt", NARRATIVE),
        "--source-file": file(nodes, "source.txt", SOURCE),
        "--delegate": DELTA,
    }
    return ("signals", "add", *(word for option in options.items() if option[1] for word in option), *more)


def add(nodes: Nodes, number: int, *more: str, code: int = 0, yes: bool = True) -> tuple[str, str]:
    """Runs it; what it printed and what it said."""
    command = add_command(nodes, number, *more, *(["--yes"] if yes else []))
    done = nodes.run(CLEAR, *command, code=code, quick=True)
    return done.stdout, done.stderr


def added(nodes: Nodes, number: int, *more: str) -> str:
    """The same; the contributor's id."""
    return add(nodes, number, *more)[0].strip()


def by_others(nodes: Nodes, hex_id: str, *more: str) -> dict[str, Any]:
    """What the contributor is shown of a signal that is published for it."""
    document = json.loads(say(nodes, CLEAR, "delegated", "--json", *more)[0])
    (found,) = [each for each in document["by_others"] if each["signal"] == hex_id]
    return dict(found)
