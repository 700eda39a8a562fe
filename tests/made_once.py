"""What a process of the product makes once, tests make once too, however often they do what it does.

A command builds its tree of options, and compiles its statements for the one database that it opens. Tests
run thousands of commands in one process, on as many databases, and would spend a fifth of their time on it.
"""

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import click
from sqlalchemy import Engine

from symbolon.cli import main
from symbolon.storage import database

_create_engine = database.create_engine
_get_command = main._Lazy.get_command
_commands: dict[str, click.Command | None] = {}


class _Statements(dict[Any, Any]):
    """What was compiled, by kind of database and statement: SQLAlchemy keeps it for each database alone."""

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get(self._of(key), default)

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        super().__setitem__(self._of(key), compiled)

    @staticmethod
    def _of(key: tuple[Any, ...]) -> tuple[Any, ...]:
        dialect, *statement = key
        return (type(dialect), *statement)


_statements = _Statements()


def _engine(*arguments: Any, **options: Any) -> Engine:
    engine = _create_engine(*arguments, **options)
    engine.update_execution_options(compiled_cache=_statements)
    return engine


def _command(group: main._Lazy, context: click.Context, name: str) -> click.Command | None:
    if name not in _commands:
        _commands[name] = _get_command(group, context, name)
    return _commands[name]


@contextlib.contextmanager
def made_once() -> Iterator[None]:
    """Of all commands that run and databases that are opened within the block."""
    with (
        mock.patch.object(database, "create_engine", _engine),
        mock.patch.object(main._Lazy, "get_command", _command),
    ):
        yield
