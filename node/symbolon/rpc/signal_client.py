"""Asking and telling publishers about signals that this member received: the calling side of `SignalService`.

Handles: watching for news; asking how many signals there are to count; asking for a narrative, checking who
signed it and keeping it; passing on what a supplier says; corroborating and taking that back. All but
watching and counting are done because a person wants it, never by themselves: each tells the publisher that
this member has the supplier. So an entry of the log comes before each call. Refuses: a narrative that its
publisher did not sign; to ask what this node's own policies forbid; to corroborate a signal by one about
another supplier, or one that was copied.
Specification: docs/PROTOCOL.md, Signal service.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final

import grpc
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from symbolon.api.signal.v1 import signal_pb2 as pb
from symbolon.api.signal.v1 import signal_pb2_grpc as stubs
from symbolon.audit.entry import Entry
from symbolon.errors import (
    MembershipError,
    PermissionDeniedError,
    RemoteProtocolError,
    SignalError,
    UnavailableError,
)
from symbolon.exchange.messages import SIGNAL
from symbolon.policy.permission import ExchangeRequest
from symbolon.rpc.membership_codec import understood
from symbolon.rpc.node import Node
from symbolon.rpc.reach import reached
from symbolon.rpc.signal_codec import (
    About,
    Narrative,
    decode_count,
    decode_narrative,
    decode_standing,
    encode_contest,
    encode_get_narrative,
    narrative_message,
)
from symbolon.rpc.status import from_status
from symbolon.signals.vocabulary import State
from symbolon.storage.received_signal_view import ReceivedView
from symbolon.storage.signal_columns import StoredSignal
from symbolon.storage.signal_response_columns import Relayed
from symbolon.storage.signal_response_store import Standing
from symbolon.suppliers.match_keys import match_keys
from symbolon.suppliers.tier import Tier

CALL_S: Final = 20.0
"""How long one call may take; each is one small message."""

SILENCE_S: Final = 75.0
"""After as long without a message a stream is taken for lost: two heartbeats may be."""


async def watch_news(channel: grpc.aio.Channel, peer: str, purpose: str) -> AsyncGenerator[int, None]:
    """Yields a publisher's number of news: at once, whenever it is another one, and now and then the same.

    Whoever watches looks signals up when it begins, and whenever the number is another one.

    Args:
        channel: to the publisher.
        peer: the publisher.
        purpose: for which this member may look up there.

    Raises:
        PermissionDeniedError: the publisher does not permit to look up for this purpose, or no longer.
        MembershipError: it refused this member.
        UnavailableError: the stream ended; watching again is right.
    """
    call = stubs.SignalServiceStub(channel).Watch(pb.WatchRequest(purpose=purpose))
    try:
        while True:
            async with asyncio.timeout(SILENCE_S):
                response: Any = await call.read()
            if response is grpc.aio.EOF:
                raise UnavailableError(f"{peer} ended the stream")
            yield understood(response).news
    except TimeoutError:
        raise UnavailableError(f"{peer} said nothing for {SILENCE_S:g} s") from None
    except grpc.aio.AioRpcError as error:
        raise _failed(peer, error) from error
    finally:
        call.cancel()


async def ask_count(node: Node, peer: str, purpose: str) -> int:
    """Asks a publisher how many signals it lets this member count, whoever they are about.

    Args:
        node: this node.
        peer: the publisher.
        purpose: for which this member may look up there.

    Returns:
        0 stands for fewer than `signal_codec.LEAST_COUNT`.

    Raises:
        PermissionDeniedError: the publisher does not permit to look up for this purpose.
        RemoteProtocolError: it answered with no such number.
        MembershipError, UnavailableError: it cannot be asked.
    """
    entry = Entry("counted", peer, purpose=purpose, note="asked")
    await asyncio.to_thread(node.audit.append, entry)
    try:
        count = decode_count(await _call(node, peer, "Count", pb.CountRequest(purpose=purpose)))
    except PermissionDeniedError as error:
        raise PermissionDeniedError(
            f"{peer} does not permit this member to look signals up for {purpose}, nor to count them",
            hint=f"The operator of {peer} permits it by a table [[allow]] with signals = true, or a policy.",
            code=error.full_code,
        ) from error
    told = Entry("counted", peer, purpose=purpose, counts={"signals": count}, note="told")
    await asyncio.to_thread(node.audit.append, told)
    return count


async def ask_narrative(node: Node, view: ReceivedView) -> str:
    """Asks for the narrative of a signal, which tells its publisher that this member has the supplier.

    Args:
        node: this node.
        view: the signal as it stands here.

    Returns:
        The narrative; it is kept by then.

    Raises:
        SignalError: the label says that there is none; the signal is about no own supplier; `signal.order`,
            another revision came meanwhile.
        PermissionDeniedError: this node's own policies forbid to ask, or the publisher gives it not.
        RemoteProtocolError: `protocol.narrative`, its publisher did not sign it.
        MembershipError, UnavailableError: the publisher cannot be asked.
    """
    if not view.signal.has_narrative:
        raise SignalError("the signal shows no narrative to ask for", code="signal.value")
    about, revision = _about(view), view.signal.revision
    await asyncio.to_thread(_note_asking, node, view)
    request = encode_get_narrative(about, revision)
    answer = await _call(node, view.peer, "GetNarrative", request)
    narrative = decode_narrative(answer, revision)
    _verify(node, view, narrative)

    def keep() -> None:
        with node.database.transaction("keep a narrative") as connection:
            node.received.save_narrative(
                connection, view.peer, view.purpose, about.signal_id, revision, narrative.text
            )

    await asyncio.to_thread(keep)
    return narrative.text


async def relay(node: Node, view: ReceivedView, relayed: Relayed) -> Standing:
    """Passes on what the supplier says about a signal.

    Args:
        node: this node.
        view: the signal as it stands here.
        relayed: within its limits, screened.

    Returns:
        How it stands with the text at the publisher.

    Raises:
        PermissionDeniedError: the publisher refused; `permission.waiting`, another text waits there.
        MembershipError, UnavailableError: the publisher cannot be told.
    """
    about = _about(view)
    entry = Entry(
        "contested", view.peer, view.signal.hex_id, relayed.kind.value, view.purpose, note="relayed"
    )
    await asyncio.to_thread(node.audit.append, entry)
    return decode_standing(await _call(node, view.peer, "Contest", encode_contest(about, relayed)))


async def corroborate(node: Node, view: ReceivedView, own: StoredSignal) -> None:
    """Tells the publisher that this member knows the same from elsewhere.

    Args:
        node: this node.
        view: the signal as it stands here.
        own: a signal of this member about the same supplier.

    Raises:
        SignalError: `signal.own`, it is not about the same supplier, or stands no more; `signal.copied`;
            `signal.echo`, one of the two is delegated.
        PermissionDeniedError: the publisher refused.
        MembershipError, UnavailableError: the publisher cannot be told.
    """
    require_own(node, view, own)
    entry = Entry("corroborated", view.peer, view.signal.hex_id, purpose=view.purpose, note="told")
    await asyncio.to_thread(node.audit.append, entry)
    about = _about(view)
    request = pb.CorroborateRequest(signal_id=about.signal_id, purpose=about.purpose)
    await _call(node, view.peer, "Corroborate", request)


async def withdraw_corroboration(node: Node, peer: str, about: About) -> None:
    """Takes back that this member knows the same, also of a signal that is no longer here.

    Raises:
        PermissionDeniedError: the publisher refused.
        MembershipError, UnavailableError: the publisher cannot be told.
    """
    entry = Entry("corroborated", peer, about.signal_id.hex(), purpose=about.purpose, note="taken back")
    await asyncio.to_thread(node.audit.append, entry)
    request = pb.WithdrawRequest(signal_id=about.signal_id, purpose=about.purpose)
    await _call(node, peer, "Withdraw", request)


def require_own(node: Node, view: ReceivedView, own: StoredSignal) -> None:
    """Checks that a received signal can be corroborated by one of this member.

    The two share a match key of tier A or B of one own supplier that the received one is about. Neither is
    one that another member publishes for this one, nor that this one publishes for another: by its own word
    about such a signal a contributor would be counted twice, or become known.

    Raises:
        SignalError: `signal.own`, `signal.copied`, or `signal.echo`.
    """
    if view.also_under:
        raise SignalError(
            f"{', '.join(view.also_under)} used the same id: one copied it, and a copy is no second voice",
            hint="Ask the publishers which of them said it first.",
            code="signal.copied",
        )
    _require_no_echo(node, view, own)
    if own.signal.state is not State.ACTIVE or own.signal.is_expired(node.now.date()):
        raise SignalError("the own signal does not stand any more", code="signal.own")
    numbers = {each.link.supplier_no for each in view.links if each.decision != "rejected"}
    theirs = {
        each.encoded
        for record in node.suppliers.get_many(sorted(numbers)).values()
        for each in match_keys(record)
        if each.tier is not Tier.C
    }
    if not any(each.encoded in theirs for each in match_keys(own.signal.subject.record)):
        raise SignalError(
            "the own signal is about another supplier than the received one",
            hint="Name one about the same site or organisation: `symbolon signals list`.",
            code="signal.own",
        )


def _require_no_echo(node: Node, view: ReceivedView, own: StoredSignal) -> None:
    if node.delegations.own_of(view.peer, view.signal.signal_id) is not None:
        raise SignalError(
            f"{view.peer} publishes that signal for this member: it is no second voice",
            hint="`symbolon signals delegated` shows what others publish for this member.",
            code="signal.echo",
        )
    if node.delegations.find(own.number) is not None:
        raise SignalError(
            "another member publishes the own signal: to corroborate by it would tell whose it is",
            hint="Name a signal that this member publishes itself.",
            code="signal.echo",
        )
    if node.entrusted.contributor(own.number):
        raise SignalError(
            "this member publishes the signal for another one, whose voice it is",
            hint="Name a signal that this member knows of by itself.",
            code="signal.echo",
        )


def _note_asking(node: Node, view: ReceivedView) -> None:
    """Asks this node's own policies, and writes down that the publisher is asked."""
    tiers = tuple(sorted({each.link.tier.value for each in view.links if each.decision != "rejected"}))
    if not tiers:
        raise SignalError(
            "the signal is about no supplier of this member any more",
            hint="Its narrative is no business of this member's.",
            code="signal.value",
        )
    suite = node.config.exchange.suite
    asked = ExchangeRequest("ask", view.peer, SIGNAL, "lookup", view.purpose, tiers, suite)
    grant = node.permission.require(asked)
    counts = {"revision": view.signal.revision}
    about = view.peer, view.signal.hex_id, "lookup", view.purpose, counts
    node.audit.append(Entry("interested", *about, decision=grant.decision))


def _about(view: ReceivedView) -> About:
    return About(view.signal.signal_id, view.purpose)


def _verify(node: Node, view: ReceivedView, narrative: Narrative) -> None:
    member = node.directory.current().find(view.peer)
    if member is None:
        raise MembershipError(f"{view.peer} is not a member", code="membership.unknown")
    message = narrative_message(
        node.config.node.coalition,
        view.peer,
        view.signal.signal_id,
        narrative.revision,
        narrative.text,
    )
    try:
        Ed25519PublicKey.from_public_bytes(member.signing_key).verify(narrative.signature, message)
    except InvalidSignature:
        raise RemoteProtocolError(
            f"{view.peer} answered with a narrative that it did not sign",
            hint=f"Nothing of it was kept. Ask the operator of {view.peer} what its node answers.",
            code="protocol.narrative",
        ) from None


async def _call(node: Node, peer: str, method: str, request: Any) -> Any:
    async with reached(node, peer) as channel:
        calling: Callable[..., Any] = getattr(stubs.SignalServiceStub(channel), method)
        try:
            return understood(await calling(request, timeout=CALL_S))
        except grpc.aio.AioRpcError as error:
            raise _failed(peer, error) from error


def _failed(peer: str, error: grpc.aio.AioRpcError) -> Exception:
    if error.code() is grpc.StatusCode.UNIMPLEMENTED:
        return UnavailableError(
            f"{peer} runs a version of symbolon that knows no questions about signals",
            hint="Ask its operator to install a newer one.",
        )
    failed = from_status(peer, error)
    if isinstance(failed, PermissionDeniedError):
        hint = (
            f"It does not say why. The signal may have been revised, recalled or withheld since: "
            f"`symbolon signals lookup {peer}`, then try again."
        )
        if failed.full_code == "permission.waiting":
            hint = f"Another text about it waits there, or too many do: ask the operator of {peer}."
        return PermissionDeniedError(failed.detail, hint=hint, code=failed.full_code)
    return failed
