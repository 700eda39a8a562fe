"""A node's verified copy of its coalition's metadata: a folder that only ever moves forward.

Handles: one sub-folder for each state, and the symbolic link `current` to the one in force, replaced by one
rename; taking in parts from anywhere; giving others what they lack. A new state is made in a copy of the
current one, by the workflow of the TUF specification (`tuf.ngclient.Updater`), then read back and compared
with the state before, then written through to the disk, and only then linked: whatever fails, or whenever the
process dies, the state before stays in force. Refuses: parts that are older (rollback), out of time (freeze),
of different states (mix and match), signed by too few, too large, or of names that no part has; a root of
another form; another coalition; and a second history (fork): two targets of one version, or a version that
does not name the one before as its base.

Beside the updater's rules: targets never go back, whatever a new root says; a timestamp goes back only where
a new root no longer accepts the one held, which is how a coalition gets over a stolen key that pushed the
version up; and no role may last longer than its kind, so that a thief cannot sign a state for ever.

Source: the TUF specification, 1.0.31, section 5. Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

import hashlib
import hmac
import os
import re
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.api.metadata import Root, Snapshot, Targets  # type: ignore[attr-defined] # as in coalition_roles
from tuf.ngclient import Updater  # type: ignore[attr-defined] # as in coalition_parts

from symbolon.errors import MembershipError, StorageError
from symbolon.membership.atomic_file import locked, read_bounded, storage_error
from symbolon.membership.coalition_parts import (
    BASE_URL,
    MAX_ROOT_BYTES,
    MAX_ROOT_CHAIN_BYTES,
    TIMESTAMP_PART,
    UPDATER_CONFIG,
    PartsFetcher,
    part_limit_bytes,
    refusal,
    require_parts,
    root_part,
    snapshot_part,
    targets_part,
)
from symbolon.membership.coalition_roles import (
    TARGET_FILES,
    parse_metadata,
    read_root,
    root_fingerprint,
)
from symbolon.membership.coalition_state import State, load_state, require_signatures

CURRENT: Final = "current"
STATES_KEPT: Final = 2
"""The state in force and the one before: who read the link just before it changed still finds its folder."""

_LOCK: Final = ".lock"
_STATE_NAME: Final = re.compile(r"[0-9]{8}-[0-9a-f]{8}")
_LINK_NAME: Final = re.compile(r"\.current\.[0-9a-f]{8}")
_RESTORE: Final = "Restore the folder from a copy, or remove it and join again."
_READ_ATTEMPTS: Final = 5
"""A reader that is overtaken by so many changes in a row has another problem."""


class CoalitionStore:
    """A node's copy of the metadata. Safe to use from several threads and processes.

    Args:
        folder: made when absent, for its owner only. Who removes it gives up what the node has seen.
        clock: the current time, aware.
    """

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._in_force = folder / CURRENT
        self._clock = clock
        self._mutex = threading.Lock()
        self._cached: tuple[str, State] | None = None

    def state(self) -> State:
        """Return the state in force, which may have expired (see `State.require_fresh`).

        Raises:
            MembershipError: `membership.metadata.missing` when there is none, `membership.metadata.…` when
                what lies on the disk does not hold.
            StorageError: the disk cannot be read.
        """
        return self._current()[1]

    def bootstrap(self, root: bytes, root_sha256: bytes, parts: Mapping[str, bytes]) -> State:
        """Take in the first state.

        Args:
            root: any root since the invitation was written.
            root_sha256: 32 bytes, its `root_fingerprint` as learned on a way that is trusted.
            parts: the other metadata, and the roots after this one.

        Returns:
            The state.

        Raises:
            MembershipError: `membership.metadata.root` when it is another root, `.exists` when the folder
                follows a coalition already, otherwise as `absorb`.
        """
        require_parts(parts)
        require_parts({root_part(1): root})
        if not _is_root(root, root_sha256):
            raise MembershipError(
                "the root is not the one that the invitation names",
                hint="Stop: somebody may be answering in the founder's place. Call the founder.",
                code="membership.metadata.root",
            )
        with self._changing():
            if os.path.lexists(self._folder / CURRENT):
                raise MembershipError(
                    f"{self._folder} follows a coalition already",
                    hint="Run `symbolon coalition sync`, or give another folder.",
                    code="membership.metadata.exists",
                )
            return self._advance(None, root, parts)

    def absorb(self, parts: Mapping[str, bytes]) -> State:
        """Take in newer metadata, from anywhere.

        Args:
            parts: as `parts_newer_than` of any member gave them; what they lack, the state in force may have.

        Returns:
            The state in force now, which is the one before when nothing is newer.

        Raises:
            MembershipError: `membership.metadata.rollback`, `.expired`, `.signatures`, `.malformed`,
                `.mismatch`, `.too_large`, `.root`, `.validity` or `.fork`, or what `decode_members` raises.
                The state before stays in force.
            StorageError: the disk cannot be written.
        """
        if not parts:
            return self.state()
        require_parts(parts)
        with self._changing():
            held = self._current()
            return self._advance(held, held[1].root_bytes, parts)

    def parts_newer_than(self, root_version: int, timestamp_version: int) -> dict[str, bytes]:
        """Return what another node needs to come to the state in force.

        Below 4 MiB in sum: each part has its limit, and roots that would pass `MAX_ROOT_CHAIN_BYTES` end the
        answer. It then holds roots only; who asked keeps them, asks again from the last of them, and absorbs
        all answers together.

        Args:
            root_version: of the root that it holds; one less than it pins when it holds none.
            timestamp_version: likewise, 0 for none.

        Returns:
            Nothing when neither is older than here, or when this node joined later than the asker and does
            not hold the roots in between: another member does.

        Raises:
            MembershipError, StorageError: as `state`.
        """
        target, state = self._current()
        if root_version >= state.root_version and timestamp_version >= state.timestamp_version:
            return {}
        parts: dict[str, bytes] = {}
        size_bytes = 0
        for version in range(root_version + 1, state.root_version + 1):
            path = self._root_path(target, version)
            if not path.exists():
                return {}
            root = read_bounded(path, MAX_ROOT_BYTES)
            size_bytes += len(root)
            if size_bytes > MAX_ROOT_CHAIN_BYTES:
                return parts
            parts[root_part(version)] = root
        parts[TIMESTAMP_PART] = state.timestamp_bytes
        parts[snapshot_part(state.targets_version)] = state.snapshot_bytes
        parts[targets_part(state.targets_version)] = state.targets_bytes
        contents = (state.members_json, state.authorities_pem, state.terms)
        for name, content in zip(TARGET_FILES, contents, strict=True):
            parts[f"{hashlib.sha256(content).hexdigest()}.{name}"] = content
        return parts

    def roots(self) -> tuple[bytes, ...]:
        """Return the roots that this node holds, from the oldest, without a gap, to the one in force.

        Raises:
            MembershipError, StorageError: as `state`.
        """
        target, state = self._current()
        found: list[bytes] = [state.root_bytes]
        for version in range(state.root_version - 1, 0, -1):
            path = self._root_path(target, version)
            if not path.exists():
                break
            found.append(read_bounded(path, MAX_ROOT_BYTES))
        return tuple(reversed(found))

    def _root_path(self, target: str, version: int) -> Path:
        return self._folder / target / "root_history" / root_part(version)

    def _target(self) -> str:
        try:
            target = str(self._in_force.readlink())
        except OSError as error:
            raise MembershipError(
                f"this node has not joined a coalition yet: there is no metadata in {self._folder}",
                hint="Run `symbolon coalition join CODE` with the code of an invitation; if it had joined, "
                "put the folder back from a copy.",
                code="membership.metadata.missing",
            ) from error
        if not _STATE_NAME.fullmatch(target):
            raise MembershipError(
                f"{self._folder / CURRENT} does not lead to a state in that folder",
                hint=_RESTORE,
                code="membership.metadata.malformed",
            )
        return target

    def _current(self) -> tuple[str, State]:
        for _ in range(_READ_ATTEMPTS):
            target = self._target()
            cached = self._cached
            if cached is not None and cached[0] == target:
                return cached
            try:
                return self._load(target)
            except (MembershipError, StorageError):
                # The folder may have been swept between the two looks; then the link has moved on.
                if self._target() == target:
                    raise
        raise StorageError(f"{self._folder} changes faster than it can be read")

    def _load(self, target: str) -> tuple[str, State]:
        with self._mutex:
            if self._cached is None or self._cached[0] != target:
                try:
                    self._cached = (target, load_state(self._folder / target))
                except MembershipError as error:
                    raise MembershipError(
                        f"the coalition metadata in {self._folder} does not hold: {error.detail}",
                        hint=_RESTORE,
                        code=error.full_code,
                    ) from error
            return self._cached

    @contextmanager
    def _changing(self) -> Iterator[None]:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(self._folder / _LOCK):
                self._sweep()
                yield
                self._sweep()
        except OSError as error:
            raise storage_error(f"cannot write below {self._folder}", error) from error

    def _advance(self, held: tuple[str, State] | None, root: bytes, parts: Mapping[str, bytes]) -> State:
        now = self._clock().astimezone(UTC)
        number = int(held[0].partition("-")[0]) + 1 if held else 1
        name = f"{number:08d}-{secrets.token_hex(4)}"
        folder = self._folder / name
        try:
            # Step 1: every root that the updater will see has a coalition's form.
            _require_root_forms(read_root(root).version, parts)
            # Step 2: a copy of the state in force.
            if held is None:
                folder.mkdir(mode=0o700)
            else:
                shutil.copytree(self._folder / held[0], folder, symlinks=True)
                _make_room(folder, held[1], parts)
                parts = {TIMESTAMP_PART: held[1].timestamp_bytes, **parts}
            # Step 3: the TUF workflow over the parts, in the copy.
            _update(folder, root, parts, now)
            # Step 4: what came out, read back as every later reader will read it.
            state = load_state(folder)
            state.require_fresh(now)
            state.require_bounded(now)
            if held is not None:
                # Step 5: it continues what was held.
                _require_succession(held[1], state, parts)
                if _same(held[1], state):
                    shutil.rmtree(folder)
                    return held[1]
            # Step 6: durable before it is linked.
            _sync_tree(folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._link(name)
        with self._mutex:
            self._cached = (name, state)
        return state

    def _link(self, name: str) -> None:
        _sync(self._folder)
        link = self._folder / f".{CURRENT}.{secrets.token_hex(4)}"
        link.symlink_to(name)
        link.replace(self._folder / CURRENT)
        _sync(self._folder)

    def _sweep(self) -> None:
        current = self._target() if os.path.lexists(self._folder / CURRENT) else ""
        states = sorted(each.name for each in self._folder.iterdir() if _STATE_NAME.fullmatch(each.name))
        kept = [each for each in states if each <= current][-STATES_KEPT:]
        for each in set(states) - set(kept):
            shutil.rmtree(self._folder / each, ignore_errors=True)
        for entry in self._folder.iterdir():
            if _LINK_NAME.fullmatch(entry.name):
                entry.unlink(missing_ok=True)


def _is_root(root: bytes, sha256: bytes) -> bool:
    """Whether these bytes are the root of a fingerprint; where none came, or no root, they are not."""
    try:
        return hmac.compare_digest(root_fingerprint(root), sha256)
    except MembershipError:
        return False


def _update(folder: Path, root: bytes, parts: Mapping[str, bytes], now: datetime) -> None:
    fetcher = PartsFetcher(parts)
    try:
        updater = Updater(
            str(folder),
            BASE_URL,
            str(folder),
            BASE_URL,
            fetcher=fetcher,
            config=UPDATER_CONFIG,
            bootstrap=root,
        )
        # The updater reads the machine's clock when it is made, to judge every expiry by it later, and has no
        # public way to take another. What comes out is judged by the same `now` once more.
        updater._trusted_set.reference_time = now
        updater.refresh()
        for name in TARGET_FILES:
            _fetch_target(updater, name)
    except (RepositoryError, DownloadError) as error:
        raise refusal(fetcher.asked, error) from error


def _require_root_forms(after: int, parts: Mapping[str, bytes]) -> None:
    version = after + 1
    while (root := parts.get(root_part(version))) is not None:
        if read_root(root).version != version:
            raise MembershipError(
                f"{root_part(version)} is a root of another version", code="membership.metadata.root"
            )
        version += 1


def _fetch_target(updater: Updater, name: str) -> None:
    target = updater.get_targetinfo(name)
    if target is None:
        raise MembershipError(f"targets lacks {name}", code="membership.metadata.malformed")
    if target.length > part_limit_bytes(f"{'0' * 64}.{name}"):
        raise MembershipError(f"{name} is too large", code="membership.metadata.too_large")
    if updater.find_cached_target(target) is None:
        updater.download_target(target)


def _make_room(folder: Path, held: State, parts: Mapping[str, bytes]) -> None:
    # The updater keeps the snapshot that it has while its version is the one that is asked for. The same
    # version signed again, to last longer, takes its place here; whether it holds, the updater then says.
    again = parts.get(snapshot_part(held.targets_version))
    if again is not None and parse_metadata(Snapshot, again).signed.expires > held.expiries[Snapshot.type]:
        (folder / "snapshot.json").unlink()


def _require_succession(held: State, state: State, parts: Mapping[str, bytes]) -> None:
    if state.members.coalition != held.members.coalition:
        raise MembershipError(
            f"members.json is of the coalition {state.members.coalition}", code="membership.metadata.mismatch"
        )
    if state.targets_version < held.targets_version:
        raise MembershipError(
            f"targets {state.targets_version} are older than {held.targets_version}, which this node holds",
            hint="The sender holds an older state than this node; ask another member.",
            code="membership.metadata.rollback",
        )
    held_payload = parse_metadata(Targets, held.targets_bytes).signed_bytes
    for found in (state.targets_bytes, parts.get(targets_part(held.targets_version))):
        if found is None:
            continue
        other = parse_metadata(Targets, found)
        if other.signed.version == held.targets_version and other.signed_bytes != held_payload:
            # Only founders can make a fork; anybody can make something that looks like one.
            require_signatures(parse_metadata(Root, state.root_bytes).signed, other)
            raise _fork(f"two different targets of version {held.targets_version} are signed")
    if state.targets_version == held.targets_version + 1:
        base = hashlib.sha256(held.members_json).digest()
        if not hmac.compare_digest(state.members.previous, base):
            raise _fork(
                f"members.json {state.targets_version} was not made from the one that this node holds"
            )


def _same(held: State, state: State) -> bool:
    return (held.root_version, held.timestamp_bytes, held.snapshot_bytes, held.targets_bytes) == (
        state.root_version,
        state.timestamp_bytes,
        state.snapshot_bytes,
        state.targets_bytes,
    )


def _sync_tree(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            _sync_tree(entry)
        elif not entry.is_symlink():
            _sync(entry)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fork(detail: str) -> MembershipError:
    return MembershipError(
        detail,
        hint="Ask other members which state they hold, and tell the founders: enough of them signed twice.",
        code="membership.metadata.fork",
    )
