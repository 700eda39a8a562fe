"""What a caller that is refused as no member is told, and what its operator reads.

A caller whose certificate is of the coalition is told which rule of standing it breaks: that is about itself
and nobody else, and without it nobody could say what to do. Whoever else calls is told `membership` and no
more. Specification: docs/PROTOCOL.md, errors.
"""

from typing import Final

from symbolon.errors import MembershipError

_ATTEST: Final = "Run `symbolon coalition attest`; every member refuses this node until then."

_WORDS: Final = {
    "membership.expelled": ("it was expelled", "Ask a founder why; the way back is a new invitation."),
    "membership.suspended": (
        "it is suspended",
        "Ask a founder why, and to lift it with `symbolon coalition reinstate`.",
    ),
    "membership.lapsed.attestation": ("its yearly attestation lapsed", _ATTEST),
    "membership.lapsed.terms": ("it has not accepted the terms in force", _ATTEST),
    "membership.lapsed.vetting": (
        "its vetting lapsed",
        "Ask a founder to vet it anew and to write that down with `symbolon coalition vet`.",
    ),
    "membership.unknown": (
        "{peer} has not heard of it",
        "If it joined just now, try again in five minutes; else ask the operator of {peer} to run `symbolon "
        "coalition sync`.",
    ),
    "membership.fingerprint": (
        "{peer} knows another certificate of it",
        "Run `symbolon coalition sync` here and have it run there. If this folder was put back from a "
        "backup, its certificate may have been replaced since: ask a founder for a new code, then run "
        "`symbolon coalition join` here.",
    ),
    "membership.expired": (
        "the metadata that {peer} holds ran out, so that it takes nobody for one",
        "Ask the operator of {peer} to look at its clock and to run `symbolon coalition sync`.",
    ),
}
"""By code: why, and what to do."""

_UNTOLD: Final = (
    "`symbolon doctor` checks this node; then ask a founder whether this member is still current."
)


def refusal_code(error: MembershipError) -> str:
    """The code that a refused caller is told."""
    return error.full_code if error.full_code in _WORDS else MembershipError.code


def refused_by(peer: str, code: str) -> MembershipError:
    """The error of a caller that was refused.

    Args:
        peer: who refused.
        code: what it told.
    """
    detail = f"{peer} does not take this node for a current member"
    if code not in _WORDS:
        return MembershipError(detail, hint=_UNTOLD)
    why, hint = (text.format(peer=peer) for text in _WORDS[code])
    return MembershipError(f"{detail}: {why}", hint=hint, code=code)
