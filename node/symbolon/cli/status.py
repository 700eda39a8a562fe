"""`symbolon status`: this node, its members, permissions, sessions, budget and key epochs.

Shows counts, dates and sentences; never a supplier, an identifier or a key. A node that is not enrolled yet,
or whose member list has run out, is shown all the same, with what is missing.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from symbolon.cli.node_home import open_node
from symbolon.errors import SymbolonError
from symbolon.membership.certificates import load_certificate
from symbolon.membership.member_list import MAX_LIST_BYTES, MemberList, open_member_list
from symbolon.membership.atomic_file import read_bounded
from symbolon.membership.trust_anchor import MAX_ANCHOR_BYTES, TrustAnchor
from symbolon.rpc.node import ANCHOR_FILE, LEAF_FILE, MEMBERS_FILE, Node
from symbolon.storage.exchange_budget import spent_in
from symbolon.storage.exchange_schema import budget_spent, key_epoch
from symbolon.storage.supplier_schema import key_segment, supplier_import
from symbolon.storage.supplier_store import read_revision
from symbolon.suppliers.tier import Tier

app = typer.Typer(rich_markup_mode=None, add_completion=False)

SESSIONS: Final = 10
"""Newest sessions shown unless told otherwise."""

_DAY_S: Final = 86400
_PLAIN_WIDTH: Final = 120
"""Columns where stdout is no terminal."""
