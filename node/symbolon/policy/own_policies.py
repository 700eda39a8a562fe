"""The operator's own policies: the files `*.cedar` in the folder `policies/` of the node.

Handles: reading them, in the order of their names, with every file that cannot be read told at once. Refuses
what is no file, has too many bytes, or is not UTF-8, and a folder that cannot be listed. Specification:
docs/adr/0014.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from symbolon.policy.bundle import PolicyProblem, PolicyProblemsError, PolicySource
from symbolon.policy.policy_text import MAX_FILE_CHARS

OWN_FOLDER: Final = "policies"
"""Below the folder of the node."""

MAX_FILES: Final = 1_000
"""As many as there may be policies."""


def own_policies(home: Path) -> tuple[PolicySource, ...]:
    """Reads a node's own policies.

    Args:
        home: the folder of the node; it need not have any.

    Raises:
        PolicyProblemsError: with every file that cannot be read, or the folder where it cannot be listed.
    """
    return read_policy_files(own_files(home))


def own_files(home: Path) -> list[Path]:
    """The files of a node's own policies, in the order in which they are read.

    Args:
        home: the folder of the node.

    Raises:
        PolicyProblemsError: the folder cannot be listed; that is not to be taken for an empty one.
    """
    folder = home / OWN_FOLDER
    if not os.path.lexists(folder):
        return []
    try:
        return sorted(each for each in folder.iterdir() if each.name.endswith(".cedar"))
    except OSError as error:
        fault = f"it cannot be listed: {error.strerror}"
        problem = PolicyProblem(str(folder), "", 0, fault, "Make it a folder that the node can read.")
        raise PolicyProblemsError((problem,)) from error


def read_policy_files(paths: Iterable[Path]) -> tuple[PolicySource, ...]:
    """Reads files of policies, in the given order; each goes by its own name.

    Raises:
        PolicyProblemsError: with every file that cannot be read.
    """
    sources: list[PolicySource] = []
    problems: list[PolicyProblem] = []
    for number, path in enumerate(paths):
        fault = "" if number < MAX_FILES else f"there are more than {MAX_FILES} files"
        text = ""
        if not fault:
            text, fault = _read(path)
        if fault:
            problems.append(PolicyProblem(str(path), "", 0, fault, "Mend the file, or move it away."))
        else:
            sources.append(PolicySource(path.name, text))
    if problems:
        raise PolicyProblemsError(tuple(problems))
    return tuple(sources)


def _read(path: Path) -> tuple[str, str]:
    """The text of a file, or why there is none."""
    limit_bytes = 4 * MAX_FILE_CHARS
    try:
        if not path.is_file():
            return "", "it is a folder" if path.is_dir() else "there is no such file"
        with path.open("rb") as file:
            content = file.read(limit_bytes + 1)
    except OSError as error:
        return "", f"it cannot be read: {error.strerror}"
    if len(content) > limit_bytes:
        return "", f"it has more than {limit_bytes} bytes"
    try:
        return content.decode("utf-8"), ""
    except UnicodeDecodeError:
        return "", "it is not text in UTF-8"
