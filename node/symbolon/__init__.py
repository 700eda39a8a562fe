"""Symbolon: a node that a member of a coalition against forced labour runs."""

__version__ = "0.1.0"
