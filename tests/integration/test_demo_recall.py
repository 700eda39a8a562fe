"""What the demonstration says of a recalled signal is looked for where it could be left, and found there."""

from collections.abc import Iterator

import pytest

from real_nodes import Nodes, real_nodes
from signal_nodes import contribute, look_up, recall, records
from symbolon.cli.demo_signals_check import held_of, require_erased
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.errors import SymbolonError
from symbolon.signals.signal import Native

WATCH, ALDER = "watch-ngo", "alder-co"


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """An organisation serves; a company has a list."""
    with real_nodes() as nodes:
        for member, kind in ((WATCH, "ngo"), (ALDER, "company")):
            nodes.coalition.add(member, kind=kind)
        for member, peer in ((WATCH, ALDER), (ALDER, WATCH)):
            allow = ({"peer": peer, "signals": True},)
            nodes.configure(member, allow=allow, exchange={"additions_interval_s": 0})
        nodes.take_in(ALDER, MadeUpList(20, 0, 0, ALDER))
        nodes.start(WATCH)
        yield nodes


def test_require_erased_signal_that_stands_or_is_copied_is_found_and_a_recalled_one_is_not(
    nodes: Nodes,
) -> None:
    home = nodes.home(ALDER)
    native = Native("SMETA", "a grade that takes a chunk of its own, behind the header of the label")
    about, other = records(nodes, ALDER, 2)
    (gone,) = contribute(nodes, WATCH, [about], native=native)
    (stays,) = contribute(nodes, WATCH, [other])
    look_up(nodes, ALDER, WATCH)
    before = held_of(home, WATCH, gone)
    assert len(before.sealed) == 1
    # A header, which stands alike under both of its keys, and the grade.
    assert len(before.chunks) >= 2
    with pytest.raises(SymbolonError, match=f"still holds what {gone} said"):
        require_erased(home, WATCH, gone, before)

    recall(nodes, WATCH, gone)
    look_up(nodes, ALDER, WATCH)
    require_erased(home, WATCH, gone, before)
    assert held_of(home, WATCH, stays).sealed
    with pytest.raises(SymbolonError, match="never held"):
        require_erased(home, WATCH, gone, held_of(home, WATCH, gone))

    (home / "node.db-copy").write_bytes(b"\0" * 100 + next(iter(before.sealed)))
    with pytest.raises(SymbolonError, match="still holds"):
        require_erased(home, WATCH, gone, before)
