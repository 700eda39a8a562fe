"""Attacks by the text of policies: by size, by depth, by what reads in two ways, by what nobody sees."""

import subprocess
import sys
import time

import pytest

from policy_material import ALLOW_ALL, POLICIES, SCHEMA, bundle, decider, facts, member, request
from symbolon.errors import PolicyError
from symbolon.policy.bundle import BundledPolicy, PolicyBundle, decode_bundle
from symbolon.policy.decision import Decider
from symbolon.policy.facts import CoalitionFacts
from symbolon.policy.policy_text import MAX_NESTING, MAX_WORDS, parse_policy, split_policies

MATCH = 'action in Symbolon::Action::"match"'


def run_alone(code: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, since what is tested could end it."""
    return subprocess.run(
        [sys.executable, "-"], input=code, capture_output=True, text=True, timeout=120, check=False
    )


# What is too much.


def test_policy_text_of_ten_megabytes_is_refused_at_once() -> None:
    started = time.perf_counter()
    with pytest.raises(PolicyError):
        bundle("//" + "x" * 10_000_000)
    with pytest.raises(PolicyError):
        decode_bundle(b"[" * 10_000_000)
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 3_000 + "true" + ")" * 3_000,
        "[" * 3_000 + "1" + "]" * 3_000 + " == [1]",
        "{a:" * 3_000 + "1" + "}" * 3_000 + " == {a: 1}",
        "1" + " + 1" * 40_000 + " == 1",
        "1" + " * 1" * 40_000 + " == 1",
        "principal" + ".a" * 60_000,
        "if true then " * 3_000 + "true" + " else true" * 3_000,
        "(" * MAX_NESTING + "true" + ")" * MAX_NESTING,
    ],
    ids=lambda text: text[:16],
)
def test_deeply_nested_expression_is_refused_and_does_not_end_the_process(expression: str) -> None:
    """Cedar's parser overflows its stack on these, and with it the node."""
    text = f'@id("deep") permit(principal, action, resource) when {{ {expression} }};'
    with pytest.raises(PolicyError):
        bundle(text)
    unchecked = PolicyBundle(SCHEMA, (BundledPolicy("deep", "own", "own.cedar", text),))
    with pytest.raises(PolicyError):
        decode_bundle(unchecked.document())
    with pytest.raises(PolicyError):
        Decider(unchecked, facts())


@pytest.mark.parametrize(
    "expression",
    [
        "(" * (MAX_NESTING - 4) + "1" + " + 1" * 400 + " == 1" + ")" * (MAX_NESTING - 4),
        "1" + " + 1" * (MAX_WORDS // 2 - 20) + " == 500",
        "[" + '"x", ' * 30_000 + '"y"].contains(principal.kind)',
        "context" + ".purpose" * 400,
        "if true then " * 150 + "true" + " else true" * 150,
        " && ".join(["true"] * 450),
    ],
    ids=lambda text: text[:16],
)
def test_expression_just_within_the_bounds_does_not_end_the_process(expression: str) -> None:
    text = f'@id("deep") permit(principal, {MATCH}, resource) when {{ {expression} }};'
    code = (
        "import sys, threading\n"
        f"sys.path[:0] = {[str(POLICIES.parent / 'node'), str(POLICIES.parent / 'tests')]!r}\n"
        "from policy_material import bundle, decider, request\n"
        "from symbolon.errors import PolicyError\n"
        "def run():\n"
        "    try:\n"
        f"        decider({text!r}).decide(request())\n"
        "    except PolicyError as error:\n"
        "        print('refused')\n"
        "    print('done')\n"
        "thread = threading.Thread(target=run); thread.start(); thread.join()\n"
    )
    ran = run_alone(code)
    assert ran.returncode == 0, ran.stderr[-500:]
    assert "done" in ran.stdout


def test_schema_that_nests_deeply_is_refused_and_does_not_end_the_process() -> None:
    for deep in ("Set<" * 3_000 + "Long" + ">" * 3_000, "{a: " * 3_000 + "Long" + "}" * 3_000):
        forged = PolicyBundle(f"entity E = {{ a: {deep} }};", ())
        with pytest.raises(PolicyError):
            decode_bundle(forged.document())


def test_too_many_members_are_refused() -> None:
    with pytest.raises(PolicyError):
        CoalitionFacts("c", frozenset(), tuple(member(f"m{number}") for number in range(10_001)))


# Texts that are read in two ways.


@pytest.mark.parametrize(
    "text",
    [
        '// a comment; with a semicolon\n@id("a") forbid(principal, action, resource);',
        '@id("a") forbid(principal, action, resource) when { "//" == "//" };',
        '@id("a") forbid(principal, action, resource) when { "\\"; permit(principal, action);" == "" };',
        '@id("a") forbid(principal, action, resource) // ; "\n when { true };',
        '@id("a") forbid(principal, action, resource) // \\\n when { true };',
        '@id("a;b".c") forbid(principal, action, resource);',
        '@id("a") forbid(principal, action, resource) /* ; */ when { true };',
        '@id("a") forbid(principal, action, resource) //\r permit(principal, action, resource);',
        "@id('a;') forbid(principal, action, resource);",
        '@id("a") forbid(principal, action, resource) when { "\\\n;" == "" };',
        ";",
        ";;",
        '@id("a") forbid(principal, action, resource);;',
    ],
    ids=ascii,
)
def test_text_that_hides_a_permit_is_split_as_cedar_reads_it_or_refused(text: str) -> None:
    """What decides are the pieces, so none may hold another policy than Cedar finds in it."""
    pieces = split_policies(text)
    assert "".join("".join(each.text for each in pieces).split()) == "".join(text.split())
    try:
        made = bundle(text)
    except PolicyError:
        return
    assert [each.policy_id for each in made.policies] == ["a"]
    assert not parse_policy(made.policies[0].text).permits
    assert not decider(text).decide(request()).allowed


@pytest.mark.parametrize(
    "character", ["\u202e", "\u2066", "\u200b", "\x00", "\x1b", "\u00a0", "\ufeff", "\ud800"]
)
def test_policy_with_a_character_that_nobody_sees_is_refused(character: str) -> None:
    """A reviewer would read another policy than the one that decides."""
    for text in (
        f"// harmless{character}\n{ALLOW_ALL}",
        ALLOW_ALL.replace("principal", f"{character}principal"),
    ):
        with pytest.raises(PolicyError):
            bundle(text)
