"""What `symbolon doctor` says of this node's place in its coalition: metadata, own entry, relays, founder.

Handles: judging what has been read already, by one moment. A check ends with its first trouble; what raises
here becomes a finding in `doctor_checks`. Nothing is changed, and nothing is asked of other nodes but the
certificate that a relay shows. Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from symbolon.errors import MembershipError
from symbolon.membership.certificates import (
    certificate_fingerprint,
    load_authorities,
    load_certificate,
    tls_target_name,
)
from symbolon.membership.coalition_roles import VALIDITY
from symbolon.membership.coalition_state import ASK_FOR_NEWER, State
from symbolon.membership.ends_soon import metadata_ends_soon, records_end_soon
from symbolon.membership.founder_keys import ROOT_KEY_FILE, FounderKeys, load_root_key
from symbolon.membership.key_file import is_locked_file
from symbolon.membership.member_record import MemberRecord
from symbolon.rpc.diagnosis import presented_certificate
from symbolon.rpc.diagnosis_finding import (
    SOON_DAYS,
    Finding,
    days_left,
    failed,
    good,
    warned,
)
from symbolon.rpc.founding import Founding
from symbolon.rpc.own_certificate import require_own
from symbolon.rpc.tls_material import Leaf


def look_at_metadata(state: State, now: datetime) -> Iterator[Finding]:
    """Versions, signers, and until when each role holds.

    Raises:
        MembershipError: `membership.metadata.validity` when a role lasts longer than it may.
    """
    held = f"version {state.targets_version}, {len(state.members.members)} members"
    gone = {role: expires for role, expires in state.expiries.items() if expires <= now}
    if gone:
        ended = ", ".join(f"{role} on {expires:%Y-%m-%d %H:%M} UTC" for role, expires in gone.items())
        said = f"{held}, is stale: {ended} ended, so that nobody is a member for this node"
        yield failed(
            "metadata", "membership.expired", said, f"Run {ASK_FOR_NEWER}; or this machine's clock is ahead."
        )
        return
    state.require_bounded(now)
    soon = metadata_ends_soon(state, now)
    if soon is not None:
        yield warned("metadata", soon.code, f"{held}: {soon.said}", soon.hint)
        return
    signers = ", ".join(each.member_id for each in state.founders)
    said = f"{held}, signed by {state.root.threshold} of {signers}; "
    yield good("metadata", f"{said}holds until {state.expires:%Y-%m-%d %H:%M} UTC")


def look_at_certificate(
    leaf: Leaf, authorities: bytes, coalition: str, member: str, now: datetime
) -> Iterator[Finding]:
    """Authority, time and name of this node's certificate; that its key fits, reading it has shown.

    Args:
        leaf: certificate and key.
        authorities: of the coalition, PEM.
        coalition: as configured.
        member: likewise.
        now: the current time, aware.

    Raises:
        MembershipError: as `require_own`.
    """
    require_own(leaf.certificate, authorities, coalition, member, now)
    ends = load_certificate(leaf.certificate).not_valid_after_utc
    left = days_left(ends, now)
    said = f"valid, {left} days left, until {ends:%Y-%m-%d %H:%M} UTC"
    if left < SOON_DAYS:
        hint = "Run `symbolon coalition rotate certificate`; a node that is served does so in time by itself."
        yield warned("certificate", "certificate.soon", said, hint)
    else:
        yield good("certificate", said)


def look_at_own_entry(state: State, member: str, now: datetime) -> Iterator[Finding]:
    """What the metadata says of this member: is it one, in good standing, and for how long.

    Raises:
        MembershipError: `membership.suspended` or `.lapsed.…`; the hint says who mends it.
    """
    own = state.members.find(member)
    if own is None:
        gone = "was expelled" if state.members.is_expelled(member) else "is not in it"
        said = f"version {state.targets_version}: {member} {gone}"
        hint = "Ask a founder; `symbolon coalition sync` takes newer metadata, if there is any."
        yield failed("own entry", "members.absent", said, hint)
        return
    state.members.require(member, now.date())
    said = f"{member} is {_kind(own)} in good standing, reached {reached_by(own)}"
    # A member whose only relay gave up is left with neither: what is no relay is taken out of entries.
    unreachable = not own.endpoint and not own.relays
    if unreachable:
        hint = "If others are to ask it, name an endpoint or a relay with `symbolon coalition move`."
        yield warned("own entry", "members.unreachable", said, hint)
    soon = list(records_end_soon(own.due_diligence, now))
    for each in soon:
        yield warned("own entry", each.code, f"{said}; {each.said}", each.hint)
    if not unreachable and not soon:
        yield good("own entry", said)


def look_at_listing(own: MemberRecord, leaf: Leaf, version: int) -> Iterator[Finding]:
    """Whether this node's certificate is among those that the metadata lists for it."""
    if own.owns(certificate_fingerprint(leaf.certificate)):
        listed = len(own.certificates)
        also = "" if listed == 1 else ", beside another one while it is renewed"
        yield good("listing", f"version {version} lists this node's certificate{also}")
        return
    said = f"version {version} lists another certificate for {own.member_id} than this node has"
    hint = "Run `symbolon coalition sync`; else put back the newest node-cert.pem and its key from a copy."
    yield failed("listing", "members.certificate", said, hint)


def look_at_relays(state: State, own: MemberRecord, now: datetime) -> Iterator[Finding]:
    """Each relay that this node's own entry names: standing, endpoint, and who answers there."""
    for name in own.relays:
        try:
            relay = state.members.require(name, now.date())
        except MembershipError as error:
            hint = (
                "Name other relays with `symbolon coalition move`, or wait until a founder has mended that."
            )
            yield failed("relay", "relay.standing", f"nobody goes through {name}: {error.detail}", hint)
            continue
        if relay.relay_endpoint:
            yield _relay(state, relay)


def _relay(state: State, relay: MemberRecord) -> Finding:
    name, endpoint = relay.member_id, relay.relay_endpoint
    host, _, port = endpoint.rpartition(":")
    try:
        address = (host.strip("[]"), int(port))
        presented = presented_certificate(address, tls_target_name(name, state.members.coalition))
    except OSError as error:
        said = f"the relay of {name} at {endpoint} cannot be reached ({error.strerror or error})"
        return failed("relay", "relay.unreachable", said, f"`symbolon doctor {name}` looks closer.")
    if presented is None or not relay.owns(certificate_fingerprint(presented)):
        said = f"what answers at {endpoint} is not the relay of {name}, by our metadata"
        return failed("relay", "relay.certificate", said, "Run `symbolon coalition sync`, then look again.")
    return good("relay", f"{name} answers at {endpoint} with its certificate as listed")


def look_at_founder(folder: Path, keys: FounderKeys, state: State, founding: Founding) -> Iterator[Finding]:
    """Whether a founder's keys are those that the coalition knows, and what waits for a person here.

    Args:
        folder: where the keys are.
        keys: of this node, which fit one another.
        state: in force.
        founding: this founder at work.

    Raises:
        MembershipError: `membership.root_key` when there is a root key that is another's.
    """
    named = {each.member_id: each for each in state.founders}.get(keys.founder.member_id)
    if named is None:
        said = "this node has a founder's keys, but the root does not name it"
        hint = (
            "Give a founder the line of `symbolon coalition offer`, then run `symbolon coalition sync`. "
            "If it is to be a founder no more, move the folder `founder` away."
        )
        yield warned("founder", "founder.unnamed", said, hint)
        return
    authority = load_certificate(keys.authority_pem)
    if named != keys.founder or authority not in load_authorities(state.authorities_pem):
        said = "the keys in this folder are not those that the coalition knows of this founder"
        hint = f"Put {folder} back from a copy, or run `symbolon coalition sync` if they were just replaced."
        yield failed("founder", "founder.keys", said, hint)
        return
    root_key = _root_key(folder / ROOT_KEY_FILE, keys)
    waiting = sum(each.for_a_person for each in founding.waiting())
    if waiting:
        said = f"{waiting} {'proposal waits' if waiting == 1 else 'proposals wait'} for a person here"
        hint = "`symbolon coalition proposals` shows them, `symbolon coalition approve` signs one."
        yield warned("founder", "founder.proposals", said, hint)
        return
    said = f"its keys are those in root {state.root_version}, which holds until {state.root.expires:%Y-%m-%d}"
    yield good("founder", f"{said}; the root key is {root_key}; no proposal waits for a person here")


def signed_at_the_earliest(state: State) -> datetime:
    """When the metadata held here cannot have been made before: no role lasts longer than its kind may."""
    return max(expires - VALIDITY[role] for role, expires in state.expiries.items())


def reached_by(member: MemberRecord) -> str:
    """How a member is reached, in a few words."""
    if member.endpoint:
        return f"at {member.endpoint}"
    if member.relays:
        return f"through {', '.join(member.relays)}"
    return "not at all: it calls others and is not called"


def _kind(member: MemberRecord) -> str:
    return ", ".join((member.kind.value, *(each.value for each in member.roles)))


def _root_key(path: Path, keys: FounderKeys) -> str:
    if not path.exists():
        return "kept elsewhere"
    try:
        load_root_key(path, keys.founder)
    except MembershipError as error:
        if not isinstance(error.__cause__, TypeError):
            raise
        return "here, encrypted"
    if is_locked_file(path.read_bytes()):
        return "here, locked with this folder"
    return "here, not encrypted"
