"""A PostgreSQL server for tests, and a database on it for each that asks.

Its programs are looked for on the PATH and where Debian keeps them. It listens on a free port of loopback
only, knows no password but those it drew, keeps all it has in one temporary folder, and runs as an
unprivileged user where the tests run as root. It ends with the tests, however they end: the shell that
started it waits for the end of a pipe that only they hold.

SYMBOLON_TEST_POSTGRES_URL names another server instead: a database on it, whose role may create databases.
Those it creates are called symbolon_test_… and dropped again.
"""

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, make_url, text

from symbolon.storage.database import Database

_DEBIAN = Path("/usr/lib/postgresql")

# Says `up` or what went wrong; stops the server and removes its folder once nobody holds its stdin open.
_KEEPER = """
if "$1" start --pgdata="$2/data" --log="$2/log" --wait --silent; then
    echo up
    read -r _
else
    cat "$2/log"
fi
"$1" stop --pgdata="$2/data" --mode=immediate --silent
rm -rf "$2"
"""

# Nothing here has to outlive a loss of power.
_SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
fsync = off
full_page_writes = off
"""


class NoPostgresError(Exception):
    """No server can be had; the message says what is missing."""


class PostgresServer:
    """A server on which the role of a URL may create databases. Used as a context manager."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._engine = create_engine(self._url, isolation_level="AUTOCOMMIT")
        self._resources = contextlib.ExitStack()
        self._with_tables = ""
        self._spare: list[str] = []
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._shape: list[Any] = []

    def __enter__(self) -> "PostgresServer":
        self._resources.callback(self._engine.dispose)
        url = self._resources.enter_context(self.database())
        Database.open(url, create=True).close()
        self._with_tables = str(make_url(url).database)
        with self._inside(self._with_tables) as connection:
            self._shape = _shape(connection)
            for table in _filled(connection, _tables(connection)):
                rows = connection.execute(text(f"SELECT * FROM {table}")).mappings()
                self._rows[table] = [dict(row) for row in rows]
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._spare:
            drop_database(self._engine, name)
        self._resources.close()

    @contextlib.contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """The URL of a database that lasts as long as the block: empty, or a copy of another one."""
        name = f"symbolon_test_{secrets.token_hex(8)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self._url.set(database=name).render_as_string(hide_password=False)
        finally:
            drop_database(self._engine, name)

    @contextlib.contextmanager
    def node_database(self) -> Iterator[str]:
        """Like `database`, with the tables of a node in it, as new: one that was emptied, or else a copy."""
        if self._spare:
            name = self._spare.pop()
        else:
            name = f"symbolon_test_{secrets.token_hex(8)}"
            self.execute(f"CREATE DATABASE {name} TEMPLATE {self._with_tables}")
        try:
            yield self._url.set(database=name).render_as_string(hide_password=False)
        finally:
            end_sessions(self._engine, name)
            if self._emptied(name):
                self._spare.append(name)
            else:
                drop_database(self._engine, name)

    def _emptied(self, name: str) -> bool:
        """Puts a database back to what it was when it was made; not where its tables were changed."""
        with self._inside(name) as connection:
            if _shape(connection) != self._shape:
                return False
            tables = _tables(connection)
            filled = _filled(connection, tables)
            others = [each for each in filled if each not in self._rows]
            if others:
                connection.execute(text(f"TRUNCATE {', '.join(others)} RESTART IDENTITY CASCADE"))
            for table, rows in self._rows.items():
                connection.execute(text(f"DELETE FROM {table}"))
                for row in rows:
                    names = ", ".join(row)
                    values = ", ".join(f":{each}" for each in row)
                    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)
        return True

    @contextlib.contextmanager
    def _inside(self, name: str) -> Iterator[Connection]:
        engine = create_engine(self._url.set(database=name), poolclass=NullPool)
        with engine.begin() as connection:
            yield connection

    def execute(self, statement: str) -> None:
        """Runs one statement outside all transactions."""
        with self._engine.connect() as connection:
            connection.execute(text(statement))


def _tables(connection: Connection) -> list[str]:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
    return list(connection.execute(text(query)).scalars())


def _filled(connection: Connection, tables: list[str]) -> list[str]:
    """Those of some tables that have rows."""
    parts = (f"SELECT '{each}' WHERE EXISTS (SELECT 1 FROM {each})" for each in tables)
    return list(connection.execute(text(" UNION ALL ".join(parts))).scalars())


def _shape(connection: Connection) -> list[Any]:
    """What a test may have changed of tables, columns, indexes, constraints, triggers and rights."""
    query = """
        SELECT count(*), sum(hashtext(concat(relname, relkind, relacl))::bigint),
            (SELECT sum(hashtext(concat(attname, atttypid, attnotnull, attrelid))::bigint) FROM pg_attribute
             WHERE attnum > 0 AND attrelid >= 16384),
            (SELECT sum(hashtext(concat(conname, pg_get_constraintdef(oid)))::bigint) FROM pg_constraint),
            (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal), (SELECT count(*) FROM pg_proc),
            (SELECT count(*) FROM pg_extension), (SELECT count(*) FROM pg_rewrite)
        FROM pg_class WHERE relnamespace = 'public'::regnamespace
    """
    return list(connection.execute(text(query)).one())


def end_sessions(server: Engine, name: str) -> None:
    """Ends this role's sessions in a database; `server` must be in autocommit."""
    with server.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = :name AND usename = current_user"
            ),
            {"name": name},
        )


def drop_database(server: Engine, name: str) -> None:
    """Ends this role's sessions in a database, then drops it; `server` must be in autocommit.

    Not WITH (FORCE): that asks for rights over whoever is in it, and fails where a vacuum is, which belongs
    to nobody. Without it the server stops a vacuum by itself, and waits for sessions to end.
    """
    end_sessions(server, name)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server; tests that ask for it are skipped where there is none."""
    url = os.environ.get("SYMBOLON_TEST_POSTGRES_URL", "")
    with contextlib.ExitStack() as stack:
        try:
            url = url or stack.enter_context(_started())
        except NoPostgresError as missing:
            pytest.skip(str(missing))
        yield stack.enter_context(PostgresServer(url))


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The URL of an empty database on PostgreSQL."""
    with postgres.database() as url:
        yield url


@contextlib.contextmanager
def _started() -> Iterator[str]:
    """Starts a server; the URL of an ordinary role on it that may create databases.

    Raises:
        NoPostgresError: it cannot be started here.
    """
    if importlib.util.find_spec("psycopg") is None:
        raise NoPostgresError("needs psycopg: the extra `postgres`")
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    password, port = secrets.token_hex(16), _free_port()
    folder = Path(tempfile.mkdtemp(prefix="symbolon-postgres-"))
    try:
        (folder / "password").write_text(password, encoding="ascii")
        account = _account(folder)
        _make_cluster(initdb, folder, account)
        with (folder / "data" / "postgresql.conf").open("a", encoding="ascii") as file:
            file.write(_SETTINGS.format(port=port))
        with subprocess.Popen(
            ["sh", "-c", _KEEPER, "sh", pg_ctl, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=folder,
            start_new_session=True,
            **account,
        ) as keeper:
            assert keeper.stdout is not None
            if keeper.stdout.readline() != "up\n":
                raise NoPostgresError(f"PostgreSQL did not start: {keeper.stdout.read()}")
            yield _make_role(
                URL.create("postgresql+psycopg", "postgres", password, "127.0.0.1", port, "postgres")
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> str:
    """A program of the server, the newest where there are several."""
    debian = sorted(_DEBIAN.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    found = shutil.which(name) or (str(debian[-1]) if debian else "")
    if not found:
        raise NoPostgresError(f"needs PostgreSQL's {name}, on the PATH or in {_DEBIAN}/*/bin")
    return found


def _account(folder: Path) -> dict[str, Any]:
    """Arguments that start a process as a user the server accepts (not root), who is given the folder."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            for path in (folder, *folder.iterdir()):
                os.chown(path, user.pw_uid, user.pw_gid)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise NoPostgresError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


def _make_cluster(initdb: str, folder: Path, account: dict[str, Any]) -> None:
    made = subprocess.run(
        [
            initdb,
            f"--pgdata={folder / 'data'}",
            "--username=postgres",
            "--auth=scram-sha-256",
            f"--pwfile={folder / 'password'}",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        **account,
    )
    if made.returncode:
        raise NoPostgresError(f"initdb failed: {made.stderr.strip()}")


def _make_role(administrator: URL) -> str:
    """A role as a node should have it, but for its right to create databases."""
    password = secrets.token_hex(16)
    engine = create_engine(administrator)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE symbolon LOGIN CREATEDB PASSWORD '{password}'"))
    engine.dispose()
    role = administrator.set(username="symbolon", password=password)
    return role.render_as_string(hide_password=False)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
