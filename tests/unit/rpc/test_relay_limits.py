"""The limits in docs/PROTOCOL.md are those of the code."""

import dataclasses
import re
from pathlib import Path

from symbolon.config import RelayConfig
from symbolon.rpc import relay_limits
from symbolon.rpc.relay_backoff import FIRST_S, LONGEST_S
from symbolon.rpc.relay_limits import WINDOW_BYTES, RelayLimits, configured_limits

_DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")
_SECTION = _DOCUMENT.partition("\n## Relay\n")[2].partition("\n## ")[0]


def test_relay_limits_are_all_in_the_document_with_their_values() -> None:
    shown = {
        name: float(value.replace(",", ""))
        for name, value in re.findall(r"^\| [a-z, ]+ \| `(\w+)` \| ([\d.,]+) \|", _SECTION, re.MULTILINE)
    }
    constants = {name: float(value) for name, value in vars(relay_limits).items() if name.isupper()}
    granted = {name: float(value) for name, value in dataclasses.asdict(RelayLimits()).items()}
    assert shown == constants | granted
    assert f"after {FIRST_S:g} s, doubling up to {LONGEST_S:g} s" in _SECTION


def test_relay_windows_of_all_connections_are_what_the_document_says() -> None:
    (mebibytes,) = re.findall(r"waiting ones included: (\d+) MiB of windows", _SECTION)
    assert 2 * RelayLimits().connections * WINDOW_BYTES == int(mebibytes) << 20


def test_relay_limits_of_a_configuration_that_says_nothing_are_the_usual_ones() -> None:
    assert configured_limits(RelayConfig()) == RelayLimits()


def test_relay_limits_of_a_configuration_are_what_it_says_and_else_the_usual_ones() -> None:
    limits = configured_limits(RelayConfig(mib_s_per_member=2, connections_per_member=3, connections=40))
    assert limits == RelayLimits(
        connections=40, connections_of_one=3, rate_bytes_s=2 << 20, burst_bytes=2 << 20
    )
