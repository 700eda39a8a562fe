"""A relay between an asker and a server that keeps every byte: what an eavesdropper on the wire has."""

import contextlib
import socket
import threading
from collections.abc import Iterator


class Forwarder:
    """What was said, by direction, over all connections."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listener]
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.to_server: list[bytearray] = []
        self.to_client: list[bytearray] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                self._sockets += [client, server]
                for kept, source, sink in (
                    (self.to_server, client, server),
                    (self.to_client, server, client),
                ):
                    kept.append(bytearray())
                    threading.Thread(target=_pump, args=(source, sink, kept[-1]), daemon=True).start()

    @property
    def everything(self) -> bytes:
        """All bytes of both directions."""
        return b"".join((*self.to_server, *self.to_client))

    def close(self) -> None:
        """Ends every connection."""
        for each in self._sockets:
            each.close()


def _pump(source: socket.socket, sink: socket.socket, kept: bytearray) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            kept += data
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def forwarder(target: str) -> Iterator[Forwarder]:
    """Listens on a free port of loopback and passes everything on to `target`."""
    relay = Forwarder(target)
    try:
        yield relay
    finally:
        relay.close()


def server_hello(stream: bytes) -> dict[int, bytes]:
    """The extensions of the (unencrypted) last ServerHello that begins a server's TLS stream.

    Source: RFC 8446, sections 4.1.3 and 5.1.
    """
    found: dict[int, bytes] = {}
    at = 0
    while stream[at : at + 1] == b"\x16":
        length = int.from_bytes(stream[at + 3 : at + 5])
        record = stream[at + 5 : at + 5 + length]
        if record[:1] == b"\x02":
            body = record[4:]
            place = 2 + 32 + 1 + body[34] + 2 + 1
            end = place + 2 + int.from_bytes(body[place : place + 2])
            place += 2
            found = {}
            while place < end:
                kind, size = (
                    int.from_bytes(body[place : place + 2]),
                    int.from_bytes(body[place + 2 : place + 4]),
                )
                found[kind] = body[place + 4 : place + 4 + size]
                place += 4 + size
        at += 5 + length
    return found
