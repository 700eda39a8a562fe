import csv
from pathlib import Path

import pycountry

from symbolon.signals.screening import screen_text


def test_names_and_addresses_of_real_plants_are_seldom_suspected(shared_data: Path) -> None:
    with (shared_data / "suppliers" / "apparel_facilities.csv").open(encoding="utf-8", newline="") as file:
        plants = list(csv.DictReader(file))
    flagged = 0
    for plant in plants:
        found = pycountry.countries.get(name=plant["country"])
        text = f"Workers at {plant['name']}, {plant['address']}, said that their passports were withheld."
        flagged += bool(screen_text(text, field="narrative", country=found.alpha_2 if found else ""))
    assert len(plants) > 900
    assert flagged <= len(plants) // 100


def test_goods_of_the_public_list_are_not_suspected(shared_data: Path) -> None:
    with (shared_data / "reference" / "tvpra_goods_2016.csv").open(encoding="utf-8", newline="") as file:
        goods = list(csv.DictReader(file))
    flagged = [
        each
        for each in goods
        if screen_text(
            f"{each['Good']} from {each['Country']} are made with forced labour.", field="narrative"
        )
    ]
    assert len(goods) > 300
    assert not flagged
