"""Turns what a database driver raises into `StorageError`s with a code, a cause and a next step.

Parameters of a statement never reach a message: they may be identifiers. SQLite is told apart by its
extended result code, PostgreSQL by SQLSTATE (PostgreSQL manual, appendix A).
"""

from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from symbolon.errors import StorageError


class StorageBusyError(StorageError):
    """Another process holds the database for longer than this one is willing to wait."""

    code = "storage.busy"
    public = "temporarily unavailable"
    exit_code = 75


_Kind = tuple[str, str, str | None]
"""Code, what happened, and what to do next."""

_FULL: Final = ("storage.full", "the disk is full", "Free some space and run the command again.")
_BUSY: Final = (
    "storage.busy",
    "another process is writing to the database",
    "Wait for the other command to end, then try again.",
)
_READONLY: Final = (
    "storage.readonly",
    "the database cannot be written to",
    "Give this user write permission on the database file and on its folder.",
)
_REFUSED: Final = (
    "storage.readonly",
    "the database server does not let this node write",
    "Make the node's role the owner of its database, on a server that is no standby.",
)
_CANTOPEN: Final = (
    "storage.open",
    "the database cannot be opened",
    "Check that its folder exists and that this user may read and write it.",
)
_CORRUPT: Final = (
    "storage.corrupt",
    "the database file is damaged",
    "Stop the node, keep a copy of the file, and restore the database from a backup.",
)
_NOTADB: Final = (
    "storage.not_a_database",
    "the file is not a Symbolon database",
    "Check the database path in the configuration.",
)
_IO: Final = (
    "storage.io",
    "the operating system could not read or write the database file",
    "Check the disk, its quota and the file size limit (ulimit -f), then run the command again.",
)
_TOOBIG: Final = (
    "storage.too_big",
    "a value is too long to be stored",
    "Shorten the longest cells of the input.",
)
_CONSTRAINT: Final = (
    "storage.constraint",
    "a row contradicts the rules of the database",
    "This is a defect: please report it with the output of `symbolon doctor`.",
)
_UNREACHABLE: Final = (
    "storage.unreachable",
    "the database server cannot be reached or refused the login",
    "Check the database URL in the configuration and that the server is up.",
)
_OTHER: Final = ("storage", "the database refused a statement", None)

_SQLITE: Final[dict[str, _Kind]] = {
    "FULL": _FULL,
    "BUSY": _BUSY,
    "LOCKED": _BUSY,
    "READONLY": _READONLY,
    "PERM": _READONLY,
    "CANTOPEN": _CANTOPEN,
    "CORRUPT": _CORRUPT,
    "NOTADB": _NOTADB,
    "IOERR": _IO,
    "TOOBIG": _TOOBIG,
    "CONSTRAINT": _CONSTRAINT,
}

_SQLSTATE: Final[dict[str, _Kind]] = {
    "53100": _FULL,
    "55P03": _BUSY,
    "40P01": _BUSY,
    "40001": _BUSY,
    "57014": _BUSY,
    "25006": _REFUSED,
    "42501": _REFUSED,
    "54000": _TOOBIG,
}
_SQLSTATE_CLASS: Final[dict[str, _Kind]] = {
    "08": _UNREACHABLE,
    "28": _UNREACHABLE,
    "3D": _UNREACHABLE,
    "57": _UNREACHABLE,
}


def storage_error(error: SQLAlchemyError, doing: str) -> StorageError:
    """Translates a driver's error.

    Args:
        error: what SQLAlchemy raised.
        doing: the name of the transaction that failed; it opens the message.

    Returns:
        The error to raise in its place. The transaction was rolled back: nothing is half-written.
    """
    code, what, hint = _classify(error)
    cause = _driver_text(error)
    detail = f"{doing}: {what} ({cause}); nothing was changed" if cause else f"{doing}: {what}"
    if code == "storage.busy":
        return StorageBusyError(detail, hint=hint)
    return StorageError(detail, hint=hint, code=code)


def _classify(error: SQLAlchemyError) -> _Kind:
    if not isinstance(error, DBAPIError):
        return _OTHER
    sqlite_name = getattr(error.orig, "sqlite_errorname", None)
    if isinstance(sqlite_name, str):
        family = sqlite_name.removeprefix("SQLITE_").partition("_")[0]
        return _SQLITE.get(family, _OTHER)
    state = getattr(error.orig, "sqlstate", None)
    if isinstance(state, str):
        if isinstance(error, IntegrityError):
            return _CONSTRAINT
        return _SQLSTATE.get(state) or _SQLSTATE_CLASS.get(state[:2], _OTHER)
    if isinstance(error, IntegrityError):
        return _CONSTRAINT
    return _UNREACHABLE if error.orig is not None and hasattr(error.orig, "pgconn") else _OTHER


def _driver_text(error: SQLAlchemyError) -> str:
    """The driver's own words without the statement, its parameters or values of a row."""
    if not isinstance(error, DBAPIError) or error.orig is None:
        return type(error).__name__
    primary = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    text = primary if isinstance(primary, str) else str(error.orig)
    return text.partition("\n")[0]
