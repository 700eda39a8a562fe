"""Who is calling: every RPC is checked before its handler runs, and again at each of its messages.

Verification steps, for each RPC, since an open connection outlives a change of the coalition:
1. the connection is TLS with a client certificate, and of version 1.3 where gRPC tells the version;
2. the certificate was signed by a founder's authority, or by an open invitation; it holds exactly one SPIFFE
   id, of this coalition, and is valid now;
3. a member is in good standing in the metadata in force, with this very certificate; an invited caller calls
   only what `INVITED_METHODS` names.
Step 3 is repeated at each message of a stream: who is expelled meanwhile gets no further.

A method that is not served is no exception: who may not call hears that, and not that there is none.

A member whose records have lapsed is let into `LAPSED_METHODS` alone, by which it mends them.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError

from symbolon.errors import MembershipError, RemoteProtocolError, SymbolonError
from symbolon.membership.certificates import PeerIdentity, load_authorities, peer_identity
from symbolon.membership.coalition_directory import CoalitionDirectory
from symbolon.membership.invitation_identity import InvitedIdentity, caller_identity
from symbolon.membership.member_record import MemberRecord
from symbolon.rpc.status import CODE_KEY, public_message, refused_code, to_status

log = logging.getLogger(__name__)

caller: Final[ContextVar[MemberRecord]] = ContextVar("caller")
"""The member behind the RPC being handled."""

invited: Final[ContextVar[InvitedIdentity]] = ContextVar("invited")
"""Who answers an invitation by the RPC being handled; not set where a member calls."""

_MEMBERSHIP: Final = "/symbolon.api.membership.v1.MembershipService"
INVITED_METHODS: Final = frozenset({f"{_MEMBERSHIP}/GetMetadata", f"{_MEMBERSHIP}/Join"})
LAPSED_METHODS: Final = frozenset(
    f"{_MEMBERSHIP}/{name}" for name in ("GetMetadata", "Submit", "Renew", "Propose", "Announce")
)
_JOIN: Final = f"{_MEMBERSHIP}/Join"
_LAPSED: Final = "membership.lapsed."

_TLS_VERSION_KEYS: Final = ("ssl_tls_version", "tls_version", "ssl_protocol_version")

UNDER_WAY_S: Final = 1.0
"""How long a message that is being written may go on when its call is to end: one whose reader stalls never
comes to its end."""

Auth = dict[str, Any]
"""What gRPC tells of a connection."""


class Callers:
    """Judges callers by the state in force; see the module's docstring.

    Args:
        directory: who is a member now.
        coalition: this node's.
        now: the current time, aware.
        invitations: the certificates of the open invitations, PEM; none where nobody is invited.
    """

    def __init__(
        self,
        directory: CoalitionDirectory,
        coalition: str,
        now: Callable[[], datetime],
        invitations: Callable[[], bytes] = bytes,
    ) -> None:
        self._directory = directory
        self._coalition = coalition
        self._now = now
        self._invitations = invitations

    def identify(self, auth: Auth, method: str) -> MemberRecord | InvitedIdentity:
        """Runs all steps.

        Raises:
            MembershipError: which step failed.
        """
        certificates = [bytes(each) for each in auth.get("x509_pem_cert", ())]
        if len(certificates) != 1:
            raise MembershipError("the caller presented no certificate", code="membership.certificate")
        for key in _TLS_VERSION_KEYS:
            for version in auth.get(key, ()):
                if b"1.3" not in bytes(version):
                    raise MembershipError("the connection is not TLS 1.3", code="membership.tls_version")
        open_invitations = self._invitations()
        identity = caller_identity(
            certificates[0],
            self._coalition,
            load_authorities(self._directory.authorities()),
            load_authorities(open_invitations) if open_invitations else (),
            now=self._now(),
        )
        if isinstance(identity, PeerIdentity):
            member = self.judge(identity, method)
            if method == _JOIN:
                raise MembershipError(
                    f"{identity.member_id} is a member already", code="membership.duplicate"
                )
            return member
        if method not in INVITED_METHODS:
            raise MembershipError(
                f"{identity.member_id} is invited and no member yet", code="membership.invitation.only"
            )
        return identity

    def identity(self, auth: Auth) -> PeerIdentity:
        """Whom the certificate of a caller names that `identify` took for a member."""
        return peer_identity(bytes(auth["x509_pem_cert"][0]), self._coalition)

    def judge(self, identity: PeerIdentity, method: str) -> MemberRecord:
        """Runs the last step again for a caller that was identified before.

        Raises:
            MembershipError: it is not in good standing any more.
        """
        try:
            return self._directory.require(identity.member_id, identity.fingerprint, self._now())
        except MembershipError as error:
            if method not in LAPSED_METHODS or not error.full_code.startswith(_LAPSED):
                raise
            return self._directory.require_listed(identity.member_id, identity.fingerprint, self._now())


class MemberInterceptor(grpc.aio.ServerInterceptor):
    """Puts `Callers.identify` before every handler, and `Callers.judge` before every message of a stream.

    Args:
        callers: who may call.
        note: told the code of every refusal, for the log.
    """

    def __init__(self, callers: Callers, note: Callable[[str], None]) -> None:
        self._callers = callers
        self._note = note

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """See `grpc.aio.ServerInterceptor`."""
        handler = await continuation(handler_call_details)
        method = str(handler_call_details.method)
        if handler is None:
            # What a node does not serve is told to its members alone, as everything else; and no exception
            # for guests or the lapsed speaks of a method that is not there.
            unserved: grpc.RpcMethodHandler = grpc.stream_stream_rpc_method_handler(
                self._guard_stream(_unserved, "")
            )
            return unserved
        for kind in ("unary_unary", "unary_stream", "stream_unary", "stream_stream"):
            behaviour = getattr(handler, kind)
            if behaviour is not None:
                guarded = self._guard_stream if kind.endswith("stream") else self._guard_unary
                make = getattr(grpc, f"{kind}_rpc_method_handler")
                read = handler.request_deserializer
                if kind.startswith("unary") and read is not None:
                    read = _reading(read)
                made: grpc.RpcMethodHandler = make(
                    guarded(behaviour, method), read, handler.response_serializer
                )
                return made
        return handler

    def _guard_unary(self, behaviour: Callable[..., Any], method: str) -> Callable[..., Any]:
        async def guarded(request: Any, context: grpc.aio.ServicerContext) -> Any:
            guard = await self._enter(context, method, request)
            try:
                answer = behaviour(guard.requests(request), guard)
                return await answer if asyncio.iscoroutine(answer) else answer
            except grpc.aio.BaseError:
                raise
            except Exception as error:  # noqa: BLE001 - gRPC would tell the caller its words
                await _refuse(context, error)

        return guarded

    def _guard_stream(self, behaviour: Callable[..., Any], method: str) -> Callable[..., Any]:
        async def guarded(request: Any, context: grpc.aio.ServicerContext) -> AsyncIterator[Any]:
            guard = await self._enter(context, method, request)
            try:
                answers = behaviour(guard.requests(request), guard)
                if asyncio.iscoroutine(answers):
                    await answers
                    return
                async for answer in answers:
                    guard.check()
                    yield answer
            except grpc.aio.BaseError:
                raise
            except Exception as error:  # noqa: BLE001 - gRPC would tell the caller its words
                await _refuse(context, error)

        return guarded

    async def _enter(self, context: grpc.aio.ServicerContext, method: str, request: object) -> "_Guard":
        try:
            who = await asyncio.to_thread(self._callers.identify, dict(context.auth_context()), method)
        except Exception as error:
            if isinstance(error, SymbolonError):
                self._note(error.full_code)
            await _refuse(context, error)
            raise  # _refuse() raises; this line tells the type checker.
        if request is None:
            no_message = _no_message()
            self._note(no_message.full_code)
            await _refuse(context, no_message)
        if isinstance(who, InvitedIdentity):
            invited.set(who)
            return _Guard(context, lambda: None, self._note)
        caller.set(who)
        identity = self._callers.identity(dict(context.auth_context()))
        return _Guard(context, lambda: self._callers.judge(identity, method), self._note)


def _reading(read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Reads the one request of a call; gives None for bytes that are none.

    gRPC reads it before any handler runs, and would tell whoever sent it what went wrong.
    """

    def reading(data: bytes) -> Any:
        try:
            return read(data)
        except Exception:  # noqa: BLE001 - whatever a reader raises, the bytes are the caller's fault
            return None

    return reading


def _no_message() -> RemoteProtocolError:
    return RemoteProtocolError("what came is no message", code="protocol.malformed")


class _Guard:
    """A call's context that looks at the caller's standing before each message, either way.

    In a stream too, bytes that are no message are the caller's fault and no defect here.
    What it raises passes through the handler, which ends its work by it as by any other error.
    """

    def __init__(
        self, context: grpc.aio.ServicerContext, judge: Callable[[], object], note: Callable[[str], None]
    ) -> None:
        self._context = context
        self._judge = judge
        self._note = note

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def check(self) -> None:
        """Raises `MembershipError` if the caller is no member in good standing any more."""
        try:
            # A look at one link while nothing changed: not worth a thread.
            self._judge()
        except SymbolonError as error:
            self._note(error.full_code)
            raise

    async def write(self, message: Any) -> None:
        """See `grpc.aio.ServicerContext`; a handler that is cancelled meanwhile waits a moment for it.

        gRPC takes no status while a message is under way: the caller would wait in vain for the end.
        """
        self.check()
        writing = asyncio.ensure_future(self._context.write(message))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait({writing}, timeout=UNDER_WAY_S)
            writing.cancel()
            raise

    def requests(self, request: Any) -> Any:
        """The request, or the stream of them."""
        return self._checked(request) if hasattr(request, "__aiter__") else request

    async def _checked(self, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        try:
            async for request in requests:
                self.check()
                yield request
        except DecodeError:
            no_message = _no_message()
            self._note(no_message.full_code)
            raise no_message from None


async def _unserved(_: object, context: grpc.aio.ServicerContext) -> None:
    """What a member hears of a method that there is not, in gRPC's own words."""
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")


async def _refuse(context: grpc.aio.ServicerContext, error: Exception) -> None:
    """Ends a call; nothing unexpected leaves the node as more than INTERNAL."""
    if not isinstance(error, SymbolonError):
        log.error("unexpected %s", type(error).__name__, exc_info=error)
    context.set_trailing_metadata(((CODE_KEY, refused_code(error)),))
    await context.abort(to_status(error), public_message(error))
