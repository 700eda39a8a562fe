from dataclasses import replace

import pytest

from symbolon.suppliers.match_keys import MAX_KEYS, KeyExplanation, explain_keys, match_keys
from symbolon.suppliers.record import Supplier
from symbolon.suppliers.tier import Tier

GROVE = Supplier(
    "1",
    "Ellery Grove Orchards, LLC",
    address="3982 Jonquil Road NW",
    city="Riceboro",
    region="GA",
    postal_code="31323",
    country="US",
)


def _encoded(supplier: Supplier, tier: Tier | None = None) -> set[bytes]:
    return {key.encoded for key in match_keys(supplier) if tier in {None, key.tier}}


def test_keys_of_a_plain_row_are_these() -> None:
    """Guards the normaliser: any change here needs new scheme versions."""
    assert [(key.tier.value, key.encoded.decode()) for key in match_keys(GROVE)] == [
        ("B", "name-locality.1\x1fUS|eeegllorrvy|riceboro"),
        ("B", "name-postal.1\x1fUS|eeegllorrvy|31323"),
        ("C", "band-address.1\x1fUS|p:ELR|3982 jonqu"),
        ("C", "band-address.1\x1fUS|p:KRF|3982 jonqu"),
        ("C", "band-address.1\x1fUS|n:lery|3982 jonqu"),
        ("C", "band-address.1\x1fUS|n:rove|3982 jonqu"),
    ]


def test_keys_of_identifiers_come_first_and_checked_ones_are_certain() -> None:
    keys = match_keys(
        replace(
            GROVE,
            lei="213800KUD8LAJWSQ9D15",
            os_id="CN-2021250-D1DTN-7",
            gln="4006381333931",
            duns="15-048-3782",
            vat="DE136695976",
            registration_number="12-3456781",
        )
    )
    assert [key.scheme for key in keys if key.tier is Tier.A] == [
        "os-id.1",
        "lei.1",
        "gln.1",
        "vat.1",
    ]
    assert [key.scheme for key in keys if key.tier is Tier.B][:2] == [
        "registration-unchecked.1",
        "duns-unchecked.1",
    ]
    assert [key.tier for key in keys] == sorted(key.tier for key in keys)


@pytest.mark.parametrize(
    "typed",
    [{"lei": "213800KUD8LAJWSQ9D16"}, {"gln": "0000000000000"}, {"duns": "123456789"}, {"vat": "none"}],
)
def test_keys_invalid_identifier_or_placeholder_gives_none(typed: dict[str, str]) -> None:
    assert _encoded(replace(GROVE, **typed)) == _encoded(GROVE)


def test_keys_without_country_are_identifiers_only() -> None:
    assert match_keys(replace(GROVE, country="")) == ()
    assert [key.scheme for key in match_keys(replace(GROVE, country="", lei="213800KUD8LAJWSQ9D15"))] == [
        "lei.1"
    ]


def test_keys_other_spelling_meets_in_probable() -> None:
    other = replace(GROVE, name="ELLERY GROVE ORCHARD", city="Rice Boro", address="PO Box 4")
    assert _encoded(GROVE, Tier.B) & _encoded(other, Tier.B)


def test_keys_other_spelling_in_another_place_does_not_meet() -> None:
    other = replace(GROVE, city="Portland", region="OR", postal_code="97201", address="1 Burnside St")
    assert not _encoded(GROVE) & _encoded(other)


def test_keys_misspelt_name_at_the_same_address_is_a_candidate() -> None:
    other = replace(GROVE, name="Elery Groves Orchard", city="", postal_code="")
    assert not _encoded(GROVE, Tier.B) & _encoded(other, Tier.B)
    assert _encoded(GROVE, Tier.C) & _encoded(other, Tier.C)


def test_keys_other_name_at_the_same_address_does_not_meet() -> None:
    assert not _encoded(GROVE) & _encoded(replace(GROVE, name="Bowditch Marine"))


def test_keys_two_plots_at_one_address_do_not_meet() -> None:
    one = Supplier("1", "Artisan Apparels", address="Plot 42 Sector 15 Korangi", city="Karachi", country="PK")
    other = replace(one, address="Plot 44 Sector 15 Korangi")
    assert not _encoded(one) & _encoded(other)


def test_keys_name_of_words_without_weight_makes_no_name_key() -> None:
    factory = Supplier(
        "1", "Garment Factory Co., Ltd", address="12 Kangzheng Road", city="Shenzhen", country="CN"
    )
    assert not _encoded(factory, Tier.B)
    assert all(b"garment" in encoded for encoded in _encoded(factory, Tier.C))


def test_keys_no_band_travels_without_an_address() -> None:
    supplier = replace(GROVE, address="")
    assert not _encoded(supplier, Tier.C)
    assert not any(b"p:" in encoded or b"n:" in encoded for encoded in _encoded(supplier))


def test_keys_stay_within_the_limits_of_each_tier() -> None:
    crowded = replace(
        GROVE,
        name="Alderman Fields/Birchwood Growers dba Cottonwood Hill/Dunmore",
        address="12 Alder Road 14 Birch Lane 16 Cotton Street, Springfield, Shelbyville",
        city="",
    )
    for tier in Tier:
        assert len(_encoded(crowded, tier)) <= MAX_KEYS[tier]


def test_keys_of_anything_encode_scheme_separator_value() -> None:
    for key in match_keys(GROVE):
        assert key.encoded == f"{key.scheme}\x1f{key.value}".encode()
        assert key.encoded.count(b"\x1f") == 1


def test_explain_gives_every_key_and_why_others_are_absent() -> None:
    explained = explain_keys(replace(GROVE, name="Farm Inc", lei="213800KUD8LAJWSQ9D16", duns="15-048-3782"))
    assert [item.key for item in explained if item.key] == list(
        match_keys(replace(GROVE, name="Farm Inc", duns="15-048-3782"))
    )
    reasons = {item.source: item.reason for item in explained if item.key is None}
    assert "check digits" in reasons["lei"]
    assert "share" in reasons["name"]


@pytest.mark.parametrize(
    ("changed", "source", "word"),
    [
        ({"country": ""}, "country", "not known"),
        ({"name": "???"}, "name", "no letters"),
        ({"city": "", "postal_code": "", "address": ""}, "name", "neither a place nor"),
        ({"address": ""}, "address", "no number"),
    ],
)
def test_explain_says_what_is_missing(changed: dict[str, str], source: str, word: str) -> None:
    explained: list[KeyExplanation] = explain_keys(replace(GROVE, **changed))
    assert any(item.source == source and item.key is None and word in item.reason for item in explained)
