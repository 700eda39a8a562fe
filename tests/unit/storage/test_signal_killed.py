"""kill -9 in the middle of adding: all of the signals are there, or none, with facts, keys and entries."""

import os
import subprocess
import sys
from pathlib import Path

import postgres_server

# Forks a child for each point at which it kills itself while it adds signals; prints what is there then.
_DRIVER = """
import contextlib, os, signal, sys
from datetime import date
from signal_makers import TODAY
from stored_signals import SEALER, Clock, key_pairs, new_signal, signal_store
from symbolon.storage import signal_expiry, signal_intake, signal_store as facade
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.suppliers.tier import Tier

url, COUNT = sys.argv[1], 30

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def dying(committed, transaction=Database.transaction):
    @contextlib.contextmanager
    def begun(self, name):
        with transaction(self, name) as connection:
            yield connection
            if name == "add signals" and not committed:
                die()
        if name == "add signals":
            die()
    return begun

def dies_at(point):
    if point in ("committing", "committed"):
        Database.transaction = dying(point == "committed")
    else:
        module, name = {
            "rows": (signal_intake, "put_facts"),
            "keys": (facade.keying, "store_new"),
            "entries": (AuditLog, "append_in"),
            "stored": (facade.keying, "_insert"),
        }[point]
        setattr(module, name, die)

def state():
    with Database.open(url) as database:
        store = signal_store(database, Clock())
        numbers = {each.number for each in store.list()}
        assert numbers == set(store.facts(TODAY).numbers.tolist())
        assert numbers == {number for _, number in key_pairs(store, Tier.B)}
        assert sorted(numbers) == [number for number, _ in store.newest(sorted(numbers))]
        assert all(store.source(number) == "who" for number in numbers)
        return len(numbers), AuditLog(database, SEALER, Clock()).size()

def add(first):
    with Database.open(url) as database:
        store = signal_store(database, Clock())
        return store.add_many([new_signal(n, source="who") for n in range(first, first + COUNT)])

Database.open(url, create=True).close()
for point in ("rows", "entries", "keys", "stored", "committing", "committed"):
    child = os.fork()
    if not child:
        dies_at(point)
        add(0)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, point
    print(point, *state())
assert list(add(COUNT)) == list(range(COUNT + 1, 2 * COUNT + 1))
print("again", *state())
"""


def test_add_many_killed_at_any_point_leaves_all_or_nothing(database_url: str) -> None:
    tests = Path(postgres_server.__file__).parent
    run = subprocess.run(
        [sys.executable, "-c", _DRIVER, database_url],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(tests), os.environ.get("PYTHONPATH", "")))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    told = [line.split() for line in run.stdout.splitlines()]
    assert told == [
        ["rows", "0", "0"],
        ["entries", "0", "0"],
        ["keys", "0", "0"],
        ["stored", "0", "0"],
        ["committing", "0", "0"],
        ["committed", "30", "30"],
        ["again", "60", "60"],
    ]
