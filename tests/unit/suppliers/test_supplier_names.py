import pytest

from symbolon.suppliers.supplier_names import is_legal_form, read_names


def _identities(name: str, country: str = "US") -> list[str]:
    return [reading.identity() for reading in read_names(name, country) if not reading.anonymous]


@pytest.mark.parametrize(
    ("one", "other", "country"),
    [
        ("Ryan Johnson Farms, LLC", "RYAN JOHNSON FARM", "US"),
        ("Bailey, Michael", "Michael Bailey", "US"),
        ("Tom's Orchard & Nursery", "Toms Orchard and Nursery Inc.", "US"),
        ("H & C Farms", "H and C Farms LLC", "US"),
        ("H&C Farms", "H & C Farm", "US"),
        ("Cole Bros.", "Cole Brothers Inc", "US"),
        ("Vogue Tex (Pvt) Ltd", "Voguetex Private Limited", "LK"),
        ("V o g u e t e x P v t L t d", "Voguetex (Pvt) Ltd", "LK"),
        ("Sang Woo (Cambodia) Co., Ltd.", "Sangwoo Cambodia Co Ltd", "KH"),
        ("Demir Örme San. ve Tic. A.Ş.", "DEMIR ORME SANAYI VE TICARET AS", "TR"),
        ("Aster Tekstil d.0.0.", "Aster Tekstil D.O.O.", "RS"),
        ("SC Bellarma S.R.L.", "Bellarma srl", "RO"),
        ("PT. Glory Semarang", "Glory Semarang PT", "ID"),
        ("Nowa Tkalnia Sp. z o.o.", "NOWA TKALNIA", "PL"),
        ("Nordhafen GmbH", "NORDHAFEN", "DE"),
        ("Terry M. Allenby", "Terry Allenby", "US"),
        ("Artistic Milliners Unit No. 14", "Artistic Milliners (Unit-14)", "PK"),
        ("Meadow Livestock #02675", "Meadow Livestock", "US"),
        ("JRB LLC #00500", "JRB LLC", "US"),
        ("DE&K Farms", "DE & K Farm", "US"),
        ("3D Sugar Farms", "3-D Sugar Farm", "US"),
    ],
)
def test_names_usual_spellings_have_one_identity(one: str, other: str, country: str) -> None:
    assert _identities(one, country) == _identities(other, country) != []


@pytest.mark.parametrize(
    ("one", "other", "country"),
    [
        ("Soorty Enterprises Unit 6", "Soorty Enterprises Unit 10", "PK"),
        ("Hochberg Ltd Facility 12", "Hochberg Ltd Facility 21", "UA"),
        ("Johnson Farms", "Johnson Ranch", "US"),
        ("Kim Garments", "Kim Shoes", "KH"),
    ],
)
def test_names_of_two_suppliers_have_two_identities(one: str, other: str, country: str) -> None:
    assert _identities(one, country) != _identities(other, country)


@pytest.mark.parametrize(
    "name", ["Garment Factory Co., Ltd", "Textile Mills Limited", "The Farm", "Farms LLC", "Unit 4"]
)
def test_names_of_words_without_weight_are_anonymous(name: str) -> None:
    assert _identities(name) == []


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("Bar Two Ranch LLC/Ronald R. Cash", 2),
        ("Larry Pierce DBA Birchwood Orchard", 2),
        ("Larry Pierce d/b/a Birchwood Orchard", 2),
        ("Plain Name Ltd", 1),
        ("Nordisk A/S", 1),
        ("One/Two2/Three3/Four4/Five5", 3),
        ("John H Smith dba", 1),
        ("", 0),
        ("***", 0),
    ],
)
def test_names_in_one_cell_are_counted(name: str, count: int) -> None:
    assert len(read_names(name, "DK")) == count


@pytest.mark.parametrize("form", ["gmbh", "ltd sti", "sa de cv", "llc", "srl", "pvt ltd"])
def test_legal_forms_are_known(form: str) -> None:
    assert is_legal_form(form) or all(is_legal_form(word) for word in form.split())
