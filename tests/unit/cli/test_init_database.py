"""`symbolon init --database` leaves alone what belongs to another node."""

import sqlite3
from pathlib import Path

import pytest

from symbolon.cli import main


def test_init_on_the_older_database_of_another_node_does_not_migrate_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = ["init", "--member", "alder", "--coalition", "harbour"]
    assert main.run(["--home", str(tmp_path / "first"), *made]) == 0
    path = tmp_path / "first" / "node.db"
    with sqlite3.connect(path) as database:
        database.execute("UPDATE alembic_version SET version_num = '0001'")
    url = f"sqlite:///{path}"
    assert main.run(["--home", str(tmp_path / "second"), *made, "--database", url]) == 74
    assert "older release" in capsys.readouterr().err
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
