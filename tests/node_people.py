"""A node in a folder, people in it whose passwords are cheap to check, and its command line."""

import functools
import io
import json
import os
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from symbolon.cli import main
from symbolon.cli.init import create_node
from symbolon.cli.operator_session import OperatorSession, keep_session
from symbolon.policy.operator_roles import LOCAL, Role
from symbolon.rpc import node as node_module
from symbolon.rpc.node import Node
from symbolon.storage.operator_password import ScryptCost
from symbolon.storage.operator_record import Operator
from symbolon.storage.operator_store import OperatorStore

CHEAP = ScryptCost(n=2, r=1, p=1)
GIVEN = "given by another"


class Said(NamedTuple):
    """What a command gave."""

    code: int
    out: str
    talk: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def password_of(name: str) -> str:
    return f"the password of {name}"


class NodePeople:
    """A node and its people.

    Args:
        folder: where the node is made.
        monkeypatch: of the test, for the environment.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.home = folder, folder / "node"
        self._monkeypatch = monkeypatch
        for name in ("SYMBOLON_OPERATOR", "SYMBOLON_PASSWORD_FILE", "SYMBOLON_NEW_PASSWORD_FILE"):
            monkeypatch.delenv(name, raising=False)
        # Of passwords that commands of this process set; those of other processes cost what they cost.
        monkeypatch.setattr(node_module, "OperatorStore", functools.partial(OperatorStore, cost=CHEAP))
        create_node(self.home, member="mill", coalition="grove", listen="127.0.0.1:0")

    def configure(self, text: str) -> None:
        path = self.home / "symbolon.toml"
        path.write_text(f'[node]\nmember = "mill"\ncoalition = "grove"\nlisten = "127.0.0.1:0"\n{text}')

    def store(self, node: Node) -> OperatorStore:
        return OperatorStore(node.database, node.sealer, node.clock, os.urandom, CHEAP)

    def add(self, name: str, role: Role, *, own_password: bool = True) -> Operator:
        """Somebody is added by the first administrator, or is the first, and chooses a password."""
        with Node(self.home) as node:
            store = self.store(node)
            known = store.all()
            added = store.add(known[0].pseudonym if known else LOCAL, name, role, password=GIVEN)
            if own_password:
                added = store.set_password(added.pseudonym, added.pseudonym, password_of(name))
        return added

    def signed_in(self, name: str, *, ago_s: float = 0.0) -> None:
        """This user of the computer has signed in as somebody."""
        with Node(self.home) as node:
            person = node.operators.named(name)
            session = OperatorSession(person.pseudonym, person.credential_id, int(time.time() - ago_s))
            keep_session(self.home, node.sealer, session)

    def password_file(self, password: str, name: str = "SYMBOLON_PASSWORD_FILE") -> Path:
        """Writes a password where the next commands find it."""
        path = self.folder / name.lower()
        path.touch(mode=0o600)
        path.write_text(password + "\n")
        self._monkeypatch.setenv(name, str(path))
        return path

    def run(self, *arguments: str) -> Said:
        """Runs a command."""
        out, talk = io.StringIO(), io.StringIO()
        self._monkeypatch.setattr(sys, "stdin", io.StringIO())
        with redirect_stdout(out), redirect_stderr(talk):
            code = main.run(["--home", str(self.home), *arguments])
        return Said(code, out.getvalue(), talk.getvalue())

    def run_as(self, name: str, *arguments: str) -> Said:
        """Somebody signs in and runs a command."""
        self.signed_in(name)
        return self.run(*arguments)

    def audit_log(self) -> list[tuple[str, str, str]]:
        """Event, purpose and operator of every entry, oldest first."""
        with Node(self.home) as node:
            newest = [each.values for each in node.audit.newest(200)]
        return [(each["event"], each["purpose"], each["operator"]) for each in newest]
