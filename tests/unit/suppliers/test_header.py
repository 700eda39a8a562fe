import pytest

from symbolon.errors import InputError
from symbolon.suppliers.header import plan_columns


def _code(header: list[str], header_map: dict[str, str] | None = None) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        plan_columns(header, header_map or {})
    return caught.value.full_code, f"{caught.value.detail} | {caught.value.hint}"


def test_header_in_other_case_and_blanks_is_recognised() -> None:
    plan = plan_columns(["Supplier ID", " NAME ", "Country", "Postal-Code", "Colour"], {})
    assert plan.columns == {"supplier_id": 0, "name": 1, "country": 2, "postal_code": 3}
    assert plan.ignored == ("Colour",)
    assert plan.missing == ("address", "city", "region", "sector")


def test_header_map_wins_over_a_column_of_the_same_name() -> None:
    plan = plan_columns(["supplier_id", "name", "Vendor Name", "country"], {"name": "Vendor Name"})
    assert plan.columns["name"] == 2


def test_header_missing_column_names_the_close_match_and_what_to_type() -> None:
    code, text = _code(["Vendor Number", "Vendor Name", "country"])
    assert code == "input.header.missing"
    assert '--map supplier_id="Vendor Number"' in text
    assert '--map name="Vendor Name"' in text


def test_header_doubled_column_names_both_places() -> None:
    code, text = _code(["supplier_id", "name", "Name", "country"])
    assert code == "input.header.doubled"
    assert "2 and 3" in text


def test_header_doubled_column_that_nobody_uses_is_ignored() -> None:
    assert plan_columns(["supplier_id", "name", "country", "note", "note"], {}).ignored == ("note", "note")


def test_header_map_to_a_column_that_is_not_there_suggests_one() -> None:
    code, text = _code(["supplier_id", "Vendor Name", "country"], {"name": "Vendr Name"})
    assert code == "input.header.missing"
    assert '--map name="Vendor Name"' in text


@pytest.mark.parametrize("header_map", [{"nmae": "Vendor"}, {"name": "Vendor", "city": "Vendor"}])
def test_header_map_that_makes_no_sense_is_refused(header_map: dict[str, str]) -> None:
    assert _code(["supplier_id", "Vendor", "country"], header_map)[0] == "input.map"
