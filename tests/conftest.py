"""What all tests share: markers by folder, the hypothesis profile, the public data, the closing tally."""

import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

_ROOT = Path(__file__).resolve().parent.parent
# What several tests share beside fixtures (real_nodes, raw_peer, …) stands in this folder.
sys.path.insert(0, str(_ROOT / "tests"))
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


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real public files; a test that asks for it is skipped where it is not at hand."""
    folder = Path(os.environ.get("SYMBOLON_SHARED", _ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip("needs the public data files in ../shared/data, which are not part of this repository")
    return folder
