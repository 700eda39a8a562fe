import pycountry
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
        ("Republic of Korea", "KR"),
        ("Korea, Republic of", "KR"),
        ("Korea (South)", "KR"),
        ("Congo, Dem. Rep.", "CD"),
        ("Bosnia & Herzegovina", "BA"),
        ("Côte d'Ivoire", "CI"),
        ("Ivory Coast", "CI"),
        ("Czech Republic", "CZ"),
        ("Myanmar (Burma)", "MM"),
        ("Burma", "MM"),
        ("U.A.E.", "AE"),
        ("The Netherlands", "NL"),
        ("Hong Kong SAR, China", "HK"),
        ("Macau", "MO"),
        ("Taiwan, Province of China", "TW"),
        ("Lao PDR", "LA"),
        ("St. Lucia", "LC"),
        ("Northern Ireland", "GB"),
        ("Kosovo", "XK"),
        ("Zaire", "CD"),
        ("BUR", "MM"),
        ("Türkei", "TR"),
        ("Turquie", "TR"),
        ("Corea del Sur", "KR"),
        ("Almanya", "DE"),
        ("中国", "CN"),
        ("Ấn Độ", "IN"),
    ],
)
def test_country_usual_spelling_gives_alpha_2(typed: str, code: str) -> None:
    assert normalise_country(typed) == code


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "  ",
        "Atlantis",
        "EU",
        "ZZ",
        "Q",
        "12",
        "x" * 5000,
        "Virgin Islands",
        "Republic of China",
        "Áo",
        "NH",
        "USSR",
        "Shenzhen",
        "China, India",
        "China (India",
    ],
)
def test_country_unknown_gives_nothing(typed: str) -> None:
    assert normalise_country(typed) == ""


def test_country_name_is_not_a_city_in_it() -> None:
    assert is_country_name("turkey", "TR")
    assert not is_country_name("istanbul", "TR")


def test_country_words_leave_out_what_names_of_states_share() -> None:
    assert country_words("KH") == {"cambodia"}
    assert "united" not in country_words("US")
    assert country_words("TR") == {"turkey", "turkiye"}
    assert country_words("") == country_words("ZZ") == frozenset()


def test_country_every_iso_code_and_name_gives_its_country() -> None:
    for country in pycountry.countries:
        assert normalise_country(country.alpha_2.lower()) == country.alpha_2
        assert normalise_country(country.alpha_3) == country.alpha_2
        assert normalise_country(country.name) == country.alpha_2
        assert normalise_country(getattr(country, "official_name", country.name)) == country.alpha_2


def test_country_part_is_no_name_of_the_country_itself() -> None:
    assert normalise_country("England") == "GB"
    assert not is_country_name("england", "GB")
    assert not is_country_name("anywhere", "")
