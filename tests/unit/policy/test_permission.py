import pytest

from symbolon.errors import PermissionDeniedError
from symbolon.policy.permission import ConfiguredPermission, ExchangeRequest, Rule

ALL_DIRECTIONS = frozenset({"answer", "ask", "invited"})


def rule(**changes: object) -> Rule:
    fields = {
        "peer": "mill",
        "purposes": frozenset({"due-diligence"}),
        "modes": frozenset({"size", "intersection"}),
        "tiers": frozenset({"A", "B"}),
        "directions": frozenset({"answer"}),
    }
    return Rule(**{**fields, **changes})  # type: ignore[arg-type]


def request(**changes: object) -> ExchangeRequest:
    fields = {
        "direction": "answer",
        "peer": "mill",
        "area": "match",
        "mode": "intersection",
        "purpose": "due-diligence",
        "tiers": ("A",),
    }
    return ExchangeRequest(**{**fields, **changes})  # type: ignore[arg-type]


def test_permission_of_what_a_rule_covers_names_the_rule() -> None:
    grant = ConfiguredPermission((rule(peer="farm"), rule())).require(request(tiers=("B", "A")))
    assert grant.basis == "allow table 2"


@pytest.mark.parametrize(
    "change",
    [
        {"peer": "farm"},
        {"peer": "Mill"},
        {"peer": ""},
        {"area": "signal"},
        {"mode": "union"},
        {"purpose": "marketing"},
        {"tiers": ("A", "C")},
        {"direction": "ask"},
        {"direction": "invited"},
    ],
    ids=repr,
)
def test_permission_of_anything_beyond_the_rule_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(PermissionDeniedError) as caught:
        ConfiguredPermission((rule(),)).require(request(**change))
    assert "[[allow]]" in str(caught.value.hint)
    assert caught.value.public == "not permitted"


def test_permission_without_rules_refuses_everyone() -> None:
    with pytest.raises(PermissionDeniedError):
        ConfiguredPermission(()).require(request())


def test_permission_is_not_put_together_from_two_rules() -> None:
    rules = (rule(tiers=frozenset({"A"})), rule(tiers=frozenset({"B"})))
    with pytest.raises(PermissionDeniedError):
        ConfiguredPermission(rules).require(request(tiers=("A", "B")))


def test_permission_refusal_names_what_was_wanted_for_the_operator_only() -> None:
    with pytest.raises(PermissionDeniedError) as caught:
        ConfiguredPermission(()).require(request(purpose="marketing"))
    assert "marketing" in caught.value.detail
    assert "marketing" not in caught.value.public


def test_grant_scope_is_everything_the_peer_may_be_answered_whatever_it_asks() -> None:
    """The key of a peer serves all its purposes: two tables must not take turns at changing it."""
    rules = (
        rule(modes=frozenset({"size"}), tiers=frozenset({"A"})),
        rule(purposes=frozenset({"recall"}), modes=frozenset({"intersection"}), tiers=frozenset({"B"})),
        rule(peer="farm", purposes=frozenset({"other"})),
        rule(purposes=frozenset({"asking"}), directions=frozenset({"ask"})),
    )
    permission = ConfiguredPermission(rules)
    first = permission.require(request(mode="size"))
    second = permission.require(request(purpose="recall", tiers=("B",)))
    assert first.scope == second.scope == ("due-diligence:size:A", "recall:intersection:B")


def test_grant_scope_narrows_when_any_purpose_does() -> None:
    wide = ConfiguredPermission((rule(), rule(purposes=frozenset({"recall"})))).require(request())
    narrow = ConfiguredPermission((rule(),)).require(request())
    assert set(narrow.scope) < set(wide.scope)


def test_grant_scope_is_the_same_whatever_the_order_of_the_tables() -> None:
    one, other = rule(), rule(purposes=frozenset({"recall"}), tiers=frozenset({"C"}))
    scopes = {ConfiguredPermission(rules).require(request()).scope for rules in ((one, other), (other, one))}
    assert len(scopes) == 1


def test_permission_purpose_outside_the_coalitions_list_is_denied_whatever_the_rules_say() -> None:
    permission = ConfiguredPermission((rule(),), lambda: {"audit"})
    with pytest.raises(PermissionDeniedError) as caught:
        permission.require(request())
    assert caught.value.full_code == "permission.purpose"
    assert "audit" in str(caught.value.hint)
    assert ConfiguredPermission((rule(),), lambda: {request().purpose}).require(request())
