"""The worker processes of the `openssl` backend: same bytes, right answers whatever happens to a worker."""

import base64
import gc
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from processes import wait_until
from symbolon.errors import BackendError, InvalidElementError
from symbolon.oprf.backend import choice, choose_backend, openssl_worker, openssl_workers
from symbolon.oprf.backend.openssl import OpensslBackend
from symbolon.oprf.backend.openssl_workers import LEAST_ELEMENTS, PAUSE_S, OpensslWorkers

HERE = OpensslBackend()
KEY = bytes(range(100, 132))
SCALARS = os.urandom(32 * 4096)
ELEMENTS = HERE.multiply_base(SCALARS)
BATCH = ELEMENTS[: 32 * LEAST_ELEMENTS]
LARGE = ELEMENTS
"""More than a pipe holds (64 KiB), so that the node is still writing when the worker has not read."""

needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at processes in /proc")


class Clock:
    now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def started(monkeypatch):
    """The processes of all workers that were started, in order."""
    processes = []
    start = openssl_workers._Worker.__init__

    def starting(self):
        start(self)
        processes.append(self._process)

    monkeypatch.setattr(openssl_workers._Worker, "__init__", starting)
    return processes


@pytest.fixture
def backend(clock, started):
    yield OpensslWorkers(2, clock)
    for process in started:
        process.kill()
        process.communicate()


def in_thread(call, *arguments):
    """Starts a call; gives the thread and where its answer will stand."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(call(*arguments)), daemon=True)
    thread.start()
    return thread, answers


def stopped_in_a_call(backend, started, batch=BATCH):
    """Starts a call whose worker stands still, the first that was started; gives the same as `in_thread`."""
    backend.multiply(KEY, BATCH)
    started[0].send_signal(signal.SIGSTOP)
    call = in_thread(backend.multiply, KEY, batch)
    wait_until(lambda: not backend._idle, "the worker to be asked")
    return call


def impersonate(monkeypatch, tmp_path, script):
    """Makes workers run another script. `receive()` reads a request and gives how long its products are."""
    path = tmp_path / "impostor.py"
    receive = (
        "import struct, sys\n"
        "def receive():\n"
        "    _, *lengths = struct.unpack('>BQQ', sys.stdin.buffer.read(17))\n"
        "    sys.stdin.buffer.read(sum(lengths))\n"
        "    return lengths[1]\n"
        "def answer(*parts):\n"
        "    sys.stdout.buffer.write(b''.join(parts))\n"
        "    sys.stdout.buffer.flush()\n"
    )
    path.write_text(receive + script, encoding="ascii")
    monkeypatch.setattr(openssl_workers, "_SCRIPT", str(path))


@pytest.mark.parametrize("count", [0, 1, LEAST_ELEMENTS - 1, LEAST_ELEMENTS, LEAST_ELEMENTS + 1, 4096])
def test_every_call_below_at_and_above_the_threshold_gives_the_same_bytes(backend, started, count):
    scalars, elements = SCALARS[: 32 * count], ELEMENTS[: 32 * count]
    assert backend.multiply(KEY, elements) == HERE.multiply(KEY, elements)
    assert backend.multiply_each(scalars, elements) == HERE.multiply_each(scalars, elements)
    assert backend.multiply_base(scalars) == HERE.multiply_base(scalars)
    assert len(started) == (count >= LEAST_ELEMENTS)


def test_many_callers_each_get_their_own_products_from_few_workers(backend, started):
    keys = [bytes([number]) * 32 for number in range(12)]
    calls = [in_thread(backend.multiply, key, BATCH) for key in keys]
    for thread, _ in calls:
        thread.join(60)
    assert [answers for _, answers in calls] == [[HERE.multiply(key, BATCH)] for key in keys]
    assert 1 <= len(started) <= 2


def test_second_caller_while_the_first_is_served_has_a_worker_of_its_own(backend, started):
    thread, answers = stopped_in_a_call(backend, started)
    second, second_answers = in_thread(backend.multiply_base, BATCH)
    second.join(60)
    assert second_answers == [HERE.multiply_base(BATCH)]
    assert (len(started), thread.is_alive(), answers) == (2, True, [])
    started[0].send_signal(signal.SIGCONT)
    thread.join(60)
    assert answers == [HERE.multiply(KEY, BATCH)]


def test_caller_beyond_the_last_worker_waits_for_its_turn(clock, started):
    backend = OpensslWorkers(1, clock)
    first, first_answers = stopped_in_a_call(backend, started)
    second, second_answers = in_thread(backend.multiply_base, BATCH)
    second.join(0.3)
    assert second.is_alive()
    started[0].send_signal(signal.SIGCONT)
    first.join(60)
    second.join(60)
    assert first_answers == [HERE.multiply(KEY, BATCH)]
    assert second_answers == [HERE.multiply_base(BATCH)]
    assert len(started) == 1


def test_caller_with_many_batches_lets_others_have_their_turn(clock, started):
    backend = OpensslWorkers(1, clock)
    batches = []
    begun, enough = threading.Event(), threading.Event()

    def go_on():
        while not enough.is_set() and len(batches) < 200:
            batches.append(backend.multiply(KEY, BATCH))
            begun.set()

    thread, _ = in_thread(go_on)
    assert begun.wait(60)
    for _ in range(3):
        backend.multiply(KEY, BATCH)
    enough.set()
    thread.join(60)
    assert len(batches) < 20
    assert len(started) == 1


def test_all_zero_product_refused_as_in_process_and_the_worker_goes_on(backend, started, caplog):
    for call, scalars in ((backend.multiply, KEY), (backend.multiply_each, SCALARS[: len(BATCH)])):
        with pytest.raises(InvalidElementError) as caught:
            call(scalars, BATCH[32:] + bytes(32))
        with pytest.raises(InvalidElementError) as expected:
            HERE.multiply(KEY, bytes(32))
        assert str(caught.value) == str(expected.value)
        assert backend.multiply(KEY, BATCH) == HERE.multiply(KEY, BATCH)
    assert (len(started), started[0].poll(), caplog.records) == (1, None, [])


def test_worker_killed_between_batches_is_replaced_after_a_pause(backend, started, clock, caplog):
    backend.multiply(KEY, BATCH)
    started[0].kill()
    started[0].wait()
    assert backend.multiply(KEY, LARGE) == HERE.multiply(KEY, LARGE)
    assert len(caplog.records) == 1
    clock.now_s += PAUSE_S / 2
    assert backend.multiply(KEY, BATCH) == HERE.multiply(KEY, BATCH)
    assert len(started) == 1
    clock.now_s += PAUSE_S
    assert backend.multiply(KEY, BATCH) == HERE.multiply(KEY, BATCH)
    assert len(started) == 2
    assert started[1].poll() is None
    assert len(caplog.records) == 1


@pytest.mark.parametrize("batch", [BATCH, LARGE], ids=["waiting", "writing"])
def test_worker_killed_during_a_batch_loses_nothing(backend, started, clock, caplog, batch):
    thread, answers = stopped_in_a_call(backend, started, batch)
    thread.join(0.1)
    started[0].kill()
    thread.join(60)
    assert answers == [HERE.multiply(KEY, batch)]
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert (started[0].returncode, backend._idle) == (-signal.SIGKILL, [])
    clock.now_s += PAUSE_S
    assert backend.multiply(KEY, batch) == answers[0]
    assert len(started) == 2


@pytest.mark.parametrize(
    "script",
    [
        "raise ImportError",
        "receive(); raise MemoryError",
        "receive(); answer(b'Traceback (most recent call last):'); receive()",
        "n = receive(); answer(struct.pack('>Q', n), bytes(n - 1))",
        "n = receive(); answer(struct.pack('>Q', n - 32), bytes(n - 32)); receive()",
        "n = receive(); answer(struct.pack('>Q', n + 32), bytes(n + 32)); receive()",
        "n = receive(); answer(struct.pack('>Q', 2**63)); receive()",
    ],
    ids=["no import", "dies", "text", "cut short", "fewer", "more", "endless"],
)
def test_worker_that_does_not_answer_as_it_should_is_not_believed_nor_asked_again(
    monkeypatch, tmp_path, backend, started, clock, caplog, script
):
    impersonate(monkeypatch, tmp_path, script)
    assert backend.multiply(KEY, BATCH) == HERE.multiply(KEY, BATCH)
    assert len(caplog.records) == 1
    assert KEY.hex() not in caplog.text
    assert (len(started), started[0].returncode is None, backend._idle) == (1, False, [])
    monkeypatch.undo()
    clock.now_s += PAUSE_S
    assert backend.multiply(KEY, BATCH) == HERE.multiply(KEY, BATCH)
    assert len(backend._idle) == 1
    openssl_workers._end_all(backend._idle)


@pytest.mark.parametrize("executable", ["", None, "/nowhere/python3"])
def test_interpreter_that_cannot_be_started_leaves_the_work_to_this_process(
    monkeypatch, backend, started, caplog, executable
):
    monkeypatch.setattr(sys, "executable", executable)
    for _ in range(3):
        assert backend.multiply(KEY, BATCH) == HERE.multiply(KEY, BATCH)
    assert (started, len(caplog.records)) == ([], 1)


def test_interrupt_while_waiting_never_leaves_an_answer_for_the_next_batch(monkeypatch, backend, started):
    def interrupted(_stream, _length):
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(openssl_workers, "read_exactly", interrupted)
        with pytest.raises(KeyboardInterrupt):
            backend.multiply(KEY, BATCH)
    assert started[0].returncode is not None
    assert backend.multiply_base(BATCH) == HERE.multiply_base(BATCH)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_worker_told_to_stop_with_its_node_leaves_it_to_the_node(backend, started, caplog, number):
    backend.multiply(KEY, BATCH)
    for _ in range(3):
        started[0].send_signal(number)
        assert backend.multiply(KEY, BATCH) == HERE.multiply(KEY, BATCH)
    assert (len(started), started[0].poll(), caplog.records) == (1, None, [])


@needs_proc
def test_worker_gets_secrets_by_its_pipe_alone(monkeypatch, backend, started):
    monkeypatch.setenv("SYMBOLON_TEST_MARK", "to see that this is its environment")
    backend.multiply(KEY, BATCH)
    process = Path(f"/proc/{started[0].pid}")
    command, environment = ((process / name).read_bytes() for name in ("cmdline", "environ"))
    assert b"openssl_worker.py" in command
    assert b"to see that this is its environment" in environment
    for spelling in (KEY, KEY.hex().encode(), base64.b64encode(KEY), str(int.from_bytes(KEY)).encode()):
        assert spelling not in command + environment
    open_files = {file.name: str(file.readlink()) for file in (process / "fd").iterdir()}
    assert open_files.keys() == {"0", "1", "2"}
    assert open_files["0"].startswith("pipe:")
    assert open_files["1"].startswith("pipe:")
    assert open_files["2"] == os.devnull


def test_backend_that_is_no_longer_used_leaves_no_process(started):
    backend = OpensslWorkers(2)
    backend.multiply(KEY, BATCH)
    assert started[0].poll() is None
    del backend
    gc.collect()
    assert started[0].returncode is not None
    assert started[0].stdin.closed
    assert started[0].stdout.closed


def test_end_of_the_process_leaves_no_process_and_no_warning():
    script = (
        "from symbolon.oprf.backend.openssl_workers import OpensslWorkers\n"
        "backend = OpensslWorkers()\n"
        f"backend.multiply_base(bytes({len(BATCH)}))\n"
        "print(backend._idle[0]._process.pid)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-c", script], capture_output=True, text=True, check=True
    )
    assert ended.stderr == ""
    with pytest.raises(ProcessLookupError):
        os.kill(int(ended.stdout), 0)


def test_worker_script_imports_nothing_of_the_node():
    script = (
        "import runpy, sys\n"
        f"runpy.run_path({openssl_worker.__file__!r})\n"
        "print(*{name.partition('.')[0] for name in sys.modules})\n"
    )
    run = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    modules = set(run.stdout.split())
    assert "cryptography" in modules
    assert not modules & {"symbolon", "numpy", "gmpy2", "grpc", "sqlalchemy"}


@pytest.fixture
def fresh_choice():
    choose_backend.cache_clear()
    yield
    choose_backend.cache_clear()


@pytest.mark.usefixtures("fresh_choice")
def test_choose_backend_openssl_by_name_or_as_fallback_is_one_pool_and_starts_nothing(monkeypatch, started):
    def refused():
        raise BackendError("not here")

    monkeypatch.setattr(choice, "MultibufferBackend", refused)
    by_name, fallback = choose_backend("openssl"), choose_backend("auto")
    assert isinstance(by_name.backend, OpensslWorkers)
    assert fallback.backend is by_name.backend
    assert (fallback.name, fallback.reason) == ("openssl", "multibuffer is not used: not here")
    assert started == []
    assert by_name.backend.multiply(KEY, BATCH) == HERE.multiply(KEY, BATCH)
    assert len(started) == 1
