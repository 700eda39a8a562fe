"""The policies of the node at hand, as its files say now; nothing of a database is opened."""

import dataclasses
from pathlib import Path

from symbolon import config as configuration
from symbolon.policy.allow_tables import AllowTable, table_policies
from symbolon.policy.bundle import PolicySource
from symbolon.policy.own_policies import own_policies


def node_sources(home: Path) -> tuple[tuple[PolicySource, ...], tuple[PolicySource, ...]]:
    """The operator's own policies, and those that its [[allow]] tables stand for.

    Args:
        home: the folder of the node.

    Raises:
        ConfigError: there is no node, or its configuration is wrong.
        PolicyProblemsError: files of policies cannot be read.
    """
    tables = configuration.load(home).allow
    generated = table_policies(AllowTable(**dataclasses.asdict(each)) for each in tables)
    return own_policies(home), generated
