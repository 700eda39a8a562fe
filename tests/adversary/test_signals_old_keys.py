"""A requester that keeps everything: sets, outputs and keys of before, to open what it is shown no longer.

It has changed its node: what an honest one erases, it copies first. It opens what it was sent for suppliers
that it asked about in that epoch, and nothing else: not what was withheld, not what was narrowed afterwards,
nothing of another epoch. docs/PROTOCOL.md, Signals, Less than before.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import pytest

from clocked_signals import SignalScene, Talk, few_purposes, signal_scene
from node_clocks import DAY_S, HOUR_S
from real_nodes import Nodes
from symbolon.cli.local_coalition import COALITION
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.errors import SymbolonError
from symbolon.exchange.derive import entry_masks
from symbolon.exchange.labels import NONCE_BYTES, SIGNAL_CHUNKS, Places
from symbolon.exchange.limits import SIGNAL_SLOTS
from symbolon.exchange.messages import Accept, Evaluated, Hello
from symbolon.exchange.receiver_set import OwnOutputs
from symbolon.oprf.key_schedule import KeyContext
from symbolon.oprf.suite import DEFAULT_SUITE
from symbolon.policy.own_policies import OWN_FOLDER
from symbolon.signals.revisions import dispute, revise
from symbolon.signals.signal import ID_BYTES
from symbolon.signals.vocabulary import Evidence, Tlp

WATCH, ALDER, BIRCH = "watch-ngo", "alder-co", "birch-co"
LIST, LATER = 40, 45
"""Suppliers that the requester has from the beginning, and once it has added some to its list."""

EPOCH_DAYS = 2
_SECRET_BYTES = 32
_FRESH = iter([f"purpose-{number}" for number in range(16)])

Change = Callable[[SignalScene, str, str], None]
"""What the contributor does about a signal, told its id and the purpose."""


@pytest.fixture(scope="module")
def scene() -> Iterator[SignalScene]:
    with few_purposes(17) as nodes:
        for member, kind in ((WATCH, "ngo"), (ALDER, "company"), (BIRCH, "company")):
            nodes.coalition.add(member, kind=kind)
        nodes.configure(ALDER, allow=({"peer": WATCH, "signals": True},))
        allow(nodes)
        nodes.take_in(ALDER, MadeUpList(LIST, 0, 0, ALDER))
        with signal_scene(nodes, WATCH) as made:
            yield made


def allow(nodes: Nodes, **table: object) -> None:
    """Writes what the contributor allows the requester."""
    nodes.configure(
        WATCH,
        allow=({"peer": ALDER, "signals": True, **table}, {"peer": BIRCH, "signals": True}),
        exchange={"additions_interval_s": 0, "signal_epoch_days": EPOCH_DAYS},
    )


def write_policy(scene: SignalScene, when: str, effect: str = "forbid", obligation: str = "") -> None:
    """A policy of the contributor's own about what leaves for the requester."""
    folder = scene.nodes.home(WATCH) / OWN_FOLDER
    folder.mkdir(exist_ok=True)
    note = f' @obligation("{obligation}")' if obligation else ""
    about = 'principal == Symbolon::Member::"alder-co", action == Symbolon::Action::"release", resource'
    (folder / "own.cedar").write_text(f'@id("own"){note}\n{effect} ({about})\nwhen {{ {when} }};\n')


@pytest.fixture
def purpose(scene: SignalScene) -> Iterator[str]:
    """One of its own; what a test changes of the clock, policies and lists is at its end as before."""
    yield next(_FRESH)
    scene.clock.ahead_s = 0
    for path in (scene.nodes.home(WATCH) / OWN_FOLDER).glob("*.cedar"):
        path.unlink()
    allow(scene.nodes)
    scene.nodes.take_in(ALDER, MadeUpList(LIST, 0, 0, ALDER))


@dataclass(frozen=True)
class Kept:
    """A copy of all that a requester has of one set."""

    epoch: int
    tag_bytes: int
    own: OwnOutputs
    deltas: dict[int, bytes]

    def rows(self) -> Iterator[tuple[int, bytes]]:
        """Entries with the number of their delta."""
        width = SIGNAL_CHUNKS.entry_bytes(self.tag_bytes)
        for number, data in self.deltas.items():
            for at in range(0, len(data), width):
                yield number, data[at : at + width]


def keep(scene: SignalScene, purpose: str) -> Kept:
    with scene.node(ALDER) as node:
        held = node.receiving.held(WATCH, "signal", purpose, DEFAULT_SUITE, "A")
        assert held is not None
        state = node.receiving.open(held)
        return Kept(held.epoch, held.tag_bytes, state.own, state.deltas)


def opened(outputs: Kept, entries: Kept, purpose: str) -> list[tuple[str, int]]:
    """Ids and revisions of all labels of which outputs open the header: of any key, in any slot."""
    width, found = entries.tag_bytes, []
    names = (DEFAULT_SUITE, COALITION, WATCH, ALDER, "signal", "lookup", "A", purpose)
    context = KeyContext(*names, entries.epoch).encode()
    by_tag = {row[:width]: (number, row[width:]) for number, row in entries.rows()}
    for slot in range(SIGNAL_SLOTS):
        masks = entry_masks(outputs.own.outputs, slot, width, _SECRET_BYTES, SIGNAL_CHUNKS.use)
        for mask in masks:
            number, hidden = by_tag.get(mask[:width].tobytes(), (0, b""))
            if not hidden:
                continue
            places = Places(context, mask[None, :width], np.array([slot], "u1"), np.array([number], "u4"))
            _, labels = SIGNAL_CHUNKS.reveal(mask[None, width:], np.frombuffer(hidden, "u1")[None], places)
            for label in labels:
                if label[0] == 1:
                    revision = int.from_bytes(label[2 + ID_BYTES : 4 + ID_BYTES].tobytes())
                    found.append((label[2 : 2 + ID_BYTES].tobytes().hex(), revision))
    return found


def opened_ids(outputs: Kept, entries: Kept, purpose: str) -> set[str]:
    return {hex_id for hex_id, _ in opened(outputs, entries, purpose)}


# ----------------------------------------------------------------------------------------------- withheld


def test_what_was_withheld_is_in_nothing_that_was_sent(scene: SignalScene, purpose: str) -> None:
    write_policy(scene, 'context.evidence == "satellite"', "permit", "count_only")
    some = scene.suppliers(ALDER, 7)
    with scene.node() as node:
        tomorrow = node.now.date() + timedelta(days=1)
    told = scene.contribute(some[:2], purposes=(purpose,))
    scene.contribute(some[1:2], purposes=("purpose-x",))
    scene.contribute(some[2:3], purposes=(purpose,), recipients=(BIRCH,))
    scene.contribute(some[3:4], purposes=(purpose,), recipients=(BIRCH,), tlp=Tlp.RED)
    scene.contribute(some[4:5], purposes=(purpose,), embargo=tomorrow)
    scene.contribute(some[5:6], purposes=(purpose,), evidence=Evidence.SATELLITE)
    scene.look_up(ALDER, purpose, "A")
    kept = keep(scene, purpose)
    # It has the keys of all of them: the search that finds what was told finds nothing else.
    assert len(kept.own.key_ids) == LIST
    assert opened_ids(kept, kept, purpose) == set(told)


# ----------------------------------------------------------------------------------------------- narrowed


def forbid(scene: SignalScene, hex_id: str, purpose: str) -> None:
    write_policy(scene, f'context.purpose == "{purpose}"')


def redact(scene: SignalScene, hex_id: str, purpose: str) -> None:
    write_policy(scene, f'context.purpose == "{purpose}"', "permit", "redact(evidence)")


def take_off_the_recipients(scene: SignalScene, hex_id: str, purpose: str) -> None:
    scene.change(hex_id, lambda signal, today: revise(signal, today, recipients=(BIRCH,)))


def take_off_the_purposes(scene: SignalScene, hex_id: str, purpose: str) -> None:
    scene.change(hex_id, lambda signal, today: revise(signal, today, purposes=("purpose-x",)))


def mark_red(scene: SignalScene, hex_id: str, purpose: str) -> None:
    scene.change(hex_id, lambda signal, today: revise(signal, today, tlp=Tlp.RED, recipients=(BIRCH,)))


def contest(scene: SignalScene, hex_id: str, purpose: str) -> None:
    write_policy(scene, f'context.purpose == "{purpose}" && context.disputed')
    scene.change(hex_id, lambda signal, today: dispute(signal, today, "We pay on the tenth."))


NARROWINGS: tuple[Change, ...] = (
    forbid,
    redact,
    take_off_the_recipients,
    take_off_the_purposes,
    mark_red,
    contest,
)


def evaluated_before_the_last_accept(talk: Talk) -> int:
    """How many evaluations came in conversations that a stale epoch ended."""
    kinds = [each.message for each in talk.said]
    last = max(place for place, each in enumerate(kinds) if isinstance(each, Accept))
    return sum(isinstance(each, Evaluated) for each in kinds[:last])


@pytest.mark.parametrize("narrow", NARROWINGS)
def test_after_narrowing_nothing_new_opens_of_what_was_sent_before(
    scene: SignalScene, purpose: str, narrow: Change
) -> None:
    # About suppliers that the requester has not asked about yet: it learns of them after the narrowing.
    later = list(MadeUpList(LATER, 0, 0, ALDER))[LIST:]
    (target, other) = scene.contribute(later[:2], purposes=(purpose,))
    scene.look_up(ALDER, purpose, "A")
    before = keep(scene, purpose)
    narrow(scene, target, purpose)
    scene.nodes.take_in(ALDER, MadeUpList(LATER, 0, 0, ALDER))
    talk = scene.look_up(ALDER, purpose, "A")
    after = keep(scene, purpose)
    assert [each.epoch for each in talk.each(Hello)] == [before.epoch, 0]
    assert (evaluated_before_the_last_accept(talk), after.epoch) == (0, before.epoch + 1)
    # New outputs and old entries, old outputs and new entries: nothing, of any signal.
    assert opened(after, before, purpose) == opened(before, after, purpose) == []
    # The control: the new outputs open what stands in the new set.
    told = {target, other} if narrow is redact else set() if narrow is forbid else {other}
    assert opened_ids(after, after, purpose) == told
    assert set(scene.held(ALDER, purpose)) == told
    if narrow is redact:
        assert scene.held(ALDER, purpose)[target].signal.evidence is None


def test_requester_that_hides_its_epoch_gets_the_new_one_and_not_the_old(
    scene: SignalScene, purpose: str
) -> None:
    later = list(MadeUpList(LATER, 0, 0, ALDER))[LIST:]
    (hex_id,) = scene.contribute(later[:1], purposes=(purpose,))
    scene.look_up(ALDER, purpose, "A")
    before = keep(scene, purpose)
    take_off_the_recipients(scene, hex_id, purpose)
    with scene.node(ALDER) as node:
        # It asks as if it held nothing, which is answered in the live epoch: that must not be the old one.
        node.receiving.forget(WATCH, "signal")
    scene.nodes.take_in(ALDER, MadeUpList(LATER, 0, 0, ALDER))
    talk = scene.look_up(ALDER, purpose, "A")
    after = keep(scene, purpose)
    assert [each.epoch for each in talk.each(Hello)] == [0, 0]
    assert (evaluated_before_the_last_accept(talk), after.epoch) == (0, before.epoch + 1)
    assert opened(after, before, purpose) == []


@pytest.mark.parametrize(
    "table", [{"answer": False}, {"signals": False}, {"purposes": ("due-diligence",)}, {"tiers": ("B",)}]
)
def test_after_the_table_was_taken_away_nothing_is_evaluated_at_all(
    scene: SignalScene, purpose: str, table: dict[str, object]
) -> None:
    later = list(MadeUpList(LATER, 0, 0, ALDER))[LIST:]
    (hex_id,) = scene.contribute(later[:1], purposes=(purpose,))
    scene.look_up(ALDER, purpose, "A")
    before = keep(scene, purpose)
    allow(scene.nodes, **table)
    scene.nodes.take_in(ALDER, MadeUpList(LATER, 0, 0, ALDER))
    with pytest.raises(SymbolonError) as refused:
        scene.look_up(ALDER, purpose, "A")
    assert refused.value.exit_code == 77
    # Allowed again, it is another epoch, if anything was asked meanwhile that was allowed.
    if table in ({"purposes": ("due-diligence",)}, {"tiers": ("B",)}):
        scene.look_up(ALDER, "due-diligence", "B")
        allow(scene.nodes)
        scene.look_up(ALDER, purpose, "A")
        after = keep(scene, purpose)
        assert after.epoch > before.epoch
        assert opened(after, before, purpose) == []
        assert opened_ids(after, after, purpose) == {hex_id}


# ----------------------------------------------------------------------------------------- later epochs


def test_entries_of_an_epoch_do_not_open_by_keys_that_are_asked_in_the_next(
    scene: SignalScene, purpose: str
) -> None:
    later = list(MadeUpList(LATER, 0, 0, ALDER))[LIST:]
    (recalled, stands) = scene.contribute(later[:2], purposes=(purpose,))
    scene.look_up(ALDER, purpose, "A")
    before = keep(scene, purpose)
    scene.recall(recalled)
    scene.clock.ahead_s = EPOCH_DAYS * DAY_S + HOUR_S
    scene.nodes.take_in(ALDER, MadeUpList(LATER, 0, 0, ALDER))
    talk = scene.look_up(ALDER, purpose, "A")
    after = keep(scene, purpose)
    assert (evaluated_before_the_last_accept(talk), after.epoch) == (0, before.epoch + 1)
    assert opened(after, before, purpose) == opened(before, after, purpose) == []
    # Of what was recalled the new set had the stone alone, since this requester was given it before.
    assert opened(after, after, purpose) == [(stands, 1)]
    assert set(scene.held(ALDER, purpose)) == {stands}
    assert recalled in scene.tombstones(ALDER)


def test_recall_leaves_an_honest_requester_nothing_that_its_own_keys_open(
    scene: SignalScene, purpose: str
) -> None:
    held = scene.suppliers(ALDER, 1)
    later = list(MadeUpList(LATER, 0, 0, ALDER))[LIST : LIST + 1]
    (hex_id,) = scene.contribute(held, purposes=(purpose,))
    scene.contribute(later, purposes=(purpose,))
    scene.look_up(ALDER, purpose, "A")
    before = keep(scene, purpose)
    assert opened(before, before, purpose) == [(hex_id, 1)]
    scene.recall(hex_id)
    scene.look_up(ALDER, purpose, "A")
    after = keep(scene, purpose)
    assert opened(after, after, purpose) == opened(before, after, purpose) == []
    # What it overwrote is as long as it was, and the next hello is as if nothing had been there.
    assert [len(data) for data in after.deltas.values()][:1] == [len(data) for data in before.deltas.values()]
    assert hex_id in scene.tombstones(ALDER)


# --------------------------------------------------------------------------------------- ten revisions


def test_label_revised_ten_times_never_repeats_tag_key_or_nonce_on_the_wire(
    scene: SignalScene, purpose: str
) -> None:
    (hex_id,) = scene.contribute(scene.suppliers(ALDER, 1), purposes=(purpose,))
    sent = dict(scene.look_up(ALDER, purpose, "A").rows())
    for confidence in range(10):
        scene.change(hex_id, lambda signal, today, to=confidence: revise(signal, today, confidence=to))
        talk = scene.look_up(ALDER, purpose, "A")
        # Each delta comes once; nothing that was sent is sent again under the same number.
        assert not talk.rows().keys() & sent.keys()
        sent |= talk.rows()
    # As they came: this requester's own copy lacks what was recalled in other tests.
    kept = replace(keep(scene, purpose), deltas={number: b"".join(rows) for number, rows in sent.items()})
    width = kept.tag_bytes
    every = [row for rows in sent.values() for row in rows]
    assert len(every) == len({row[:width] for row in every}) == 11 * 64
    assert len({row[width : width + NONCE_BYTES] for row in every}) == len(every)
    # Under the one match key: eleven slots, eleven keys, each of which opened one revision.
    mine = [revision for each, revision in opened(kept, kept, purpose) if each == hex_id]
    assert mine == list(range(1, 12))
    masks = [
        entry_masks(kept.own.outputs, slot, width, _SECRET_BYTES, SIGNAL_CHUNKS.use) for slot in range(11)
    ]
    keys = {row[width:].tobytes() for mask in masks for row in mask}
    assert len(keys) == 11 * len(kept.own.key_ids)
    # The same label under the keys of the next epoch is other bytes altogether.
    with scene.node() as node:
        node.sending.rotate(ALDER)
    rows = [row for each in scene.look_up(ALDER, purpose, "A").rows().values() for row in each]
    assert opened(keep(scene, purpose), keep(scene, purpose), purpose) == [(hex_id, 11)]
    for start, end in ((0, 8), (width, width + NONCE_BYTES), (width + NONCE_BYTES, None)):
        assert not {row[start:end] for row in rows} & {row[start:end] for row in every}
