"""The operators of a node: added, changed, removed, and signed in with a password.

Every change is made in one transaction with the check that whoever makes it may, its row in the list of
changes and its audit entry. Refuses: a first operator who is no administrator, changes by anybody but an
administrator (the own password aside), two operators of one name or account, and taking away the last
administrator: a node that has operators does not fall back to having none.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Literal

from sqlalchemy import Connection, delete, func, insert, select, update

from symbolon.audit.entry import Entry
from symbolon.errors import PermissionDeniedError, UsageError
from symbolon.policy.approval import OperatorChange
from symbolon.policy.operator_roles import LOCAL, Role, not_signed_in, require_role
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.storage.operator_password import (
    SALT_BYTES,
    ScryptCost,
    new_password_line,
    require_password,
    wrong_credentials,
)
from symbolon.storage.operator_record import (
    MAX_SUBJECT_CHARS,
    OidcAccount,
    Operator,
    account_key,
    name_key,
    typed_name,
)
from symbolon.storage.operator_schema import operator_change, operator_entry
from symbolon.storage.seal import Sealer
from symbolon.storage.sign_in_limit import SignInLimit

MAX_OPERATORS: Final = 500
"""More people than any node has; all are read to find the administrators among them."""

_Change = Literal["added", "role", "password", "removed"]


class OperatorStore:
    """Keeps operators.

    Args:
        database: the node's.
        sealer: of its sealed columns.
        clock: seconds since 1970-01-01 UTC.
        rng: random bytes from the operating system.
        cost: of the passwords that are set from now on.
    """

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        clock: Callable[[], float],
        rng: Callable[[int], bytes],
        cost: ScryptCost = ScryptCost(),  # noqa: B008 - frozen
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock
        self._rng = rng
        self._cost = cost
        self._limit = SignInLimit(database, clock)

    def exist(self) -> bool:
        """Whether the node has operators at all."""
        with self._database.read("look for operators") as connection:
            return self.exist_in(connection)

    def exist_in(self, connection: Connection) -> bool:
        """Like `exist`, inside a transaction of the caller."""
        return connection.execute(select(operator_entry.c.pseudonym).limit(1)).first() is not None

    def all(self) -> list[Operator]:
        """All operators, in the order in which they were added."""
        with self._database.read("list operators") as connection:
            return self.all_in(connection)

    def all_in(self, connection: Connection) -> list[Operator]:
        """Like `all`, inside a transaction of the caller."""
        added = {row.whom: row.id for row in connection.execute(_ADDED)}
        found = [self._opened(row) for row in connection.execute(select(operator_entry))]
        return sorted(found, key=lambda each: added.get(each.pseudonym, 0))

    def get(self, pseudonym: str) -> Operator | None:
        """The operator of a pseudonym, or None when there is none by now."""
        with self._database.read("look up an operator") as connection:
            return self.get_in(connection, pseudonym)

    def get_in(self, connection: Connection, pseudonym: str) -> Operator | None:
        """Like `get`, inside a transaction of the caller."""
        row = connection.execute(
            select(operator_entry).where(operator_entry.c.pseudonym == pseudonym)
        ).first()
        return None if row is None else self._opened(row)

    def named(self, name: str) -> Operator:
        """The operator of a name or pseudonym.

        Raises:
            UsageError: `usage.operator.unknown`.
        """
        digest = self._name_digest(name)
        column = operator_entry.c
        with self._database.read("look up an operator") as connection:
            row = connection.execute(
                select(operator_entry).where((column.name_digest == digest) | (column.pseudonym == name))
            ).first()
        if row is None:
            raise UsageError(
                f"there is no operator {name!r}",
                hint="`symbolon operators list` shows them.",
                code="usage.operator.unknown",
            )
        return self._opened(row)

    def of_account(self, account: OidcAccount) -> Operator:
        """The operator that an issuer has vouched for.

        Raises:
            PermissionDeniedError: `permission.sign_in`, the account is nobody's here.
        """
        digest = self._account_digest(account)
        with self._database.read("look up an account") as connection:
            row = connection.execute(
                select(operator_entry).where(operator_entry.c.subject_digest == digest)
            ).first()
        if row is None:
            raise PermissionDeniedError(
                f"the account {account.subject!r} at {account.issuer} is no operator of this node",
                hint="An administrator adds it: `symbolon operators add NAME --oidc-subject SUBJECT`.",
                code="permission.sign_in",
            )
        return self._opened(row)

    def authenticate(self, name: str, password: str) -> Operator:
        """Signs in with a password.

        Raises:
            PermissionDeniedError: `permission.sign_in`, or `permission.sign_in.blocked` after too many
                failures; neither tells whether there is such an operator.
        """
        digest = self._name_digest(name)
        self._limit.begin(digest)
        with self._database.read("look up an operator") as connection:
            row = connection.execute(
                select(operator_entry).where(operator_entry.c.name_digest == digest)
            ).first()
        if row is None or row.password is None:
            # As slow as the check of a password that is there.
            new_password_line("x" * 12, bytes(SALT_BYTES), self._cost)
            raise wrong_credentials()
        require_password(
            self._sealer.open("operator_entry", "password", row.pseudonym, row.password), password
        )
        self._limit.clear(digest)
        return self._opened(row)

    def add(
        self,
        by: str,
        name: str,
        role: Role,
        *,
        password: str | None = None,
        account: OidcAccount | None = None,
    ) -> Operator:
        """Adds an operator.

        Args:
            by: pseudonym of the administrator who does it; `LOCAL` for the first one, which is the person
                itself.
            name: of the person.
            role: of the first one, administrator, with a password.
            password: to sign in with; or
            account: to sign in at an issuer with.

        Raises:
            UsageError: `usage.operator.name`, `.taken`, `.first`, `.limit`, `.subject` or `usage.password`.
            PermissionDeniedError: `permission.role`, `permission.sign_in`.
        """
        plain = typed_name(name)
        line = None if password is None else self._password_line(password)
        if (line is None) == (account is None):
            raise UsageError("an operator has either a password or an account", code="usage.operator.subject")
        if account is not None and not 0 < len(account.subject) <= MAX_SUBJECT_CHARS:
            raise UsageError(
                f"a subject has 1 to {MAX_SUBJECT_CHARS} characters", code="usage.operator.subject"
            )
        pseudonym = f"op-{self._rng(4).hex()}"
        with self._database.transaction("add an operator") as connection:
            first = not self.exist_in(connection)
            if not first:
                self._require_administrator(connection, by)
            elif role is not Role.ADMINISTRATOR or account is not None:
                # With an account that turns out to be another's, nobody could ever sign in.
                raise UsageError(
                    "the first operator has to be an administrator with a password",
                    hint="Add yourself with --role administrator first.",
                    code="usage.operator.first",
                )
            entry = Operator(
                pseudonym=pseudonym,
                name=plain,
                role=role,
                added_at_s=int(self._clock()),
                added_by=by,
                credential_id=self._rng(16).hex(),
                credential_by=pseudonym if first else by,
                account=account,
            )
            self._require_room(connection, plain, account)
            connection.execute(
                insert(operator_entry).values(
                    pseudonym=pseudonym,
                    name_digest=self._name_digest(plain),
                    subject_digest=None if account is None else self._account_digest(account),
                    record=self._sealed(entry),
                    password=None if line is None else self._sealed_password(pseudonym, line),
                )
            )
            self._note(connection, entry, "added", by)
        self._limit.clear(self._name_digest(plain))
        return entry

    def require_room(self, name: str, account: OidcAccount | None = None) -> None:
        """Refuses what `add` would refuse of a further operator, before anybody is asked for anything.

        Raises:
            UsageError: `usage.operator.name`, `.taken` or `.limit`.
        """
        with self._database.read("look at the operators") as connection:
            self._require_room(connection, typed_name(name), account)

    def set_role(self, by: str, whom: str, role: Role) -> Operator:
        """Gives an operator another role, from its next command on.

        Raises:
            UsageError: `usage.operator.unknown`, `usage.operator.last`.
            PermissionDeniedError: `permission.role`, `permission.sign_in`.
        """
        with self._database.transaction("change a role") as connection:
            self._require_administrator(connection, by)
            changed = replace(self._known(connection, whom), role=role)
            if role is not Role.ADMINISTRATOR:
                self._require_another_administrator(connection, whom)
            self._write(connection, changed)
            self._note(connection, changed, "role", by)
        return changed

    def set_password(self, by: str, whom: str, password: str) -> Operator:
        """Gives an operator a new password; its sessions end, and so does a pause after failed sign-ins.

        Raises:
            UsageError: `usage.operator.unknown`, `usage.operator.subject`, `usage.password`.
            PermissionDeniedError: `permission.role`, `permission.sign_in`.
        """
        line = self._password_line(password)
        with self._database.transaction("change a password") as connection:
            if by != whom:
                self._require_administrator(connection, by)
            before = self._known(connection, whom)
            if before.account is not None:
                raise UsageError(
                    f"{before.name} signs in at {before.account.issuer} and has no password here",
                    hint="Remove the operator and add it anew to change how it signs in.",
                    code="usage.operator.subject",
                )
            changed = replace(before, credential_id=self._rng(16).hex(), credential_by=by)
            self._write(connection, changed, password=self._sealed_password(whom, line))
            self._note(connection, changed, "password", by)
        self._limit.clear(self._name_digest(changed.name))
        return changed

    def remove(self, by: str, whom: str) -> None:
        """Removes an operator; its pseudonym stays in the audit log and is never given again.

        Raises:
            UsageError: `usage.operator.unknown`, `usage.operator.last`.
            PermissionDeniedError: `permission.role`, `permission.sign_in`.
        """
        with self._database.transaction("remove an operator") as connection:
            self._require_administrator(connection, by)
            gone = self._known(connection, whom)
            self._require_another_administrator(connection, whom)
            connection.execute(delete(operator_entry).where(operator_entry.c.pseudonym == whom))
            self._note(connection, gone, "removed", by)

    def changes_after_in(self, connection: Connection, number: int) -> list[OperatorChange]:
        """Changes after the one of this number, in order, inside a transaction of the caller."""
        column = operator_change.c
        rows = connection.execute(select(operator_change).where(column.id > number).order_by(column.id))
        return [OperatorChange(row.id, row.at_s, row.whom, row.what, row.by) for row in rows]

    def newest_change_in(self, connection: Connection) -> int:
        """Number of the newest change, or 0, inside a transaction of the caller."""
        return connection.execute(select(func.max(operator_change.c.id))).scalar() or 0

    def _opened(self, row: Any) -> Operator:
        opened = self._sealer.open("operator_entry", "record", row.pseudonym, row.record)
        return Operator.from_bytes(row.pseudonym, opened)

    def _known(self, connection: Connection, pseudonym: str) -> Operator:
        found = self.get_in(connection, pseudonym)
        if found is None:
            raise UsageError(f"there is no operator {pseudonym} any more", code="usage.operator.unknown")
        return found

    def _require_administrator(self, connection: Connection, pseudonym: str) -> None:
        """Asked again inside the transaction: the role may have gone since the command began."""
        found = None if pseudonym == LOCAL else self.get_in(connection, pseudonym)
        if found is None:
            raise not_signed_in()
        require_role(found.role, Role.ADMINISTRATOR, "changing operators")

    def _require_another_administrator(self, connection: Connection, pseudonym: str) -> None:
        others = (each for each in self.all_in(connection) if each.pseudonym != pseudonym)
        if not any(each.role is Role.ADMINISTRATOR for each in others):
            raise UsageError(
                "that would leave this node without an administrator",
                hint="Make somebody else administrator first.",
                code="usage.operator.last",
            )

    def _require_room(self, connection: Connection, name: str, account: OidcAccount | None) -> None:
        known = self.all_in(connection)
        if len(known) >= MAX_OPERATORS:
            raise UsageError(f"a node has at most {MAX_OPERATORS} operators", code="usage.operator.limit")
        for each in known:
            if name_key(each.name) == name_key(name):
                raise UsageError(
                    f"there is an operator {each.name!r} already",
                    hint="Choose a name that tells the two apart.",
                    code="usage.operator.taken",
                )
            if each.account is not None and each.account == account:
                raise UsageError(
                    f"that account is {each.name!r} already: one person, one operator",
                    code="usage.operator.taken",
                )

    def _write(self, connection: Connection, entry: Operator, **columns: bytes) -> None:
        connection.execute(
            update(operator_entry)
            .where(operator_entry.c.pseudonym == entry.pseudonym)
            .values(record=self._sealed(entry), **columns)
        )

    def _note(self, connection: Connection, entry: Operator, what: _Change, by: str) -> None:
        now = int(self._clock())
        connection.execute(insert(operator_change).values(at_s=now, whom=entry.pseudonym, what=what, by=by))
        about = Entry("operator", "", purpose=what, note=f"{entry.pseudonym} {entry.role}")
        AuditLog(self._database, self._sealer, self._clock, by).append_in(connection, about)

    def _sealed(self, entry: Operator) -> bytes:
        return self._sealer.seal("operator_entry", "record", entry.pseudonym, entry.to_bytes())

    def _sealed_password(self, pseudonym: str, line: bytes) -> bytes:
        return self._sealer.seal("operator_entry", "password", pseudonym, line)

    def _password_line(self, password: str) -> bytes:
        return new_password_line(password, self._rng(SALT_BYTES), self._cost)

    def _name_digest(self, name: str) -> bytes:
        return self._sealer.keyed_digest("operator-name", name_key(name))

    def _account_digest(self, account: OidcAccount) -> bytes:
        return self._sealer.keyed_digest("operator-account", account_key(account))


_ADDED: Final = select(operator_change.c.whom, operator_change.c.id).where(operator_change.c.what == "added")
