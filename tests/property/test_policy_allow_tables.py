"""A generated permit allows exactly what its table says, whatever the words of the table are."""

from collections.abc import Set

from hypothesis import given, settings
from hypothesis import strategies as st

from policy_material import SCHEMA, context, facts, member
from symbolon.policy.allow_tables import AllowTable, quoted, table_policies
from symbolon.policy.bundle import build_bundle, decode_bundle
from symbolon.policy.decision import Decider
from symbolon.policy.request import match_request

ODD = (
    'mill"',
    "mill\\",
    "mill\n",
    "mill\x00",
    "mіll",  # a Cyrillic letter
    "mill\u202e",
    '"); permit(principal, action, resource); //',
    "mill*",
    "\\u{41}",
    "A",
    "",
    "//",
    "𝄞",
    "e\u0301",
    "?principal",
)
WORDS = st.one_of(st.sampled_from(("mill", "brand", *ODD)), st.text(max_size=6))
MODES = st.lists(st.sampled_from(("size", "intersection")), max_size=2, unique=True).map(tuple)
TIERS = st.lists(st.sampled_from("ABC"), max_size=3, unique=True).map(tuple)
TABLE = st.builds(
    AllowTable,
    peer=WORDS,
    purposes=st.lists(WORDS, max_size=3).map(tuple),
    modes=MODES,
    tiers=TIERS,
    answer=st.booleans(),
    ask=st.booleans(),
    invited=st.booleans(),
)


def covers(table: AllowTable, direction: str, peer: str, mode: str, purpose: str, tiers: Set[str]) -> bool:
    """What a table says, in the words of the configuration."""
    asked = peer == table.peer and purpose in table.purposes and mode in table.modes
    return bool(getattr(table, direction)) and asked and tiers <= set(table.tiers)


@settings(max_examples=60, deadline=None)
@given(st.lists(TABLE, max_size=4), st.data())
def test_tables_allow_exactly_what_one_of_them_says(tables: list[AllowTable], data: st.DataObject) -> None:
    names = sorted({"mill", "brand", "owner", *(table.peer for table in tables)})
    purposes = sorted({"due-diligence", *(purpose for table in tables for purpose in table.purposes)})
    bundle = build_bundle(SCHEMA, (), (), table_policies(tables))
    assert decode_bundle(bundle.document()) == bundle
    decider = Decider(bundle, facts(*map(member, names)))
    for _ in range(12):
        direction = data.draw(st.sampled_from(("answer", "ask", "invited")))
        mode = data.draw(st.sampled_from(("size", "intersection")))
        peer, purpose = data.draw(st.sampled_from(names)), data.draw(st.sampled_from(purposes))
        tiers = data.draw(st.frozensets(st.sampled_from("ABC"), min_size=1))
        expected = any(covers(each, direction, peer, mode, purpose, tiers) for each in tables)
        asked = match_request(direction, peer, "owner", context(mode=mode, purpose=purpose, tiers=tiers))
        assert decider.decide(asked).allowed == expected


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_quoted_text_is_printable_and_ends_where_it_should(word: str) -> None:
    text = quoted(word)
    assert text.isascii()
    assert text.isprintable()
    inside = text[1:-1]
    assert '"' not in inside
    assert all(found.startswith("u{") for found in inside.split("\\")[1:])


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=8, alphabet=st.characters(exclude_categories=["Cs"])), st.text(max_size=8))
def test_quoted_text_is_the_same_text_to_cedar(word: str, other: str) -> None:
    table = AllowTable("mill", (word,), ("size",), ("A",), True, False, False)
    decider = Decider(build_bundle(SCHEMA, (), (), table_policies([table])), facts())
    for purpose in (word, other.encode("utf-8", "ignore").decode()):
        asked = match_request("answer", "mill", "brand", context(purpose=purpose))
        assert decider.decide(asked).allowed == (purpose == word)
