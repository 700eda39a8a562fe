from hypothesis import given
from hypothesis import strategies as st

from symbolon.suppliers.match_keys import MatchKey, match_keys
from symbolon.suppliers.record import Supplier
from symbolon.suppliers.tier import Tier

ANY_TEXT = st.text(st.characters(), max_size=40)
SUPPLIERS = st.builds(Supplier, *[ANY_TEXT] * len(Supplier.__slots__))
SCHEMES = st.from_regex(r"[a-z][a-z-]{0,20}(\.[0-9])?", fullmatch=True)
VALUES = st.text(st.characters(codec="utf-8"), max_size=60)
PLACED = st.builds(
    Supplier,
    supplier_id=st.just("1"),
    name=ANY_TEXT,
    address=ANY_TEXT,
    city=ANY_TEXT,
    postal_code=ANY_TEXT,
    country=st.sampled_from(["US", "CN", "TR", "GB", ""]),
    lei=ANY_TEXT,
    vat=ANY_TEXT,
    registration_number=ANY_TEXT,
)


@given(SUPPLIERS)
def test_supplier_json_two_ways_is_the_same(supplier: Supplier) -> None:
    assert Supplier.from_json(supplier.to_json()) == supplier


@given(SCHEMES, VALUES, SCHEMES, VALUES)
def test_key_encoding_of_two_keys_is_equal_only_for_equal_keys(
    scheme: str, value: str, other_scheme: str, other_value: str
) -> None:
    one = MatchKey(Tier.A, scheme, value, "x").encoded
    other = MatchKey(Tier.A, other_scheme, other_value, "y").encoded
    assert (one == other) == ((scheme, value) == (other_scheme, other_value))
    assert one.split(b"\x1f", 1) == [scheme.encode(), value.encode()]


@given(PLACED)
def test_match_keys_of_any_text_are_distinct_small_and_repeatable(supplier: Supplier) -> None:
    keys = match_keys(supplier)
    assert keys == match_keys(supplier)
    assert len({key.encoded for key in keys}) == len(keys)
    assert [key.tier for key in keys] == sorted(key.tier for key in keys)
    assert all(len(key.encoded) <= 1024 and key.source for key in keys)


@given(PLACED, st.sampled_from(["upper", "lower", "title"]))
def test_match_keys_do_not_see_case_of_ascii_letters(supplier: Supplier, case: str) -> None:
    def recased(text: str) -> str:
        return getattr(text, case)() if text.isascii() and "'" not in text else text

    fields = {
        field: recased(getattr(supplier, field)) for field in ("name", "address", "city", "postal_code")
    }
    other = Supplier("1", country=supplier.country, **fields)
    plain = Supplier("1", country=supplier.country, **{field: getattr(supplier, field) for field in fields})
    assert {key.encoded for key in match_keys(plain)} == {key.encoded for key in match_keys(other)}
