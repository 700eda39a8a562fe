"""The command line: `symbolon COMMAND`. Data goes to stdout, talk to stderr, exit codes are documented.

Commands live one to a module and are imported only when called, so that `--help` is quick.
"""

import gc
import importlib
import os
import signal
import sys
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Final

import click
import typer
import typer.core
from typer.core import TyperGroup

from symbolon import __version__
from symbolon.cli import node_home, signed_in
from symbolon.errors import StorageError, SymbolonError, UnavailableError

# Help is plain text: typer would escape it for a renderer that rich_markup_mode=None has switched off.
typer.core.HAS_RICH = False

EXIT_CODES: Final = """Exit codes: 0 done; 1 doctor found a fault; 2 wrong usage; 65 unusable input;
70 defect; 74 database or disk; 75 try again; 76 the peer broke the protocol; 77 not permitted;
78 wrong configuration; 130 interrupted."""

_COMMANDS: Final = {
    "init": "Make the folder of a new node.",
    "doctor": "Check this node, and a peer, and say what to mend.",
    "serve": "Answer other members until stopped.",
    "relay": "Carry connections between members that only dial out.",
    "status": "Show this node, its members, sessions and budget.",
    "coalition": "Found or join a coalition, and see to its members.",
    "suppliers": "Import and look at the supplier list.",
    "match": "Find the suppliers shared with a peer, and review matches.",
    "signals": "Contribute risk signals, say who may see them, recall them.",
    "triage": "Show which own suppliers to look at first.",
    "policy": "Check, test and explain what this node may give to whom.",
    "audit": "Read, check, export and report on the audit log.",
    "operators": "Add people to this node, give them roles and passwords.",
    "approvals": "Read, approve or deny what takes a second person.",
    "sign-in": "Show this node who you are, for a working day.",
    "sign-out": "End that.",
    "lock": "Lock this node's keys by a passphrase.",
    "unlock": "Make them usable for a working day.",
    "wipe": "Destroy this node, its keys first.",
    "try": "Run the real thing on two files, on this machine only.",
    "bench": "Measure this machine; figures as JSON.",
    "demo": "Show a whole coalition on loopback, step by step.",
}

_INTERRUPTED: Final = 128 + signal.SIGINT
_MODULES: Final = {"try": "try_files", "sign-in": "sign_in", "sign-out": "sign_out"}


def _imported(module: str) -> ModuleType:
    """A command's module, without work that would be a third of its time to start."""
    # numpy would start threads for linear algebra, which nothing here does, and which wait by spinning.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Nothing of what is imported is garbage, then or at the end, when it would all be looked through.
    gc.disable()
    try:
        return importlib.import_module(module)
    finally:
        gc.freeze()
        gc.enable()


class _Lazy(TyperGroup):
    """A group whose commands are imported when they are named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = _imported(f"symbolon.cli.{_MODULES.get(cmd_name, cmd_name)}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return signed_in.guard(command, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


app = typer.Typer(
    cls=_Lazy,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    epilog=EXIT_CODES,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"symbolon {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    home: Annotated[
        Path | None, typer.Option(help="Folder of the node; default SYMBOLON_HOME or ~/.symbolon.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Find shared suppliers privately, between members of a coalition against forced labour."""
    node_home.chosen.set(home)


def tell_error(error: SymbolonError) -> None:
    """Prints an error and its hint for the operator."""
    print(f"symbolon: error: {error.detail}", file=sys.stderr)
    if error.hint:
        print(f"symbolon: hint: {error.hint}", file=sys.stderr)


def run(arguments: list[str] | None = None) -> int:
    """Runs one command.

    Returns:
        The exit code.
    """
    try:
        result: Any = app(args=arguments, prog_name="symbolon", standalone_mode=False)
    except SymbolonError as error:
        tell_error(error)
        return error.exit_code
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        print(f"symbolon: error: {error.format_message()}", file=sys.stderr)
        if context is not None:
            # Nobody types the word `with`, which `match PEER` stands for.
            typed = context.command_path.removesuffix(" with")
            print(f"symbolon: hint: see `{typed} --help`.", file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        print("symbolon: interrupted; nothing is half-written.", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of our output is gone (`| head`); nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ConnectionError as error:
        tell_error(UnavailableError(f"the connection broke: {error}", hint="Try again; nothing was lost."))
        return UnavailableError.exit_code
    except OSError as error:
        if error.filename is None:
            raise
        from symbolon.membership.atomic_file import storage_error

        tell_error(storage_error(f"cannot use {error.filename}", error))
        return StorageError.exit_code
    if result == _INTERRUPTED:
        print("symbolon: interrupted; nothing is half-written.", file=sys.stderr)
    return result if isinstance(result, int) else 0


def main() -> None:
    """Entry point of `symbolon`."""
    sys.exit(run())
