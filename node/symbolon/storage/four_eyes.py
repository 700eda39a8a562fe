"""The one question that an action under four eyes asks before it is carried out.

    four_eyes.require(node.approvals, node.config.operators.four_eyes, "expel", subject, words, node.operator)

Returns when it may be done now: the action is not under four eyes, the node has no operators, or a second
person has approved exactly these bytes, which this call uses up. Otherwise it raises, having noted the
request; the same command run again after the approval goes through. An action that fails after this call
needs a new approval: better once too few than twice.
"""

from collections.abc import Collection

from symbolon.policy.approval import PendingApprovalError
from symbolon.policy.operator_roles import ACTION_ROLES, LOCAL, FourEyesAction, not_signed_in, require_role
from symbolon.storage.approval_store import ApprovalStore


def require(
    store: ApprovalStore,
    configured: Collection[str],
    action: FourEyesAction,
    subject: bytes,
    words: str,
    operator: str,
) -> None:
    """Lets an action through, once, or asks a second person.

    Args:
        store: the node's.
        configured: `[operators] four_eyes` of its configuration.
        action: what is to be done.
        subject: bytes that say exactly what to, the same whenever the same is meant.
        words: the same for people, one line, made from `subject` alone.
        operator: pseudonym of who wants to do it.

    Raises:
        PendingApprovalError: exit code 75; the hint names the command for the second person.
        PermissionDeniedError: `permission.sign_in`, `permission.role`, or what `ApprovalStore.claim` says.
    """
    if operator == LOCAL and not store.operators.exist():
        return
    person = store.operators.get(operator)
    if person is None:
        raise not_signed_in()
    require_role(person.role, ACTION_ROLES[action], action)
    if action not in configured:
        return
    others = store.others_who_may_approve(operator)
    if action == "operators" and not any(each.as_second_person.own_credential for each in others):
        # Else a node's first operator could never add the second, nor mend a mistake in doing so.
        return
    request = store.claim(action, subject, words, operator)
    if request.state == "used":
        return
    raise PendingApprovalError(
        f"{words}: waits for a second person as {request.request_id}",
        hint=f"Another approver runs `symbolon approvals approve {request.request_id}` within seven days; "
        "then run this command again, unchanged.",
    )
