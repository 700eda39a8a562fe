"""How fast one member may send through a relay: a token bucket that makes callers wait and loses nothing.

Debts are allowed: what is taken beyond the level is paid off before the caller goes on, so callers that share
a bucket take turns in the order in which they came, and none needs a queue. Specification: docs/PROTOCOL.md,
relay.
"""


class TokenBucket:
    """Bytes that come at a rate and are kept up to a burst.

    Args:
        rate_bytes_s: how many come in a second.
        burst_bytes: how many are kept.
        now_s: seconds of a clock that never goes back; so for `take`.
    """

    __slots__ = ("_at_s", "_burst", "_level", "_rate")

    def __init__(self, rate_bytes_s: int, burst_bytes: int, now_s: float) -> None:
        self._rate = rate_bytes_s
        self._burst = burst_bytes
        self._level = float(burst_bytes)
        self._at_s = now_s

    def take(self, amount_bytes: int, now_s: float) -> float:
        """Takes bytes out of the bucket.

        Returns:
            How many seconds the caller has to wait before it does what it paid for.
        """
        self._level = min(self._burst, self._level + (now_s - self._at_s) * self._rate) - amount_bytes
        self._at_s = now_s
        return max(0.0, -self._level / self._rate)
