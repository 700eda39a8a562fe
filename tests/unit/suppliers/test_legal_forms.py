import pytest

from symbolon.suppliers.legal_forms import FORMS, closing_form_words, is_legal_form, leading_form_words
from symbolon.suppliers.supplier_names import read_names


@pytest.mark.parametrize(
    ("typed", "country"),
    [
        ("Arvenia Private Limited", "IN"),
        ("Arvenia (Pvt.) Ltd.", "PK"),
        ("Arvenia Co., Ltd", "CN"),
        ("Arvenia Sdn. Bhd.", "MY"),
        ("Arvenia Berhad", "MY"),
        ("PT Arvenia Tbk", "ID"),
        ("Arvenia K.K.", "JP"),
        ("Arvenia Kabushiki Kaisha", "JP"),
        ("Công ty TNHH Arvenia", "VN"),
        ("CONG TY CO PHAN ARVENIA", "VN"),
        ("Arvenia Joint Stock Company", "VN"),
        ("Arvenia Public Company Limited", "TH"),
        ("Arvenia Sanayi ve Ticaret Anonim Şirketi", "TR"),
        ("Arvenia San. ve Tic. Ltd. Şti.", "TR"),
        ("Arvenia GmbH & Co. KG", "DE"),
        ("Arvenia AG", "CH"),
        ("Arvenia S.p.A.", "IT"),
        ("Arvenia S.A.R.L.", "MA"),
        ("Arvenia S.A.E.", "EG"),
        ("Arvenia Lda.", "PT"),
        ("Arvenia Ltda.", "BR"),
        ("Arvenia, S. de R.L. de C.V.", "MX"),
        ("Arvenia SA de CV", "MX"),
        ("Arvenia Sp. z o. o.", "PL"),
        ("Arvenia d.o.o.", "RS"),
        ("Arvenia EOOD", "BG"),
        ("Arvenia s.r.o.", "CZ"),
        ("Arvenia Kft.", "HU"),
        ("Arvenia A/S", "DK"),
        ("Arvenia ApS", "DK"),
        ("Arvenia OÜ", "EE"),
        ("Arvenia Oy", "FI"),
        ("Arvenia B.V.", "NL"),
        ("Arvenia W.L.L.", "BH"),
        ("Arvenia FZ-LLC", "AE"),
        ("ООО «Arvenia»", "RU"),
        ("ТОО Arvenia", "KZ"),
        ("Limited Liability Company Arvenia", "UA"),
        ("Arvenia Pty Ltd", "AU"),
        ("Arvenia LLP", "GB"),
    ],
)
def test_legal_form_usual_spelling_is_taken_off(typed: str, country: str) -> None:
    assert [reading.core for reading in read_names(typed, country)] == [("arvenia",)]


@pytest.mark.parametrize("word", ["coop", "farms", "textile", "ii", "in", "is", "de", "san", "the"])
def test_legal_form_common_word_is_none(word: str) -> None:
    assert not is_legal_form(word, "US")


def test_legal_form_of_few_letters_counts_in_its_country_only() -> None:
    assert is_legal_form("ba", "NO")
    assert not is_legal_form("ba", "US")
    assert not is_legal_form("ba")


def test_legal_form_never_takes_the_whole_name() -> None:
    for form in FORMS:
        words = form.split()
        assert closing_form_words(words, "") < len(words)
        assert leading_form_words(words) < len(words)


def test_legal_form_longest_run_is_taken() -> None:
    assert closing_form_words("luna sa de cv".split(), "") == 3
    assert leading_form_words("cong ty tnhh may hoa".split()) == 3


def test_legal_form_forms_are_folded() -> None:
    assert all(form and form.isascii() and form == form.lower().strip() for form in FORMS)
