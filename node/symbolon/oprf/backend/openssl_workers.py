"""The `openssl` backend on all processors: a call that brings many elements leases a process of its own.

OpenSSL is called under the interpreter's lock, so two threads multiply no faster than one; two processes do.
A worker is `openssl_worker.py`, run by the same interpreter, fed by pipes. There are at most as many as this
process may use processors; one starts when a batch finds none idle, stays for the next, and ends with this
process, also by kill -9: its input ends then. A batch is never split. Small batches are multiplied here.

A worker that cannot start, dies or answers anything but as many products as it was given elements is done
with: its batch is multiplied here, the log says so without contents, and for a pause no other one starts.

Source: DESIGN "The private exchange", point 11; docs/adr/0012.
"""

import contextlib
import logging
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Final

from symbolon.cores import usable_cores
from symbolon.oprf.backend import openssl_worker
from symbolon.oprf.backend.openssl import OpensslBackend, all_zero
from symbolon.oprf.backend.openssl_worker import ANSWER, LOOPS, REQUEST, Loop, read_exactly

log = logging.getLogger(__name__)

LEAST_ELEMENTS: Final = 256
"""From this many elements on a batch goes to a worker: they take 10 ms, a worker starts in 30."""

PAUSE_S: Final = 30.0
"""After a worker failed none starts for so long: what killed it, say want of memory, may kill the next."""

_SCRIPT: Final = openssl_worker.__file__


class OpensslWorkers(OpensslBackend):
    """X25519 through pyca/cryptography in processes; see `symbolon.oprf.backend.protocol.Backend`.

    Args:
        most_workers: how many may run; as many as this process may use processors, if not given.
        clock: seconds that never go back.
    """

    def __init__(self, most_workers: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._places = threading.Semaphore(most_workers or usable_cores())
        self._line = threading.Lock()
        self._idle: list[_Worker] = []
        self._clock = clock
        self._pause_ends_s = clock()
        weakref.finalize(self, _end_all, self._idle)

    def _run(self, loop: Loop, factors: bytes, rows: bytes) -> bytes:
        """Runs a loop over a batch whose lengths are checked, in a worker if it is worth it."""
        products = None
        if len(rows) >= 32 * LEAST_ELEMENTS:
            with self._turn():
                products = self._ask_worker(loop, factors, rows)
        if products is None:
            return super()._run(loop, factors, rows)
        if not products:
            raise all_zero()
        return products

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Waits for one of the places, first come first served."""
        # A semaphore alone goes to whoever asks next: a caller with many batches would have it for ever.
        with self._line:
            self._places.acquire()
        try:
            yield
        finally:
            self._places.release()

    def _ask_worker(self, loop: Loop, factors: bytes, rows: bytes) -> bytes | None:
        """What `_Worker.ask` gives, or None where no worker can be had or it fails."""
        worker = products = None
        try:
            worker = self._lease()
            if worker is not None:
                products = worker.ask(loop, factors, rows)
        except (OSError, EOFError) as error:
            self._pause_ends_s = self._clock() + PAUSE_S
            log.warning(
                "a worker process of the openssl backend failed (%s); multiplying without it",
                type(error).__name__,
            )
        finally:
            # Also when Ctrl-C comes in between: a worker that still owes an answer would give it to the next.
            if worker is not None:
                if products is None:
                    worker.end()
                else:
                    self._idle.append(worker)
        return products

    def _lease(self) -> "_Worker | None":
        """An idle worker, else a new one; None during the pause after a failure."""
        try:
            return self._idle.pop()
        except IndexError:
            return _Worker() if self._clock() >= self._pause_ends_s else None


class _Worker:
    """A running `openssl_worker.py`.

    Raises:
        OSError: the system does not start it.
    """

    def __init__(self) -> None:
        # -I: neither the environment nor the current folder decide what it imports. It holds keys as the node
        # does, so what it would say on dying is not shown either.
        self._process = subprocess.Popen(
            [sys.executable or "", "-I", _SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, loop: Loop, factors: bytes, rows: bytes) -> bytes:
        """Has a batch of at least one row multiplied.

        Returns:
            As many bytes as `rows`, or none if a product is all-zero.

        Raises:
            OSError: it died before it had read the batch, or did not answer as it should.
            EOFError: it died before it had answered.
        """
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None
        assert answers is not None
        requests.write(REQUEST.pack(LOOPS.index(loop), len(factors), len(rows)))
        requests.write(factors)
        requests.write(rows)
        requests.flush()
        (length_bytes,) = ANSWER.unpack(read_exactly(answers, ANSWER.size))
        if length_bytes not in (0, len(rows)):
            raise OSError("not an answer")
        return read_exactly(answers, length_bytes)

    def end(self) -> None:
        """Ends the process and waits for that."""
        self._process.kill()
        self._process.communicate()


def _end_all(workers: list[_Worker]) -> None:
    while workers:
        workers.pop().end()
