"""Asking a peer whether it would permit an exchange, without holding one; `symbolon doctor` asks so.

The question is a hello that can only be refused: nobody has signed it, and it is one of an epoch that never
was, or, in size mode, for fewer records than are counted. The answerer looks at its permission before it
refuses that, and at its budget after it: which refusal comes tells whether the exchange would be permitted.
No node opens an exchange in this way.
"""

import os
from typing import Final

from symbolon.exchange.limits import MIN_PADDED, SIZE_GROUP
from symbolon.exchange.messages import MATCH, MAX_EPOCH, SESSION_ID_BYTES, Hello, TierAsk

_PERMITTED: Final = frozenset(
    {"protocol.receipt", "protocol.stale_epoch", "permission.small", "permission.size_sessions"}
)
"""Codes of refusals that come after the permission: the first, since the question is not signed."""


def make_question(suite: str, coalition: str, mode: str, purpose: str, tiers: tuple[str, ...]) -> Hello:
    """The question about one mode, purpose and tiers.

    Args:
        suite: name of the suite that would be used.
        coalition: this node's.
        mode: `size` or `intersection`.
        purpose: what for.
        tiers: letters, strongest first.
    """
    about = (os.urandom(SESSION_ID_BYTES), suite, coalition, MATCH, mode, purpose)
    if mode == "size":
        joined = "".join(tiers)
        return Hello(*about, 0, (TierAsk(joined, MIN_PADDED),), SIZE_GROUP[joined])
    return Hello(*about, MAX_EPOCH, tuple(TierAsk(each, MIN_PADDED) for each in tiers))


def is_question(hello: Hello) -> bool:
    """Whether a hello is such a question: nobody else names this epoch or asks for so small a count."""
    if hello.mode == "size":
        return all(ask.elements == MIN_PADDED for ask in hello.tiers)
    return hello.epoch == MAX_EPOCH


def is_yes(code: str) -> bool:
    """Whether the code of the refusal says that the exchange would be permitted."""
    return code in _PERMITTED
