"""Publishing for others, at the member that does it: what contributors hand over, and what they may ask.

Handles: whether this member publishes for the caller, which its configuration says; the caller's signature;
the screening, as for an import here; by what the signal may name its contributor; telling a contributor how
its own signals stand here; showing signals as this member's own once too few of a kind are left. Refuses, in
one and the same way, whatever a member may not have published here; a recall of what was taken in before is
always carried out. No log line, entry or error names the contributor, nor its id of the signal.
Specification: docs/PROTOCOL.md, Signal service; docs/signals.md, Delegated publishing.
"""

import logging
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from symbolon.errors import PermissionDeniedError, RemoteProtocolError, SignalError
from symbolon.membership.member_record import MemberRecord
from symbolon.rpc.contributing import SIGNATURE_CONTEXT, screen_signal, sign_record
from symbolon.rpc.entrusting_codec import AtDelegate, Entrusting
from symbolon.rpc.kind_shown import may_show_kind
from symbolon.rpc.node import Node
from symbolon.signals.record_codec import decode_stored_signal
from symbolon.signals.signal import ID_BYTES
from symbolon.signals.vocabulary import ShownAs, State
from symbolon.storage.entrusted_store import Offered, Taken

log = logging.getLogger(__name__)

_TOLD: Final = {
    "signal.clock": "permission.clock",
    "signal.expired": "permission.expired",
    "signal.recalled": "permission.recalled",
    "signal.order": "permission.order",
}
"""What a contributor is told of why its own signal was not taken in; of all else only that it was not."""


def take_in(node: Node, caller: MemberRecord, entrusting: Entrusting) -> Taken:
    """Publishes a contributor's revision.

    Args:
        node: this node.
        caller: the contributor.
        entrusting: what it hands over.

    Raises:
        PermissionDeniedError: `permission.delegate`, this member does not publish for the caller;
            `permission.kind`, too few members are of its kind; `permission.review`, the screening finds
            something that nobody has looked at; `permission.many`, `.clock`, `.expired`, `.recalled`,
            `.order`, `permission.denied`: the store refuses it.
        RemoteProtocolError: `protocol.signature`, the caller did not sign it; `protocol.malformed`, it names
            another kind than the caller's.
    """
    theirs, peer = entrusting.theirs, caller.member_id
    known = node.entrusted.find(peer, theirs.signal_id) is not None
    recalls = theirs.state is State.RECALLED
    if peer not in node.config.signals.publishes_for and not (known and recalls):
        raise PermissionDeniedError(
            "a member wants a signal published that this one does not publish for", code="permission.delegate"
        )
    _require_signed(caller, entrusting)
    if entrusting.shown_as not in (ShownAs.PUBLISHER, ShownAs(caller.kind.value)):
        raise RemoteProtocolError("a member names another kind than its own", code="protocol.malformed")
    shown_as = entrusting.shown_as
    if shown_as is not ShownAs.PUBLISHER and not may_show_kind(
        node.directory.current(), caller.kind, node.member_id
    ):
        if not known and not recalls:
            raise PermissionDeniedError(
                "a signal is to show the kind of its contributor, of which there are too few members",
                code="permission.kind",
            )
        shown_as = ShownAs.PUBLISHER
    if not recalls and not entrusting.reviewed and screen_signal(theirs):
        raise PermissionDeniedError(
            "the screening finds something in what is handed over, and nobody has looked at it",
            code="permission.review",
        )
    offered = Offered(peer, theirs, entrusting.document, shown_as, node.rng(ID_BYTES))
    try:
        taken = node.entrusted.take(offered, lambda signal: sign_record(node, signal))
    except SignalError as error:
        code = _TOLD.get(error.full_code, PermissionDeniedError.code)
        # Not its words, which may hold what the caller sent.
        raise PermissionDeniedError(
            f"what is handed over was not taken in ({error.full_code})", code=code
        ) from error
    if not known:
        log.info("a signal is published for another member now")
    return taken


def tell(node: Node, caller: MemberRecord, signal_id: bytes) -> AtDelegate:
    """How it stands here with a signal of the caller.

    Args:
        node: this node.
        caller: its contributor.
        signal_id: by which the caller knows it, 16 bytes.

    Raises:
        PermissionDeniedError: nothing is published for the caller under that id, or nothing is left of it.
    """
    found = node.entrusted.find(caller.member_id, signal_id)
    if found is None:
        raise PermissionDeniedError("a member asks about a signal that is not published for it")
    number, kept = found
    theirs = decode_stored_signal(kept.document)
    if number is None:
        return AtDelegate(
            Taken(shown_as=kept.shown_as), State.RECALLED, theirs.revision, theirs.dispute, theirs.reply, 0
        )
    for _, own in node.signals.newest([number]):
        given = [each for each in node.disclosures.peers(number) if each != caller.member_id]
        return AtDelegate(
            Taken(own.signal_id, own.revision, kept.shown_as),
            own.state,
            theirs.revision,
            own.dispute,
            own.reply,
            len(given),
        )
    raise PermissionDeniedError("nothing is left of the signal that a member asks about")


def show_fewer_kinds(node: Node) -> int:
    """Shows as this member's own what shows a kind of which too few members are left; how many signals."""
    members, changed = node.directory.current(), 0
    for number, kept in node.entrusted.contributors().items():
        if kept.shown_as is ShownAs.PUBLISHER or may_show_kind(members, kept.shown_as, node.member_id):
            continue
        changed += node.entrusted.show_as_publisher(number, lambda signal: sign_record(node, signal))
    return changed


def _require_signed(caller: MemberRecord, entrusting: Entrusting) -> None:
    message = SIGNATURE_CONTEXT + b"\0" + entrusting.document
    try:
        Ed25519PublicKey.from_public_bytes(caller.signing_key).verify(entrusting.signature, message)
    except InvalidSignature:
        raise RemoteProtocolError(
            "a member hands over a revision that it did not sign", code="protocol.signature"
        ) from None
