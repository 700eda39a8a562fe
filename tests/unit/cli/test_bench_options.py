"""`symbolon bench match` refuses what it cannot measure before it makes a node."""

import pytest

from symbolon.cli import main


@pytest.mark.parametrize(
    "option",
    [
        ("--size", "0"),
        ("--repeat", "0"),
        ("--changed", "-1"),
        ("--changed", "101"),
        ("--keys", "weak"),
        ("--mode", "nope"),
        ("--repeat", "3", "--changed", "50"),
    ],
)
def test_bench_match_unusable_option_is_wrong_usage(
    option: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_node(_settings: object) -> None:
        raise AssertionError("a node is made")

    monkeypatch.setattr("symbolon.cli.bench.local_coalition", no_node)
    assert main.run(["bench", "match", *option]) == 2
    assert capsys.readouterr().err.startswith("symbolon: error: ")
