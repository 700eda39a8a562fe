"""The locked key file is read as it was written, and a folder that is locked and unlocked in any order works.

The state machine holds a folder against what a person would expect of it: which passphrase opens it, whether
it is locked, until when it is unlocked; and after every step no private key of a locked folder is in clear.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from locked_home import CHEAP, OTHER, WORDS
from symbolon.errors import PermissionDeniedError, SealError, UsageError
from symbolon.membership import key_file, unlocked_key
from symbolon.membership.key_file import (
    LockedError,
    lock_key_file,
    lock_state,
    open_key_file,
    write_new_sealing_key,
)
from symbolon.membership.sealing_key import (
    MAX_LANES,
    MAX_MEMORY_KIB,
    MAX_WORK_KIB,
    LockedKey,
    Stretching,
    clear_file,
    lock_key,
    parse_key_file,
)
from symbolon.membership.signing_key import create_signing_key, load_signing_key
from symbolon.membership.unlocked_key import Moment, keep_key, kept_key
from symbolon.storage.seal import Sealer
from symbolon.storage.seal_lock import (
    Passphrase,
    change_passphrase,
    find_keys,
    lock_folder,
    relock_folder,
    unlock_folder,
    unlock_for_good,
)

keys = st.binary(min_size=32, max_size=32)
passphrases = st.text(min_size=1, max_size=80)
small = st.builds(
    lambda lanes, passes, more: Stretching(8 * lanes + more, passes, lanes),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(0, 40),
)


@given(key=keys)
def test_clear_file_is_read_as_it_was_written(key: bytes) -> None:
    assert parse_key_file(clear_file(key)) == key


@given(key=keys, passphrase=passphrases, cost=small)
@settings(max_examples=60)
def test_locked_file_is_read_as_it_was_written_and_opens(
    key: bytes, passphrase: str, cost: Stretching
) -> None:
    locked = lock_key(key, passphrase, cost, os.urandom)
    read = parse_key_file(locked.encode())
    assert read == locked
    assert isinstance(read, LockedKey)
    assert read.stretching == cost
    assert read.open(passphrase) == key
    assert read.encode() == locked.encode()


@given(key=keys, at=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=150)
def test_locked_file_with_any_bit_changed_does_not_open(key: bytes, at: int, bit: int) -> None:
    good = lock_key(key, WORDS, CHEAP, os.urandom).encode()
    spoilt = bytearray(good)
    spoilt[at % len(good)] ^= 1 << bit
    try:
        found = parse_key_file(bytes(spoilt))
        assert isinstance(found, LockedKey)
        # Never more than this machine gives without noticing.
        assert found.stretching.memory_kib <= MAX_MEMORY_KIB
        if found.stretching.memory_kib * found.stretching.passes <= 4096:
            found.open(WORDS)
            pytest.fail("it opened")
    except (SealError, PermissionDeniedError):
        pass


@given(content=st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_parse_key_file_anything_else_is_refused_with_a_code(content: bytes) -> None:
    with pytest.raises(SealError) as caught:
        parse_key_file(content)
    assert caught.value.full_code == "storage.seal.file"


@given(memory=st.integers(0, 2**33), passes=st.integers(0, 999_999), lanes=st.integers(0, 999_999))
def test_parse_key_file_takes_no_cost_beyond_the_limits(memory: int, passes: int, lanes: int) -> None:
    line = f"symbolon-locked-key-1:argon2id,m={memory},t={passes},p={lanes}:{'00' * 16}:{'A' * 80}\n".encode()
    within = (
        1 <= lanes <= MAX_LANES
        and passes >= 1
        and 8 * lanes <= memory <= MAX_MEMORY_KIB
        and memory * passes <= MAX_WORK_KIB
    )
    if not within:
        with pytest.raises(SealError) as caught:
            parse_key_file(line)
        assert caught.value.full_code == "storage.seal.cost"
        return
    found = parse_key_file(line)
    assert isinstance(found, LockedKey)
    assert found.stretching == Stretching(memory, passes, lanes)


@given(content=st.binary(max_size=2000), key=keys)
def test_locked_key_file_is_read_as_it_was_written_and_says_nothing_of_what_it_holds(
    content: bytes, key: bytes
) -> None:
    locked = lock_key_file(content, key)
    assert open_key_file(Path("x"), locked, key) == content
    assert len(locked) == len(b"symbolon-locked-file-1:\n") + 4 * ((len(content) + 28 + 2) // 3)
    assert lock_key_file(content, key) != locked


@given(
    key=keys,
    life=st.integers(1, 7 * 86400),
    since=st.tuples(st.integers(0, 2**33), st.integers(0, 2**30)),
    ahead=st.tuples(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6)),
)
@settings(max_examples=60)
def test_kept_key_is_there_only_while_both_clocks_say_so(
    key: bytes, life: int, since: tuple[int, int], ahead: tuple[int, int]
) -> None:
    with _memory(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(_MEMORY[-1]))
        keep_key("ab" * 16, key, life, Moment(*since))
        found = kept_key("ab" * 16, Moment(since[0] + ahead[0], since[1] + ahead[1]))
        there = -300 <= ahead[0] < life and 0 <= ahead[1] < life
        assert (found is not None) is there
        assert found is None or (found.key, found.until_s) == (key, since[0] + life)


_MEMORY: list[Path] = []


class _memory:  # noqa: N801 - a context manager
    """A folder in memory for one example."""

    def __enter__(self) -> Path:
        if not os.path.ismount("/dev/shm"):
            pytest.skip("there is no /dev/shm in memory here")
        _MEMORY.append(Path(tempfile.mkdtemp(prefix="symbolon-test-", dir="/dev/shm")))
        return _MEMORY[-1]

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(_MEMORY.pop())


class LockedFolder(RuleBasedStateMachine):
    """A folder, a clock, and what should be so."""

    @initialize()
    def begin(self) -> None:
        self.memory = _memory()
        self.patch = pytest.MonkeyPatch()
        self.patch.setenv("XDG_RUNTIME_DIR", str(self.memory.__enter__()))
        self.now = Moment(1_800_000_000.0, 1000.0)
        for module in (key_file, unlocked_key):
            self.patch.setattr(module, "this_moment", lambda: self.now)
        self.home = Path(tempfile.mkdtemp())
        write_new_sealing_key(self.home / "seal.key")
        create_signing_key(self.home / "signing-key.pem")
        self.digest = Sealer.load(self.home / "seal.key").keyed_digest("x", b"")
        self.signing = load_signing_key(self.home / "signing-key.pem").public_key().public_bytes_raw()
        self.passphrase: str | None = None
        self.until: Moment | None = None

    def teardown(self) -> None:
        if hasattr(self, "memory"):
            self.patch.undo()
            self.memory.__exit__()
            shutil.rmtree(self.home)

    @property
    def usable(self) -> bool:
        unlocked = self.until is not None and (
            self.now.day_s < self.until.day_s and self.now.up_s < self.until.up_s
        )
        return self.passphrase is None or unlocked

    @rule(words=st.sampled_from((WORDS, OTHER)))
    def lock(self, words: str) -> None:
        try:
            lock_folder(self.home, Passphrase(words, CHEAP))
        except UsageError:
            assert self.passphrase is not None
        else:
            assert self.passphrase is None
            self.passphrase, self.until = words, None

    @rule(words=st.sampled_from((WORDS, OTHER)), hours=st.integers(1, 24))
    def unlock(self, words: str, hours: int) -> None:
        try:
            unlock_folder(self.home, words, hours * 3600, lambda: self.now)
        except (UsageError, PermissionDeniedError):
            assert words != self.passphrase
        else:
            assert words == self.passphrase
            self.until = Moment(self.now.day_s + hours * 3600, self.now.up_s + hours * 3600)

    @precondition(lambda self: self.passphrase)
    @rule()
    def lock_again(self) -> None:
        relock_folder(self.home)
        self.until = None

    @rule(old=st.sampled_from((WORDS, OTHER)), new=st.sampled_from((WORDS, OTHER)))
    def change(self, old: str, new: str) -> None:
        try:
            change_passphrase(self.home, old, Passphrase(new, CHEAP))
        except (UsageError, PermissionDeniedError):
            assert old != self.passphrase
        else:
            assert old == self.passphrase
            self.passphrase, self.until = new, None

    @rule(words=st.sampled_from((WORDS, OTHER)))
    def for_good(self, words: str) -> None:
        try:
            unlock_for_good(self.home, lambda: words)
        except PermissionDeniedError:
            assert self.passphrase not in (None, words)
        else:
            assert self.passphrase in (None, words)
            self.passphrase, self.until = None, None

    @rule(minutes=st.integers(1, 2000))
    def time_passes(self, minutes: int) -> None:
        self.now = Moment(self.now.day_s + minutes * 60, self.now.up_s + minutes * 60)

    @rule(name=st.sampled_from(("next-signing-key.pem", "founder/root-key.pem")))
    def a_key_is_made(self, name: str) -> None:
        (self.home / "founder").mkdir(exist_ok=True)
        (self.home / name).unlink(missing_ok=True)
        try:
            made = create_signing_key(self.home / name)
        except LockedError:
            assert not self.usable
            assert not (self.home / name).exists()
        else:
            assert self.usable
            assert isinstance(made, Ed25519PrivateKey)

    @invariant()
    def it_is_as_expected(self) -> None:
        if not hasattr(self, "home"):
            return
        state = lock_state(self.home)
        assert state.locked == (self.passphrase is not None)
        try:
            sealer = Sealer.load(self.home / "seal.key")
            signing = load_signing_key(self.home / "signing-key.pem")
        except LockedError:
            assert not self.usable
        else:
            assert self.usable
            assert sealer.keyed_digest("x", b"") == self.digest
            assert signing.public_key().public_bytes_raw() == self.signing
        assert bool(find_keys(self.home).in_clear) == (self.passphrase is None)
        if self.until is None:
            assert list(_MEMORY[-1].iterdir()) == []
        assert [each.name for each in self.home.rglob(".*")] == []


TestLockedFolder = LockedFolder.TestCase
TestLockedFolder.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
