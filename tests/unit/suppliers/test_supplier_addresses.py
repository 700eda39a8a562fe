import pytest

from symbolon.suppliers.supplier_addresses import place_key, postal_key, read_address


@pytest.mark.parametrize(
    ("one", "other"),
    [("Saint Paul", "St. Paul"), ("Hot Springs", "HOT SPGS"), ("New Delhi", "NewDelhi"), ("Évora", "evora"),
     ("Royal City", "Royal")],
)  # fmt: skip
def test_place_spellings_have_one_key(one: str, other: str) -> None:
    assert place_key(one) == place_key(other)


@pytest.mark.parametrize(
    ("typed", "country", "key"),
    [
        ("27597-8155", "US", "27597"),
        ("8311", "US", "08311"),
        ("275978155", "US", "27597"),
        ("NG22 9ZD", "GB", "ng229zd"),
        ("00000", "US", ""),
        ("n/a", "US", ""),
        ("518000", "CN", "518000"),
    ],
)
def test_postal_code_has_one_spelling(typed: str, country: str, key: str) -> None:
    assert postal_key(typed, country) == key


@pytest.mark.parametrize(
    ("address", "anchor"),
    [
        ("3982 Jones Road NW", "3982 jones"),
        ("(Physical Address) 3982 Jones Rd", "3982 jones"),
        ("Pantelejska 58", "58 pante"),
        ("PO Box 369", "box 369 town"),
        ("P. O. Box 369", "box 369 town"),
        ("100 N. Main Street", "100 main town"),
        ("215 South 300 East", "215 300 town"),
        ("Plot # 42, Sector 15, Korangi", "plot 42 koran"),
    ],
)
def test_address_anchor_is_number_and_street_core(address: str, anchor: str) -> None:
    assert read_address(address, "Town", "", "US").anchors[0] == anchor


def test_address_with_city_and_state_repeated_has_the_same_anchor() -> None:
    one = read_address("215 Elmwood St, Hailey , ID 83333 (Physical Address)", "Hailey", "83333", "US")
    other = read_address("215 Elmwood Street", "Hailey", "83333", "US")
    assert one.anchors == other.anchors


def test_address_two_plots_share_no_anchor_and_no_plot() -> None:
    one = read_address("Plot 42 Sector 15 Korangi Industrial Area Karachi 74900", "", "", "PK")
    other = read_address("Plot 44 Sector 15 Korangi Industrial Area Karachi 74900", "", "", "PK")
    assert one.localities == other.localities
    assert one.plots != other.plots
    assert not set(one.anchors) & set(other.anchors)


def test_address_in_one_line_gives_place_and_postal_code() -> None:
    reading = read_address("Strada Europa Unita 13, 550000 Sibiu, Romania", "", "", "RO")
    assert reading.localities[0] == "sibiu"
    assert reading.postal == "550000"


def test_address_without_number_is_anchored_by_its_letters() -> None:
    one = read_address("Akkarawatta Galagedara Sri Lanka", "", "", "LK")
    other = read_address("akkarawatta, galagedara", "", "", "LK")
    assert one.anchors == other.anchors != ()


@pytest.mark.parametrize("address", ["", "-", "Road", "Industrial Zone", "?" * 5000])
def test_address_of_shared_words_only_has_no_anchor(address: str) -> None:
    assert read_address(address, "", "", "CN").anchors == ()
