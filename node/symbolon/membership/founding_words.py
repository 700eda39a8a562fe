"""What a change of founders means, in words for the person who is asked to sign it.

Handles: every difference between the founders in force and those proposed: names, keys, threshold,
authorities; and what the keys of a suspended founder can still do. A name alone would tell nobody that the
key behind it is another one, so keys and authorities that are new are named by what can be compared with what
their holder says. Specification: docs/PROTOCOL.md, membership; docs/adr/0013.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from cryptography.hazmat.primitives import hashes

from symbolon.membership.acts import Act, Suspend
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


def describe_keys_that_stay(acts: Iterable[Act], state: State) -> tuple[str, ...]:
    """Says of each founder that some acts suspend that its keys go on counting, and what ends that.

    Args:
        acts: as proposed, or in force.
        state: that names the founders.
    """
    names = [each.member_id for each in state.founders]
    return tuple(
        f"{act.member_id} stays a founder, whom no founder's node asks any more; but who has its keys can "
        f"still sign, until `{drop_command(act.member_id, state)}` is in force."
        for act in acts
        if isinstance(act, Suspend) and act.member_id in names
    )


def drop_command(member_id: str, state: State) -> str:
    """The command that makes a founder, who is not the only one, none any more.

    Args:
        member_id: the founder.
        state: that names the founders.
    """
    threshold = min(state.root.threshold, max(1, len(state.founders) - 1))
    return f"symbolon coalition founders --drop {member_id} --threshold {threshold}"


def describe_offer(founder: Founder, authority_pem: bytes) -> str:
    """Says of a founder's own keys what `describe_founding` will say to the others that are asked to sign.

    Args:
        founder: the public halves.
        authority_pem: the certificate of its authority.

    Raises:
        MembershipError: `membership.authorities`, or `membership.certificate.malformed`.
    """
    (authority,) = _fingerprints(authority_pem)
    return f"{_shown(founder)}, authority {authority}"


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
    return (
        f"The keys of {founder.member_id} are new: compare with what {founder.member_id} says, "
        f"{_shown(founder)}."
    )


def _shown(founder: Founder) -> str:
    root_key, metadata_key = (each.hex()[:_SHOWN_DIGITS] for each in (founder.root_key, founder.metadata_key))
    return f"root key {root_key}, metadata key {metadata_key}"


def _fingerprints(authorities_pem: bytes) -> set[str]:
    certificates = Authorities.parse(authorities_pem).certificates
    return {each.fingerprint(hashes.SHA256()).hex()[:_SHOWN_DIGITS] for each in certificates}
