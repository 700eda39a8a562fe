"""What comes with the release is in force as it is, and decides what its cases say."""

import json
import re

import pytest

from policy_material import POLICIES, SCHEMA
from symbolon.policy.bundle import PolicyBundle, PolicySource, build_bundle, decode_bundle
from symbolon.policy.cases import PolicyCase, read_cases, run_cases
from symbolon.policy.shipped_policies import policies_in, shipped_cases, shipped_policies, shipped_schema

CASES = POLICIES / "cases"
FILES = sorted(each.name for each in CASES.glob("*.json") if not each.name.startswith("entities"))


def shipped(*own: PolicySource) -> PolicyBundle:
    return build_bundle(shipped_schema(), shipped_policies(), own)


def cases(name: str) -> tuple[PolicyCase, ...]:
    return read_cases(name, (CASES / name).read_text("utf-8"), lambda file: (CASES / file).read_text("utf-8"))


def test_shipped_policies_of_the_package_are_the_folder_of_the_project() -> None:
    assert shipped_schema() == SCHEMA
    assert {each.name: each.text for each in shipped_policies()} == {
        each.name: each.read_text("utf-8") for each in POLICIES.glob("*.cedar")
    }
    assert {each.name: each.read_text("utf-8") for each in shipped_cases().iterdir()} == {
        each.name: each.read_text("utf-8") for each in CASES.iterdir()
    }


def test_shipped_policies_pass_their_own_check_and_permit_no_match() -> None:
    bundle = shipped()
    assert decode_bundle(bundle.document()) == bundle
    assert bundle.open_permits() == ()
    assert not any("match" in each.text for each in bundle.policies if "permit (" in each.text)


@pytest.mark.parametrize("name", FILES)
def test_shipped_policies_decide_what_their_cases_say(name: str) -> None:
    found = cases(name)
    assert found
    results = run_cases(shipped(*policies_in(CASES)), found)
    assert [(each.case.name, each.failure) for each in results if each.failure] == []


def test_shipped_cases_show_each_policy_and_each_action_both_ways() -> None:
    every = [case for name in FILES for case in cases(name)]
    reasons = {reason for case in every for reason in case.reason}
    assert {each.policy_id for each in shipped().policies} <= reasons
    actions = set(re.findall(r"^    action (\w+)(?:, (\w+))? ", SCHEMA, re.MULTILINE))
    named = {word for pair in actions for word in pair if word}
    decided = {(case.request.action, case.decision) for case in every}
    assert {action for action, _ in decided} == named
    assert decided == {(action, word) for action in named for word in ("allow", "deny")}


@pytest.mark.parametrize("name", FILES)
def test_shipped_cases_fail_when_the_decision_is_turned_round(name: str) -> None:
    rows = json.loads((CASES / name).read_text("utf-8"))
    for row in rows:
        row["decision"] = {"allow": "deny", "deny": "allow"}[row["decision"]]
    turned = read_cases(name, json.dumps(rows), lambda file: (CASES / file).read_text("utf-8"))
    results = run_cases(shipped(*policies_in(CASES)), turned)
    assert all(each.failure for each in results)


@pytest.mark.parametrize("without", [each.policy_id for each in shipped().policies])
def test_shipped_cases_fail_without_any_one_of_the_policies(without: str) -> None:
    own = policies_in(CASES)
    whole = shipped(*own)
    less = PolicyBundle(whole.schema, tuple(each for each in whole.policies if each.policy_id != without))
    results = [each for name in FILES for each in run_cases(less, cases(name))]
    assert any(each.failure for each in results)


def test_shipped_files_begin_with_a_comment_and_so_does_each_policy() -> None:
    for source in shipped_policies():
        assert source.text.startswith("// "), source.name
    for policy in shipped().policies:
        assert policy.text.startswith("// "), policy.policy_id


def examples() -> list[str]:
    readme = (POLICIES / "README.md").read_text("utf-8")
    return re.findall(r"^```cedar\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)


def test_readme_examples_can_be_copied_as_they_stand() -> None:
    found = examples()
    assert len(found) >= 5
    for number, text in enumerate(found, 1):
        assert shipped(PolicySource(f"example-{number}.cedar", text))
    together = build_bundle(
        shipped_schema(), shipped_policies(), [PolicySource("examples.cedar", "\n".join(found))]
    )
    assert together.policies


def test_readme_example_of_a_case_passes() -> None:
    readme = (POLICIES / "README.md").read_text("utf-8")
    (text,) = re.findall(r"^```json\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    found = read_cases("README.md", text, lambda file: (CASES / file).read_text("utf-8"))
    results = run_cases(shipped(PolicySource("README.md", "\n".join(examples()))), found)
    assert [each.failure for each in results] == [""]


def test_readme_lists_everything_that_the_schema_offers() -> None:
    readme = (POLICIES / "README.md").read_text("utf-8")
    for name in re.findall(r'^ +"(\w+)":', SCHEMA, re.MULTILINE):
        assert f"`{name}`" in readme, name
    for name in ("redact", "coarsen", "delay", "no_onward", "retain", "human_review", "count_only",
                 "min_corroboration", "notify_supplier"):  # fmt: skip
        assert f"`{name}" in readme, name
