"""A member that does not keep to the protocol: a client and a server that say what a test tells them.

Both stand in a real TLS connection with a certificate of the coalition; above it they have no manners.
"""

import contextlib
import os
import queue
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from symbolon.api.exchange.v1 import exchange_pb2 as pb
from symbolon.api.exchange.v1 import exchange_pb2_grpc as stubs
from symbolon.cli.local_coalition import COALITION, PURPOSE
from symbolon.membership.certificates import tls_target_name
from symbolon.oprf.suite import DEFAULT_SUITE, get_suite
from symbolon.rpc.status import CODE_KEY

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list
from raw_receipts import Signer, give_signer, member_of, signer_of
from real_nodes import ALPHA, MALLORY, Nodes

SERVICE = pb.DESCRIPTOR.services_by_name["ExchangeService"].full_name
_WAIT_S = 30.0


@contextlib.contextmanager
def channel_to(
    nodes: Nodes,
    member: str,
    credentials: tuple[bytes | None, bytes | None] | None = None,
) -> Iterator[grpc.Channel]:
    """A channel to a served member; by default with the certificate of `MALLORY`.

    Args:
        credentials: private key and certificate, PEM; (None, None) for a caller without a certificate.
    """
    key, certificate = credentials or nodes.credentials(MALLORY)
    options = (
        ("grpc.ssl_target_name_override", tls_target_name(member, COALITION)),
        ("grpc.max_send_message_length", 64 << 20),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_retries", 0),
    )
    tls = grpc.ssl_channel_credentials(nodes.authorities, key, certificate)
    with grpc.secure_channel(nodes.endpoint(member), tls, options) as channel:
        if certificate is not None:
            own = member_of(certificate, COALITION)
            if own:
                give_signer(channel, Signer(nodes.home(own), COALITION, own, member))
        yield channel


class RawAsk:
    """One call of Ask, spoken by hand. A context manager: the call is cancelled at its end."""

    def __init__(self, channel: grpc.Channel, timeout_s: float = _WAIT_S) -> None:
        self._said: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._signer = signer_of(channel)
        self.call = stubs.ExchangeServiceStub(channel).Ask(iter(self._said.get, None), timeout=timeout_s)

    def __enter__(self) -> "RawAsk":
        return self

    def __exit__(self, *_: object) -> None:
        self._said.put(None)
        self.call.cancel()

    def say(self, **body: Any) -> None:
        """Sends one receiver message: `hello=…`, `elements=…`, `finish=…`; nothing for an empty one.

        A hello is signed where the channel has a signer.
        """
        if self._signer is not None and "hello" in body:
            body["hello"] = self._signer.hello(body["hello"])
        self._said.put(pb.AskRequest(message=pb.ReceiverMessage(**body)))

    def done_speaking(self) -> None:
        """Closes this side of the call."""
        self._said.put(None)

    def hear(self) -> Any:
        """The next message, with `WhichOneof("body")`."""
        return next(self.call).message

    def hear_until(self, kind: str) -> Any:
        """Reads on to the first message of a kind."""
        while True:
            message = self.hear()
            if message.WhichOneof("body") == kind:
                return getattr(message, kind)

    def refusal(self) -> tuple[str, str]:
        """Reads to the end: the status, and the stable code in the trailing metadata ('' without)."""
        try:
            for _ in self.call:
                pass
        except grpc.RpcError:
            pass
        code = dict(self.call.trailing_metadata() or ()).get(CODE_KEY, "")
        return self.call.code().name, str(code)


def hello(
    elements: int = 64,
    *,
    tiers: str = "A",
    purpose: str = PURPOSE,
    mode: str = "intersection",
    **other: Any,
) -> pb.Hello:
    """A well-formed hello; every field may be given another value."""
    fields = {
        "session_id": os.urandom(16),
        "suite": DEFAULT_SUITE,
        "coalition": COALITION,
        "area": "match",
        "mode": mode,
        "purpose": purpose,
        "tiers": [pb.TierAsk(tier=tier, elements=elements) for tier in tiers],
    }
    return pb.Hello(**{**fields, **other})


def elements(count: int = 64, offset: int = 0, tier: str = "A", data: bytes | None = None) -> pb.Elements:
    """A chunk of good elements, or of the data given."""
    good = get_suite(DEFAULT_SUITE, "openssl").padding(count, os.urandom) if data is None else data
    return pb.Elements(tier=tier, offset=offset, data=good)


Answer = Callable[[Iterator[pb.AskRequest]], Iterator[pb.SenderMessage | bytes]]


_serving: list[Signer] = []
"""Who signs what the rogue server says."""


def fair_answer(requests: Iterator[pb.AskRequest]) -> Iterator[pb.SenderMessage]:
    """What an honest sender says to `ALPHA`, with a set of dummies."""
    suite = get_suite(DEFAULT_SUITE, "openssl")
    key = os.urandom(32)
    hello = next(requests).message.hello
    asked = hello.tiers
    offers = [
        pb.TierOffer(tier=ask.tier, tag_bytes=12, deltas=[pb.DeltaHeader(number=1, entries=64)])
        for ask in asked
    ]
    yield pb.SenderMessage(accept=pb.Accept(epoch=1, tiers=offers))
    left = sum(ask.elements for ask in asked)
    while left:
        some = next(requests).message.elements
        left -= len(some.data) // 32
        data = suite.blind_evaluate(key, some.data)
        yield pb.SenderMessage(evaluated=pb.Evaluated(tier=some.tier, offset=some.offset, data=data))
    for ask in asked:
        data = b"".join(sorted(os.urandom(18) for _ in range(64)))
        yield pb.SenderMessage(entries=pb.Entries(tier=ask.tier, delta=1, offset=0, data=data))
    finish = _serving[-1].finish(hello, {ask.tier: 64 for ask in asked})
    yield pb.SenderMessage(finish=finish)
    # The receipt.
    next(requests, None)


@contextlib.contextmanager
def rogue_server(
    nodes: Nodes, member: str, answer: Answer, credentials: tuple[bytes, bytes] | None = None
) -> Iterator[str]:
    """Serves Ask as a member of the coalition; bytes that `answer` gives go out as they are."""

    def ask(requests: Iterator[Any], _: Any) -> Iterator[bytes]:
        for each in answer(requests):
            yield each if isinstance(each, bytes) else pb.AskResponse(message=each).SerializeToString()

    handler = grpc.stream_stream_rpc_method_handler(ask, pb.AskRequest.FromString, lambda said: said)
    with ThreadPoolExecutor(4) as pool:
        server = grpc.server(pool, options=(("grpc.so_reuseport", 0),))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Ask": handler}),))
        key_and_chain = credentials or nodes.credentials(member)
        tls = grpc.ssl_server_credentials([key_and_chain], nodes.authorities, True)
        address = f"127.0.0.1:{server.add_secure_port('127.0.0.1:0', tls)}"
        server.start()
        nodes.move(member, address)
        _serving.append(Signer(nodes.home(member), COALITION, member, ALPHA))
        try:
            yield address
        finally:
            _serving.pop()
            server.stop(0).wait()
