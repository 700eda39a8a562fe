"""What one session cost: seconds by phase, bytes each way, items. Shown to operators, never to peers."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Figures:
    """Filled while a session runs.

    Attributes:
        phases_s: seconds of work by phase; phases of two threads overlap, so they may add up to more than
            `total_s`.
        bytes_sent: of messages, with gRPC's 5-byte prefix each; TLS and HTTP/2 frames come on top.
        counts: items by name, dummies included.
    """

    phases_s: dict[str, float] = field(default_factory=dict)
    bytes_sent: int = 0
    bytes_received: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    total_s: float = 0.0

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Adds the time of the block to a phase."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.phases_s[name] = self.phases_s.get(name, 0.0) + time.perf_counter() - start

    def as_json(self) -> dict[str, object]:
        """A document for `--json` and the log."""
        phases = {name: round(seconds, 4) for name, seconds in self.phases_s.items()}
        return {
            "total_s": round(self.total_s, 4),
            "phases_s": phases,
            "bytes_sent": self.bytes_sent,
            "bytes_received": self.bytes_received,
            "counts": self.counts,
        }
