"""Requests for a second pair of eyes: made, approved or denied, and used once.

Every step is one transaction with its audit entry, so that of two processes that want to use one approval
one gets it, and a crash never leaves it open again. The rules are those of `symbolon.policy.approval`.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select, update

from symbolon.audit.entry import Entry, Event
from symbolon.errors import PermissionDeniedError, UsageError
from symbolon.policy.approval import (
    APPROVAL_LIFE_S,
    ApprovalRequest,
    State,
    require_may_approve,
    require_open,
    require_words,
    subject_digest,
)
from symbolon.policy.operator_roles import FourEyesAction, Role, not_signed_in, require_role
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.storage.operator_record import Operator
from symbolon.storage.operator_schema import approval_request
from symbolon.storage.operator_store import OperatorStore
from symbolon.storage.seal import Sealer

MAX_WAITING: Final = 50
"""Open requests of one author: more than a colleague reads in a week."""

_TABLE: Final = "approval_request"


class ApprovalStore:
    """Keeps requests; arguments as for `OperatorStore`.

    Args:
        operators: who may ask and who may approve.
    """

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        clock: Callable[[], float],
        rng: Callable[[int], bytes],
        operators: OperatorStore,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock
        self._rng = rng
        self.operators = operators

    def all(self) -> list[ApprovalRequest]:
        """All requests, oldest first."""
        column = approval_request.c
        query = select(approval_request).order_by(column.requested_at_s, column.id)
        with self._database.read("list requests for approval") as connection:
            return [self._opened(row) for row in connection.execute(query)]

    def waiting(self) -> list[ApprovalRequest]:
        """Requests that still wait for a second person, oldest first."""
        now = self._clock()
        return [each for each in self.all() if each.state == "waiting" and now < each.expires_at_s]

    def get(self, request_id: str) -> ApprovalRequest:
        """One request.

        Raises:
            UsageError: `usage.approval.unknown`.
        """
        with self._database.read("look up a request for approval") as connection:
            return self._get_in(connection, request_id)

    def approve(self, request_id: str, by: str) -> ApprovalRequest:
        """Gives the second pair of eyes.

        Args:
            request_id: of the request, as read.
            by: pseudonym of the second person.

        Raises:
            UsageError: `usage.approval.unknown`.
            PermissionDeniedError: what `require_may_approve` says.
        """
        with self._database.transaction("approve a request") as connection:
            request = self._get_in(connection, request_id)
            second = self._operator(connection, by).as_second_person
            changes = self.operators.changes_after_in(connection, request.after_change)
            require_may_approve(request, second, changes, now_s=self._clock())
            return self._decide(connection, request, "approved", by, "approved")

    def deny(self, request_id: str, by: str) -> ApprovalRequest:
        """Refuses a request, or takes an approval back that was not used; the author may take its own back.

        Raises:
            UsageError: `usage.approval.unknown`.
            PermissionDeniedError: `permission.role`, `permission.four_eyes.closed`.
        """
        with self._database.transaction("deny a request") as connection:
            request = self._get_in(connection, request_id)
            person = self._operator(connection, by)
            if by != request.requested_by:
                require_role(person.role, Role.APPROVER, "denying what others asked for")
            if request.state != "approved":
                require_open(request, now_s=self._clock())
            return self._decide(connection, request, "denied", by, "declined")

    def claim(self, action: FourEyesAction, subject: bytes, words: str, author: str) -> ApprovalRequest:
        """Uses an approval of exactly this, or asks for one.

        Args:
            action: what is to be done.
            subject: bytes that say exactly to what.
            words: the same for people; of the first request, where there is one already.
            author: pseudonym of who wants to do it now.

        Returns:
            The request: `used` when it may be done now and once; `waiting` otherwise.

        Raises:
            UsageError: the words are no plain line, or too many requests wait.
            PermissionDeniedError: `permission.four_eyes.alone`, nobody else could approve;
                `permission.four_eyes.closed`, whoever approved may no longer; `permission.sign_in`.
        """
        require_words(words)
        digest, now = subject_digest(action, subject), int(self._clock())
        with self._database.transaction("ask for a second person") as connection:
            self._operator(connection, author)
            for request in self._of(connection, author, action, digest):
                if now < request.expires_at_s and request.state == "waiting":
                    return request
                if now < request.expires_at_s and request.state == "approved":
                    self._require_still_approver(connection, request)
                    return self._decide(
                        connection, request, "used", request.decided_by, "carried_out", author
                    )
            self._require_room(connection, author, now)
            request = ApprovalRequest(
                f"ap-{self._rng(4).hex()}",
                action,
                digest,
                words,
                author,
                now,
                now + APPROVAL_LIFE_S,
                self.operators.newest_change_in(connection),
            )
            self._insert(connection, request)
            return request

    def others_who_may_approve(self, author: str) -> list[Operator]:
        """Operators other than this one whose role suffices."""
        with self._database.read("look for a second person") as connection:
            return self._others(connection, author)

    def _others(self, connection: Connection, author: str) -> list[Operator]:
        everybody = self.operators.all_in(connection)
        return [each for each in everybody if each.pseudonym != author and each.role.covers(Role.APPROVER)]

    def _require_room(self, connection: Connection, author: str, now: int) -> None:
        if not self._others(connection, author):
            raise PermissionDeniedError(
                "this needs a second person, and no other operator of this node may approve it",
                hint="Add one with the role approver or administrator: `symbolon operators add`.",
                code="permission.four_eyes.alone",
            )
        column = approval_request.c
        mine = (column.requested_by == author, column.state == "waiting", column.expires_at_s > now)
        if connection.execute(select(func.count()).where(*mine)).scalar_one() >= MAX_WAITING:
            raise UsageError(
                f"{MAX_WAITING} requests of yours wait for a second person already",
                hint="`symbolon approvals deny ID` takes one back.",
                code="usage.approval.limit",
            )

    def _require_still_approver(self, connection: Connection, request: ApprovalRequest) -> None:
        second = self.operators.get_in(connection, request.decided_by)
        if second is None or not second.role.covers(Role.APPROVER):
            raise PermissionDeniedError(
                f"{request.decided_by}, who approved {request.request_id}, may no longer do so",
                hint=f"Run `symbolon approvals deny {request.request_id}` to take it back, then ask anew.",
                code="permission.four_eyes.closed",
            )

    def _operator(self, connection: Connection, pseudonym: str) -> Operator:
        found = self.operators.get_in(connection, pseudonym)
        if found is None:
            raise not_signed_in()
        return found

    def _get_in(self, connection: Connection, request_id: str) -> ApprovalRequest:
        row = connection.execute(select(approval_request).where(approval_request.c.id == request_id)).first()
        if row is None:
            raise UsageError(
                f"there is no request {request_id!r}",
                hint="`symbolon approvals list` shows them.",
                code="usage.approval.unknown",
            )
        return self._opened(row)

    def _of(
        self, connection: Connection, author: str, action: FourEyesAction, digest: bytes
    ) -> list[ApprovalRequest]:
        column = approval_request.c
        same = (column.requested_by == author, column.action == action, column.digest == digest)
        return [self._opened(row) for row in connection.execute(select(approval_request).where(*same))]

    def _insert(self, connection: Connection, request: ApprovalRequest) -> None:
        words = self._sealer.seal(_TABLE, "words", request.request_id, request.words.encode())
        connection.execute(
            insert(approval_request).values(
                id=request.request_id,
                action=request.action,
                digest=request.digest,
                words=words,
                requested_by=request.requested_by,
                requested_at_s=request.requested_at_s,
                expires_at_s=request.expires_at_s,
                after_change=request.after_change,
                state=request.state,
                decided_by="",
            )
        )
        self._note(connection, "requested", request, request.requested_by)

    def _decide(
        self,
        connection: Connection,
        request: ApprovalRequest,
        state: State,
        decided_by: str,
        event: Event,
        operator: str = "",
    ) -> ApprovalRequest:
        connection.execute(
            update(approval_request)
            .where(approval_request.c.id == request.request_id)
            .values(state=state, decided_by=decided_by)
        )
        self._note(connection, event, request, operator or decided_by)
        return replace(request, state=state, decided_by=decided_by)

    def _note(self, connection: Connection, event: Event, request: ApprovalRequest, operator: str) -> None:
        note = f"{request.request_id} sha256 {request.digest.hex()}"
        entry = Entry(event, "", purpose=request.action, note=note)
        AuditLog(self._database, self._sealer, self._clock, operator).append_in(connection, entry)

    def _opened(self, row: Any) -> ApprovalRequest:
        words = self._sealer.open(_TABLE, "words", row.id, row.words).decode()
        return ApprovalRequest(
            row.id,
            row.action,
            bytes(row.digest),
            words,
            row.requested_by,
            row.requested_at_s,
            row.expires_at_s,
            row.after_change,
            row.state,
            row.decided_by,
        )
