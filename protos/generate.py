"""Write node/symbolon/api from the definitions in protos/, or check that it is what they generate.

Usage: generate.py [--check]. With --check nothing is written; differences are listed and the exit code is 1.
The generator is the one that pyproject.toml pins (grpcio-tools), so that every machine writes the same bytes.
"""

import argparse
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

PROTOS = Path(__file__).resolve().parent
API = PROTOS.parent / "node" / "symbolon" / "api"
PACKAGE_DOCSTRING = '"""Generated from protos/ by `make protos`; never edited."""\n'


def generate(root: Path) -> None:
    """Generate every definition below `root`, where `symbolon/api` will lie.

    Args:
        root: an empty or existing folder; files in it are overwritten.

    Raises:
        SystemExit: the compiler refused a definition; it has said why.
    """
    definitions = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))
    arguments = [
        "protoc",
        f"--proto_path={PROTOS}",
        f"--proto_path={files('grpc_tools') / '_proto'}",
        f"--python_out={root}",
        f"--pyi_out={root}",
        f"--grpc_python_out={root}",
        *definitions,
    ]
    if definitions and protoc.main(arguments) != 0:
        raise SystemExit(1)
    api = root / "symbolon" / "api"
    api.mkdir(parents=True, exist_ok=True)
    for folder in [api, *(path for path in api.rglob("*") if path.is_dir())]:
        (folder / "__init__.py").write_text(PACKAGE_DOCSTRING, encoding="ascii")


def read_tree(folder: Path) -> dict[str, bytes]:
    """Return the content of every generated file below a folder, by its relative path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in {".py", ".pyi"}
    }


def _difference(wanted: bool, present: bool) -> str:
    if wanted and present:
        return "differs"
    return "missing" if wanted else "extra"


def main() -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch))
        wanted = read_tree(Path(scratch) / "symbolon" / "api")
    present = read_tree(API)
    changed = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
    if check:
        for name in changed:
            print(f"node/symbolon/api/{name}: {_difference(name in wanted, name in present)}")
        if changed:
            print("symbolon: generated code is not what protos/ gives; run `make protos`", file=sys.stderr)
        return 1 if changed else 0
    for name in changed:
        target = API / name
        if name in wanted:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(wanted[name])
        else:
            target.unlink()
    print(f"symbolon: {len(wanted)} files generated, {len(changed)} changed", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
