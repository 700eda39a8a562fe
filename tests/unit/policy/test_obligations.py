import pytest

from symbolon.errors import PolicyError
from symbolon.policy.obligations import NOTHING, parse_obligations, strictest

ALL_NINE = (
    "redact(city, sector); coarsen(month); delay(7); no_onward; retain(90); human_review; count_only;"
    " min_corroboration(2); notify_supplier(contributor, 0); notify_supplier(supplier, 30)"
)


def test_parse_obligations_of_all_nine_has_one_canonical_text() -> None:
    loose = " ;  ".join(part.replace(", ", " ,") for part in reversed(ALL_NINE.split("; "))) + "  "
    assert parse_obligations(loose).text() == ALL_NINE
    assert len(parse_obligations(ALL_NINE).each()) == 10


@pytest.mark.parametrize(
    "text",
    [
        "",
        ";",
        "no_onward;",
        "; no_onward",
        "forget",
        "No_onward",
        "no_onward()",
        "no_onward(1)",
        "no_onward no_onward",
        "human_review(yes)",
        "count_only(a)",
        "redact",
        "redact()",
        "redact(a, a)",
        "redact(a,, b)",
        "redact(City)",
        "redact(a b)",
        "redact(a, b); redact(c)",
        f"redact({'a' * 33})",
        "coarsen",
        "coarsen()",
        "coarsen(week)",
        "coarsen(month, year)",
        "delay",
        "delay()",
        "delay(0)",
        "delay(-1)",
        "delay(+1)",
        "delay(1.5)",
        "delay(07)",
        "delay(1_0)",
        "delay(٣)",
        "delay(3651)",
        "delay(99999999999999)",
        "delay(1, 2)",
        "delay((1))",
        "delay(1",
        "delay 1",
        "delay(1); delay(1)",
        "retain(0)",
        "retain(3651)",
        "min_corroboration(1)",
        "min_corroboration(1001)",
        "notify_supplier",
        "notify_supplier(supplier)",
        "notify_supplier(3, supplier)",
        "notify_supplier(mother, 3)",
        "notify_supplier(site, -1)",
        "notify_supplier(site, 1); notify_supplier(site, 2)",
        "no_onward\n",
        "no_onward\x00",
        "no_onwаrd",  # a Cyrillic letter
        "redact(" + ", ".join(f"field_{n:03}" for n in range(100)) + ")",
    ],
    ids=repr,
)
def test_parse_obligations_that_are_not_understood_to_the_letter_are_refused(text: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_obligations(text)
    assert caught.value.full_code == "policy.obligation"
    assert caught.value.public == "policy is not in force"


@pytest.mark.parametrize(
    ("one", "other", "merged"),
    [
        ("redact(a, b)", "redact(b, c)", "redact(a, b, c)"),
        ("coarsen(month)", "coarsen(year)", "coarsen(year)"),
        ("coarsen(quarter)", "coarsen(month)", "coarsen(quarter)"),
        ("delay(3)", "delay(30)", "delay(30)"),
        ("retain(3)", "retain(30)", "retain(3)"),
        ("min_corroboration(3)", "min_corroboration(2)", "min_corroboration(3)"),
        ("no_onward", "human_review", "no_onward; human_review"),
        ("count_only", "count_only", "count_only"),
        (
            "notify_supplier(site, 3); notify_supplier(supplier, 9)",
            "notify_supplier(site, 5)",
            "notify_supplier(site, 5); notify_supplier(supplier, 9)",
        ),
    ],
)
def test_strictest_of_one_kind_is_the_stricter(one: str, other: str, merged: str) -> None:
    assert strictest(parse_obligations(one), parse_obligations(other)).text() == merged


def test_strictest_of_no_sets_asks_for_nothing() -> None:
    assert strictest() == NOTHING
    assert NOTHING.text() == ""
    assert NOTHING.each() == ()
