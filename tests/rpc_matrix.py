"""Who may call what, method by method, as a table that is read against the descriptors; and every request's
fields: which of them hold an id that may be somebody else's.

A method that no table names fails the test, and so does a row without a method. Whoever adds an RPC writes
down here who may call it, and in `rpc_probes` what happens when it is called with the id of another.
Specification: docs/PROTOCOL.md, who may call what.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any, Final

from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

import symbolon.api
from rpc_scene import Method, Outcome

PACKAGE: Final = "symbolon.api."
"""Left out of the names below."""

UNKNOWN_METHOD: Final = "exchange.v1.ExchangeService/Nothing"
UNKNOWN_SERVICE: Final = "nothing.v1.NothingService/Get"
UNSERVED: Final = "whatever is not served there"
"""The row for the two above, and for what the other one of the two servers serves."""

ROLES: Final = {
    "bare": "no certificate",
    "self": "in a member's name, signed by its own key",
    "alien": "in a member's name, by an authority that is no founder's",
    "late": "in a member's name, by a founder, and expired",
    "other": "by a founder, for a member of another coalition",
    "copy": "in a member's name, by a founder, and not listed",
    "ghost": "by a founder, for an id that was never given",
    "guest": "who answers an invitation",
    "firm": "member, a company",
    "ngo": "member, an NGO",
    "coord": "member, a coordinator",
    "audit": "member, an auditor",
    "found": "another founder than the one that is called",
    "susp": "suspended member",
    "lapse": "member whose yearly attestation lapsed",
    "expel": "expelled member",
}
"""Who calls, by the certificate that is shown."""

NODE: Final = """
  bare  self  alien late  other copy  ghost guest firm  ngo   coord audit found susp  lapse expel
exchange.v1.ExchangeService/Ask
  cut   cut   cut   cut   no    cert  unk   no    yes   yes   yes   yes   yes   sus   lap   exp
exchange.v1.ExchangeService/Offer
  cut   cut   cut   cut   no    cert  unk   no    yes   yes   yes   yes   yes   sus   lap   exp
audit.v1.WitnessService/AddCheckpoint
  cut   cut   cut   cut   no    cert  unk   no    yes   yes   yes   yes   yes   sus   lap   exp
audit.v1.WitnessService/GetCheckpoint
  cut   cut   cut   cut   no    cert  unk   no    yes   yes   yes   yes   yes   sus   lap   exp
policy.v1.PolicyService/Agree
  cut   cut   cut   cut   no    cert  unk   no    yes   yes   yes   yes   yes   sus   lap   exp
policy.v1.PolicyService/Withdraw
  cut   cut   cut   cut   no    cert  unk   no    yes   yes   yes   yes   yes   sus   lap   exp
signal.v1.SignalService/Watch
  cut   cut   cut   cut   no    cert  unk   no    yes   yes   yes   yes   yes   sus   lap   exp
signal.v1.SignalService/Count
  cut   cut   cut   cut   no    cert  unk   no    yes   yes   yes   yes   yes   sus   lap   exp
signal.v1.SignalService/GetNarrative
  cut   cut   cut   cut   no    cert  unk   no    yes   yes   yes   yes   yes   sus   lap   exp
signal.v1.SignalService/Contest
  cut   cut   cut   cut   no    cert  unk   no    yes   yes   yes   yes   yes   sus   lap   exp
signal.v1.SignalService/Corroborate
  cut   cut   cut   cut   no    cert  unk   no    yes   yes   yes   yes   yes   sus   lap   exp
signal.v1.SignalService/Withdraw
  cut   cut   cut   cut   no    cert  unk   no    yes   yes   yes   yes   yes   sus   lap   exp
signal.v1.SignalService/Entrust
  cut   cut   cut   cut   no    cert  unk   no    yes   yes   yes   yes   yes   sus   lap   exp
signal.v1.SignalService/Entrusted
  cut   cut   cut   cut   no    cert  unk   no    yes   yes   yes   yes   yes   sus   lap   exp
membership.v1.MembershipService/GetMetadata
  cut   cut   cut   cut   no    cert  unk   yes   yes   yes   yes   yes   yes   sus   yes   exp
membership.v1.MembershipService/Join
  cut   cut   cut   cut   no    cert  unk   yes   no    no    no    no    no    sus   lap   exp
membership.v1.MembershipService/CheckBack
  cut   cut   cut   cut   no    cert  unk   no    yes   yes   yes   yes   yes   sus   lap   exp
membership.v1.MembershipService/Renew
  cut   cut   cut   cut   no    cert  unk   no    yes   yes   yes   yes   yes   sus   yes   exp
membership.v1.MembershipService/Submit
  cut   cut   cut   cut   no    cert  unk   no    yes   yes   yes   yes   yes   sus   yes   exp
membership.v1.MembershipService/Announce
  cut   cut   cut   cut   no    cert  unk   no    yes   yes   yes   yes   yes   sus   yes   exp
membership.v1.MembershipService/Propose
  cut   cut   cut   cut   no    cert  unk   no    yes   yes   yes   yes   yes   sus   yes   exp
membership.v1.MembershipService/Invite
  cut   cut   cut   cut   no    cert  unk   no    fndr  fndr  fndr  fndr  yes   sus   lap   exp
grpc.health.v1.Health/Check
  cut   cut   cut   cut   no    cert  unk   no    yes   yes   yes   yes   yes   sus   lap   exp
grpc.health.v1.Health/Watch
  cut   cut   cut   cut   no    cert  unk   no    yes   yes   yes   yes   yes   sus   lap   exp
grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo
  cut   cut   cut   cut   no    cert  unk   no    yes   yes   yes   yes   yes   sus   lap   exp
whatever is not served there
  cut   cut   cut   cut   no    cert  unk   no    none  none  none  none  none  sus   lap   exp
"""
"""What a founder's node serves. A proposal's content decides about a member's `Propose`: see `rpc_probes`."""

RELAY: Final = """
  bare  self  alien late  other copy  ghost guest firm  ngo   coord audit found susp  lapse expel
relay.v1.RelayService/Attach
  cut   cut   cut   cut   no    cert  unk   cut   yes   yes   yes   yes   yes   sus   lap   exp
relay.v1.RelayService/Connect
  cut   cut   cut   cut   no    cert  unk   cut   yes   yes   yes   yes   yes   sus   lap   exp
relay.v1.RelayService/Accept
  cut   cut   cut   cut   no    cert  unk   cut   yes   yes   yes   yes   yes   sus   lap   exp
grpc.health.v1.Health/Check
  cut   cut   cut   cut   no    cert  unk   cut   yes   yes   yes   yes   yes   sus   lap   exp
grpc.health.v1.Health/Watch
  cut   cut   cut   cut   no    cert  unk   cut   yes   yes   yes   yes   yes   sus   lap   exp
grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo
  cut   cut   cut   cut   no    cert  unk   cut   yes   yes   yes   yes   yes   sus   lap   exp
whatever is not served there
  cut   cut   cut   cut   no    cert  unk   cut   none  none  none  none  none  sus   lap   exp
"""
"""What a relay serves. An invitation is open at its sponsor alone."""

REACHED: Final = "yes"
"""The cell of a call that its handler looks at."""

MALFORMED: Final[Outcome] = ("INVALID_ARGUMENT", "protocol.malformed")

CELLS: Final[dict[str, Outcome]] = {
    "cut": ("UNAVAILABLE", ""),
    "no": ("UNAUTHENTICATED", "membership"),
    "cert": ("UNAUTHENTICATED", "membership.fingerprint"),
    "unk": ("UNAUTHENTICATED", "membership.unknown"),
    "sus": ("UNAUTHENTICATED", "membership.suspended"),
    "lap": ("UNAUTHENTICATED", "membership.lapsed.attestation"),
    "exp": ("UNAUTHENTICATED", "membership.expelled"),
    "fndr": ("FAILED_PRECONDITION", "membership.founder"),
    "none": ("UNIMPLEMENTED", ""),
}
"""What any call ends with, whatever it says. `cut`: in the handshake. `fndr`: only a founder can do this."""

HANDLED: Final[dict[str, Outcome]] = {
    # Answered by a status of its own, 400.
    "audit.v1.WitnessService/AddCheckpoint": ("OK", ""),
    "audit.v1.WitnessService/GetCheckpoint": ("OK", ""),
    "exchange.v1.ExchangeService/Ask": MALFORMED,
    "exchange.v1.ExchangeService/Offer": MALFORMED,
    "membership.v1.MembershipService/GetMetadata": ("OK", ""),
    "membership.v1.MembershipService/Join": MALFORMED,
    "membership.v1.MembershipService/CheckBack": ("OK", ""),
    "membership.v1.MembershipService/Renew": MALFORMED,
    "membership.v1.MembershipService/Submit": MALFORMED,
    "membership.v1.MembershipService/Announce": ("OK", ""),
    "membership.v1.MembershipService/Propose": ("FAILED_PRECONDITION", "membership.malformed"),
    "membership.v1.MembershipService/Invite": ("FAILED_PRECONDITION", "membership.malformed"),
    "policy.v1.PolicyService/Agree": MALFORMED,
    "policy.v1.PolicyService/Withdraw": MALFORMED,
    "signal.v1.SignalService/Watch": MALFORMED,
    "signal.v1.SignalService/Count": MALFORMED,
    "signal.v1.SignalService/GetNarrative": MALFORMED,
    "signal.v1.SignalService/Contest": MALFORMED,
    "signal.v1.SignalService/Corroborate": MALFORMED,
    "signal.v1.SignalService/Withdraw": MALFORMED,
    "signal.v1.SignalService/Entrust": MALFORMED,
    "signal.v1.SignalService/Entrusted": MALFORMED,
    "relay.v1.RelayService/Attach": ("OK", ""),
    "relay.v1.RelayService/Connect": MALFORMED,
    "relay.v1.RelayService/Accept": MALFORMED,
    "grpc.health.v1.Health/Check": ("OK", ""),
    "grpc.health.v1.Health/Watch": ("OK", ""),
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": ("OK", ""),
}
"""What one empty message ends with at the handler."""

SPEAKS_FIRST: Final = frozenset({"relay.v1.RelayService/Attach"})
"""Methods that answer before they have read anything."""

IDS: Final[dict[str, tuple[str, ...]]] = {
    "audit.v1.WitnessService/AddCheckpoint": ("body",),
    "audit.v1.WitnessService/GetCheckpoint": ("origin",),
    "exchange.v1.ExchangeService/Ask": (
        "message.hello.session_id",
        "message.hello.coalition",
        "message.hello.purpose",
        "message.hello.epoch",
        "message.hello.request.checkpoint",
        "message.hello.request.signature",
    ),
    "exchange.v1.ExchangeService/Offer": ("invitation.purpose",),
    "membership.v1.MembershipService/GetMetadata": ("root_version", "timestamp_version"),
    "membership.v1.MembershipService/Join": (
        "csr_pem",
        "signing_key",
        "relays",
        "acceptance.terms_version",
        "proof",
    ),
    "membership.v1.MembershipService/CheckBack": (),
    "membership.v1.MembershipService/Renew": ("csr_pem", "statement", "signature"),
    "membership.v1.MembershipService/Submit": ("statement", "signature"),
    "membership.v1.MembershipService/Announce": ("timestamp_version",),
    "membership.v1.MembershipService/Propose": ("proposal",),
    "membership.v1.MembershipService/Invite": ("invitation_sha256", "terms"),
    "policy.v1.PolicyService/Agree": ("document", "signature"),
    "policy.v1.PolicyService/Withdraw": ("agreement_sha256",),
    "signal.v1.SignalService/Watch": ("purpose",),
    "signal.v1.SignalService/Count": ("purpose",),
    "signal.v1.SignalService/GetNarrative": ("signal_id", "purpose"),
    "signal.v1.SignalService/Contest": ("signal_id", "purpose"),
    "signal.v1.SignalService/Corroborate": ("signal_id", "purpose"),
    "signal.v1.SignalService/Withdraw": ("signal_id", "purpose"),
    "signal.v1.SignalService/Entrust": ("document", "signature", "shown_as"),
    "signal.v1.SignalService/Entrusted": ("signal_id",),
    "relay.v1.RelayService/Attach": (),
    "relay.v1.RelayService/Connect": ("target.member",),
    "relay.v1.RelayService/Accept": ("ticket.connection_id",),
}
"""Fields that name something, or prove whose it is: each has a probe."""

_SETS_OF = ("tier", "offset", "data")

PLAIN: Final[dict[str, tuple[str, ...]]] = {
    "exchange.v1.ExchangeService/Ask": (
        *(f"message.hello.{each}" for each in ("suite", "area", "mode", "group_size", "key_rules")),
        *(f"message.hello.tiers.{each}" for each in ("tier", "elements", "have_delta")),
        *(f"message.elements.{each}" for each in _SETS_OF),
        "message.hello.request.hour",
        # By the caller, over what this node itself said in the session.
        "message.receipt.signature",
        "message.failure.code",
        "message.failure.message",
    ),
    "exchange.v1.ExchangeService/Offer": (
        "invitation.mode",
        "invitation.tiers",
        # The epoch of an answer to this node's own hello: tests/adversary/test_exchange_lying_sender.py.
        "message.accept.epoch",
        "message.accept.key_rules",
        *(f"message.accept.tiers.{each}" for each in ("tier", "tag_bytes", "withdrawn")),
        "message.accept.tiers.deltas.number",
        "message.accept.tiers.deltas.entries",
        *(f"message.{kind}.{each}" for kind in ("evaluated", "entries", "withdrawn") for each in _SETS_OF),
        "message.entries.delta",
        # Likewise, over what it asked.
        "message.finish.result",
        "message.finish.signature",
        "message.failure.code",
        "message.failure.message",
        *(f"message.working.{each}" for each in ("tier", "done", "total")),
    ),
    "membership.v1.MembershipService/Join": (
        "endpoint",
        "relay_endpoint",
        "acceptance.on",
        "acceptance.person",
        "attested_on",
    ),
    "membership.v1.MembershipService/Propose": ("sign",),
    "membership.v1.MembershipService/Invite": ("withdrawn",),
    "signal.v1.SignalService/GetNarrative": ("revision",),
    "signal.v1.SignalService/Contest": ("kind", "text", "relayed_on", "padding"),
    "signal.v1.SignalService/Entrust": ("reviewed", "padding"),
    "relay.v1.RelayService/Attach": ("heartbeat",),
    "relay.v1.RelayService/Connect": ("frame.data", "frame.end"),
    "relay.v1.RelayService/Accept": ("frame.data", "frame.end"),
}
"""All other fields: sizes, content, and what a caller says about itself."""


def methods() -> dict[str, tuple[Method, Any]]:
    """Every method of every generated service, and of health and reflection, with its descriptor, by name."""
    found = {}
    for file in (*_generated(), health_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR):
        for service in file.services_by_name.values():
            for method in service.methods:
                kind = "_".join(
                    "stream" if streams else "unary"
                    for streams in (method.client_streaming, method.server_streaming)
                )
                path = f"/{service.full_name}/{method.name}"
                found[path.removeprefix("/").removeprefix(PACKAGE)] = Method(path, kind), method
    return found


def _generated() -> Iterator[Any]:
    for module in pkgutil.walk_packages(symbolon.api.__path__, symbolon.api.__name__ + "."):
        if module.name.endswith("_pb2"):
            yield importlib.import_module(module.name).DESCRIPTOR


def fields(message: Any) -> Iterator[str]:
    """The paths of all fields of a message that hold no further ones."""
    for field in message.fields:
        below = list(fields(field.message_type)) if field.message_type is not None else []
        if below:
            yield from (f"{field.name}.{each}" for each in below)
        else:
            yield field.name


def cells(table: str) -> dict[str, dict[str, str]]:
    """A table by method and role: a line of roles, then for each method one with its name and one below."""
    roles, *lines = table.strip().splitlines()
    found: dict[str, dict[str, str]] = {}
    for name, row in zip(lines[::2], lines[1::2], strict=True):
        assert name not in found, f"{name} stands there twice"
        found[name] = dict(zip(roles.split(), row.split(), strict=True))
    return found
