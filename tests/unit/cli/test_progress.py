import io
import sys

import pytest

from symbolon.cli.progress import session_progress

PHASE = "the peer prepares its set, tier A"


class Terminal(io.StringIO):
    """Where a person is looking."""

    def isatty(self) -> bool:
        return True


def show(monkeypatch: pytest.MonkeyPatch, stderr: io.StringIO) -> str:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", stderr)
    with session_progress("alder-textiles") as tell:
        tell(PHASE, 45056, 1015808)
        tell(PHASE, 90112, 1015808)
    return stderr.getvalue()


def test_progress_of_the_longest_phase_can_be_read_in_eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = show(monkeypatch, Terminal())
    assert f"alder-textiles: {PHASE}" in shown
    assert "90112/1015808" in shown


def test_progress_where_nobody_looks_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    assert show(monkeypatch, io.StringIO()) == ""
