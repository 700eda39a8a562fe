"""What all tests share: markers by folder, the hypothesis profile, the public data, the closing tally."""

import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

_ROOT = Path(__file__).resolve().parent.parent
# What several tests share beside fixtures (real_nodes, raw_peer, …) stands in this folder.
sys.path.insert(0, str(_ROOT / "tests"))
from made_once import made_once  # noqa: E402 - it stands in that folder
from quick_schema import quick_schema  # noqa: E402

pytest_plugins = ("postgres_server",)
_KINDS = ("unit", "property", "adversary", "integration")

# No deadline: the machines that run these tests are shared, and a slow example is not a wrong one. Batches of
# curve elements are large by nature.
settings.register_profile(
    "symbolon",
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
)
settings.load_profile("symbolon")

# What a shell runs in the background ignores Ctrl-C, and so would every command that a test starts and
# interrupts. A handler here gives those the default back.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        kind = item.path.relative_to(_ROOT / "tests").parts[0]
        if kind in _KINDS:
            item.add_marker(kind)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tally_path = os.environ.get("SYMBOLON_TEST_TALLY")
    if tally_path:
        stats = terminalreporter.stats
        tally = {name: len(stats.get(name, [])) for name in ("passed", "failed", "error", "skipped")}
        Path(tally_path).write_text(json.dumps(tally), encoding="ascii")


@pytest.fixture(scope="session", autouse=True)
def less_done_twice() -> Iterator[None]:
    """See `quick_schema` and `made_once`."""
    with quick_schema(), made_once():
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real public files; a test that asks for it is skipped where it is not at hand."""
    folder = Path(os.environ.get("SYMBOLON_SHARED", _ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip("needs the public data files in ../shared/data, which are not part of this repository")
    return folder


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest) -> Callable[[], contextlib.AbstractContextManager[str]]:
    """Makes databases, of each kind in its turn: URLs for `Database.open(…, create=True)`."""
    if request.param == "sqlite":
        return _file_database
    make: Callable[[], contextlib.AbstractContextManager[str]]
    make = request.getfixturevalue("postgres").node_database
    return make


@contextlib.contextmanager
def _file_database() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/node.db"


@pytest.fixture
def database_url(new_database: Callable[[], contextlib.AbstractContextManager[str]]) -> Iterator[str]:
    """The URL of one database, see `new_database`."""
    with new_database() as url:
        yield url
