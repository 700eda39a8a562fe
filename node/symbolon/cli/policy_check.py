"""`symbolon policy check`: whether policies could be in force, and what keeps them from it."""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from symbolon.cli import node_home
from symbolon.errors import PolicyError
from symbolon.policy.bundle import PolicyBundle, PolicyProblemsError, build_bundle
from symbolon.policy.own_policies import read_policy_files
from symbolon.policy.shipped_policies import shipped_policies, shipped_schema
from symbolon.rpc.policy_sources import node_sources


def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE]...", help="Policies to check; default all of this node."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check policies, and say of each problem where it is and what to do. Nothing is put in force."""
    try:
        own, generated = (read_policy_files(files), ()) if files else node_sources(node_home.home())
        bundle = build_bundle(shipped_schema(), shipped_policies(), own, generated)
    except PolicyProblemsError as error:
        _tell_problems(error, as_json=as_json)
        if not files:
            print("A node that is served keeps those before; it does not start with these.", file=sys.stderr)
        raise typer.Exit(PolicyError.exit_code) from None
    replacing = {each.policy_id: each.source for each in bundle.policies if each.policy_id in bundle.replaced}
    for policy_id, source in replacing.items():
        print(f"symbolon: {policy_id} in {source} takes the place of the shipped policy.", file=sys.stderr)
    open_permits = bundle.open_permits()
    for each in open_permits:
        print(
            f"symbolon: warning: {each.policy_id} in {each.source} permits every member whatever it says.",
            file=sys.stderr,
        )
    if as_json:
        document = _document(bundle) | {"warnings": [each.policy_id for each in open_permits]}
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    width = max(len(each.policy_id) for each in bundle.policies)
    for each in bundle.policies:
        print(f"{each.policy_id:<{width}}  {each.kind:<9}  {each.source}")
    print(f"{len(bundle.policies)} policies, no problem.", file=sys.stderr)


def _tell_problems(error: PolicyProblemsError, *, as_json: bool) -> None:
    if as_json:
        problems = [dataclasses.asdict(each) for each in error.problems]
        print(json.dumps({"valid": False, "problems": problems}, indent=2, ensure_ascii=False))
        return
    for each in error.problems:
        print(f"symbolon: error: {each}", file=sys.stderr)
        print(f"symbolon: hint: {each.advice}", file=sys.stderr)


def _document(bundle: PolicyBundle) -> dict[str, Any]:
    return {
        "valid": True,
        "problems": [],
        "sha256": bundle.sha256().hex(),
        "policies": [
            {"id": each.policy_id, "kind": each.kind, "source": each.source} for each in bundle.policies
        ],
        "replaced": list(bundle.replaced),
    }
