"""kill -9 of a process whose batches are multiplied by workers: none of them, which saw keys, outlives it."""

import subprocess
import sys
from pathlib import Path

import pytest

from processes import is_running, wait_until

# Has two workers, idle or each with a batch in hand for as long as this process lives; prints their ids.
_NODE = """
import threading, time
from symbolon.oprf.backend import openssl_workers
processes = []
start = openssl_workers._Worker.__init__
def starting(self):
    start(self)
    processes.append(self._process)
openssl_workers._Worker.__init__ = starting
backend = openssl_workers.OpensslWorkers(2)
def multiply():
    while len(processes) < 2 or not {idle}:
        backend.multiply_base(bytes(32 * 2000))
callers = [threading.Thread(target=multiply, daemon=True) for _ in range(2)]
for caller in callers:
    caller.start()
for caller in callers:
    caller.join(None if {idle} else 1)
while len(processes) < 2:
    time.sleep(0.01)
print(*(process.pid for process in processes), flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks for orphans in /proc")
@pytest.mark.parametrize("idle", [True, False], ids=["idle", "multiplying"])
def test_node_killed_leaves_no_worker_process(idle: bool) -> None:
    command = [sys.executable, "-c", _NODE.replace("{idle}", str(idle))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as node:
        assert node.stdout is not None
        workers = [int(pid) for pid in node.stdout.readline().split()]
        running = [is_running(worker) for worker in workers]
        node.kill()
    assert running == [True, True]
    wait_until(lambda: not any(map(is_running, workers)), "the workers to end")
