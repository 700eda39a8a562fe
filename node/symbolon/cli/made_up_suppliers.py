"""Made-up supplier lists for benchmarks and demonstrations: every number gives the same record everywhere.

The records are realistic in the length and kind of their fields (name, address, place, one LEI), not in
their meaning. Nothing of them is real.
"""

import random
from collections.abc import Iterator
from typing import Final

from symbolon.suppliers.record import Supplier

_FIRST: Final = (
    "Amber Birch Cedar Delta Ember Falcon Granite Harbor Indigo Juniper "
    "Kestrel Lantern Maple Nimbus Opal Pioneer Quarry Raven Summit Timber"
).split()
_SECOND: Final = (
    "Bridge Coast Dale Field Gate Hill Isle Junction Knoll Lake "
    "Meadow North Orchard Point Ridge Spring Terrace Union Valley Wharf"
).split()
_TRADE: Final = "Textiles Garments Farms Seafood Foods Leather Electronics Packaging Timber Ceramics".split()
_FORM: Final = "Ltd,LLC,GmbH,S.A.,Co. Ltd,Pvt Ltd,Inc.,BV".split(",")
_STREET: Final = (
    "Mill Road,Station Street,Harbour Lane,Industrial Avenue,Market Street,River Road,Temple Road".split(",")
)
_CITY: Final = "Dhaka,Tiruppur,Izmir,Porto,Hanoi,Penang,Leon,Fez,Lodz,Surat".split(",")
_COUNTRY: Final = "BD,IN,TR,PT,VN,MY,MX,MA,PL,IN".split(",")


def made_up_supplier(number: int, supplier_id: str) -> Supplier:
    """The record of a number; `supplier_id` is the member's own."""
    dice = random.Random(number)  # noqa: S311 - made-up names, no secret
    place = dice.randrange(len(_CITY))
    words = (dice.choice(_FIRST), dice.choice(_SECOND), _word(dice), dice.choice(_TRADE), dice.choice(_FORM))
    return Supplier(
        supplier_id=supplier_id,
        name=" ".join(words),
        address=f"{dice.randrange(1, 999)} {dice.choice(_STREET)}",
        city=_CITY[place],
        region="",
        postal_code=f"{dice.randrange(10_000, 99_999)}",
        country=_COUNTRY[place],
        sector=dice.choice(_TRADE),
        lei=made_up_lei(number),
    )


def _word(dice: random.Random) -> str:
    return "".join(
        dice.choice(pair) for pair in ("bdfgklmnprstv", "aeiou", "lmnrst", "aeiou", "klmnrst")
    ).title()


def made_up_lei(number: int) -> str:
    """A well-formed LEI of an issuer that does not exist; its check digits are right (ISO 7064 mod 97-10)."""
    base = f"9999{number:014d}"
    return f"{base}{98 - int(base + '00') % 97:02d}"


class MadeUpList:
    """A list of `size` suppliers, read like a file.

    Args:
        size: how many.
        offset: number of the first; two lists share the numbers they have in common.
        replaced: how many of the first records are replaced by ones that nobody else has.
        member: makes replacements different for each member.
    """

    encoding: str | None = None

    def __init__(self, size: int, offset: int, replaced: int, member: str) -> None:
        self._size = size
        self._offset = offset
        self._replaced = replaced
        self._member = member
        self.total_bytes = size
        self.bytes_read = 0

    def __iter__(self) -> Iterator[Supplier]:
        away = 10**12 + sum(self._member.encode()) * 10**8
        for at in range(self._size):
            self.bytes_read = at + 1
            number = at + self._offset
            yield made_up_supplier(number + away if at < self._replaced else number, f"S-{at:07d}")
