"""Which labels go under which keys: a publisher adds, revises, recalls; days pass; sessions are held.

The model is a list of what was released. After each session every key has whole labels in slots that are
used once, no signal that was given is gone unless it was recalled, every recall has arrived, and what
presses waits only where a new epoch would not help.
"""

from dataclasses import dataclass, field

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolon.exchange.limits import SIGNAL_SLOTS
from symbolon.rpc.signal_fitting import NEW_SIGNAL_SLOTS, Given, Wanted, fit_labels


@dataclass
class _Label:
    form: int
    chunks: int
    recalled: bool = False
    urgent: bool = False


@dataclass
class _World:
    """Signal to its keys and newest label; the released (key, signal, form, chunks) of this epoch."""

    keys: list[tuple[int, ...]] = field(default_factory=list)
    newest: list[_Label] = field(default_factory=list)
    released: list[tuple[int, int, int, int]] = field(default_factory=list)
    standing: dict[tuple[int, int], int] = field(default_factory=dict)
    told: set[int] = field(default_factory=set)
    forms: int = 0

    def label(self, **about: int) -> _Label:
        self.forms += 1
        return _Label(self.forms, **about)

    def session(self, *, due: bool) -> bool:
        """Holds one; whether it ended the epoch."""
        leaves = [each for each in range(len(self.newest)) if self._leaves(each)]
        pairs = sorted((key, signal) for signal in leaves for key in self.keys[signal])
        labels = [self.newest[signal] for _, signal in pairs]
        wanted = Wanted(
            np.array([key for key, _ in pairs], np.int64),
            np.array([signal for _, signal in pairs], np.int64),
            np.array([each.chunks for each in labels], np.int64),
            np.array([each.form for each in labels], np.uint64),
            np.array([each.recalled for each in labels], np.bool_),
            np.array([each.recalled or each.urgent for each in labels], np.bool_),
        )
        entries = [each for each in self.released for _ in range(each[3])]
        before = Given(
            np.array([key for key, *_ in entries], np.int64),
            np.array([signal if self._leaves(signal) else -1 for _, signal, *_ in entries], np.int64),
            np.array([form for _, _, form, _ in entries], np.uint64),
        )
        fitting = fit_labels(wanted, before, due=due)
        if fitting.needs_epoch:
            self.released, self.standing = [], {}
            return True
        for at in np.flatnonzero(fitting.goes).tolist():
            (key, signal), label = pairs[at], labels[at]
            assert due or label.recalled or label.urgent
            self.released.append((key, signal, label.form, label.chunks))
            self.told.add(signal)
        held = self.standing
        self.standing = {pairs[at]: labels[at].form for at in np.flatnonzero(fitting.stands).tolist()}
        kept = {
            (key, signal, form)
            for (key, signal, form, _), keep in zip(entries, fitting.kept, strict=True)
            if keep
        }
        for key, signal, form in kept:
            # Whole, and the one that stood before.
            chunks = next(each[3] for each in self.released if each[:3] == (key, signal, form))
            assert (
                sum(
                    bool(keep)
                    for each, keep in zip(entries, fitting.kept, strict=True)
                    if each[:3] == (key, signal, form)
                )
                == chunks
            )
            assert held[key, signal] == form
            assert (key, signal) not in self.standing
            self.standing[key, signal] = form
        self._check(held)
        return False

    def _leaves(self, signal: int) -> bool:
        return not self.newest[signal].recalled or signal in self.told

    def _check(self, held: dict[tuple[int, int], int]) -> None:
        used: dict[int, int] = {}
        for key, _, _, chunks in self.released:
            used[key] = used.get(key, 0) + chunks
        assert all(each <= SIGNAL_SLOTS for each in used.values())
        for pair in held:
            assert pair in self.standing or self.newest[pair[1]].recalled
        for signal, label in enumerate(self.newest):
            for key in self.keys[signal]:
                if label.recalled and signal in self.told:
                    assert self.standing[key, signal] == label.form


_KEYS = st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True).map(tuple)
_ACTS = st.one_of(
    st.tuples(st.just("add"), _KEYS, st.integers(1, 64), st.booleans()),
    st.tuples(st.just("many"), _KEYS, st.integers(1, 260), st.just(None)),
    st.tuples(st.just("revise"), st.integers(0, 400), st.integers(1, 64), st.just(None)),
    st.tuples(st.just("recall"), st.integers(0, 400), st.just(None), st.just(None)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_ACTS, st.booleans()), min_size=1, max_size=14))
def test_sessions_lose_nothing_and_never_use_a_slot_twice(
    acts: list[tuple[tuple[str, object, object, object], bool]],
) -> None:
    world = _World()
    for (what, about, chunks, urgent), due in acts:
        if what == "add":
            world.keys.append(about)  # type: ignore[arg-type]
            world.newest.append(world.label(chunks=chunks, urgent=urgent))  # type: ignore[arg-type]
        elif what == "many":
            for _ in range(chunks):  # type: ignore[call-overload]
                world.keys.append(about)  # type: ignore[arg-type]
                world.newest.append(world.label(chunks=1))
        elif world.newest:
            at = about % len(world.newest)  # type: ignore[operator]
            old = world.newest[at]
            if what == "recall":
                world.newest[at] = world.label(chunks=1, recalled=True)
            elif not old.recalled:
                world.newest[at] = world.label(chunks=chunks, urgent=old.urgent)  # type: ignore[arg-type]
        if world.session(due=due):
            # A new epoch has room for what pressed: the next session does not end it again.
            assert not world.session(due=due)
            assert not world.session(due=due)


def test_new_signals_keep_to_their_part_of_a_key_and_the_newest_of_them_go() -> None:
    world = _World()
    for _ in range(SIGNAL_SLOTS):
        world.keys.append((0,))
        world.newest.append(world.label(chunks=1))
    assert not world.session(due=True)
    gone = {signal for _, signal in world.standing}
    assert gone == set(range(SIGNAL_SLOTS - NEW_SIGNAL_SLOTS, SIGNAL_SLOTS))
