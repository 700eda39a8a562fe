"""A node that is asked to agree by an attacker: real nodes in folders, and a member that serves lies."""

import asyncio
import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete

from symbolon.api.policy.v1 import policy_pb2 as pb
from symbolon.cli.init import create_node
from symbolon.cli.local_coalition import COALITION
from symbolon.cli.local_founder import LocalFounder
from symbolon.membership.agreement import (
    Agreement,
    encode_agreement,
    make_agreement,
    sign_agreement,
)
from symbolon.membership.member import MemberId
from symbolon.membership.member_record import Members
from symbolon.membership.member_statement import Place
from symbolon.rpc.agreeing import sign
from symbolon.rpc.identity import caller
from symbolon.rpc.node import LEAF_FILE, LEAF_KEY_FILE, Node
from symbolon.rpc.policy_service import SERVICE, PolicyService
from symbolon.rpc.status import CODE_KEY
from symbolon.storage.agreement_schema import agreement as table

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

ALPHA, BETA, MALLORY = MemberId("alpha-co"), MemberId("beta-co"), MemberId("mallory-co")
PURPOSES = ("due-diligence", "remediation")


class AttackedNode:
    """Alpha's, in a coalition whose nodes are folders: beta and mallory speak to it by their own keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.founder = LocalFounder.create(folder / "founder", COALITION, PURPOSES)
        self.keys: dict[str, Ed25519PrivateKey] = {}
        for member in (ALPHA, BETA, MALLORY):
            create_node(folder / member, member=member, coalition=COALITION, listen="127.0.0.1:0")
            self.founder.admit(folder / member, kind="company")
            with Node(folder / member) as node:
                self.keys[member] = node.signing_key
        self.founder.tell(folder / ALPHA)
        self.node = Node(folder / ALPHA)
        self.store = self.node.agreements
        self.service = PolicyService(self.node)

    @property
    def members(self) -> Members:
        return self.node.directory.current()

    @property
    def today(self) -> date:
        return self.node.now.date()

    def agreement(self, *parties: MemberId, **changes: Any) -> Agreement:
        """Of two members, beta with alpha unless others are named, for a year, with a nonce of its own."""
        low, high = sorted(parties or (ALPHA, BETA))
        made = make_agreement(
            self.members,
            (low, high),
            ("due-diligence",),
            self.today,
            self.today + timedelta(days=365),
            self.node.rng(16),
        )
        return replace(made, **changes)

    def signature(self, member: str, what: Agreement) -> bytes:
        return sign_agreement(what, self.keys[member])

    def agree(self, who: MemberId, document: bytes, signature: bytes) -> pb.AgreeResponse | str:
        """A member hands over an agreement; the answer, or the code of the refusal."""
        return self._called(who, "Agree", pb.AgreeRequest(document=document, signature=signature))

    def offer(self, who: MemberId, what: Agreement, signed_by: str = "") -> pb.AgreeResponse | str:
        """The same, with the signature that belongs there, or somebody else's."""
        return self.agree(who, encode_agreement(what), self.signature(signed_by or who, what))

    def withdraw(self, who: MemberId, sha256: bytes) -> pb.WithdrawResponse | str:
        return self._called(who, "Withdraw", pb.WithdrawRequest(agreement_sha256=sha256))

    def _called(self, who: MemberId, method: str, request: Any) -> Any:
        record = self.members.find(who)
        assert record is not None
        context = Context()

        async def call() -> Any:
            caller.set(record)
            return await getattr(self.service, method)(request, context)

        try:
            return asyncio.run(call())
        except grpc.aio.AbortError:
            return context.code

    def in_force(self, peer: str = BETA, purpose: str = "due-diligence") -> bool:
        return self.store.in_force(peer, purpose, self.today) is not None

    def agreed(self) -> Agreement:
        """One that is in force between alpha and beta."""
        what = self.agreement()
        sign(self.node, self.store, what)
        assert isinstance(self.offer(BETA, what), pb.AgreeResponse)
        assert self.in_force()
        return what

    @contextlib.contextmanager
    def mallory_answers(self, answer: Any) -> Iterator[list[Any]]:
        """Mallory serves whatever answers with its real certificate, where all find it; yields what came."""
        came: list[Any] = []

        def agree(request: Any, context: Any) -> Any:
            came.append(request)
            return answer(request, context)

        handlers = {
            "Agree": grpc.unary_unary_rpc_method_handler(
                agree, pb.AgreeRequest.FromString, pb.AgreeResponse.SerializeToString
            )
        }
        home = self.folder / MALLORY
        shown = (home / LEAF_KEY_FILE).read_bytes(), (home / LEAF_FILE).read_bytes()
        with ThreadPoolExecutor(2) as pool:
            server = grpc.server(pool, options=(("grpc.so_reuseport", 0),))
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
            tls = grpc.ssl_server_credentials([shown], self.node.coalition.state().authorities_pem, True)
            port = server.add_secure_port("127.0.0.1:0", tls)
            server.start()
            self.founder.move(home, Place(f"127.0.0.1:{port}", (), ""))
            self.founder.tell(self.node.home)
            try:
                yield came
            finally:
                server.stop(0).wait()

    def forget(self) -> None:
        """Drops what a test left, and what the service counted."""
        self.service = PolicyService(self.node)
        with self.node.database.transaction("forget agreements") as connection:
            connection.execute(delete(table))

    def close(self) -> None:
        self.node.close()
        self.founder.close()


class Context:
    """A call that keeps the code it ends with."""

    code = ""

    def set_trailing_metadata(self, pairs: Any) -> None:
        self.code = dict(pairs)[CODE_KEY]

    async def abort(self, status: grpc.StatusCode, _: str) -> None:
        raise grpc.aio.AbortError(status.name)
