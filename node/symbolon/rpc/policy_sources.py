"""The policies of the node at hand, as its files say now; nothing of a database is opened."""

import dataclasses
from pathlib import Path

from symbolon import config as configuration
from symbolon.policy.allow_tables import AllowTable, table_policies
from symbolon.policy.bundle import PolicyBundle, PolicySource, build_bundle
from symbolon.policy.own_policies import own_policies
from symbolon.policy.shipped_policies import shipped_policies, shipped_schema


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


def node_bundle(home: Path) -> PolicyBundle:
    """All policies of the node, checked as a whole.

    Args:
        home: the folder of the node.

    Raises:
        PolicyError: `policy.problems`, with every problem that was found.
        ConfigError: as `node_sources`.
    """
    return build_bundle(shipped_schema(), shipped_policies(), *node_sources(home))
