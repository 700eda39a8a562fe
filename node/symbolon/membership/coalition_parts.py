"""Coalition metadata as it travels: named parts, their limits, and python-tuf reading from them.

Handles: the names of parts (`2.root.json`, `timestamp.json`, `5.snapshot.json`, `5.targets.json`,
`<SHA-256>.members.json`, …), a fetcher that serves a mapping of them to the TUF updater, and what the
updater's refusals mean here. Refuses: any other name, so that no name reaches the file system; parts that are
too large or too many, before one byte of them is parsed.
Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    RepositoryError,
    UnsignedMetadataError,
)
from tuf.ngclient import (  # type: ignore[attr-defined] # documented there, marked private in its stubs
    FetcherInterface,
    UpdaterConfig,
)

from symbolon.errors import MembershipError
from symbolon.membership.coalition_roles import AUTHORITIES_FILE, MEMBERS_FILE, TERMS_FILE
from symbolon.membership.members_document import MAX_MEMBERS_BYTES

MAX_ROOT_BYTES: Final = 64 * 1024
"""A root of 32 founders with every signature that it can have takes 41 KiB."""

MAX_TARGETS_BYTES: Final = 16 * 1024
"""Three entries and 32 signatures take 8 KiB."""

MAX_SNAPSHOT_BYTES: Final = 16 * 1024
"""One entry, and signatures as in targets; of timestamps too."""

MAX_AUTHORITIES_BYTES: Final = 64 * 1024
"""Two certificates of 1 KiB for each of 32 founders."""

MAX_TERMS_BYTES: Final = 256 * 1024
"""More than anybody reads before accepting."""

MAX_ROOT_CHAIN_BYTES: Final = 1024 * 1024
"""Roots in one answer; with one part of every other kind it stays below 4 MiB, the largest message."""

MAX_ROOTS: Final = 256
"""So many new roots in one step; founders change a few times a year."""

MAX_PARTS: Final = MAX_ROOTS + 16
"""Roots, and a few versions of the other six parts."""

TIMESTAMP_PART: Final = "timestamp.json"
BASE_URL: Final = "parts:/"
UPDATER_CONFIG: Final = UpdaterConfig(
    max_root_rotations=MAX_ROOTS,
    max_delegations=0,
    root_max_length=MAX_ROOT_BYTES,
    timestamp_max_length=MAX_SNAPSHOT_BYTES,
    snapshot_max_length=MAX_SNAPSHOT_BYTES,
    targets_max_length=MAX_TARGETS_BYTES,
)

_LIMITS: Final = {
    "timestamp.json": MAX_SNAPSHOT_BYTES,
    "root.json": MAX_ROOT_BYTES,
    "snapshot.json": MAX_SNAPSHOT_BYTES,
    "targets.json": MAX_TARGETS_BYTES,
    MEMBERS_FILE: MAX_MEMBERS_BYTES,
    AUTHORITIES_FILE: MAX_AUTHORITIES_BYTES,
    TERMS_FILE: MAX_TERMS_BYTES,
}
_VERSION = "[1-9][0-9]{0,15}"
_NAME: Final = re.compile(
    rf"(timestamp\.json)|{_VERSION}\.((?:root|snapshot|targets)\.json)"
    r"|[0-9a-f]{64}\.(members\.json|authorities\.pem|terms\.txt)"
)
_SHOWN_CHARS: Final = 80


def root_part(version: int) -> str:
    """Returns the name of a root."""
    return f"{version}.root.json"


def snapshot_part(version: int) -> str:
    """Returns the name of a snapshot."""
    return f"{version}.snapshot.json"


def targets_part(version: int) -> str:
    """Returns the name of targets."""
    return f"{version}.targets.json"


def part_limit_bytes(name: str) -> int:
    """Returns how large a part of this name may be; for who receives parts piece by piece.

    Raises:
        MembershipError: `membership.metadata.malformed` when no part has such a name.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise MembershipError(
            f"no part of the metadata is named {name[:_SHOWN_CHARS]!r}",
            hint="The peer may run a newer version of the program.",
            code="membership.metadata.malformed",
        )
    return _LIMITS[match[match.lastindex or 0]]


def require_parts(parts: Mapping[str, bytes]) -> None:
    """Checks the number, the names and the sizes of parts.

    Raises:
        MembershipError: `membership.metadata.too_large` or `.malformed`.
    """
    if len(parts) > MAX_PARTS:
        raise _too_large(f"{len(parts)} parts came, more than {MAX_PARTS}")
    for name, content in parts.items():
        limit_bytes = part_limit_bytes(name)
        if len(content) > limit_bytes:
            raise _too_large(f"{name} has {len(content)} bytes, more than {limit_bytes}")


class PartsFetcher(FetcherInterface):
    """Serves parts to the TUF updater; what is absent is "404" to it.

    Attributes:
        asked: the name of the part that was asked for last, where the updater stopped if it refused.
    """

    def __init__(self, parts: Mapping[str, bytes]) -> None:
        self._parts = parts
        self.asked = root_part(1)

    def _fetch(self, url: str) -> Iterator[bytes]:
        self.asked = url.removeprefix(BASE_URL)
        content = self._parts.get(self.asked)
        if content is None:
            raise DownloadHTTPError(f"{self.asked} is not among the parts", 404)
        return iter((content,))


def refusal(asked: str, error: RepositoryError | DownloadError) -> MembershipError:
    """Returns what the updater's refusal of a part means here.

    Args:
        asked: the part at which it stopped.
        error: what it raised.
    """
    match error:
        case UnsignedMetadataError():
            kind, hint = "signatures", "Too few of the founders signed this; ask another member."
        case ExpiredMetadataError():
            return MembershipError(
                f"{asked} has ended, by this machine's clock",
                hint="Check this machine's clock. If it is right, ask a founder whether its node runs, then "
                "run `symbolon coalition sync`.",
                code="membership.metadata.expired",
            )
        case BadVersionNumberError() if asked == TIMESTAMP_PART:
            kind, hint = "rollback", "The sender holds an older state than this node; ask another member."
        case BadVersionNumberError() if asked.endswith(".root.json"):
            kind, hint = "root", "The sender's roots do not follow each other; ask another member."
        case BadVersionNumberError() | LengthOrHashMismatchError() | DownloadError():
            kind, hint = "mismatch", "The parts are not of one state; ask again, or another member."
        case _:
            kind, hint = "malformed", "Ask another member."
    return MembershipError(f"{asked}: {error}", hint=hint, code=f"membership.metadata.{kind}")


def _too_large(detail: str) -> MembershipError:
    return MembershipError(detail, hint="Ask another member.", code="membership.metadata.too_large")
