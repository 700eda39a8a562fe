import pytest

from symbolon.suppliers.country import country_words, is_country_name, normalise_country


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("China", "CN"),
        ("CHINA", "CN"),
        ("cn", "CN"),
        ("CHN", "CN"),
        ("P.R. China", "CN"),
        ("Viet Nam", "VN"),
        ("Türkiye", "TR"),
        ("uk", "GB"),
        ("England", "GB"),
        ("EL", "GR"),
        ("U.S.A.", "US"),
        (" Sri Lanka ", "LK"),
    ],
)
def test_country_usual_spelling_gives_alpha_2(typed: str, code: str) -> None:
    assert normalise_country(typed) == code


@pytest.mark.parametrize("typed", ["", "  ", "Atlantis", "EU", "ZZ", "Q", "12", "x" * 5000])
def test_country_unknown_gives_nothing(typed: str) -> None:
    assert normalise_country(typed) == ""


def test_country_name_is_not_a_city_in_it() -> None:
    assert is_country_name("turkey", "TR")
    assert not is_country_name("istanbul", "TR")


def test_country_words_leave_out_what_names_of_states_share() -> None:
    assert country_words("KH") == {"cambodia"}
    assert "united" not in country_words("US")
