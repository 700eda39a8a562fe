"""Nodes on PostgreSQL: made, asked, changed, looked at and killed."""

import itertools
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from postgres_server import PostgresServer
from processes import wait_until
from real_nodes import ALPHA, BETA, PURPOSES, SHARED, Nodes, asking, two_nodes
from symbolon import config
from symbolon.cli import main
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.exchange.messages import MATCH
from symbolon.rpc.node import Node
from symbolon.storage.database_errors import StorageBusyError

_FRESH = itertools.count(1)
_KEYS = 120
"""Elements of tier A in a first session: as many keys as suppliers, which is a padding class."""


@pytest.fixture(scope="module")
def nodes(postgres: PostgresServer) -> Iterator[Nodes]:
    with (
        postgres.node_database() as alpha,
        postgres.node_database() as beta,
        two_nodes(faulty=True, databases=(alpha, beta), exchange={"additions_interval_s": 0}) as both,
    ):
        yield both


@pytest.fixture(autouse=True)
def _served(request: pytest.FixtureRequest) -> None:
    """A test that killed the answerer leaves the next one a node that works."""
    if "nodes" in request.fixturenames:
        nodes: Nodes = request.getfixturevalue("nodes")
        if nodes.processes[BETA].poll() is not None:
            nodes.start(BETA, faulty=nodes.orders(BETA))


def test_match_answerer_killed_after_the_debit_on_postgresql_refunds_nothing(nodes: Nodes) -> None:
    purpose = PURPOSES[next(_FRESH)]
    before = nodes.spent(BETA, ALPHA)
    nodes.order(BETA, "kill", "committing record a delta")
    asked = nodes.run(ALPHA, *asking(BETA, purpose), code=75)
    assert "nothing was lost" in asked.stderr
    assert nodes.processes[BETA].wait(10) == -signal.SIGKILL
    assert nodes.spent(BETA, ALPHA) - before == _KEYS
    assert nodes.events(BETA, purpose) == ["answered"]
    nodes.start(BETA, faulty=nodes.orders(BETA))
    wait_until(lambda: nodes.states(BETA, purpose) == ["failed"], "the session to be marked failed")
    assert nodes.quick_match(ALPHA, BETA, purpose).ids() == SHARED
    assert nodes.spent(BETA, ALPHA) - before == 2 * _KEYS


def test_match_asker_killed_before_its_commit_on_postgresql_holds_nothing_of_it(nodes: Nodes) -> None:
    purpose = PURPOSES[next(_FRESH)]
    order = nodes.order(ALPHA, "kill", "committing store what a session brought")
    nodes.run(ALPHA, *asking(BETA, purpose), faulty=order, code=-signal.SIGKILL)
    for table in ("received_set", "match_result"):
        assert nodes.query(ALPHA, f"SELECT 1 FROM {table} WHERE purpose = :purpose", purpose=purpose) == []
    wait_until(lambda: "open" not in nodes.states(BETA, purpose), "the answerer to end the session")
    wait_until(lambda: _is_free(nodes, BETA), "the server to notice that the asker is gone")
    assert nodes.quick_match(ALPHA, BETA, purpose).ids() == SHARED


def _is_free(nodes: Nodes, asked: str) -> bool:
    try:
        with Node(nodes.home(ALPHA)) as node, node.asking_lock(asked, MATCH):
            return True
    except StorageBusyError:
        return False


def test_match_on_postgresql_first_gives_all_and_then_the_difference(
    nodes: Nodes, capsys: pytest.CaptureFixture[str]
) -> None:
    def spent() -> int:
        return sum(nodes.spent(BETA, ALPHA, tier) for tier in "AB")

    before = spent()
    first = nodes.match(ALPHA, BETA)
    assert first.ids() == SHARED
    between = spent()
    assert between - before == first.figures["counts"]["elements"]
    # Of what they share, each loses the first five left.
    nodes.take_in(ALPHA, MadeUpList(120, 0, 65, ALPHA))
    nodes.take_in(BETA, MadeUpList(120, 60, 10, BETA))
    again = nodes.match(ALPHA, BETA, quick=True)
    assert again.ids() == {f"S-{number:07d}" for number in range(70, 120)}
    assert spent() - between == again.figures["counts"]["elements"] < first.figures["counts"]["elements"]
    assert main.run(["--home", str(nodes.home(ALPHA)), "match", "show", BETA, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [row for row in again.rows if row not in shown] == []


def test_status_and_doctor_on_postgresql_tell_the_state_and_no_password(
    nodes: Nodes, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes.quick_match(ALPHA, BETA, PURPOSES[0])
    home = str(nodes.home(BETA))
    assert main.run(["--home", home, "status", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["supplier_list"]["suppliers"] == 120
    used = {each["tier"]: each["window_used"] for each in shown["budget"] if each["peer"] == ALPHA}
    assert used["A"] == nodes.spent(BETA, ALPHA)
    assert [each["peer"] for each in shown["epochs"]] == [ALPHA]
    assert main.run(["--home", home, "doctor"]) == 0
    told = capsys.readouterr().out
    url = make_url(config.load(nodes.home(BETA)).database_url)
    assert f"symbolon:***@127.0.0.1:{url.port}/{url.database}, version" in told
    assert str(url.password) not in told


def test_init_database_on_a_server_makes_a_node_there(
    postgres_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, rows = tmp_path / "node", tmp_path / "rows.csv"
    rows.write_text("supplier_id,name,country\nS-1,Quimbara Works,BD\n", encoding="utf-8")
    made = ["init", "--member", "acme-textiles", "--coalition", "spring", "--database", postgres_url]
    for command in (made, ["suppliers", "import", str(rows)], ["suppliers", "list", "--json"]):
        assert main.run(["--home", str(home), *command]) == 0, capsys.readouterr().err
    assert '"S-1"' in capsys.readouterr().out
    assert not (home / "node.db").exists()
    assert (home / config.FILE_NAME).stat().st_mode & 0o777 == 0o600
    # Another node cannot take the same database for its own.
    assert main.run(["--home", str(tmp_path / "other"), *made]) == 74
    assert "sealing key" in capsys.readouterr().err


def test_node_pointed_at_an_empty_database_is_told_how_one_is_made(
    postgres_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A budget that began anew because a URL was changed would let peers ask everything twice."""
    home = str(tmp_path / "node")
    assert main.run(["--home", home, "init", "--member", "acme-textiles", "--coalition", "spring"]) == 0
    path = tmp_path / "node" / config.FILE_NAME
    path.write_text(path.read_text().replace('# url = ""', f'url = "{postgres_url}"'))
    assert main.run(["--home", home, "status"]) == 74
    assert "symbolon init --database" in capsys.readouterr().err
