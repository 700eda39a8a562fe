"""What a node that has not joined a coalition shows: its own signals and suppliers."""

import contextlib
import io
import json
import os
from pathlib import Path
from typing import NamedTuple

import pytest

from signal_makers import make_draft
from signal_nodes import signature
from symbolon.cli import main
from symbolon.cli.init import create_node
from symbolon.rpc.node import Node
from symbolon.storage.signal_store import NewSignal

LIST = "supplier_id,name,address,city,region,postal_code,country,sector\nS1,Mill,1 Road,Gazipur,,,BD,\n"


class Alone(NamedTuple):
    """A node with one supplier and one signal, and no coalition."""

    home: Path
    hex_id: str

    def run(self, *arguments: str) -> tuple[int, str, str]:
        out, talk = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(talk):
            code = main.run(["--home", str(self.home), *arguments])
        out.flush()
        return code, out.buffer.getvalue().decode(), talk.getvalue()  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Alone:
    folder = tmp_path_factory.mktemp("alone")
    home = folder / "node"
    create_node(home, member="mill", coalition="grove", listen="127.0.0.1:0")
    (folder / "list.csv").write_text(LIST, encoding="utf-8")
    with Node(home) as node:
        draft = make_draft(purposes=("due-diligence",), period=None, expires=None, review=None)
        signal = draft.first_revision(os.urandom(16), node.now.date())
        node.signals.add_many([NewSignal(signal, signature(node, signal), "", "")], workers=0)
    made = Alone(home, signal.hex_id)
    assert made.run("suppliers", "import", str(folder / "list.csv"))[0] == 0
    return made


@pytest.mark.parametrize(
    "words",
    [
        "signals list",
        "signals list --all --json",
        "signals show {}",
        "signals show {} --history --json",
        "signals received",
        "signals received --json",
        "signals export --format misp",
        "signals export --format stix",
        "signals export --format jsonl",
        "signals words",
        "signals schema",
        "signals pending",
        "signals review",
        "signals feeds",
        "signals watch",
        "triage",
        "triage --json",
        "suppliers list",
        "suppliers show S1",
        "suppliers show S1 --json",
        "status",
        "status --json",
    ],
)
def test_what_is_here_is_shown_without_a_coalition(alone: Alone, words: str) -> None:
    code, _, talk = alone.run(*words.format(alone.hex_id).split())
    assert (code, "coalition join" in talk) == (0, False), talk


def test_own_signal_is_found_without_a_coalition(alone: Alone) -> None:
    _, out, _ = alone.run("signals", "list", "--json")
    assert [each["signal_id"] for each in json.loads(out)] == [alone.hex_id]
    _, out, _ = alone.run("suppliers", "show", "S1", "--json")
    assert json.loads(out)["shared_with"] == []


@pytest.mark.parametrize(
    "words",
    [
        "signals who {}",
        "signals lookup alder --purpose due-diligence",
        "signals count alder --purpose due-diligence",
    ],
)
def test_what_is_about_members_names_the_way_to_join(alone: Alone, words: str) -> None:
    code, out, talk = alone.run(*words.format(alone.hex_id).split())
    assert (code, out) == (77, "")
    assert "symbolon coalition join" in talk
