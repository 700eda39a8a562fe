"""What a change of founders means, in words for the person who is asked to sign it.

Handles: every difference between the founders in force and those proposed: names, keys, threshold,
authorities. A name alone would tell nobody that the key behind it is another one, so keys and authorities
that are new are named by what can be compared with what their holder says. Specification:
docs/PROTOCOL.md, membership; docs/adr/0013.
"""

from collections.abc import Iterator
from typing import Final

from cryptography.hazmat.primitives import hashes

from symbolon.membership.authorities import Authorities
from symbolon.membership.coalition_roles import Founder
from symbolon.membership.coalition_state import State
from symbolon.membership.proposal import NewFounders

_SHOWN_DIGITS: Final = 32
"""Of a key or fingerprint: nobody finds another one that begins with the same 16 bytes."""


def describe_founding(founding: NewFounders, state: State) -> tuple[str, ...]:
    """Says what a change of founders would do.

    Args:
        founding: as proposed.
        state: in force.

    Returns:
        Sentences, the first one about all founders.

    Raises:
        MembershipError: `membership.authorities`, or `membership.certificate.malformed`.
    """
    return tuple(_sentences(founding, state))


def _sentences(founding: NewFounders, state: State) -> Iterator[str]:
    before = {each.member_id: each for each in state.founders}
    after = {each.member_id: each for each in founding.founders}
    yield (
        f"From now on {founding.threshold} of {len(after)} founders sign together: {', '.join(after)}; "
        f"until now {state.root.threshold} of {len(before)}: {', '.join(before)}."
    )
    for founder in founding.founders:
        if before.get(founder.member_id) != founder:
            yield _keys(founder)
    trusted = _fingerprints(state.authorities_pem)
    proposed = _fingerprints(founding.authorities_pem)
    for fingerprint in sorted(proposed - trusted):
        yield f"A new authority may sign certificates of members, with the fingerprint {fingerprint}."
    for fingerprint in sorted(trusted - proposed):
        yield f"The authority with the fingerprint {fingerprint} may sign certificates no more."


def _keys(founder: Founder) -> str:
    root_key, metadata_key = (each.hex()[:_SHOWN_DIGITS] for each in (founder.root_key, founder.metadata_key))
    return (
        f"The keys of {founder.member_id} are new: compare with what {founder.member_id} says, "
        f"root key {root_key}, metadata key {metadata_key}."
    )


def _fingerprints(authorities_pem: bytes) -> set[str]:
    certificates = Authorities.parse(authorities_pem).certificates
    return {each.fingerprint(hashes.SHA256()).hex()[:_SHOWN_DIGITS] for each in certificates}
