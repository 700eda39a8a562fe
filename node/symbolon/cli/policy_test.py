"""`symbolon policy test`: cases, and whether the policies decide what they say."""

import functools
import json
import sys
from collections.abc import Sequence
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from symbolon import config as configuration
from symbolon.cli import node_home
from symbolon.errors import InputError
from symbolon.policy.bundle import PolicyBundle, PolicySource, build_bundle
from symbolon.policy.cases import MAX_CASES_CHARS, CaseResult, PolicyCase, read_cases, run_cases
from symbolon.policy.own_policies import OWN_FOLDER, read_policy_files
from symbolon.policy.shipped_policies import policies_in, shipped_cases, shipped_policies, shipped_schema
from symbolon.rpc.policy_sources import node_sources

EXIT_FAILED: Final = 1
_ENTITIES: Final = "entities"


def run_test(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of cases; default those of the shipped policies.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Run cases: examples with what has to be decided. Exit code 1 when one is decided otherwise.

    The shipped cases run against the shipped policies; a folder's against all policies of this node, where
    there is one, and the policies that lie beside the cases.
    """
    place: Traversable = shipped_cases() if folder is None else folder
    bundle = _shipped_bundle() if folder is None else _bundle_beside(folder)
    results = run_cases(bundle, _cases(place))
    failures = [each for each in results if each.failure]
    if as_json:
        print(json.dumps(_document(results), indent=2, ensure_ascii=False))
    else:
        for each in failures:
            print(f"{each.case.source}: {each.case.name}\n  {each.failure}")
        print(f"{len(results) - len(failures)} of {len(results)} cases passed.", file=sys.stderr)
    if failures:
        raise typer.Exit(EXIT_FAILED)


def _shipped_bundle() -> PolicyBundle:
    return build_bundle(shipped_schema(), shipped_policies(), policies_in(shipped_cases()))


def _bundle_beside(folder: Path) -> PolicyBundle:
    home = node_home.home()
    own: tuple[PolicySource, ...] = ()
    generated: tuple[PolicySource, ...] = ()
    if (home / configuration.FILE_NAME).exists():
        own, generated = node_sources(home)
    if folder.resolve() != (home / OWN_FOLDER).resolve():
        own += read_policy_files(sorted(folder.glob("*.cedar")))
    return build_bundle(shipped_schema(), shipped_policies(), own, generated)


def _cases(folder: Traversable) -> list[PolicyCase]:
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder", hint="Name the folder in which the cases are.")
    read = functools.partial(_text, folder)
    found = sorted(
        each.name
        for each in folder.iterdir()
        if each.name.endswith(".json") and not each.name.startswith(_ENTITIES)
    )
    cases = [case for name in found for case in read_cases(name, read(name), read)]
    if not cases:
        raise InputError(
            f"there are no cases in {folder}", hint="policies/README.md shows how a case is written."
        )
    return cases


def _text(folder: Traversable, name: str) -> str:
    try:
        with (folder / name).open("rb") as file:
            content = file.read(4 * MAX_CASES_CHARS + 1)
        return content.decode("utf-8")
    except FileNotFoundError:
        raise InputError(f"there is no file {name} in {folder}", hint="A case names it.") from None
    except UnicodeDecodeError:
        raise InputError(f"{folder / name} is not text in UTF-8", hint="Save it as UTF-8.") from None


def _document(results: Sequence[CaseResult]) -> dict[str, Any]:
    return {
        "passed": sum(not each.failure for each in results),
        "failed": sum(bool(each.failure) for each in results),
        "cases": [
            {"file": each.case.source, "name": each.case.name, "failure": each.failure} for each in results
        ],
    }
