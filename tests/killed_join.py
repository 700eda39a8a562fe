"""Runs `symbolon coalition join` and kills it, as `kill -9` or Ctrl-C does, at one point of its way.

    python killed_join.py POINT -- symbolon arguments …

POINT is `made` (keys are made, nothing was sent), `sent` (the request has just left), `interrupted` (the
same, by Ctrl-C), `answered` (the certificate has come and is not kept yet) or `kept` (it is, and the request
is not cleared away).
"""

import asyncio
import os
import signal
import sys
from typing import Any

from symbolon.cli.main import main
from symbolon.rpc import joining
from symbolon.rpc.tls_material import LeafFiles


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _install(point: str) -> None:
    encode_join, install = joining.encode_join, LeafFiles.install

    def encoding(request: Any) -> Any:
        if point == "made":
            _die()
        if point == "sent":
            # The next turn but few of the event loop: gRPC has written it, nobody waited for an answer.
            asyncio.get_running_loop().call_later(0.005, _die)
        if point == "interrupted":
            asyncio.get_running_loop().call_later(0.005, os.kill, os.getpid(), signal.SIGINT)
        return encode_join(request)

    def verifying(*_: Any, **__: Any) -> Any:
        _die()

    def installing(self: LeafFiles, certificate: bytes) -> None:
        install(self, certificate)
        _die()

    joining.encode_join = encoding
    if point == "answered":
        joining.verify_leaf = verifying
    if point == "kept":
        LeafFiles.install = installing  # type: ignore[method-assign]


if __name__ == "__main__":
    _install(sys.argv[1])
    sys.argv[1:] = sys.argv[3:]
    main()
