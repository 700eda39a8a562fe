"""The database of a node: opening it, and named transactions on it.

SQLite in WAL mode is the embedded default; `postgresql+psycopg://` reaches a server through the same code.
Several processes of one node (`serve`, `match`, `suppliers import`) share the database, so:

1. Writers come one at a time. SQLite: `BEGIN IMMEDIATE`, so that a transaction that reads first and then
   writes never finds its snapshot stale. PostgreSQL: one advisory lock held to the end of the transaction.
2. Readers see one unchanging snapshot from their first statement to their last and never wait for writers.
3. A commit is on the disk before `transaction` returns (SQLite `synchronous=FULL`): a budget debited is
   debited, whatever happens to the process afterwards.
4. Work that must not run twice at once holds a named lock that the operating system (or the server) frees
   when the process dies, even from `kill -9`.

What it refuses: a database of an unknown version, a file that is not a database, an in-memory database
(which no second process could share), and a write transaction inside another one.
"""

import contextlib
import fcntl
import hashlib
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from symbolon.errors import ConfigError, StorageError
from symbolon.storage import schema_version
from symbolon.storage.database_errors import StorageBusyError, storage_error

BUSY_TIMEOUT_S: Final = 30.0
"""How long a writer waits for the others. Every write transaction of the node is far shorter."""

WAIT_AND_RETRY: Final = "Wait for it to end, then try again."

Transaction = Connection
"""What `Database.transaction` gives; who only hands it on to a store names it so."""

_OPTION_WRITE: Final = "symbolon_write"

_SECRET_OPTIONS: Final = ("password", "sslpassword")
"""Options after the `?` of a PostgreSQL URL that are never shown."""

PAGE_BYTES: Final = 16384
"""Of a new SQLite file. Key segments and held sets are megabytes in a row: pages of 4096 bytes take three
times as long to read."""

_WAITING: Final = f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_S * 1000)}"

_PRAGMAS: Final = (
    # Before anything is written; a file that exists keeps the size it has.
    f"PRAGMA page_size = {PAGE_BYTES}",
    _WAITING,
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # Overwrite what is deleted: an erased record must not linger in a free page.
    "PRAGMA secure_delete = ON",
    # Sorting never spills rows into a file outside the node's own folder.
    "PRAGMA temp_store = MEMORY",
    "PRAGMA trusted_schema = OFF",
)


class Database:
    """An open database. Made by `Database.open`; safe to share between threads, not between processes."""

    def __init__(self, engine: Engine, path: Path | None) -> None:
        self._engine = engine
        self._path = path
        self._writing = engine.execution_options(**{_OPTION_WRITE: True})
        self._reading = engine
        if path is None:
            self._reading = engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            # A lock keeps its connection for as long as it is held: those of the pool are for short work.
            self._locking = create_engine(engine.url, hide_parameters=True, poolclass=NullPool)
        self._writer_turn = threading.Lock()
        self._this_thread = threading.local()

    @classmethod
    def open(cls, url: str, *, create: bool = False, migrate: bool = True) -> Self:
        """Opens a database and checks its version.

        Args:
            url: `sqlite:////absolute.db` or `postgresql+psycopg://…`.
            create: make the SQLite file (mode 0600) and the tables when they do not exist yet.
            migrate: bring a database of an older, known version to the newest one; without it one is refused,
                also with `create`.

        Returns:
            The open database, of the newest version.

        Raises:
            ConfigError: the URL cannot be used.
            StorageError: `storage.missing`, `storage.older` (without `migrate`), `storage.version`,
                `storage.foreign`, `storage.not_a_database`, or any other failure of the database.
        """
        parsed = _parse_url(url)
        path = _sqlite_path(parsed)
        if path is None:
            engine = _postgresql_engine(parsed)
        else:
            _prepare_file(path, create=create)
            engine = _sqlite_engine(parsed)
        database = cls(engine, path)
        try:
            database._bring_to_newest(create=create, migrate=migrate)
        except BaseException:
            database.close()
            raise
        return database

    @property
    def url(self) -> str:
        """The database's URL without its passwords, fit to be shown."""
        shown = self._engine.url.difference_update_query(_SECRET_OPTIONS)
        return shown.render_as_string(hide_password=True)

    def __repr__(self) -> str:
        return f"Database({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()

    @contextlib.contextmanager
    def transaction(self, name: str) -> Iterator[Connection]:
        """Runs the block as one write transaction: committed at its end, undone by any exception.

        Args:
            name: what the transaction does, in a few words; opens the message of a failure.

        Raises:
            StorageError: the database failed; nothing of the block was kept.
            StorageBusyError: other writers held the database for longer than `BUSY_TIMEOUT_S`.
        """
        outer = getattr(self._this_thread, "transaction", None)
        if outer is not None:
            raise StorageError(
                f"{name}: begun inside the write transaction {outer!r} of the same thread",
                code="storage.nested",
            )
        if not self._writer_turn.acquire(timeout=BUSY_TIMEOUT_S):
            raise StorageBusyError(
                f"{name}: another thread is writing to the database", hint="Try again in a moment."
            )
        self._this_thread.transaction = name
        try:
            with self._translated(name), self._writing.begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(text(f"SET LOCAL lock_timeout = {int(BUSY_TIMEOUT_S * 1000)}"))
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({_lock_number('writer')})"))
                yield connection
        finally:
            self._this_thread.transaction = None
            self._writer_turn.release()

    @contextlib.contextmanager
    def read(self, name: str) -> Iterator[Connection]:
        """Runs the block on one unchanging snapshot of the database.

        Args:
            name: what is read, in a few words; opens the message of a failure.

        Raises:
            StorageError: the database failed.
        """
        with self._translated(name), self._reading.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def exclusive(
        self, name: str, work: str = "command of this node", hint: str = WAIT_AND_RETRY
    ) -> Iterator[None]:
        """Holds a named lock against every process that uses this database, without waiting.

        The lock dies with its process. It does not keep others from reading or writing.

        Args:
            name: lower-case words, part of a file name, for example `supplier-import`; never shown.
            work: what the holder does, for the operator: "another … is running".
            hint: what the operator can do where another holds it.

        Raises:
            StorageBusyError: another process or thread holds the lock.
        """
        busy = StorageBusyError(f"another {work} is running", hint=hint)
        if self._path is None:
            with self._translated(work), self._locking.connect() as connection:
                held = connection.execute(text(f"SELECT pg_try_advisory_lock({_lock_number(name)})"))
                if not held.scalar_one():
                    raise busy
                # The lock belongs to the session, not to the transaction, which need not stay open.
                connection.commit()
                try:
                    yield
                finally:
                    connection.execute(text(f"SELECT pg_advisory_unlock({_lock_number(name)})"))
                    connection.commit()
            return
        lock_path = self._path.with_name(f"{self._path.name}-{name}.lock")
        try:
            descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(
                f"the lock {lock_path} cannot be taken: {error.strerror}", code="storage.open"
            ) from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise busy from None
            yield
        finally:
            os.close(descriptor)

    def is_writing(self) -> bool:
        """Whether somebody writes just now, here or in another process; waits for nobody.

        What it says may be over the next moment. It is for work that can as well be done later.

        Raises:
            StorageError: the database failed.
        """
        name = "look whether somebody writes"
        if self._path is None:
            with self.read(name) as connection:
                free = connection.execute(text(f"SELECT pg_try_advisory_xact_lock({_lock_number('writer')})"))
                return not free.scalar_one()
        with self._translated(name):
            held = self._engine.raw_connection()
        try:
            held.execute("PRAGMA busy_timeout = 0")
            held.execute("BEGIN IMMEDIATE")
            held.rollback()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                return True
            raise StorageError(f"{name}: {error}", code="storage.io") from error
        finally:
            held.execute(_WAITING)
            held.close()
        return False

    @contextlib.contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise storage_error(error, name) from error

    def _bring_to_newest(self, *, create: bool, migrate: bool) -> None:
        with self.read("open the database") as connection:
            version = schema_version.read_version(connection)
        if schema_version.check_version(version):
            return
        if version is None and not create:
            how = "Run `symbolon init` first."
            if self._path is None:
                how = "A node is made on a database server by `symbolon init --database URL`."
            raise StorageError("the database is empty", hint=how, code="storage.missing")
        if version is not None and not migrate:
            raise StorageError(
                f"the database was last used by an older release (version {version})",
                hint="Stop `symbolon serve`, copy the folder if you may want to go back, then run "
                "`symbolon status`: it brings the database up to date.",
                code="storage.older",
            )
        with self.transaction("migrate the database") as connection:
            # Another process may have migrated while this one waited for its turn.
            if not schema_version.check_version(schema_version.read_version(connection)):
                schema_version.migrate(connection)


def database_file(url: str) -> Path | None:
    """The SQLite file that a URL names, whether it is there or not; None for a server.

    Raises:
        ConfigError: the URL cannot be used.
    """
    return _sqlite_path(_parse_url(url))


def _parse_url(url: str) -> URL:
    hint = "Use sqlite:////path/to/node.db or postgresql+psycopg://user@host/name."
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # A port that is no number is a ValueError, which cites it: it may be part of a password.
        raise ConfigError("the database URL cannot be read", hint=hint, code="config.database") from None
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise ConfigError(
            f"the database URL names {parsed.drivername!r}, which is not supported",
            hint=hint,
            code="config.database",
        )
    return parsed


def _sqlite_path(url: URL) -> Path | None:
    if url.get_backend_name() != "sqlite":
        return None
    if url.database in (None, "", ":memory:") or str(url.database).startswith("file:"):
        raise ConfigError(
            "the database URL names no file; a node's processes share one file",
            hint="Use sqlite:////path/to/node.db.",
            code="config.database",
        )
    path = Path(str(url.database))
    if not path.is_absolute():
        raise ConfigError(
            "the database URL names a file relative to where a command is run",
            hint="Give the whole path: sqlite:////path/to/node.db.",
            code="config.database",
        )
    return path


def _prepare_file(path: Path, *, create: bool) -> None:
    """Sees to it that the file exists and is for this user alone, before SQLite touches it."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if not create:
            raise StorageError(
                f"there is no database at {path}", hint="Run `symbolon init` first.", code="storage.missing"
            ) from None
        try:
            # SQLite gives its -wal and -shm files the mode of the database file.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise StorageError(
                f"the database {path} cannot be created: {error.strerror}",
                hint="Check that its folder exists and that this user may write to it.",
                code="storage.open",
            ) from error
        return
    except OSError as error:
        raise StorageError(
            f"the database {path} cannot be opened: {error.strerror}", code="storage.open"
        ) from error
    if not stat.S_ISREG(mode):
        raise StorageError(f"{path} is not a file", code="storage.not_a_database")
    if stat.S_IMODE(mode) & 0o077:
        # Not ours to change, or a read-only medium: what matters inside is sealed all the same.
        with contextlib.suppress(OSError):
            path.chmod(0o600)


def _sqlite_engine(url: URL) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        # The driver's own transaction control is off; `_begin_sqlite` says BEGIN itself.
        connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT_S},
    )

    @event.listens_for(engine, "connect")
    def _set_pragmas(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(pragma)
        mode = _switch_to_wal(cursor)
        cursor.close()
        if mode != "wal":
            raise StorageError(
                f"the file system does not allow the database's write-ahead log (mode {mode!r})",
                hint="Keep the database on a local disk.",
                code="storage.open",
            )

    @event.listens_for(engine, "begin")
    def _begin_sqlite(connection: Connection) -> None:
        writing = connection.get_execution_options().get(_OPTION_WRITE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _switch_to_wal(cursor: sqlite3.Cursor) -> str:
    """Asks for the write-ahead log; returns the mode that the file is in then.

    While another connection switches a new file, SQLite refuses this at once, whatever the busy timeout.
    """
    end_s = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            return str(cursor.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end_s:
                raise
        time.sleep(0.01)


def _postgresql_engine(url: URL) -> Engine:
    try:
        return create_engine(url, hide_parameters=True, pool_pre_ping=True)
    except (ModuleNotFoundError, NoSuchModuleError):
        raise ConfigError(
            "the PostgreSQL driver is not installed",
            hint="Install the extra `postgres`: docs/OPERATIONS.md, PostgreSQL, says how.",
            code="config.database",
        ) from None


def _lock_number(name: str) -> int:
    """A PostgreSQL advisory lock number for a name: 63 bits, the same in every process."""
    digest = hashlib.sha256(b"symbolon lock\x00" + name.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
