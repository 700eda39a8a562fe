"""`symbolon coalition sync`: the newest metadata that anybody has may be of no use, and then it says so."""

import time
from pathlib import Path

import pytest

from symbolon.cli import coalition_members, main
from symbolon.cli.local_founder import LocalFounder
from symbolon.rpc.node import Node


@pytest.mark.parametrize(("days", "code"), [(6, 0), (8, 77)])
def test_sync_that_leaves_ended_metadata_is_no_success(
    days: int, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "founder"
    LocalFounder.create(home, "harbour", ("audit",)).close()
    monkeypatch.setattr(
        coalition_members, "open_node", lambda: Node(home, clock=lambda: time.time() + days * 86400)
    )
    assert main.run(["--home", str(home), "coalition", "sync"]) == code
    told = capsys.readouterr().err
    assert "Version 1, the newest that anybody has." in told
    assert ("expired at" in told, "a founder's node has to be started" in told) == (code != 0, code != 0)
