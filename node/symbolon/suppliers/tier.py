"""The three tiers of match keys (docs/PROTOCOL.md, Match keys)."""

from enum import StrEnum


class Tier(StrEnum):
    """How much a hit on a key says: A certain, B probable, C candidate for a person to decide."""

    A = "A"
    B = "B"
    C = "C"

    @property
    def band(self) -> str:
        """The word shown to people: certain, probable or candidate."""
        return {"A": "certain", "B": "probable", "C": "candidate"}[self.value]
