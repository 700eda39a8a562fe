"""kill -9, a full disk and a file size limit in the middle of an import: the list before stays whole."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import postgres_server
from processes import is_running, wait_until
from symbolon.errors import StorageError
from symbolon.storage.database import Database
from symbolon.storage.seal import Sealer
from symbolon.storage.supplier_import import import_list
from symbolon.storage.supplier_store import SupplierStore
from symbolon.suppliers.reader import open_list
from symbolon.suppliers.tier import Tier

_HEADER = "supplier_id,name,address,city,region,postal_code,country,sector,lei\n"

# Forks one child for every write transaction of an import; the child kills itself just before or just after
# that transaction commits. Prints how many points were tried. Told the URL of a database server, it works on
# copies of a database there, otherwise on copies of a folder.
_DRIVER = """
import contextlib, os, shutil, signal, sys, time
from pathlib import Path
from sqlalchemy import NullPool, create_engine, make_url, text
from postgres_server import drop_database
from symbolon.storage import supplier_import as importing, supplier_sweep
from symbolon.storage.database import Database
from symbolon.storage.database_errors import StorageBusyError
from symbolon.storage.seal import Sealer
from symbolon.storage.supplier_store import SupplierStore
from symbolon.suppliers.reader import open_list
from symbolon.suppliers.tier import Tier

home, first, second = map(Path, sys.argv[1:4])
server = sys.argv[4]
importing.BATCH_SUPPLIERS = 4
sealer = Sealer(bytes(32))

def url(name):
    if not server:
        return f"sqlite:///{home}/node{name}.db"
    base = make_url(server)
    return base.set(database=base.database + name).render_as_string(hide_password=False)

engine = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool) if server else None

@contextlib.contextmanager
def copied(name, of):
    if not server:
        shutil.copy(url(of).removeprefix("sqlite:///"), url(name).removeprefix("sqlite:///"))
        yield name
        return
    copy = make_url(url(name)).database
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {copy} TEMPLATE {make_url(url(of)).database}"))
    try:
        yield name
    finally:
        drop_database(engine, copy)

def take_in(name, file):
    with Database.open(url(name), create=True) as database:
        importing.import_list(database, sealer, open_list(file), clock=time.time, workers=0)

def state(name):
    with Database.open(url(name)) as database:
        store = SupplierStore(database, sealer)
        records = {each.supplier_no: each.record for each in store.list()}
        keys = []
        for tier in Tier:
            table = store.load_keys(tier)
            keys += sorted((table.inputs[k], int(n)) for k, n in zip(table.link_key, table.link_supplier))
        return store.revision(), records, keys

def take_in_when_free(name, file):
    # A server notices a moment later that a client is gone, and frees its locks then.
    patience = time.monotonic() + 60
    while True:
        try:
            return take_in(name, file)
        except StorageBusyError:
            assert server and time.monotonic() < patience
            time.sleep(0.01)

take_in("", first)
before = state("")
with copied("_done", ""):
    take_in("_done", second)
    after = state("_done")
assert before[1] != after[1] and before[2] != after[2]

def killed_at(name, point, committed):
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    transaction = Database.transaction
    count = 0
    @contextlib.contextmanager
    def counted(self, name):
        nonlocal count
        with transaction(self, name) as connection:
            yield connection
            if not committed and count == point:
                os.kill(os.getpid(), signal.SIGKILL)
        if committed and count == point:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1
    Database.transaction = counted
    take_in(name, second)
    os._exit(0)

points = flips = 0
# What a server has committed does not hang on its client: there the points before are enough.
for committed in (False,) if server else (False, True):
    for point in range(1000):
        with copied(f"_{committed}_{point}".lower(), "") as name:
            if not killed_at(name, point, committed):
                break
            points += 1
            found = state(name)
            assert found in (before, after), f"point {point}, committed {committed}"
            flips += found == after
            take_in_when_free(name, second)
            again = state(name)
            assert again[1:] == after[1:], f"point {point}, committed {committed}: again"
print(points, flips)
"""


def _write(path: Path, names: list[str]) -> Path:
    rows = "".join(
        f"S-{number},{name},{number + 1} Quellbrook Road,Zorvanpur,,{10000 + number},BD,Apparel,\n"
        for number, name in enumerate(names)
    )
    path.write_text(_HEADER + rows, encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_import_killed_at_every_transaction_leaves_one_whole_list(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue("postgres_url") if kind == "postgresql" else ""
    first = _write(tmp_path / "first.csv", [f"Quimbara{n} Works" for n in range(14)])
    second = _write(
        tmp_path / "second.csv", [f"Quimbara{n} {'Works' if n % 3 else 'Yard'}" for n in range(3, 15)]
    )
    home = tmp_path / "home"
    home.mkdir()
    run = subprocess.run(
        [sys.executable, "-c", _DRIVER, str(home), str(first), str(second), server],
        env={**os.environ, "PYTHONPATH": str(Path(postgres_server.__file__).parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    points, flips = map(int, run.stdout.split())
    assert points >= (6 if server else 12)
    assert 0 < flips < points


_IMPORTER = """
import sys, time
from pathlib import Path
from symbolon.storage import supplier_import as importing, supplier_keys
from symbolon.storage.database import Database
from symbolon.storage.seal import Sealer
from symbolon.suppliers.reader import open_list

if __name__ == "__main__":
    importing.BATCH_SUPPLIERS = 256
    supplier_keys.POOL_FROM_BATCH = 0
    def tell(progress):
        print(progress.rows_read, flush=True)
    with Database.open(sys.argv[1]) as database:
        importing.import_list(
            database, Sealer(bytes(32)), open_list(sys.argv[2]), clock=time.time, workers=2, progress=tell
        )
"""


def _children(pid: int) -> set[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return {int(child) for child in listed.split()}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for orphans in /proc")
def test_import_killed_with_workers_leaves_no_orphan_and_the_list_before(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/node.db"
    first = _write(tmp_path / "first.csv", ["Quimbara Works"])
    big = _write(tmp_path / "big.csv", [f"Quimbara{n} Works" for n in range(20_000)])
    script = tmp_path / "importer.py"
    script.write_text(_IMPORTER, encoding="ascii")
    sealer = Sealer(bytes(32))
    with Database.open(url, create=True) as database:
        import_list(database, sealer, open_list(first), clock=time.time, workers=0)
    with subprocess.Popen([sys.executable, str(script), url, str(big)], stdout=subprocess.PIPE) as importer:
        assert importer.stdout is not None
        for line in importer.stdout:
            if int(line) >= 3000:
                break
        workers = _children(importer.pid)
        importer.send_signal(signal.SIGKILL)
        importer.wait()
    assert len(workers) >= 2
    wait_until(lambda: not any(map(is_running, workers)), "the workers to end")
    with Database.open(url) as database:
        store = SupplierStore(database, sealer)
        assert [each.record.name for each in store.list()] == ["Quimbara Works"]
        report = import_list(database, sealer, open_list(first), clock=time.time, workers=0)
        assert (report.unchanged, report.revision) == (1, 2)


_LIMITED = """
import resource, sys, time
from symbolon.errors import StorageError
from symbolon.storage.database import Database
from symbolon.storage.seal import Sealer
from symbolon.storage.supplier_import import import_list
from symbolon.suppliers.reader import open_list
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
with Database.open(sys.argv[1]) as database:
    try:
        import_list(database, Sealer(bytes(32)), open_list(sys.argv[2]), clock=time.time, workers=0)
    except StorageError as error:
        print(error.full_code, error.detail, error.hint, sep="|")
"""


def _check_whole(url: str, file: Path, names: int) -> None:
    with Database.open(url) as database:
        store = SupplierStore(database, Sealer(bytes(32)))
        assert store.count() == 40
        assert len(store.load_keys(Tier.B)) > 0
        report = import_list(database, Sealer(bytes(32)), open_list(file), clock=time.time, workers=0)
        assert store.count() == report.suppliers == names


def test_import_beyond_the_file_size_limit_leaves_the_list_before(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/node.db"
    first = _write(tmp_path / "first.csv", [f"Quimbara{n} Works" for n in range(40)])
    big = _write(tmp_path / "big.csv", [f"Quimbara{n} Yard" for n in range(5000)])
    with Database.open(url, create=True) as database:
        import_list(database, Sealer(bytes(32)), open_list(first), clock=time.time, workers=0)
    run = subprocess.run(
        [sys.executable, "-c", _LIMITED, url, str(big), str(1 << 20)],
        capture_output=True,
        text=True,
        check=False,
    )
    code, detail, hint = run.stdout.strip().split("|")
    assert code in {"storage.io", "storage.full"}, run.stderr
    assert "nothing was changed" in detail
    assert hint
    _check_whole(url, big, 5000)


@pytest.mark.skipif(os.getuid() != 0 or shutil.which("mount") is None, reason="mounting a tmpfs needs root")
def test_import_on_a_full_disk_leaves_the_list_before(tmp_path: Path) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(mount)], check=False).returncode:
        pytest.skip("this container may not mount a tmpfs")
    try:
        url = f"sqlite:///{mount}/node.db"
        first = _write(tmp_path / "first.csv", [f"Quimbara{n} Works" for n in range(40)])
        big = _write(tmp_path / "big.csv", [f"Quimbara{n} Yard" for n in range(5000)])
        with Database.open(url, create=True) as database:
            import_list(database, Sealer(bytes(32)), open_list(first), clock=time.time, workers=0)
            with pytest.raises(StorageError) as caught:
                import_list(database, Sealer(bytes(32)), open_list(big), clock=time.time, workers=0)
        assert caught.value.full_code == "storage.full"
        assert "Quimbara" not in str(caught.value)
        subprocess.run(["mount", "-o", "remount,size=64m", str(mount)], check=True)
        _check_whole(url, big, 5000)
    finally:
        subprocess.run(["umount", str(mount)], check=True)
