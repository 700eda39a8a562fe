"""Reading the start of a handshake: what an honest end says is understood, all else is "unknown"."""

import os
import socket
import ssl
import threading
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolon.rpc.diagnosis_tls import X25519MLKEM768, group_name, group_wanted, groups_offered

Answer = TypeVar("Answer")


def talk(ask: Callable[[socket.socket], Answer], answer: Callable[[socket.socket], None]) -> Answer:
    """Runs `ask` against `answer` over a pair of sockets."""
    near, far = socket.socketpair()
    with near, far:
        near.settimeout(10)
        far.settimeout(10)

        def other_side() -> None:
            answer(far)
            far.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=other_side)
        thread.start()
        try:
            return ask(near)
        finally:
            near.close()
            thread.join()


def ask_group(near: socket.socket) -> int | None:
    return group_wanted(near, "birch.harbour.symbolon")


def test_groups_offered_by_openssl_are_read() -> None:
    def dial(connection: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        wrapped = context.wrap_bio(incoming, outgoing, server_hostname="birch.harbour.symbolon")
        with pytest.raises(ssl.SSLWantReadError):
            wrapped.do_handshake()
        connection.sendall(outgoing.read())

    offered = talk(groups_offered, dial)
    assert offered is not None
    assert 0x001D in offered


def test_groups_offered_by_group_wanted_has_the_hybrid_first() -> None:
    heard: list[list[int] | None] = []
    wanted = talk(
        ask_group,
        lambda far: heard.append(groups_offered(far)),
    )
    assert wanted is None, "the other side only listened"
    assert heard[0] is not None
    assert heard[0][0] == X25519MLKEM768


@given(noise=st.binary(max_size=300))
def test_group_wanted_any_bytes_give_a_group_or_none(noise: bytes) -> None:
    def answer(far: socket.socket) -> None:
        far.recv(4096)
        far.sendall(noise)

    assert talk(ask_group, answer) is None


@given(body=st.binary(max_size=200))
def test_groups_offered_any_hello_gives_a_list_or_none(body: bytes) -> None:
    message = b"\x01" + len(body).to_bytes(3) + body
    record = b"\x16\x03\x01" + len(message).to_bytes(2) + message
    found = talk(groups_offered, lambda far: far.sendall(record))
    assert found is None or all(0 <= group <= 0xFFFF for group in found)


def test_group_wanted_oversized_record_is_not_read() -> None:
    def answer(far: socket.socket) -> None:
        far.recv(4096)
        far.sendall(b"\x16\x03\x03\xff\xff" + os.urandom(100))

    assert talk(ask_group, answer) is None


def test_group_name_unknown_number_is_shown() -> None:
    assert group_name(0x001D) == "X25519"
    assert group_name(0x6399) == "group 0x6399"
