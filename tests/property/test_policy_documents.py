"""Bundles, requests and decisions: one document for one value, and a decision that anybody takes again."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from policy_material import SCHEMA, facts, member
from symbolon.policy.bundle import PolicySource, build_bundle, decode_bundle
from symbolon.policy.decision import Decider, Decision, decode_decision
from symbolon.policy.obligations import NOTHING, parse_obligations
from symbolon.policy.policy_text import split_policies
from symbolon.policy.request import MatchContext, PolicyRequest, decode_request, match_request

TEXT = st.text(max_size=12)
NUMBER = st.integers(-(2**53) + 1, 2**53 - 1)
VALUE = st.one_of(
    TEXT, NUMBER, st.booleans(), st.frozensets(TEXT, max_size=3).map(lambda words: tuple(sorted(words)))
)
REQUEST = st.builds(PolicyRequest, TEXT, TEXT, TEXT, TEXT, st.dictionaries(TEXT, VALUE, max_size=4))
OBLIGATIONS = st.sampled_from(("delay(3)", "no_onward; retain(9)", "redact(a, b); human_review")).map(
    parse_obligations
)
DECISION = st.builds(
    Decision,
    allowed=st.booleans(),
    policies=st.lists(TEXT, max_size=3).map(tuple),
    obligations=st.just(NOTHING) | OBLIGATIONS,
    refusal=TEXT,
    advice=TEXT,
    errors=st.lists(TEXT, max_size=3).map(tuple),
    bundle_sha256=st.binary(min_size=32, max_size=32),
)
CONTEXT = st.builds(
    MatchContext,
    purpose=st.sampled_from(("due-diligence", "remediation", "marketing")),
    mode=st.sampled_from(("size", "intersection")),
    tiers=st.frozensets(st.sampled_from("ABC")),
    suite=st.sampled_from(("X25519-ELL2-SHA512", "ristretto255-SHA512")),
    keys=st.integers(0, 10**7),
    list_size=st.integers(0, 10**7),
    keys_epoch=st.integers(0, 10**8),
    keys_year=st.integers(0, 10**8),
    churn=st.integers(0, 10**5),
    agreed=st.booleans(),
    now=st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
CONDITION = st.sampled_from(
    (
        "",
        "when { context.agreed }",
        'unless { context.tiers.contains("C") }',
        "when { principal.founder || context.keys > 1000 }",
        'when { principal.jurisdiction == "DE" } unless { context.churn > 50 }',
        "when { context.keys_year * context.keys_year * context.keys_year > 5 }",
    )
)
MATCH = '(principal, action in Symbolon::Action::"match", resource)'
COMMENT = st.sampled_from(("", "// plain\n", '// with ; and " and permit(\n', "\n\n//\n"))


@st.composite
def policy_files(draw: st.DrawFn) -> str:
    texts = []
    for number in range(draw(st.integers(0, 6))):
        effect = draw(st.sampled_from(("permit", "permit", "forbid")))
        note = draw(st.sampled_from(("", '@obligation("delay(3)") ', '@obligation("no_onward") ')))
        texts.append(
            f'{draw(COMMENT)}@id("p{number}") {note if effect == "permit" else ""}'
            f"{effect}{MATCH} {draw(CONDITION)};{draw(COMMENT)}"
        )
    return "\n".join(texts)


@given(REQUEST)
def test_request_document_is_read_back_the_same(asked: PolicyRequest) -> None:
    assert decode_request(asked.document()) == asked
    assert decode_request(asked.document()).document() == asked.document()


@given(DECISION)
def test_decision_document_is_read_back_the_same(decision: Decision) -> None:
    assert decode_decision(decision.document()) == decision


@settings(max_examples=60, deadline=None)
@given(policy_files())
def test_bundle_document_is_read_back_the_same(text: str) -> None:
    bundle = build_bundle(SCHEMA, (), [PolicySource("own.cedar", text)])
    read = decode_bundle(bundle.document())
    assert read == bundle
    assert read.document() == bundle.document()


@settings(max_examples=60, deadline=None)
@given(policy_files(), st.lists(CONTEXT, min_size=1, max_size=6), st.booleans())
def test_decision_is_the_same_taken_again_alone_and_in_a_batch(
    text: str, contexts: list[MatchContext], founder: bool
) -> None:
    bundle = build_bundle(SCHEMA, (), [PolicySource("own.cedar", text)])
    known = facts(member("mill", founder=founder), member("brand"))
    asked = [match_request("answer", "mill", "brand", each) for each in contexts]
    decider = Decider(bundle, known)
    answers = tuple(map(decider.decide, asked))
    again = Decider(decode_bundle(bundle.document()), known)
    assert again.decide_many([decode_request(each.document()) for each in asked]) == answers
    for each in answers:
        assert decode_decision(each.document()) == each
        assert not (each.allowed and (each.errors or not each.policies))
        assert each.allowed or each.obligations == NOTHING


@settings(max_examples=60, deadline=None)
@given(policy_files(), CONTEXT, st.data())
def test_one_more_forbid_never_allows_more(text: str, context: MatchContext, data: st.DataObject) -> None:
    forbid = f'@id("more") forbid{MATCH} {data.draw(CONDITION)};'
    less = Decider(build_bundle(SCHEMA, (), [PolicySource("own.cedar", text)]), facts())
    more = Decider(build_bundle(SCHEMA, (), [PolicySource("own.cedar", f"{text}\n{forbid}")]), facts())
    asked = match_request("answer", "mill", "brand", context)
    assert less.decide(asked).allowed or not more.decide(asked).allowed


@given(
    st.lists(st.sampled_from(["a", ";", '"', "\\", "//", "\n", " ", "(", ")", "permit", "\r", "'"])).map(
        "".join
    )
)
def test_split_policies_loses_and_adds_nothing(text: str) -> None:
    pieces = split_policies(text)
    assert all(text.count(each.text) for each in pieces)
    rest = text
    for each in pieces:
        before, found, rest = rest.partition(each.text)
        assert found
        assert not before.strip()
