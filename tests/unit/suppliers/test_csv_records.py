import io

import pytest

from symbolon.suppliers import csv_records
from symbolon.suppliers.csv_records import MAX_RECORD_CHARS, Damage, open_quote_after, records


def _split(text: str) -> list[str | Damage]:
    return list(records(io.StringIO(text), ","))


def test_records_quoted_line_breaks_stay_in_one_record() -> None:
    assert _split('1,"a\nb\n""c""",x\n2,b\n') == ['1,"a\nb\n""c""",x', "2,b"]


@pytest.mark.parametrize(
    ("line", "inside", "expected"),
    [
        ('a,"b', False, True),
        ('a,"b"', False, False),
        ('a,"b""', False, True),
        ('12" hose,"x"', False, False),
        ('12" hose,b', False, False),
        ('still"', True, False),
        ('still","again', True, True),
        ('still""', True, True),
        ("", False, False),
    ],
)
def test_open_quote_after_follows_the_csv_rules(line: str, inside: bool, expected: bool) -> None:
    assert open_quote_after(line, ",", inside) is expected


def test_records_oversize_cell_is_one_damage_with_its_place() -> None:
    found = _split("1,a,x\n2," + "y" * (MAX_RECORD_CHARS + 1) + ",z\n3,c,x\n")
    assert found[0] == "1,a,x"
    assert found[2] == "3,c,x"
    assert isinstance(found[1], Damage)
    assert found[1].cell == 1


def test_records_stray_quote_costs_its_own_line_only() -> None:
    found = _split('1,a\n2,"never closed\n3,c\n4,d\n')
    assert [item if isinstance(item, str) else "damage" for item in found] == ["1,a", "damage", "3,c", "4,d"]


def test_records_stray_quote_far_before_the_end_costs_its_own_line_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(csv_records, "MAX_BUFFERED_CHARS", 1000)
    rows = "".join(f"{number},good row\n" for number in range(500))
    found = _split('0,"stray\n' + rows)
    assert isinstance(found[0], Damage)
    assert len(found) == 501
    assert not any(isinstance(item, Damage) for item in found[1:])


def test_records_many_stray_quotes_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_records, "MAX_BUFFERED_CHARS", 1000)
    found = _split('a","\n' * 2000)
    assert any(isinstance(item, Damage) for item in found)
    assert len(found) <= 2000
