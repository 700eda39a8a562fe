"""The schema and the policies that come with the release, as they lie in the folder policies/.

Handles: reading them from the installed package, whose folder `shipped` is that folder. Specification:
docs/adr/0014, policies/README.md.
"""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from symbolon.policy.bundle import SCHEMA_SOURCE, PolicySource

_FOLDER: Final = files("symbolon.policy") / "shipped"


@cache
def shipped_schema() -> str:
    """The schema, in Cedar."""
    return (_FOLDER / SCHEMA_SOURCE).read_text("utf-8")


@cache
def shipped_policies() -> tuple[PolicySource, ...]:
    """The policies, in the order of their files' names."""
    return policies_in(_FOLDER)


def shipped_cases() -> Traversable:
    """The folder of the cases that say what the shipped policies decide."""
    return _FOLDER / "cases"


def policies_in(folder: Traversable) -> tuple[PolicySource, ...]:
    """The files `*.cedar` of a folder, not of those in it, in the order of their names."""
    found = sorted(
        (each for each in folder.iterdir() if each.name.endswith(".cedar")), key=lambda each: each.name
    )
    return tuple(PolicySource(each.name, each.read_text("utf-8")) for each in found)
