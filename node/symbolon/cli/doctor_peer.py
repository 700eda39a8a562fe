"""What `symbolon doctor PEER` says: whether the peer is a member in good standing, and whether it answers.

Handles: choosing the way to the peer that a session would take, its endpoint or its relays, and having that
way probed. Every outcome is a finding; what raises becomes one in `doctor_checks`.
"""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime

from symbolon.cli.doctor_membership import reached_by
from symbolon.config import Config
from symbolon.errors import MembershipError
from symbolon.membership.coalition_state import State
from symbolon.membership.member_record import MemberRecord
from symbolon.rpc.diagnosis import probe, probe_relays, wait_for_port
from symbolon.rpc.diagnosis_calls import call_relayed_peer
from symbolon.rpc.diagnosis_finding import Finding, Target, failed, good
from symbolon.rpc.node import Node
from symbolon.rpc.tls_material import LeafFiles


def look_at_peer(
    peer: str,
    state: State,
    config: Config,
    leaf: LeafFiles,
    now: datetime,
    *,
    wait_s: float,
    require_openable: Callable[[], object],
) -> Iterator[Finding]:
    """Probes a peer.

    Args:
        peer: its id, as typed.
        state: in force, or expired: it still says where the peer was to be found.
        config: this node's.
        leaf: this node's certificate and key.
        now: the current time, aware.
        wait_s: how long to wait for the port, that of the first relay where the peer has none.
        require_openable: raises when opening the node as a whole would change it.

    Raises:
        SymbolonError: this node cannot be opened, which only a peer behind relays takes.
    """
    try:
        member = state.members.require(peer, now.date())
    except MembershipError as error:
        yield _standing(peer, error)
        return

    def target(whose: MemberRecord, endpoint: str, command: str) -> Target:
        node = config.node
        return Target(whose, endpoint, node.member, command, node.coalition, state.authorities_pem, leaf, now)

    if member.endpoint:
        direct = target(member, member.endpoint, "serve")
        yield _way(member)
        if wait_s:
            wait_for_port(direct.address, wait_s)
        yield from probe(direct, config)
        return
    relays = []
    for each in member.relays:
        try:
            relay = state.members.require(each, now.date())
        except MembershipError as error:
            hint = f"Another relay may do; else the operator of {peer} runs `symbolon coalition move`."
            yield failed("relay", "peer.relay.standing", f"nobody goes through {each}: {error.detail}", hint)
            continue
        if relay.relay_endpoint:
            relays.append(target(relay, relay.relay_endpoint, "relay"))
    if not relays:
        said = f"{peer} names neither an endpoint nor a relay to dial: it calls others and is not called"
        hint = "Ask its operator to ask you instead, or to run `symbolon coalition move`."
        yield failed("peer", "peer.no_endpoint", said, hint)
        return
    yield _way(member)
    if wait_s:
        wait_for_port(relays[0].address, wait_s)
    if (yield from probe_relays(relays)):
        require_openable()
        with Node(config.home) as node:
            yield from asyncio.run(call_relayed_peer(node, member.member_id))


def _way(member: MemberRecord) -> Finding:
    said = (
        f"{member.member_id} is a member in good standing ({member.kind.value}), reached {reached_by(member)}"
    )
    return good("peer", said)


def _standing(peer: str, error: MembershipError) -> Finding:
    kind = error.full_code.removeprefix("membership.")
    if kind == "unknown":
        hint = "`symbolon status` lists the members; `symbolon coalition sync` takes newer metadata."
        return failed("peer", "peer.unknown", f"{peer[:64]} is no member of the coalition", hint)
    return failed("peer", f"peer.{kind}", error.detail, error.hint or "Ask a founder.")
