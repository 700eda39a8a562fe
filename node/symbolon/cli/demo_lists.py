"""Two made-up supplier lists for the demonstration, with known shared suppliers in different spellings.

No company in them exists: identifiers carry right check digits under prefixes that are given to nobody. The
lists are the same at every run. Both hold suppliers of their own beside the shared ones, so that something
could go wrong.
"""

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from symbolon.cli.made_up_suppliers import made_up_lei, made_up_supplier
from symbolon.suppliers.record import CANONICAL_HEADER, Supplier

LIST_SIZE: Final = 1200
"""Suppliers in each list."""
WATCHED: Final = 10
"""Suppliers that only the NGO has."""
RESPELLED: Final = 60
"""Shared suppliers made by rule, beside those written by hand."""

_HEADER: Final = (*CANONICAL_HEADER, "os_id", "lei", "gln")
_OWN_NUMBERS: Final = 10_000
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class Pair:
    """One supplier as each of the two writes it, and what the pair is there to show."""

    ours: Supplier
    theirs: Supplier
    shows: str


@dataclass(frozen=True, slots=True)
class DemoLists:
    """Both lists, and which rows of them are the same supplier.

    Attributes:
        featured: the pairs written by hand, shown to the reader.
        truth: ids of `ours` and `theirs` of every shared supplier.
        watched: the list of an NGO: some of these suppliers, and some of nobody's.
    """

    ours: list[Supplier]
    theirs: list[Supplier]
    featured: list[Pair]
    truth: set[tuple[str, str]]
    watched: list[Supplier]

    def changed(self) -> "DemoLists":
        """The lists some weeks later: each has lost a supplier and gained two, one of which both gained."""
        made = made_up_supplier(6 * _OWN_NUMBERS, "A-9900")
        new = Pair(made, replace(made, supplier_id="B-9900", name=made.name.upper(), address=""), "new")
        ours = [*self.ours[:-1], new.ours, made_up_supplier(8 * _OWN_NUMBERS, "A-9901")]
        theirs = [*self.theirs[:-1], new.theirs, made_up_supplier(9 * _OWN_NUMBERS, "B-9901")]
        return DemoLists(ours, theirs, self.featured, self.truth | {_ids(new)}, self.watched)


def demo_lists() -> DemoLists:
    """Makes the lists."""
    featured = [_pair(number, *row) for number, row in enumerate(_BY_HAND, 1)]
    shared = [*featured, *(_respelled(number) for number in range(RESPELLED))]
    truth = {_ids(each) for each in shared}
    ours = [each.ours for each in shared]
    theirs = [each.theirs for each in shared]
    rest = LIST_SIZE - len(shared)
    ours += [made_up_supplier(_OWN_NUMBERS + n, f"A-{n + 1000:04d}") for n in range(rest)]
    theirs += [made_up_supplier(2 * _OWN_NUMBERS + n, f"B-{n + 1000:04d}") for n in range(rest)]
    watched = [replace(each.ours, supplier_id=f"D-{n:03d}") for n, each in enumerate(shared[::3])]
    watched += [made_up_supplier(3 * _OWN_NUMBERS + n, f"D-9{n:02d}") for n in range(WATCHED)]
    return DemoLists(ours, theirs, featured, truth, watched)


def write_list(path: Path, suppliers: Sequence[Supplier]) -> None:
    """Writes a CSV file with the canonical header, in an order of its own."""
    rows = list(suppliers)
    random.Random(path.name).shuffle(rows)  # noqa: S311 - an order, the same at every run
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_HEADER)
        writer.writerows([getattr(each, column) for column in _HEADER] for each in rows)


def _ids(pair: Pair) -> tuple[str, str]:
    return pair.ours.supplier_id, pair.theirs.supplier_id


_Half = tuple[str, str, str, str]
"""Name, address, city, postal code."""

_BY_HAND: Final[tuple[tuple[str, str, _Half, _Half, str], ...]] = (
    (
        "CN",
        "lei",
        ("宁波海曙织造有限公司", "海曙区永丰路88号", "宁波", "315010"),
        ("Ningbo Haishu Weaving Co., Ltd.", "88 Yongfeng Rd, Haishu District", "Ningbo", "315010"),
        "two scripts, the same LEI",
    ),
    (
        "BD",
        "os_id",
        ("Dhaleshwari Knit Composite Ltd.", "Plot 14, Zirabo Road, Ashulia", "Savar", "1341"),
        ("DKC Ltd (formerly Knit Comp.)", "Zirabo, Ashulia, Dhaka", "Dhaka", ""),
        "abbreviated, the same OS ID",
    ),
    (
        "TR",
        "gln",
        ("Konak Kumaş Sanayi ve Ticaret A.Ş.", "Atatürk Cad. No: 61", "İzmir", "35210"),
        ("KONAK KUMAS SAN. TIC.", "ATATURK CADDESI 61 ALSANCAK", "IZMIR", "35210"),
        "capitals without accents, the same GLN",
    ),
    (
        "PT",
        "",
        ("Confecções Aurora do Minho, Lda.", "Rua da Fábrica 12", "Braga", "4700-001"),
        ("CONFECCOES AURORA DO MINHO", "R. Fabrica, 12", "Braga", ""),
        "accents, capitals and legal form",
    ),
    (
        "PL",
        "",
        ("Przędzalnia Wisłoka Sp. z o.o.", "ul. Tkacka 7", "Łódź", "90-001"),
        ("Wisloka Przedzalnia", "Tkacka 7", "Lodz", "90-001"),
        "word order, and letters of another alphabet",
    ),
    (
        "IN",
        "",
        ("Sun Bird Velan Exports Private Limited", "12 Kangeyam Road", "Tiruppur", "641604"),
        ("Sunbird Velan Exports Pvt. Ltd.", "No. 12, Kangeyam Rd", "Tiruppur", "641 604"),
        "words written as one, another legal form",
    ),
    (
        "MX",
        "",
        ("Curtidos Hermanos Zaragoza S.A. de C.V.", "Blvd. Morelos 418", "León", "37150"),
        ("Hermanos Zaragosa Curtidora", "Morelos 418, Col. Centro", "Leon de los Aldama", "37000"),
        "misspelt, but sounding alike at the same number of the same street",
    ),
    (
        "VN",
        "",
        ("Thanh Phuong Seafood JSC", "225 Tran Phu Street", "Hai Phong", "180000"),
        ("Than Fuong Sea Food", "225 Tran Phu", "Haiphong City", ""),
        "spelt by ear at the same address",
    ),
    (
        "MA",
        "",
        ("Atlas Cuir Sarl", "17 Rue Ibn Sina", "Fès", "30000"),
        ("Société Nouvelle de Maroquinerie", "Zone Industrielle Sidi Brahim", "Fez", ""),
        "renamed and moved: nothing is left to meet by, and it is missed",
    ),
)


def _pair(number: int, country: str, identifier: str, ours: _Half, theirs: _Half, shows: str) -> Pair:
    identifiers = {
        "lei": {"lei": made_up_lei(7 * _OWN_NUMBERS + number)},
        "os_id": {"os_id": _made_up_os_id(country, number)},
        "gln": {"gln": _made_up_gln(number)},
        "": {},
    }[identifier]

    def record(supplier_id: str, half: _Half) -> Supplier:
        name, address, city, postal = half
        made = Supplier(supplier_id, name, address, city, "", postal, country, "Apparel")
        return replace(made, **identifiers)

    return Pair(record(f"A-{number:04d}", ours), record(f"B-{number:04d}", theirs), shows)


def _respelled(number: int) -> Pair:
    """A shared supplier by rule: one in three keeps its LEI, the others must be met by name or address."""
    ours = made_up_supplier(number, f"A-{number + 100:04d}")
    first, second, word, trade, *_ = ours.name.split()
    place = {"city": ours.city.upper(), "postal_code": ours.postal_code}
    if number % 3 == 0:
        name, shows = f"{word} {trade}".upper(), "the same LEI"
    elif number % 3 == 1:
        ours, place = replace(ours, lei=""), {**place, "postal_code": ""}
        name, shows = f"{second.upper()} {first.upper()} {word} {trade}", "another word order"
    else:
        ours, place = replace(ours, lei=""), {"city": "", "postal_code": ""}
        name, shows = f"{word}{word[-1]} {first} {trade}", "misspelt at the same address"
    number_of_house, _, street = ours.address.partition(" ")
    address = f"No. {number_of_house}, {street}"
    theirs = replace(ours, supplier_id=f"B-{number + 100:04d}", name=name, address=address, **place)
    return Pair(ours, theirs, shows)


def _made_up_os_id(country: str, number: int) -> str:
    """A well-formed OS ID of a year to come; see `suppliers.identifiers.check_os_id`."""
    base = f"{country}2199001{number:05d}"
    total = ord(base[0]) + ord(base[1]) + sum(_CROCKFORD.index(symbol) for symbol in base[2:])
    return base + _CROCKFORD[total % 32]


def _made_up_gln(number: int) -> str:
    """A well-formed GLN under a prefix that GS1 has not given out."""
    base = f"9990000{number:05d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(base))
    return f"{base}{-total % 10}"
