"""What an operator is told of a list that was keyed by other rules than this release's.

Keys of different rules never meet. Whether a peer's list was keyed by the same, a match tells:
`exchange.rules_agreement`.
"""

from typing import Final

OUTDATED: Final = (
    "keyed by other rules than this release's: suppliers shared with a peer of this release may go unnoticed"
)
IMPORT_AGAIN: Final = "Import the list again, changed or not: `symbolon suppliers import FILE`."
