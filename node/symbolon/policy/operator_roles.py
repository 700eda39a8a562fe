"""The people of a node: their roles, which command needs which, and what takes two of them.

Handles: four roles, each of which may do all that the ones before it may; the role that every command needs;
the actions that can be put under four eyes. A command that is not listed needs an administrator. Refuses by
raising. A node without operators has none of this: whoever can read its folder is its only operator, `LOCAL`.
Specification: docs/operators.md.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Literal, get_args

from symbolon.errors import PermissionDeniedError

LOCAL: Final = "local"
"""Pseudonym of whoever works at a node that has no operators."""


class Role(StrEnum):
    """What an operator may do; each role includes the ones above it."""

    VIEWER = "viewer"
    CONTRIBUTOR = "contributor"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"

    def covers(self, needed: "Role") -> bool:
        """Whether this role may do what `needed` may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


FourEyesAction = Literal["release", "expel", "plan-approval", "operators"]
"""What `[operators] four_eyes` can name."""

ACTION_ROLES: Final[Mapping[FourEyesAction, Role]] = {
    "release": Role.CONTRIBUTOR,
    "expel": Role.ADMINISTRATOR,
    "plan-approval": Role.APPROVER,
    "operators": Role.ADMINISTRATOR,
}
"""The role that whoever asks for the action needs; the second pair of eyes is always an `APPROVER`."""

assert set(ACTION_ROLES) == set(get_args(FourEyesAction))

COMMAND_ROLES: Final[Mapping[str, Role | None]] = {
    # Nothing of a node is read or changed, or the node has yet to be made.
    "init": None,
    "try": None,
    "demo": None,
    "bench": None,
    "sign-in": None,
    "sign-out": None,
    # Who is there stands in the sealed columns, which are not to be read while the keys are locked. The
    # passphrase decides who may unlock; whoever is there may lock again; the first time `lock` asks for an
    # administrator itself. `wipe` has to work in seconds, with no key and half a folder, and takes nothing
    # that whoever can write in the folder could not take by `rm`.
    "lock": None,
    "unlock": None,
    "wipe": None,
    # What a signal can say is the same at every node.
    "signals words": None,
    "signals schema": None,
    "doctor": Role.VIEWER,
    "status": Role.VIEWER,
    "suppliers list": Role.VIEWER,
    "suppliers keys": Role.VIEWER,
    "match show": Role.VIEWER,
    "signals list": Role.VIEWER,
    "signals received": Role.VIEWER,
    "signals feeds": Role.VIEWER,
    "triage": Role.VIEWER,
    "suppliers show": Role.VIEWER,
    "signals show": Role.VIEWER,  # with the note on a source it asks for a contributor itself
    "signals who": Role.VIEWER,
    "operators list": Role.VIEWER,
    "approvals list": Role.VIEWER,
    "policy check": Role.VIEWER,
    "policy test": Role.VIEWER,
    "policy explain": Role.VIEWER,
    "policy agreements": Role.VIEWER,
    "audit log": Role.VIEWER,
    "audit verify": None,  # of files it needs no node; of the own log it asks for a viewer itself
    "audit witness": Role.CONTRIBUTOR,
    "audit prove": Role.APPROVER,
    "audit export": Role.APPROVER,
    "audit report": Role.APPROVER,
    # What this member signs for all its people, and what ends that: an administrator.
    "coalition members": Role.VIEWER,
    "coalition proposals": Role.VIEWER,
    "coalition invitations": Role.VIEWER,
    "coalition sync": Role.VIEWER,
    # What these disclose is bounded by the policies, which an administrator writes.
    "serve": Role.CONTRIBUTOR,
    "relay": Role.CONTRIBUTOR,
    "suppliers import": Role.CONTRIBUTOR,
    "match with": Role.CONTRIBUTOR,
    "match review": Role.CONTRIBUTOR,
    "signals add": Role.CONTRIBUTOR,
    "signals lookup": Role.CONTRIBUTOR,
    "signals count": Role.CONTRIBUTOR,
    "signals delegated": Role.CONTRIBUTOR,
    "signals watch": Role.CONTRIBUTOR,
    "signals import": Role.CONTRIBUTOR,
    "signals revise": Role.CONTRIBUTOR,
    "signals recall": Role.CONTRIBUTOR,
    "signals dispute": Role.CONTRIBUTOR,
    "signals settle": Role.CONTRIBUTOR,
    "signals reply": Role.CONTRIBUTOR,
    "signals reply-form": Role.CONTRIBUTOR,
    "signals pending": Role.CONTRIBUTOR,
    "signals notified": Role.CONTRIBUTOR,
    # Each tells a publisher that this member has the supplier.
    "signals narrative": Role.CONTRIBUTOR,
    "signals corroborate": Role.CONTRIBUTOR,
    "signals review": Role.CONTRIBUTOR,
    "signals dropbox": Role.CONTRIBUTOR,
    # It leaves the coalition by that hand, and no policy guards it.
    "signals export": Role.APPROVER,
    "signals approve": Role.APPROVER,
    # It keeps what others took back, opens that, and erases it.
    "signals hold": Role.APPROVER,
    "coalition approve": Role.APPROVER,
    "approvals approve": Role.APPROVER,
    "approvals deny": Role.VIEWER,  # whoever asked may take it back; the store asks for the role otherwise
    "operators add": Role.ADMINISTRATOR,
    "operators role": Role.ADMINISTRATOR,
    "operators remove": Role.ADMINISTRATOR,
    "operators password": Role.VIEWER,  # the own one; the store asks for an administrator otherwise
}
"""Commands by their words. A word that stands for a whole group is looked up when its command is not."""


def role_for_command(words: str) -> Role | None:
    """The role that a command needs, or None where anybody may run it.

    Args:
        words: the command as typed, without the program's name and options, for example `suppliers import`.
    """
    for name in (words, words.partition(" ")[0]):
        if name in COMMAND_ROLES:
            return COMMAND_ROLES[name]
    return Role.ADMINISTRATOR


def require_role(held: Role, needed: Role, what: str) -> None:
    """Checks that a role suffices.

    Args:
        held: the operator's.
        needed: the least that suffices.
        what: what it is wanted for, for the message.

    Raises:
        PermissionDeniedError: `permission.role`; the hint says who may.
    """
    if held.covers(needed):
        return
    who = " or ".join(each for each in Role if each.covers(needed))
    raise PermissionDeniedError(
        f"{what} needs the role {needed}, you are {held}",
        hint=f"Ask an operator who may ({who}), or an administrator for the role.",
        code="permission.role",
    )


def not_signed_in() -> PermissionDeniedError:
    """What everybody hears who is none of the operators of a node that has some."""
    return PermissionDeniedError(
        "this node has operators, and you are not signed in as one of them",
        hint="Run `symbolon sign-in`.",
        code="permission.sign_in",
    )
