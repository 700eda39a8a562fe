import dataclasses

import pytest

from policy_material import ALLOW_ALL, SCHEMA, bundle
from symbolon.errors import PolicyError
from symbolon.policy.bundle import (
    MAX_POLICIES,
    PolicyBundle,
    PolicyProblem,
    PolicyProblemsError,
    PolicySource,
    build_bundle,
    decode_bundle,
)


def problems(
    own: str, *, shipped: str = "", generated: str = "", schema: str = SCHEMA
) -> tuple[PolicyProblem, ...]:
    with pytest.raises(PolicyProblemsError) as caught:
        build_bundle(
            schema,
            [],
            [PolicySource("own.cedar", own)],
            [PolicySource("symbolon.toml", generated)],
        )
    return caught.value.problems


def test_bundle_document_of_what_was_built_is_read_back_the_same() -> None:
    built = bundle(
        '// A comment; with "quotes".\n' + ALLOW_ALL + '\n@id("b") forbid(principal, action, resource);'
    )
    assert decode_bundle(built.document()) == built
    assert decode_bundle(built.document()).sha256() == built.sha256()


def test_bundle_keeps_the_words_of_each_policy_and_the_comment_above_it() -> None:
    first = (
        '// Why; and "what".\n@id("a") // here; too\npermit(principal, action, resource)\n'
        '  when { "x;y" == "\\";" };'
    )
    second = '@id("b")\nforbid(principal, action, resource);'
    built = bundle(f"\n{first}\n\n{second}\n// the end\n")
    assert [each.text for each in built.policies] == [first, second]
    assert [each.policy_id for each in built.policies] == ["a", "b"]


def test_bundle_without_policies_is_one() -> None:
    assert decode_bundle(bundle().document()).policies == ()


def test_bundle_own_policy_with_the_id_of_a_shipped_one_stands_in_its_place_and_is_named() -> None:
    shipped = '@id("a") forbid(principal, action, resource); @id("b") forbid(principal, action, resource);'
    own = '@id("z") forbid(principal, action, resource); @id("a") permit(principal, action, resource);'
    built = bundle(own, shipped=shipped)
    assert built.replaced == ("a",)
    assert [(each.policy_id, each.kind) for each in built.policies] == [
        ("a", "own"),
        ("b", "shipped"),
        ("z", "own"),
    ]
    assert decode_bundle(built.document()) == built


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("permit(principal, action, resource);", "no @id"),
        ('@id("") permit(principal, action, resource);', "no @id"),
        ("@id permit(principal, action, resource);", "no @id"),
        ('@id("two words") permit(principal, action, resource);', "no @id"),
        ('@id("-a") permit(principal, action, resource);', "no @id"),
        (f'@id("{"a" * 65}") permit(principal, action, resource);', "no @id"),
        ('@id("allow-table-1") permit(principal, action, resource);', "[[allow]]"),
        ('@id("a") @note("x") permit(principal, action, resource);', "@note"),
        ('@id("a") @obligation("delay") permit(principal, action, resource);', "delay takes"),
        ('@id("a") @obligation("") permit(principal, action, resource);', "no obligation"),
        ('@id("a") @obligation("no_onward") forbid(principal, action, resource);', "stands on a forbid"),
        ('@id("a") @advice("x") permit(principal, action, resource);', "@advice stands on a permit"),
        ('@id("a") @refusal("purpose") permit(principal, action, resource);', "@refusal stands on a permit"),
        ('@id("a") @refusal("because") forbid(principal, action, resource);', "no refusal"),
        ('@id("a") @advice("") forbid(principal, action, resource);', "@advice"),
        ('@id("a") @advice("a\\nb") forbid(principal, action, resource);', "@advice"),
        (f'@id("a") @advice("{"a" * 301}") forbid(principal, action, resource);', "@advice"),
        ('@id("a") permit(principal == ?principal, action, resource);', "slot"),
        ('@id("a") permit(principal, action, resource)', "unexpected end of input"),
        ('@id("a") permit(principal, action);', "Cedar does not read it"),
        ('@id("a") permit(principal, action, resource) when { principal.sort == 1 };', "sort"),
        ('@id("a") permit(principal, action == Symbolon::Action::"mtach", resource);', "mtach"),
        ('@id("a") permit(principal, action == Action::"match_size", resource);', "match_size"),
        ('@id("a") permit(principal is Member, action, resource);', "Member"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_bundle_of_a_policy_that_cannot_be_used_names_file_line_and_remedy(text: str, detail: str) -> None:
    (problem, *_) = problems(f"\n\n{text}")
    assert detail in problem.detail
    assert (problem.source, problem.line) == ("own.cedar", 3)
    assert problem.advice


def test_bundle_tells_every_problem_at_once() -> None:
    found = problems(
        '@id("a") permit(principal, action, resource) when { principal.sort == 1 };\n'
        '@id("b") @note("x") @refusal("y") forbid(principal, action, resource);\n'
        "permit(principal, action);"
    )
    assert {(each.line, each.policy) for each in found} == {(1, "a"), (2, "b"), (3, "")}
    assert len(found) >= 4


def test_bundle_of_two_own_policies_with_one_id_is_refused() -> None:
    (problem,) = problems(ALLOW_ALL + ALLOW_ALL)
    assert "same @id" in problem.detail


def test_bundle_of_a_table_without_a_tables_id_is_refused() -> None:
    (problem,) = problems("", generated=ALLOW_ALL)
    assert problem.source == "symbolon.toml"


def test_bundle_with_a_broken_schema_is_refused() -> None:
    (problem,) = problems(ALLOW_ALL, schema=SCHEMA.replace("namespace", "namespce"))
    assert problem.source == "schema.cedarschema"


def test_bundle_of_too_many_policies_is_refused() -> None:
    text = "".join(f'@id("p{n}") permit(principal, action, resource);' for n in range(MAX_POLICIES + 1))
    (problem,) = problems(text)
    assert "1000 policies" in problem.detail


def test_bundle_open_permits_are_own_ones_that_ask_nothing() -> None:
    match, m = 'action in Symbolon::Action::"match"', "Symbolon::Member"
    built = build_bundle(
        SCHEMA,
        [PolicySource("s", '@id("shipped") permit(principal, action, resource);')],
        [
            PolicySource(
                "o",
                f'@id("open") permit(principal, {match}, resource);'
                f'@id("open-is") permit(principal is {m}, {match}, resource is Symbolon::SupplierList);'
                f'@id("one") permit(principal == Symbolon::Member::"mill", {match}, resource);'
                f'@id("group") permit(principal is {m} in Symbolon::Coalition::"c", {match}, resource);'
                f'@id("when") permit(principal, {match}, resource) when {{ context.agreed }};'
                f'@id("forbid") forbid(principal, {match}, resource);',
            )
        ],
    )
    assert [each.policy_id for each in built.open_permits()] == ["open", "open-is"]


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 201])
def test_bundle_of_a_file_whose_name_would_spoil_a_message_is_refused(name: str) -> None:
    with pytest.raises(PolicyProblemsError):
        build_bundle(SCHEMA, [PolicySource(name, ALLOW_ALL)])


def test_decode_bundle_checks_what_the_class_does_not() -> None:
    good = bundle(ALLOW_ALL)
    unknown = dataclasses.replace(
        good.policies[0], text='@id("all") @obligation("forget") permit(principal, action, resource);'
    )
    for wrong in (
        PolicyBundle(good.schema, (unknown,)),
        PolicyBundle(good.schema, (dataclasses.replace(good.policies[0], policy_id="other"),)),
        PolicyBundle(good.schema, (good.policies[0], good.policies[0])),
        PolicyBundle(good.schema, good.policies, ("all", "none")),
        PolicyBundle("", good.policies),
    ):
        with pytest.raises(PolicyError):
            decode_bundle(wrong.document())
