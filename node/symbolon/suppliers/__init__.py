"""Supplier lists: reading, records, identifiers, names, addresses and match keys (docs/matching.md).

Handles: everything between a file of suppliers and the keys that are hashed.
Refuses: to know of peers, policy or storage; imports nothing of the node but its errors.
"""
