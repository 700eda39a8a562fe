"""Whether the lists of both ends were keyed by the same rules.

Keys of different rules never meet, and a result that misses them looks like any other. So each end tells a
fingerprint of the rules that are noted with its list, and both say when these differ. docs/PROTOCOL.md, Key
rules.
"""

from hashlib import sha256
from typing import Final, Literal

from symbolon.exchange.limits import KEY_RULES_BYTES

Agreement = Literal["same", "different", "unknown"]

_MISSED: Final = "suppliers that both hold can be missing from the result, in the worst case all"
_CAUTIONS: Final[dict[Agreement, str]] = {
    "same": "",
    "different": f"The two lists were keyed by different rules: {_MISSED}.",
    "unknown": f"By which rules one of the two lists was keyed is not known: {_MISSED}.",
}
REMEDY: Final = (
    "Bring both nodes to one release of symbolon, then import both lists again, changed or not: "
    "`symbolon suppliers import FILE`."
)


def fingerprint(rules: str | None) -> bytes:
    """What travels for the rules noted with a list; empty when nothing was noted."""
    return sha256(rules.encode()).digest()[:KEY_RULES_BYTES] if rules else b""


def compare(own: bytes, theirs: bytes) -> Agreement:
    """What two fingerprints say of the two lists."""
    if not (own and theirs):
        return "unknown"
    return "same" if own == theirs else "different"


def with_caution(sentence: str, agreement: Agreement) -> str:
    """A sentence about a result, and what to know of it where the rules are not known to be the same."""
    return f"{sentence} {_CAUTIONS[agreement]}".rstrip()
