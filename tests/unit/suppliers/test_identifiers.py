import pytest

from symbolon.suppliers.identifiers import (
    Identifier,
    Rejection,
    absent,
    check_duns,
    check_gln,
    check_imo,
    check_lei,
    check_os_id,
    check_registration,
    check_vat,
)


def _value(verdict: Identifier | Rejection) -> str:
    assert isinstance(verdict, Identifier), verdict
    return verdict.value


def _reason(verdict: Identifier | Rejection) -> str:
    assert isinstance(verdict, Rejection), verdict
    assert verdict.remedy
    return verdict.reason


@pytest.mark.parametrize(
    "typed", ["213800KUD8LAJWSQ9D15", "2138 00KU D8LA JWSQ 9D15", "213800kud8lajwsq9d15"]
)
def test_lei_valid_in_any_spelling_gives_one_value(typed: str) -> None:
    assert check_lei(typed) == Identifier("213800KUD8LAJWSQ9D15", checked=True)


@pytest.mark.parametrize("place", range(20))
def test_lei_one_character_changed_is_rejected(place: int) -> None:
    lei = "213800KUD8LAJWSQ9D15"
    other = "7" if lei[place] != "7" else "3"
    assert isinstance(check_lei(lei[:place] + other + lei[place + 1 :]), Rejection)


@pytest.mark.parametrize("typed", ["213800KUD8LAJWSQ9D1", "213800KUD8LAJWSQ9D155", "0" * 20, "N/A"])
def test_lei_wrong_length_or_placeholder_is_rejected(typed: str) -> None:
    assert isinstance(check_lei(typed), Rejection)


@pytest.mark.parametrize("typed", ["CN2021250D1DTN7", "cn-2021250-D1DTN-7", " CN 2021250 D1DTN 7 "])
def test_os_id_valid_in_any_spelling_gives_one_value(typed: str) -> None:
    assert check_os_id(typed) == Identifier("CN2021250D1DTN7", checked=True)


@pytest.mark.parametrize(
    "typed",
    [
        "CN2021250D1DTN8",  # check symbol
        "CN2021250D1DTM7",  # symbol before it
        "CN2021399D1DTN7",  # no such day
        "CN1021250D1DTN7",  # no such year
        "CN2021250D1DTL7",  # L is no base-32 symbol
        "CN2021250D1DTN",
    ],
)
def test_os_id_that_does_not_hold_is_rejected(typed: str) -> None:
    assert isinstance(check_os_id(typed), Rejection)


def test_gln_valid_gives_its_digits() -> None:
    assert check_gln("400-6381-33393-1") == Identifier("4006381333931", checked=True)


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("4006381333932", "check digit"),
        ("400638133393", "leading zero"),
        ("0000000000000", "placeholder"),
        ("5.06E+12", "rounded"),
        ("2000000000008", "inside one company"),
    ],
)
def test_gln_that_does_not_hold_says_why(typed: str, word: str) -> None:
    assert word in _reason(check_gln(typed))


def test_gln_written_as_decimal_by_a_spreadsheet_is_read() -> None:
    assert _value(check_gln("4006381333931.0")) == "4006381333931"


def test_duns_is_never_checked() -> None:
    assert check_duns("15-048-3782") == Identifier("150483782", checked=False)


@pytest.mark.parametrize(
    "typed", ["000000000", "123456789", "999999999", "987654321", "12345678", "ABCDEFGHI"]
)
def test_duns_placeholder_or_wrong_shape_is_rejected(typed: str) -> None:
    assert isinstance(check_duns(typed), Rejection)


@pytest.mark.parametrize(
    ("typed", "country", "value"),
    [
        ("DE136695976", "", "DE 136695976"),
        ("136695976", "DE", "DE 136695976"),
        ("EL 094259216", "GR", "GR 094259216"),
        ("FR 61 954 506 077", "FR", "FR 61954506077"),
        ("CHE-107.787.577 IVA", "CH", "CH E107787577"),
        ("CHE-107.787.577 MWST", "CH", "CH E107787577"),
        ("GB 980 7806 84", "GB", "GB 980780684"),
        ("ESB58378431", "ES", "ES B58378431"),
    ],
)
def test_vat_valid_gives_country_and_number(typed: str, country: str, value: str) -> None:
    assert check_vat(typed, country) == Identifier(value, checked=True)


def test_vat_wrong_check_digit_is_rejected() -> None:
    assert "check digit" in _reason(check_vat("DE136695978", "DE"))


def test_vat_without_any_country_is_rejected() -> None:
    assert "country" in _reason(check_vat("136695976", ""))


def test_vat_and_registration_of_unknown_country_never_raise() -> None:
    assert isinstance(check_vat("ZZ12345678901", "ZZ"), Rejection)
    assert isinstance(check_registration("A-4455-99", "ZZ"), Identifier)


@pytest.mark.parametrize(
    ("typed", "country", "value", "checked"),
    [
        ("732 829 320", "FR", "FR fr.siren 732829320", True),
        ("91110000600037341L", "CN", "CN cn.uscc 91110000600037341L", True),
        ("SC 123455", "GB", "GB SC123455", False),
        ("0012-3499", "PK", "PK 00123499", False),
        ("Aachen HRA 11223", "DE", "DE de.handelsregisternummer AACHENHRA11223", False),
    ],
)
def test_registration_gives_scheme_and_whether_checked(
    typed: str, country: str, value: str, checked: bool
) -> None:
    assert check_registration(typed, country) == Identifier(value, checked)


@pytest.mark.parametrize(
    ("typed", "country"),
    [
        ("732829321", "FR"),  # check digit
        ("HRB 44551", "DE"),  # which court?
        ("1234", "PK"),  # too short for one company
        ("00000000", "GB"),
        ("91110000600037341L", ""),  # whose register?
        ("see attached certificate of incorporation, page two, at the foot", "PK"),
    ],
)
def test_registration_that_cannot_stand_for_one_company_is_rejected(typed: str, country: str) -> None:
    assert isinstance(check_registration(typed, country), Rejection)


@pytest.mark.parametrize("typed", ["", "-", "n/a", "N.A.", "none", "NULL", "tbd", "unknown", "0", "x"])
def test_absent_words_are_no_value(typed: str) -> None:
    assert absent(typed)


def test_absent_is_false_for_a_number() -> None:
    assert not absent("213800KUD8LAJWSQ9D15")


@pytest.mark.parametrize("typed", ["9319466", "IMO 9319466", "imo9319466", "IMO: 931 9466", "٩٣١٩٤٦٦"])
def test_imo_is_checked_whatever_stands_before_it(typed: str) -> None:
    assert check_imo(typed) == Identifier("9319466", checked=True)


@pytest.mark.parametrize("typed", ["9319467", "931946", "93194660", "IMO", "n/a", "IMO 93194A6"])
def test_imo_of_another_shape_or_with_a_wrong_digit_is_rejected(typed: str) -> None:
    assert isinstance(check_imo(typed), Rejection)
