"""Multiplication backends of the default suite: the protocol, the two that exist, and the choice at start.

Source: DESIGN "The private exchange", point 11.
"""

from symbolon.oprf.backend.choice import ChosenBackend, choose_backend
from symbolon.oprf.backend.protocol import Backend

__all__ = ["Backend", "ChosenBackend", "choose_backend"]
