"""Words that carry no weight in a supplier's name (docs/matching.md, Words without weight).

Handles: words that most names of a sector share, in the languages of the lists at hand, each with its class,
so that `farm` and `farms`, `tekstil` and `textile` are one; small words; words for facilities.
Refuses: names of people, places and brands; those are what a match is made of.
"""

from functools import lru_cache
from typing import Final

from symbolon.suppliers.folding import WORD_CACHE, word_set

SMALL_WORDS: Final = word_set(
    """
    and of the a an at by for in on to or de del la las los el le les du des di da do das dos e y et und
    der die ve van von i o
    """
)

ARTICLES: Final = word_set("de del la el le les di da du des van von al")
"""Small words that count after all when a name has no other core, as in `DE & K Farms`."""

_CLASSES: Final[dict[str, str]] = {
    "agri": "agriculture",
    "agricultural": "agriculture",
    "agro": "agriculture",
    "assn": "association",
    "assoc": "association",
    "associate": "association",
    "bro": "brother",
    "clothe": "clothing",
    "clothes": "clothing",
    "confeccao": "confection",
    "confeccion": "confection",
    "confeccoes": "confection",
    "confecoes": "confection",
    "coop": "cooperative",
    "ent": "enterprise",
    "factories": "factory",
    "farming": "farm",
    "fty": "factory",
    "giyim": "clothing",
    "growing": "grower",
    "harvester": "harvest",
    "harvesting": "harvest",
    "hold": "holding",
    "imp": "import",
    "exp": "export",
    "ind": "industry",
    "industria": "industry",
    "industrial": "industry",
    "int": "international",
    "intl": "international",
    "knit": "knitting",
    "knitter": "knitting",
    "knitwear": "knitting",
    "konfeksiyon": "confection",
    "logging": "log",
    "manufactoring": "manufacture",
    "manufacturer": "manufacture",
    "manufacturing": "manufacture",
    "mfg": "manufacture",
    "mfr": "manufacture",
    "mill": "mill",
    "nurserie": "nursery",
    "orme": "knitting",
    "partner": "partnership",
    "planting": "plantation",
    "product": "product",
    "produce": "product",
    "svc": "service",
    "svcs": "service",
    "tekstil": "textile",
    "tekstill": "textile",
    "texteis": "textile",
    "textil": "textile",
    "trucking": "truck",
    "weaving": "weave",
    "weaver": "weave",
}
"""Word, or its singular, to its class, where the class is not the singular itself."""

_SECTOR_CLASSES: Final = word_set(
    """
    accessory acre agency agriculture animal apiary apparel association bag bee berry blueberry branch
    brother business button cattle ceramic chemical citrus clothing coffee commercial commodity company
    confection construction consulting contracting contractor cooperative corp corporation cotton
    crawfish crop custom dairy denim development distribution division dye dyeing electronic embroidery
    enterprise estate export fabric factory family farm fashion feed fiber fibre finish finishing fish
    fishery fishing flower food footwear forest forestry fruit furniture garden garment global glove
    good grain greenhouse group grower harvest hay holding honey horticulture hosiery house import
    industry international investment joint jute knitting labor labour land landscape landscaping
    leather limited lingerie livestock log machinery management manufacture maritime market meat mill
    mine mining nursery operation orchard packaging packing partnership plant plantation plastic poultry
    print printing process processing product production project property public ranch ranching retail
    rice rubber sale seafood seed service sewing sheep shipping shoe shop sock sod son spinning sport
    sportswear stable store sugar supplier supply sweater tailoring tea textile tobacco tool towel toy
    trade trading transport tree truck trust turf underwear unit vegetable venture vessel vine vineyard
    ware wash washing wear weave wholesale winery wine wood wool work workshop yarn
    """
)
"""Classes that carry no weight beside a real name."""

FACILITY_WORDS: Final = word_set(
    """
    branch building department dept div division facility factory fty line mill no nr number nos plant
    site subesi sube unit workshop
    """
)
"""Words that stand before the number of one plant among several."""


@lru_cache(maxsize=WORD_CACHE)
def sector_class(word: str) -> str:
    """The class of a word without weight, or '' for a word that carries weight."""
    if word in _CLASSES:
        found = _CLASSES[word]
    else:
        single = singular(word)
        found = _CLASSES.get(single, single)
    return found if found in _SECTOR_CLASSES else ""


def singular(word: str) -> str:
    """English singular by its ending; good enough to meet its own plural."""
    if len(word) <= 3 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word
