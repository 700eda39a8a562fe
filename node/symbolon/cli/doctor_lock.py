"""What `symbolon doctor` says of the lock on a node's keys, and `symbolon status` with it."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from symbolon.membership.key_file import LockState, lock_state
from symbolon.rpc.diagnosis_finding import Finding, good, warned
from symbolon.storage.seal_lock import find_keys


def look_at_lock(home: Path, said: str) -> Iterator[Finding]:
    """Looks whether the private keys are locked, all of them.

    Args:
        home: the node's folder.
        said: what is well about them so far.
    """
    state = lock_state(home)
    in_clear = find_keys(home).in_clear if state.locked else ()
    if in_clear:
        what = f"{said}; they are locked by a passphrase, but {', '.join(in_clear)} is in clear"
        hint = "Run `symbolon unlock`, which locks what is in clear; then treat such a key as known."
        yield warned("keys on disk", "keys.in_clear", what, hint)
        return
    yield good("keys on disk", f"{said}; {describe(state)}")


def describe(state: LockState) -> str:
    """How the keys are kept, in a few words."""
    if not state.locked:
        return "not locked by a passphrase"
    if state.unlocked_until_s is None:
        return "locked by a passphrase"
    until = datetime.fromtimestamp(state.unlocked_until_s).astimezone()
    return f"locked by a passphrase, unlocked until {until:%Y-%m-%d %H:%M}"
