"""What docs/PROTOCOL.md states holds in the node: rules, limits, lengths, codes, defaults.

And what it and its sister pages name exists.
"""

import dataclasses
import re
from datetime import timedelta

import pytest

from reference import arithmetic
from symbolon.api.membership.v1 import membership_pb2
from symbolon.config import BudgetConfig, ExchangeConfig
from symbolon.errors import InvalidElementError
from symbolon.exchange import limits
from symbolon.exchange.padding import padded_count
from symbolon.exchange.rules_agreement import fingerprint
from symbolon.exchange.sender_set import tag_bytes_for
from symbolon.membership import act_codec
from symbolon.membership.acts import MAX_ACTS
from symbolon.membership.certificates import CLOCK_SKEW, LEAF_VALIDITY
from symbolon.membership.coalition_parts import (
    MAX_PARTS,
    MAX_ROOT_BYTES,
    MAX_ROOT_CHAIN_BYTES,
    MAX_TARGETS_BYTES,
    MAX_TERMS_BYTES,
)
from symbolon.membership.coalition_roles import MAX_FOUNDERS, VALIDITY
from symbolon.membership.due_diligence import ATTESTATION_VALIDITY, MAX_VETTING
from symbolon.membership.invitation_code import MAX_ENDPOINTS
from symbolon.membership.invitation_identity import INVITED_LEAF_VALIDITY, MAX_INVITATION_VALIDITY
from symbolon.membership.member_record import MAX_EXPELLED, MAX_MEMBERS, MAX_PURPOSES, MAX_RELAYS
from symbolon.membership.members_document import MAX_MEMBERS_BYTES
from symbolon.membership.proposal import MAX_PROPOSAL_BYTES
from symbolon.membership.proposal_draft import BINDING, MAX_AGE, SIGNING
from symbolon.membership.proposal_draft import CLOCK_SKEW as PROPOSAL_SKEW
from symbolon.rpc.identity import INVITED_METHODS, LAPSED_METHODS
from symbolon.rpc.membership_client import MAX_ROOT_PAGES
from symbolon.rpc.membership_codec import MAX_ANSWER_BYTES, PIECE_BYTES
from symbolon.rpc.upkeep import SYNC_S
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
    local = {"protocol", "protocol.local", "protocol.remote", "protocol.refused", "permission.passphrase"}
    assert {code for code in codes - local if f"`{code}`" not in DOCUMENT} == set()


MEMBERSHIP = re.findall(r"^## Membership\n(.*?)^## ", DOCUMENT, re.MULTILINE | re.DOTALL)[0]


def test_validity_of_metadata_in_the_document_is_that_of_the_node():
    rows = re.findall(r"^\| ([a-z, ]+) \| .* \| (\d+) days \|$", MEMBERSHIP, re.MULTILINE)
    stated = {role: timedelta(days=int(days)) for roles, days in rows for role in roles.split(", ")}
    assert stated == VALIDITY


@pytest.mark.parametrize(
    ("sentence", "values"),
    [
        (r"At most (\d+) KiB for a root and the authorities", [MAX_ROOT_BYTES >> 10]),
        (r"the authorities, (\d+) KiB for the other roles", [MAX_TARGETS_BYTES >> 10]),
        (r"(\d+) MiB for `members.json`", [MAX_MEMBERS_BYTES >> 20]),
        (r"(\d+) KiB for the terms", [MAX_TERMS_BYTES >> 10]),
        (r"for the terms; (\d+) parts", [MAX_PARTS]),
        (r"messages of at most (\d) MiB, (\d) MiB in all", [PIECE_BYTES >> 20, MAX_ANSWER_BYTES >> 20]),
        (r"after (\d) MiB of roots .* \((\d) times at most\)", [MAX_ROOT_CHAIN_BYTES >> 20, MAX_ROOT_PAGES]),
        (r"a list of 1 to (\d+) \*\*acts\*\*", [MAX_ACTS]),
        (r"at most ([\d,]+) days later\), `attested`", [MAX_VETTING.days]),
        (r"at most (\d+) days after `attested`", [ATTESTATION_VALIDITY.days]),
        (r"at most ([\d,]+), strictly ascending by `member_id`", [MAX_MEMBERS]),
        (r"at most ([\d,]+), likewise", [MAX_EXPELLED]),
        (r"`relays`, at most (\d) ids", [MAX_RELAYS]),
        (r"at most (\d+), strictly ascending, each", [MAX_PURPOSES]),
        (r"canonical JSON, at most (\d) MiB, of `coalition`", [MAX_PROPOSAL_BYTES >> 20]),
        (r"one more for each (\d+) whole days", [BINDING.days]),
        (r"`posed` is less than (\d) days old", [SIGNING.days]),
        (r"at most (\d) hours ahead, `made`", [PROPOSAL_SKEW.seconds // 3600]),
        (r"`made` less than (\d+) days old", [MAX_AGE.days]),
        (r"on the same base until (\d) days after `posed`", [BINDING.days]),
        (r"1 to (\d) endpoints", [MAX_ENDPOINTS]),
        (r"dials in their order; at most (\d+) days", [MAX_INVITATION_VALIDITY.days]),
        (r"usage clientAuth, (\d) hours at most", [INVITED_LEAF_VALIDITY.seconds // 3600]),
        (r"n is 1 to (\d+)", [MAX_FOUNDERS]),
        (r"at its start and every (\d) minutes", [SYNC_S / 60]),
        (r"lasts longer than the table plus a (day)", [1]),
    ],
)  # fmt: skip
def test_limit_of_membership_in_the_document_is_that_of_the_node(sentence, values):
    (found,) = re.findall(sentence, MEMBERSHIP)
    stated = [found] if isinstance(found, str) else list(found)
    assert [int(each.replace(",", "").replace("day", "1")) for each in stated] == values


def test_leaves_in_the_document_live_as_long_as_those_of_the_node():
    (found,) = re.findall(r"Leaves live (\d+) days and begin (\d) hours before", DOCUMENT)
    assert tuple(map(int, found)) == (LEAF_VALIDITY.days, CLOCK_SKEW.seconds // 3600)


def test_acts_in_the_document_are_those_of_the_node_with_their_fields():
    rows = re.findall(r"^\| (`[a-z`, -]+`) \| (.*?) \|", MEMBERSHIP, re.MULTILINE)
    stated = {}
    for acts, fields in rows:
        for act in re.findall(r"`([a-z-]+)`", acts):
            stated[act] = {"act", *re.findall(r"`([a-z_0-9]+)`", fields)}
    known = {name: set(fields) for name, fields in act_codec._FIELDS.items()}
    # One row is for two acts, and says of one field that only one of them has it.
    stated["reinstate"].discard("reason")
    assert {name: stated[name] for name in known} == known


def test_callers_in_the_document_are_those_whom_the_node_lets_in():
    service = membership_pb2.DESCRIPTOR.services_by_name["MembershipService"]
    rows = re.findall(r"^\| (`[A-Z].*?) \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$", MEMBERSHIP, re.MULTILINE)
    stated = {name: cells for first, *cells in rows for name in re.findall(r"`([A-Za-z]+)`", first)}
    assert set(stated) == {method.name for method in service.methods}
    for name, (invited_caller, _, lapsed, _) in stated.items():
        method = f"/{service.full_name}/{name}"
        assert invited_caller.startswith("yes") == (method in INVITED_METHODS), name
        assert (lapsed != "no") == (method in LAPSED_METHODS), name


def test_membership_codes_in_the_document_are_those_that_the_node_sends():
    source = "\n".join(path.read_text() for path in (ROOT / "node" / "symbolon").rglob("*.py"))
    sent = set(re.findall(r'code=f?"membership\.([a-z_]+)', source))
    listed = re.findall(
        r"^Codes of `MembershipService` begin with `membership\.` and go on: (.*)$", DOCUMENT, re.M
    )
    stated = {each.partition(".")[0] for each in re.findall(r"`([a-z_.…]+)`", listed[0])}
    # Said to the people of a node alone, about its own files and its own commands.
    own = {"coalition", "exists", "expired", "fingerprint", "key", "no_endpoint", "not_enrolled", "offer",
           "root_key", "signing_key", "tls_version"}  # fmt: skip
    assert sent - own <= stated
    assert stated <= sent


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
