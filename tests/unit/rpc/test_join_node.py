"""Two commands that join with one node at once."""

import asyncio
from pathlib import Path

import pytest

from coalition_members import COALITION, invitation_code
from symbolon.cli.init import create_node
from symbolon.membership.coalition_state import State
from symbolon.membership.due_diligence import Acceptance
from symbolon.membership.member_statement import Place
from symbolon.rpc.join_node import REQUEST_FILE, join_with
from symbolon.rpc.node import NEXT_LEAF_KEY_FILE, Node
from symbolon.storage.database_errors import StorageBusyError


def nobody(_: State) -> Acceptance:
    raise AssertionError("nobody is asked")


def test_join_beside_another_join_of_this_node_makes_no_keys(tmp_path: Path) -> None:
    home = tmp_path / "new-co"
    create_node(home, member=home.name, coalition=COALITION, listen="127.0.0.1:0")
    with Node(home) as one, Node(home) as other, one.certificate_lock():
        with pytest.raises(StorageBusyError):
            asyncio.run(join_with(other, invitation_code(home.name), Place("", (), ""), nobody))
        assert not (home / REQUEST_FILE).exists()
        assert not (home / NEXT_LEAF_KEY_FILE).exists()
