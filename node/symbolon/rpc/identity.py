"""Who is calling: every RPC, whatever its kind, is checked before its handler runs.

Verification steps, for each RPC, since an open connection outlives a change of the member list:
1. the connection is TLS with a client certificate, and of version 1.3 where gRPC tells the version;
2. the certificate holds exactly one SPIFFE id, of this coalition, and is valid now;
3. the member is in the current member list, and with this very certificate.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final

import grpc

from symbolon.errors import MembershipError, SymbolonError
from symbolon.membership.certificates import peer_identity
from symbolon.membership.directory import MemberDirectory
from symbolon.membership.member import Member
from symbolon.rpc.status import CODE_KEY, public_code, public_message, to_status

caller: Final[ContextVar[Member]] = ContextVar("caller")
"""The member behind the RPC being handled."""

_TLS_VERSION_KEYS: Final = ("ssl_tls_version", "tls_version", "ssl_protocol_version")


def verify_caller(auth: dict[str, Any], directory: MemberDirectory, coalition: str, now: datetime) -> Member:
    """Runs the steps of the module's docstring.

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
    identity = peer_identity(certificates[0], coalition, now=now)
    return directory.require(identity.member_id, identity.fingerprint, now)


class MemberInterceptor(grpc.aio.ServerInterceptor):
    """Puts `verify_caller` before every handler.

    Args:
        directory: the member list in force.
        coalition: this node's.
        now: the current time.
        note: told the code of every refusal, for the log.
    """

    def __init__(
        self,
        directory: MemberDirectory,
        coalition: str,
        now: Callable[[], datetime],
        note: Callable[[str], None],
    ) -> None:
        self._directory = directory
        self._coalition = coalition
        self._now = now
        self._note = note

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """See `grpc.aio.ServerInterceptor`."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return handler
        for kind in ("unary_unary", "unary_stream", "stream_unary", "stream_stream"):
            behaviour = getattr(handler, kind)
            if behaviour is not None:
                guarded = self._guard_stream if kind.endswith("stream") else self._guard_unary
                make = getattr(grpc, f"{kind}_rpc_method_handler")
                made: grpc.RpcMethodHandler = make(
                    guarded(behaviour), handler.request_deserializer, handler.response_serializer
                )
                return made
        return handler

    def _guard_unary(self, behaviour: Callable[..., Any]) -> Callable[..., Any]:
        async def guarded(request: Any, context: grpc.aio.ServicerContext) -> Any:
            await self._check(context)
            answer = behaviour(request, context)
            return await answer if asyncio.iscoroutine(answer) else answer

        return guarded

    def _guard_stream(self, behaviour: Callable[..., Any]) -> Callable[..., Any]:
        async def guarded(request: Any, context: grpc.aio.ServicerContext) -> AsyncIterator[Any]:
            await self._check(context)
            answers = behaviour(request, context)
            if asyncio.iscoroutine(answers):
                await answers
                return
            async for answer in answers:
                yield answer

        return guarded

    async def _check(self, context: grpc.aio.ServicerContext) -> None:
        try:
            auth = context.auth_context()
            member = await asyncio.to_thread(
                verify_caller, auth, self._directory, self._coalition, self._now()
            )
        except SymbolonError as error:
            self._note(error.full_code)
            context.set_trailing_metadata(((CODE_KEY, public_code(error)),))
            await context.abort(to_status(error), public_message(error))
            raise  # abort() raises; this line tells the type checker.
        caller.set(member)
