"""An NGO's node in a coalition on this machine, and the command line by which it contributes signals.

Nobody serves: who would see what is a matter of the members' list and of the NGO's own policies.
"""

import contextlib
import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from symbolon import config
from symbolon.cli import main
from symbolon.cli.init import create_node
from symbolon.cli.local_founder import LocalFounder
from symbolon.rpc.node import Node

NGO: Final = "watch"
COALITION: Final = "harbour"
PURPOSE: Final = "due-diligence"
COMPANIES: Final = ("alder", "birch", "cedar", "dogwood")

SITE: Final = (
    "--kind=factory",
    "--name=Blue River Garments Ltd",
    "--address=12 Canal Road",
    "--city=Gazipur",
    "--postal-code=1700",
    "--country=Bangladesh",
    "--os-id=CN2021250D1DTN7",
)
"""Whom a signal is about, as options."""

SEEN: Final = ("--indicator=debt-bondage", "--evidence=worker-interview", "--from=2026-01", "--to=2026-03")
"""What was seen, as options."""


def ahead(years: int, month_day: str = "01-01") -> str:
    """A day of a year to come, up to 4 years from this one; the same for a whole run of tests."""
    return f"{_YEAR + years}-{month_day}"


_YEAR: Final = datetime.now(UTC).year


class Said(NamedTuple):
    """What a command gave."""

    code: int
    out: str
    talk: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Contributor:
    """The NGO's node.

    Args:
        folder: of all nodes.
        founder: of the coalition.
    """

    def __init__(self, folder: Path, founder: LocalFounder) -> None:
        self.folder, self.founder = folder, founder
        self.home = folder / NGO

    def join(self, member: str, kind: str) -> None:
        """Makes a node a member."""
        home = self.folder / member
        create_node(home, member=member, coalition=COALITION, listen="127.0.0.1:0")
        self.founder.admit(home, kind=kind)
        self.tell()

    def tell(self) -> None:
        """Gives the NGO's node the newest list of members."""
        if self.home.exists():
            self.founder.tell(self.home)

    def allow(self, *tables: dict[str, object], more: str = "") -> None:
        """Writes the configuration: what each peer may do; signals are allowed unless a table says no."""
        lines = [f'[node]\nmember = "{NGO}"\ncoalition = "{COALITION}"\nlisten = "127.0.0.1:0"', more]
        for table in tables:
            whole = {"purposes": (PURPOSE,), "tiers": ("A", "B", "C"), "signals": True, **table}
            lines.append("[[allow]]")
            lines += [f"{key} = {config.toml_value(value)}" for key, value in whole.items()]
        (self.home / config.FILE_NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def policy(self, text: str) -> None:
        """Writes a policy of the NGO's own."""
        folder = self.home / "policies"
        folder.mkdir(exist_ok=True)
        (folder / "own.cedar").write_text(text, encoding="utf-8")

    def run(self, *arguments: str, typed: str = "", code: int | None = 0) -> Said:
        """Runs `symbolon signals …` in this process, with no terminal."""
        out, talk = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
        stdin, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(typed.encode()), "utf-8")
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(talk):
                ended = main.run(["--home", str(self.home), "signals", *arguments])
        finally:
            sys.stdin = stdin
        out.flush()
        said = Said(ended, out.buffer.getvalue().decode(), talk.getvalue())  # type: ignore[attr-defined]
        assert code is None or ended == code, f"{ended}: {said.talk}{said.out}"
        return said

    def add(self, *more: str, **run: Any) -> str:
        """Adds a signal by options; its id."""
        return self.run("add", *SITE, *SEEN, "--yes", *more, **run).out.strip()

    def file(self, name: str, text: str | bytes) -> Path:
        """A file that only its owner can read."""
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    @contextlib.contextmanager
    def node(self) -> Iterator[Node]:
        """The node, open."""
        with Node(self.home) as node:
            yield node

    def given(self, peer: str, *hex_ids: str) -> None:
        """Notes that a member was given signals, as a session would."""
        import numpy as np

        with self.node() as node:
            numbers = np.array([node.signals.get(each).number for each in hex_ids], np.uint64)
            with node.database.transaction("test") as connection:
                node.disclosures.add(connection, peer, numbers)


@contextlib.contextmanager
def contributor(folder: Path, purposes: tuple[str, ...] = (PURPOSE,)) -> Iterator[Contributor]:
    """The NGO and four companies; birch may look signals up, the others may not."""
    founder = LocalFounder.create(folder / "founder", COALITION, purposes)
    try:
        made = Contributor(folder, founder)
        made.join(NGO, "ngo")
        for company in COMPANIES:
            made.join(company, "company")
        made.allow({"peer": "birch"})
        yield made
    finally:
        founder.close()


@pytest.fixture
def ngo(tmp_path: Path) -> Iterator[Contributor]:
    with contributor(tmp_path) as made:
        yield made
