"""Every limit of a relay and of those who use one, with its reason.

A relay serves any member of the coalition, so no member may be able to take what the others need: places are
counted for each member, bytes are paid for by whoever sends them, and what waits is bounded by flow control.
Specification: docs/PROTOCOL.md, relay.
"""

from dataclasses import dataclass
from typing import Final

from symbolon.config import RelayConfig

MAX_CHUNK_BYTES: Final = 64 * 1024
"""Data of one frame: four TLS records. Larger ones would save little and hold up the others."""

MAX_MESSAGE_BYTES: Final = MAX_CHUNK_BYTES + 1024
"""One message at the relay: a frame and its tags, and room for fields of later versions."""

WINDOW_BYTES: Final = 256 * 1024
"""What one direction of a connection may have sent that the relay has not passed on yet. With every
connection of `RelayLimits` stuck both ways that is 64 MiB. At 100 ms of travel it allows 2.5 MB/s."""

CONNECTION_ID_BYTES: Final = 16
"""Too many to guess in the seconds for which one is good."""

HEARTBEAT_S: Final = 15.0
"""Shorter than what the usual middle boxes take for the end of a silent connection."""

SILENCE_S: Final = 3 * HEARTBEAT_S
"""Two heartbeats may be lost on the way or come late from a busy machine."""

CONNECT_S: Final = 20.0
"""How long whoever asks for a connection waits: twice what a target has to accept."""

END_S: Final = 10.0
"""How long an end waits for the relay to close a call on which all has been said."""

MAX_INCOMING: Final = 16
"""Connections that an attached node takes up at a time from one relay, which takes no places of another one.
It answers fewer sessions (`node.max_sessions`), and each takes two connections, one after the other."""


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """What one relay grants.

    Attributes:
        attached: members attached at a time: more than one coalition has behind one relay.
        connections: connections in all, waiting ones included; they bound the memory, see `WINDOW_BYTES`.
        connections_of_one: those that one member asked for; so one takes a sixteenth of the places.
        pending_for_one: those that wait for one member to accept. Others are told at once to go elsewhere.
        opening_of_one: calls of one member that were granted nothing yet.
        rate_bytes_s: what one member may send, averaged; a session of 100,000 suppliers sends half of it.
        burst_bytes: what a member that was silent may send at once.
        frame_bytes: the least that a frame costs, since small ones take as much work as large ones.
        call_bytes: what a call costs, for the handshakes and the check of membership behind it.
        first_s: how long a call may take to say what it wants.
        accept_s: how long a member has to accept; then the connection id is good for nothing.
        idle_s: silence in both directions that ends a connection. gRPC's own keepalive, every 30 s inside of
            a connection that is used, is no silence.
        sweep_s: how often it is looked who is still a member, and what is idle.
    """

    attached: int = 256
    connections: int = 128
    connections_of_one: int = 8
    pending_for_one: int = 16
    opening_of_one: int = 32
    rate_bytes_s: int = 16 << 20
    burst_bytes: int = 16 << 20
    frame_bytes: int = 4096
    call_bytes: int = 64 * 1024
    first_s: float = 10.0
    accept_s: float = 10.0
    idle_s: float = 150.0
    sweep_s: float = 1.0


def configured_limits(relay: RelayConfig) -> RelayLimits:
    """What a relay grants by its operator's configuration; the rest is as `RelayLimits` says."""
    rate_bytes_s = relay.mib_s_per_member << 20
    return RelayLimits(
        connections=relay.connections,
        connections_of_one=relay.connections_per_member,
        rate_bytes_s=rate_bytes_s,
        burst_bytes=rate_bytes_s,
    )
