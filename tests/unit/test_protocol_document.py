"""What docs/PROTOCOL.md states holds in the node: rules, limits, lengths, codes, defaults.

And what it and its sister pages name exists.
"""

import dataclasses
import re

import pytest

from reference import arithmetic
from symbolon.config import BudgetConfig, ExchangeConfig
from symbolon.errors import InvalidElementError
from symbolon.exchange import limits
from symbolon.exchange.padding import padded_count
from symbolon.exchange.rules_agreement import fingerprint
from symbolon.exchange.sender_set import tag_bytes_for
from symbolon.suppliers.key_schemes import key_rules
from unit.protocol_harness import DOCUMENT, ROOT, RULES, SCHEMES, SUITE


def test_key_rules_of_the_documented_schemes_are_those_of_the_node():
    assert " ".join(sorted(SCHEMES)) == key_rules()
    assert fingerprint(key_rules()) == RULES


@pytest.mark.parametrize("count", [*range(0, 3000, 7), 2**17 - 1, 2**17, 2**17 + 1, 1_000_000, 2**24])
def test_padding_class_is_the_same_in_both_implementations(count):
    assert arithmetic.padded(count) == padded_count(count)


@pytest.mark.parametrize("elements", [64, 1000, 131_072, 1 << 24])
@pytest.mark.parametrize("entries", [64, 4096, 99_999, 1 << 20, 1 << 25])
def test_tag_length_is_the_same_in_both_implementations(elements, entries):
    assert arithmetic.tag_length(elements, entries) == tag_bytes_for(elements, entries)


@pytest.mark.parametrize("u", [*arithmetic.LOW_ORDER, arithmetic.P - 1, arithmetic.P - 9, 2**255 - 1])
def test_element_that_the_document_refuses_is_refused_by_both_implementations(u):
    element = u.to_bytes(32, "little")
    with pytest.raises(arithmetic.RefusedError):
        arithmetic.check_element(element)
    with pytest.raises(InvalidElementError):
        SUITE.check_elements(element)


def test_limits_in_the_document_are_those_of_the_node():
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([0-9,.]+) \|", DOCUMENT, re.MULTILINE)
    assert len(rows) >= 8
    for name, value in rows:
        assert getattr(limits, name) == float(value.replace(",", "")), name


def test_a_sender_at_work_says_so_well_within_the_shortest_timeout_and_often_enough_for_the_longest():
    fields = {each.name: each.metadata for each in dataclasses.fields(ExchangeConfig)}
    shortest_s, longest_s = fields["idle_timeout_s"]["low"], fields["session_timeout_s"]["high"]
    assert shortest_s >= 4 * limits.WORKING_EVERY_S
    assert longest_s * 2 < limits.WORKING_EVERY_S * limits.MAX_WORKING


def test_budget_defaults_in_the_document_are_those_of_the_configuration():
    (row,) = re.findall(
        r"Defaults: ([0-9,]+) in (\d+) days, ([0-9,]+) a year, ([0-9,]+) a year over all", DOCUMENT
    )
    stated = tuple(int(each.replace(",", "")) for each in row)
    budget = BudgetConfig()
    assert stated == (
        budget.per_window,
        budget.window_days,
        budget.per_member_year,
        budget.all_members_year,
    )


def test_codes_in_the_document_are_those_that_the_node_sends():
    source = "\n".join(path.read_text() for path in (ROOT / "node" / "symbolon").rglob("*.py"))
    codes = set(re.findall(r'code="(protocol\.[a-z_]+|permission\.[a-z_]+|unavailable\.[a-z_]+)"', source))
    codes |= set(re.findall(r'^    code = "(protocol[a-z_.]*|permission\.[a-z]+)"', source, re.MULTILINE))
    local = {"protocol", "protocol.local", "protocol.remote", "protocol.refused"}
    assert {code for code in codes - local if f"`{code}`" not in DOCUMENT} == set()


@pytest.mark.parametrize("name", ["PROTOCOL.md", "THREAT_MODEL.md", "OPERATIONS.md"])
def test_document_names_only_files_and_headings_that_exist(name):
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]*)(?:#[^)]*)?\)", text):
        assert not target or (ROOT / "docs" / target).exists(), target
    for heading in re.findall(r"\]\(#([^)]*)\)", text):
        headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        assert heading in {re.sub(r"[^a-z0-9 -]", "", each.lower()).replace(" ", "-") for each in headings}
    tests = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    assert set(re.findall(r"\btest_[a-z0-9_]+\.py\b", text)) <= tests
