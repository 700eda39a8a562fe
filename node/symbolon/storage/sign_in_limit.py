"""How often a sign-in may fail.

An attempt counts as failed from its first moment, in the database, so that neither a process that is killed
in the middle nor several at once gain a guess. Names that nobody has are counted like those of operators:
what is refused tells nobody who exists.
"""

from collections.abc import Callable
from typing import Final

from sqlalchemy import delete, insert, select

from symbolon.errors import PermissionDeniedError
from symbolon.storage.database import Database
from symbolon.storage.operator_schema import sign_in_failure

FREE_ATTEMPTS: Final = 5
"""Failures before the first pause: people mistype."""
FIRST_PAUSE_S: Final = 30
"""The pause after that many; each further failure doubles it."""
LONGEST_PAUSE_S: Final = 3600
"""24 guesses a day for ever find no password of the least length; longer would lock out its owner."""
FORGOTTEN_AFTER_S: Final = 86400
"""Failures older than this count no more, and their rows go, which bounds the table."""


def pause_s(failures: int) -> int:
    """Seconds during which no attempt is made after so many failures in a row."""
    if failures < FREE_ATTEMPTS:
        return 0
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S << min(failures - FREE_ATTEMPTS, 16))


class SignInLimit:
    """Counts attempts.

    Args:
        database: the node's.
        clock: seconds since 1970-01-01 UTC.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def begin(self, name_digest: bytes) -> None:
        """Counts an attempt as failed before it is made.

        Args:
            name_digest: 16 bytes that stand for the name tried.

        Raises:
            PermissionDeniedError: `permission.sign_in.blocked`, there were too many; this one is not made.
        """
        now = int(self._clock())
        table = sign_in_failure.c
        with self._database.transaction("count a sign-in") as connection:
            old = (table.last_at_s < now - FORGOTTEN_AFTER_S) & (table.blocked_until_s <= now)
            connection.execute(delete(sign_in_failure).where(old))
            here = table.name_digest == name_digest
            row = connection.execute(select(sign_in_failure).where(here)).first()
            if row is not None and now < row.blocked_until_s:
                raise PermissionDeniedError(
                    f"too many sign-ins under this name failed; the next is in {row.blocked_until_s - now} s",
                    hint="Wait, or have an administrator set a new password, which ends the pause.",
                    code="permission.sign_in.blocked",
                )
            failures = 1 if row is None else row.failures + 1
            connection.execute(delete(sign_in_failure).where(here))
            connection.execute(
                insert(sign_in_failure).values(
                    name_digest=name_digest,
                    failures=failures,
                    last_at_s=now,
                    blocked_until_s=now + pause_s(failures),
                )
            )

    def clear(self, name_digest: bytes) -> None:
        """Forgets the failures under a name: the attempt was good, or the password is a new one."""
        with self._database.transaction("forget failed sign-ins") as connection:
            connection.execute(delete(sign_in_failure).where(sign_in_failure.c.name_digest == name_digest))
