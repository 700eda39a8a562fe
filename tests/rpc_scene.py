"""A coalition with a caller of every kind, a served founder and a relay, and calls to them spoken by hand.

The founder and the relay are processes; the callers are certificates that tests hold. Two founders sign
together, so that nothing that one of them takes comes into force while a test looks.
"""

import asyncio
import contextlib
import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import MetaData, Table, select

from forged_certificates import leaf, names_of, of_another_authority, self_signed
from raw_peer import channel_to
from real_nodes import ALPHA, BETA, PURPOSE, Nodes, real_nodes
from relays import RELAY, relay_process
from signal_makers import make_draft
from symbolon.cli.local_coalition import COALITION
from symbolon.cli.local_founder import FOUNDER, LocalFounder
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.membership.acts import Appoint, Suspend
from symbolon.membership.authorities import Authorities
from symbolon.membership.certificates import spiffe_uri, tls_target_name
from symbolon.membership.due_diligence import ATTESTATION_VALIDITY, DueDiligence
from symbolon.membership.founder_keys import ROOT_KEY_FILE, create_founder_keys, load_root_key
from symbolon.membership.invitation_code import InvitationCode
from symbolon.membership.invitation_identity import invited_leaf
from symbolon.membership.member import MemberId
from symbolon.membership.member_record import Members, Role
from symbolon.membership.proposal import NewFounders
from symbolon.rpc.contributing import Screened, contribute
from symbolon.rpc.gathering import gather
from symbolon.rpc.inviting import write_invitation
from symbolon.rpc.node import FOUNDER_FOLDER, Node
from symbolon.rpc.status import CODE_KEY
from typed_member import invited

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

NODE_FOLDER: Final = "founder"
"""Where the served founder's node stands."""

NGO, COORDINATOR, AUDITOR = "birch-ngo", "elm-coordinator", "oak-auditor"
SECOND, SUSPENDED, LAPSED, EXPELLED = "second-founder", "late-co", "lapsed-co", "former-co"
INVITED, OTHER_INVITED = "guest-co", "other-guest-co"
KINDS: Final = {NGO: "ngo", COORDINATOR: "coordinator", AUDITOR: "auditor"}
WAIT_S: Final = 20.0
REFUSALS: Final = ("denied", "failed")
"""Events in the audit log by which a node writes down that it refused."""

GROW_WITH_ENTRIES: Final = ("audit_node", "audit_head")
"""Tables that follow from the entries, refusals included."""

UNAGREED: Final = "resale"
"""A purpose that the operator permits one member, and that the coalition has not agreed on."""
_DAY_S: Final = 86400.0

Outcome = tuple[str, str]
"""The status and the stable code with which a call ends; no code where gRPC itself ends it."""

Credentials = tuple[bytes | None, bytes | None]


class Method(NamedTuple):
    """One RPC.

    Attributes:
        path: as HTTP/2 carries it.
        kind: `unary_unary` and so on.
    """

    path: str
    kind: str = "unary_unary"


class _LastYearsFounder(LocalFounder):
    """Admits members whose attestation lapses a day later."""

    def _due_diligence(self) -> DueDiligence:
        return replace(super()._due_diligence(), attested=self.node.now.date() - ATTESTATION_VALIDITY)


class Scene:
    """What tests call, and as whom.

    Args:
        nodes: the coalition.
        code: the invitation that the role `guest` answers.
        other_code: an invitation of somebody else.
        stack: closes at the end what the scene opens.

    Attributes:
        at_first: what was held before anybody called.
    """

    def __init__(
        self, nodes: Nodes, code: InvitationCode, other_code: InvitationCode, stack: contextlib.ExitStack
    ) -> None:
        self.nodes, self.code, self.other_code = nodes, code, other_code
        self.callers = _callers(nodes, code)
        self._stack = stack
        self._channels: dict[tuple[str, str], grpc.Channel] = {}
        self._keys: dict[str, Ed25519PrivateKey] = {}
        self._relay = stack.enter_context(Node(nodes.home(RELAY)))
        self._tables = {"node": _tables(self.node), "relay": _tables(self._relay)}
        self.at_first = self.held()

    @property
    def node(self) -> Node:
        """The served founder's node, opened beside its process."""
        return self.nodes.founder.node

    @property
    def given_to_another(self) -> bytes:
        """The id of a signal of the served founder that `BETA` was given, and nobody else."""
        return self.node.signals.list()[0].signal.signal_id

    @property
    def members(self) -> Members:
        """As the served founder's node knows them."""
        return self.node.coalition.state().members

    def channel(self, server: str, role: str) -> grpc.Channel:
        """A connection to `node` or `relay`, nothing above TLS.

        Args:
            role: as in `rpc_matrix`, or a member's id.
        """
        if (server, role) not in self._channels:
            member = {"node": FOUNDER, "relay": RELAY}[server]
            credentials = self.callers[role] if role in self.callers else self.nodes.credentials(role)
            opened = channel_to(self.nodes, member, credentials)
            self._channels[server, role] = self._stack.enter_context(opened)
        return self._channels[server, role]

    def signing_key(self, member: str) -> Ed25519PrivateKey:
        """With which a member signs its statements."""
        if member not in self._keys:
            with Node(self.nodes.home(member)) as node:
                self._keys[member] = node.signing_key
        return self._keys[member]

    def held(self) -> dict[str, str]:
        """A hash of every table and file of the two servers, by name, but for the log of refusals."""
        return {
            f"{server}: {name}": value
            for server, node, home in (
                ("node", self.node, self.nodes.home(NODE_FOLDER)),
                ("relay", self._relay, self.nodes.home(RELAY)),
            )
            for name, value in {**_rows(node, self._tables[server]), **_files(home)}.items()
        }

    def changed(self, before: dict[str, str]) -> set[str]:
        """What is not as it was."""
        now = self.held()
        return {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}


def _tables(node: Node) -> list[Table]:
    with node.database.read("look") as connection:
        found = MetaData()
        found.reflect(connection)
    return found.sorted_tables


def _rows(node: Node, tables: list[Table]) -> dict[str, str]:
    held: dict[str, str] = {}
    with node.database.read("look") as connection:
        for table in tables:
            rows = select(table)
            if table.name == "audit_entry":
                rows = rows.where(table.c.event.not_in(REFUSALS))
            if table.name in GROW_WITH_ENTRIES:
                continue
            lines = sorted(repr(tuple(row)) for row in connection.execute(rows))
            held[f"table {table.name}"] = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return held


def _files(home: Path) -> dict[str, str]:
    held: dict[str, str] = {}
    for path in sorted(home.rglob("*")):
        name = f"file {path.relative_to(home)}"
        if path.is_symlink():
            held[name] = str(path.readlink())
        # The database is looked at by its tables; a lock is taken and given back.
        elif path.is_file() and not path.name.startswith("node.db") and path.suffix != ".lock":
            held[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return held


def called(channel: grpc.Channel, method: Method, message: bytes = b"", *, then: bytes = b"") -> Outcome:
    """What one message to a method ends with.

    A stream is left open until the first answer, which says that the handler was reached.

    Args:
        then: a second message, sent after the first answer; the stream is then read until the called end
            ends it.
    """
    make = getattr(channel, method.kind)(method.path)
    answered, over = threading.Event(), threading.Event()

    def said() -> Iterator[bytes]:
        yield message
        answered.wait(WAIT_S)
        if then:
            yield then
            over.wait(WAIT_S)

    try:
        call = make(said() if method.kind.startswith("stream") else message, timeout=WAIT_S)
        if method.kind.endswith("stream"):
            next(call, None)
            answered.set()
            while then and next(call, None) is not None:
                pass
            call.cancel()
    except grpc.RpcError as error:
        return error.code().name, str(dict(error.trailing_metadata() or ()).get(CODE_KEY, ""))
    finally:
        answered.set()
        over.set()
    return "OK", ""


@contextlib.contextmanager
def every_caller() -> Iterator[Scene]:
    """Makes the coalition; everything is stopped and removed at the end."""
    with real_nodes() as nodes, contextlib.ExitStack() as stack:
        _admit(nodes)
        _serve(nodes)
        with relay_process(nodes) as relay:
            nodes.move(RELAY, relay.endpoint)
            founding = nodes.founder.node.founding
            founding.propose([Suspend(MemberId(SUSPENDED), "under review")])
            nodes.founder.expel(EXPELLED)
            _name_second_founder(nodes)
            nodes.coalition.publish()
            codes = [_invite(nodes, name) for name in (INVITED, OTHER_INVITED)]
            yield Scene(nodes, *codes, stack)


def _admit(nodes: Nodes) -> None:
    with Node(nodes.home(NODE_FOLDER), clock=lambda: time.time() - _DAY_S) as yesterday:
        nodes.coalition.founder = _LastYearsFounder(yesterday)
        nodes.add(LAPSED)
    nodes.coalition.founder = nodes.founder
    for member in (ALPHA, BETA, SECOND, SUSPENDED, EXPELLED, RELAY):
        nodes.add(member)
    for member, kind in KINDS.items():
        nodes.coalition.add(member, kind=kind)


def _serve(nodes: Nodes) -> None:
    """Its operator permits what two members ask; every other one has to be refused by name."""
    allow: tuple[dict[str, object], ...] = (
        {"peer": ALPHA, "purposes": (PURPOSE, UNAGREED)},
        {"peer": BETA, "signals": True},
    )
    nodes.configure(NODE_FOLDER, allow=allow, node={"member": FOUNDER}, signals={"publishes_for": (NGO,)})
    nodes.take_in(NODE_FOLDER, MadeUpList(120, 0, 0, FOUNDER))
    with Node(nodes.home(NODE_FOLDER)) as node:
        ((number, _),) = contribute(node, [Screened(make_draft(purposes=(PURPOSE,)))], reviewed=True)
        with node.database.transaction("disclose") as connection:
            node.disclosures.add(connection, BETA, np.array([number], np.uint64))
    nodes.start(NODE_FOLDER)


def _name_second_founder(nodes: Nodes) -> None:
    first, home = nodes.founder.node, nodes.home(SECOND)
    with Node(home) as second:
        keys = create_founder_keys(home / FOUNDER_FOLDER, COALITION, second.member_id, second.now)
        authorities = Authorities.of([nodes.authorities, keys.authority_pem])
        both = sorted((first.founding.keys.founder, keys.founder), key=lambda each: each.member_id)
        new = NewFounders(tuple(both), 2, authorities.encode())
        nodes.founder.tell(home)
        root_keys = [
            load_root_key(each / FOUNDER_FOLDER / ROOT_KEY_FILE, founder)
            for each, founder in ((first.home, first.founding.keys.founder), (home, keys.founder))
        ]
        acts = [Appoint(second.member_id, (Role.FOUNDER,))]
        sha256 = first.founding.propose(acts, founding=new, root_key=root_keys[0])
        document = first.founding.document(sha256)
        second.founding.take(document, FOUNDER, sign=False)
        second.founding.approve(sha256, root_key=root_keys[1])

        async def ask(_: MemberId, sign: bool) -> bool:
            signatures, pending = second.founding.take(document, FOUNDER, sign=sign)
            first.founding.add_signatures(sha256, signatures)
            return not pending

        state, failures = asyncio.run(gather(first.founding, sha256, ask))
    assert state is not None, failures


def _invite(nodes: Nodes, name: str) -> InvitationCode:
    node = nodes.founder.node
    return write_invitation(node, invited(name, node.now.date()))


def _callers(nodes: Nodes, code: InvitationCode) -> dict[str, Credentials]:
    of = nodes.credentials
    foreign: list[x509.GeneralName] = [
        x509.UniformResourceIdentifier(spiffe_uri(ALPHA, "other-coalition")),
        x509.DNSName(tls_target_name(ALPHA, "other-coalition")),
    ]
    return {
        "bare": (None, None),
        "self": self_signed(),
        "alien": of_another_authority(ALPHA),
        "late": leaf(nodes, names_of(ALPHA), days=-1),
        "other": leaf(nodes, foreign),
        "copy": leaf(nodes, names_of(ALPHA)),
        "ghost": leaf(nodes, names_of("nobody-co")),
        "guest": tuple(invited_leaf(code, datetime.now(UTC))),  # type: ignore[dict-item]
        "firm": of(ALPHA),
        "ngo": of(NGO),
        "coord": of(COORDINATOR),
        "audit": of(AUDITOR),
        "found": of(SECOND),
        "susp": of(SUSPENDED),
        "lapse": of(LAPSED),
        "expel": of(EXPELLED),
    }
