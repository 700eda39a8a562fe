"""What a lying sender says: an honest script, spoilt at one point."""

from collections.abc import Callable
from dataclasses import replace

from symbolon.exchange.messages import Accept, SenderMessage
from symbolon.exchange.receiver import Receiver
from symbolon.exchange.size_mode import SizeReceiver

Script = list[SenderMessage]

OURS = {1: {"a", "b"}, 2: {"b", "c"}, 3: {"d"}}
THEIRS = {7: {"b"}, 8: {"d", "e"}, 9: {"b"}}


def first(script: Script, kind: type) -> int:
    return next(at for at, message in enumerate(script) if isinstance(message, kind))


def with_offer(script: Script, **changes: object) -> Script:
    accept = script[0]
    assert isinstance(accept, Accept)
    return [replace(accept, tiers=(replace(accept.tiers[0], **changes),)), *script[1:]]


def changed(script: Script, kind: type, change: Callable[..., object]) -> Script:
    at = first(script, kind)
    return [*script[:at], change(script[at]), *script[at + 1 :]]  # type: ignore[list-item]


def with_data(script: Script, kind: type, change: Callable[[bytes], bytes]) -> Script:
    return changed(script, kind, lambda message: replace(message, data=change(message.data)))


def swapped(script: Script, kind: type) -> Script:
    at = first(script, kind)
    return [*script[:at], script[at + 1], script[at], *script[at + 2 :]]


def repeated(script: Script, kind: type) -> Script:
    at = first(script, kind)
    return [*script[: at + 1], *script[at:]]


def without(script: Script, kind: type) -> Script:
    at = first(script, kind)
    return script[:at] + script[at + 1 :]


def play(session: Receiver | SizeReceiver, script: Script) -> None:
    for message in script:
        session.receive(message)
