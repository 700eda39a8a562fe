"""Strong identifiers: is this cell a real LEI, OS ID, GLN, D-U-N-S, VAT or registration number?

Handles: the normalised value of a valid identifier, and whether a check digit stands behind it
(docs/matching.md, Identifiers). Separators, case and a spreadsheet's traces (`'0123`, `123.0`) are forgiven.
Refuses, each with a reason a person can act on: wrong length or characters, a wrong check digit, numbers
rounded by a spreadsheet, placeholders (`000000000`, `123456789`, `n/a`), and GS1 prefixes that are not
unique in the world.

Source: ISO 17442 and ISO/IEC 7064 MOD 97-10 (LEI); GS1 General Specifications 7.9.1 (GLN); Open Supply Hub,
`os_id.py` (OS ID); python-stdnum for national schemes.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from anyascii import anyascii
from stdnum import imo
from stdnum.exceptions import InvalidChecksum, ValidationError

from symbolon.suppliers.country import normalise_country
from symbolon.suppliers.registries import registers, vat_scheme

MAX_IDENTIFIER_CHARS: Final = 64
"""Longer than any national number with its court or register; a longer cell is prose, not a number."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A valid identifier.

    Attributes:
        value: its normal form, equal for all spellings.
        checked: True when a check digit was verified; False when only the shape was.
    """

    value: str
    checked: bool


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a cell yields no identifier.

    Attributes:
        reason: what is wrong, for a person.
        remedy: what would mend it.
    """

    reason: str
    remedy: str


_ABSENT_WORDS: Final = frozenset(
    {
        "na",
        "none",
        "null",
        "nil",
        "nan",
        "unknown",
        "unk",
        "tbd",
        "tba",
        "tbc",
        "pending",
        "test",
        "x",
        "xx",
        "xxx",
    }
    | {
        "notavailable",
        "notapplicable",
        "missing",
        "empty",
        "no",
        "nd",
        "void",
        "dummy",
        "sample",
        "example",
        "0",
    }
)
_SEQUENCE: Final = "01234567890123456789"
_SEQUENCE_DOWN: Final = _SEQUENCE[::-1]
_ROUNDED: Final = re.compile(r"\d(?:[.,]\d+)?e\+?\d+", re.IGNORECASE)
_CROCKFORD: Final = {symbol: index for index, symbol in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ")}
_OS_ID: Final = re.compile(r"[A-Z]{2}(?P<year>\d{4})(?P<day>\d{3})[0-9A-HJKMNP-TV-Z]{6}")
_LEI: Final = re.compile(r"[A-Z0-9]{18}\d{2}")
_ALNUM: Final = re.compile(r"[^A-Z0-9]")

_NO_SUFFIX: Final = re.compile(r"(?!)")
_VAT_SUFFIX: Final = {"CH": re.compile(r"(MWST|TVA|IVA|TPV)$"), "NO": re.compile(r"MVA$")}
"""Words after the number that differ by language or say "VAT" and are no part of it."""
_LOCAL_REGISTERS: Final = {
    "DE": "write the court before the number, for example: Aachen HRA 11223",
    "US": "give the employer identification number (EIN), nine digits",
}
"""Countries where a bare number repeats from one local register to the next."""

_DIGITS_LOST: Final = Rejection(
    "a spreadsheet rounded it to scientific notation",
    "export the column as text and import again",
)


def absent(text: str) -> bool:
    """True when the cell only says that there is no value: empty, dashes, or a word such as n/a or none."""
    bare = _bare(text).lower()
    return not bare or bare in _ABSENT_WORDS


def _prepared(text: str) -> str | Rejection:
    """The cell without separators and in upper case, or why it cannot be an identifier at all."""
    cell = text.strip().removeprefix("'").strip()
    if len(cell) > MAX_IDENTIFIER_CHARS:
        return Rejection(
            f"longer than {MAX_IDENTIFIER_CHARS} characters", "put the bare number into this column"
        )
    if _ROUNDED.fullmatch(cell):
        return _DIGITS_LOST
    if cell.endswith(".0") and cell[:-2].isdigit():
        cell = cell[:-2]
    bare = _bare(cell)
    if _is_placeholder(bare):
        return Rejection("is a placeholder", "leave the cell empty when there is no number")
    return bare


def _bare(text: str) -> str:
    return _ALNUM.sub("", (text if text.isascii() else anyascii(text)).upper())


def _is_placeholder(bare: str) -> bool:
    digits = re.sub(r"[^0-9]", "", bare)
    if len(set(bare)) <= 1 and len(bare) > 1:
        return True
    if len(digits) >= 5 and len(set(digits)) == 1 and len(digits) >= len(bare) - 4:
        return True
    runs = len(digits) >= 6 and (digits in _SEQUENCE or digits in _SEQUENCE_DOWN)
    return runs and len(digits) >= len(bare) - 4


def check_lei(text: str) -> Identifier | Rejection:
    """Legal Entity Identifier: 20 characters, MOD 97-10 over all of them equals 1."""
    bare = _prepared(text)
    if isinstance(bare, Rejection):
        return bare
    if not _LEI.fullmatch(bare):
        return Rejection(f"an LEI has 20 letters and digits, this has {len(bare)}", "look it up at gleif.org")
    if int("".join(str(int(symbol, 36)) for symbol in bare)) % 97 != 1:
        return Rejection(
            "the LEI's check digits do not fit", "compare it with gleif.org, a character is mistyped"
        )
    return Identifier(bare, checked=True)


def check_imo(text: str) -> Identifier | Rejection:
    """IMO number of a ship, with or without IMO before it: seven digits, the last of them a check digit.

    Source: IMO resolution A.1117(30); python-stdnum.
    """
    bare = _prepared(text)
    if isinstance(bare, Rejection):
        return bare
    digits = bare.removeprefix("IMO")
    if not (len(digits) == 7 and digits.isascii() and digits.isdigit()):
        return Rejection("an IMO number has seven digits", "copy it from the ship's papers, or leave it out")
    if not imo.is_valid(digits):
        return Rejection("the IMO number's check digit does not fit", "compare it, a digit is mistyped")
    return Identifier(digits, checked=True)


def check_os_id(text: str) -> Identifier | Rejection:
    """Open Supply Hub id: country, year, day of the year, five base-32 symbols, a check symbol.

    The check symbol is the sum, modulo 32, of the two letters' ASCII codes and of the Crockford base-32
    values of the twelve symbols after them.
    """
    bare = _prepared(text)
    if isinstance(bare, Rejection):
        return bare
    shape = _OS_ID.fullmatch(bare)
    if shape is None or not 1 <= int(shape["day"]) <= 366 or not 2018 <= int(shape["year"]) <= 2199:
        return Rejection(
            "an OS ID is two letters, a year, a day of the year and six base-32 symbols",
            "copy it from opensupplyhub.org, for example IN-2019067-X1K87-E",
        )
    total = ord(bare[0]) + ord(bare[1]) + sum(_CROCKFORD[symbol] for symbol in bare[2:-1])
    if total % 32 != _CROCKFORD[bare[-1]]:
        return Rejection("the OS ID's check symbol does not fit", "copy it again from opensupplyhub.org")
    return Identifier(bare, checked=True)


def check_gln(text: str) -> Identifier | Rejection:
    """GS1 Global Location Number: 13 digits, GS1 modulo-10 check digit, no restricted-circulation prefix."""
    bare = _prepared(text)
    if isinstance(bare, Rejection):
        return bare
    if not bare.isdigit() or len(bare) != 13:
        hint = "; a spreadsheet may have dropped a leading zero" if bare.isdigit() and len(bare) == 12 else ""
        return Rejection(
            f"a GLN has 13 digits, this has {len(bare)} characters{hint}", "give all 13 digits as text"
        )
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(bare))
    if total % 10:
        return Rejection(
            "the GLN's check digit does not fit", "compare it with the GS1 registry, a digit is mistyped"
        )
    if bare[0] == "2" or bare.startswith(("02", "04")):
        return Rejection(
            "its GS1 prefix is for use inside one company", "give a GLN issued by a GS1 organisation"
        )
    return Identifier(bare, checked=True)


def check_duns(text: str) -> Identifier | Rejection:
    """D-U-N-S number: nine digits. It has no public check digit, so it is never `checked`."""
    bare = _prepared(text)
    if isinstance(bare, Rejection):
        return bare
    if not bare.isdigit() or len(bare) != 9:
        return Rejection(
            f"a D-U-N-S number has 9 digits, this has {len(bare)} characters", "give all 9 digits as text"
        )
    return Identifier(bare, checked=False)


def check_vat(text: str, country: str) -> Identifier | Rejection:
    """VAT number by the rules of its prefix's country, or else of the supplier's country.

    Returns:
        A value that starts with the ISO alpha-2 code (Greece is GR, not EL).
    """
    bare = _prepared(text)
    if isinstance(bare, Rejection):
        return bare
    prefix = normalise_country(bare[:2]) if bare[:2].isalpha() else ""
    candidates = [code for code in dict.fromkeys((prefix, country)) if code]
    if not candidates:
        return Rejection("neither the number nor the row names a country", "fill the country column")
    verdict: Rejection | None = None
    for code in candidates:
        scheme = vat_scheme(code)
        if scheme is None:
            continue
        number = bare
        if code == prefix and not _accepts(scheme.validate, bare):
            number = bare[2:]
        try:
            valid = scheme.validate(number)
        except InvalidChecksum:
            verdict = Rejection(
                f"the check digit of this {code} VAT number does not fit", "a digit is mistyped"
            )
        except ValidationError:
            verdict = verdict or Rejection(
                f"this is not the shape of a {code} VAT number", "compare it with an invoice"
            )
        else:
            return Identifier(f"{code} {_without_prefix(valid, code)}", checked=scheme.checked)
    return verdict or Rejection(
        f"no VAT numbering rule is known for {candidates[-1]}", "use another identifier column"
    )


def _accepts(validate: Callable[[str], str], number: str) -> bool:
    try:
        validate(number)
    except ValidationError:
        return False
    return True


def _without_prefix(number: str, code: str) -> str:
    for prefix in (code, "EL") if code == "GR" else (code,):
        number = number.removeprefix(prefix)
    return _VAT_SUFFIX.get(code, _NO_SUFFIX).sub("", _bare(number))


def check_registration(text: str, country: str) -> Identifier | Rejection:
    """Number in a national register, in the numbering schemes of the country.

    Returns:
        A checked value `CC scheme number` when a scheme with a check digit accepts it; an unchecked value
        `CC number` when the country has no such scheme or the number has another shape (a local register).
    """
    bare = _prepared(text)
    if isinstance(bare, Rejection):
        return bare
    if not country:
        return Rejection("the row names no country, and a register belongs to one", "fill the country column")
    wrong_digit = False
    for scheme in registers(country):
        try:
            valid = scheme.validate(text.strip() if scheme.name.startswith("de.") else bare)
        except InvalidChecksum:
            wrong_digit = True
        except ValidationError:
            continue
        else:
            return Identifier(f"{country} {scheme.name} {_bare(valid)}", checked=scheme.checked)
    if wrong_digit:
        return Rejection(f"the check digit of this {country} number does not fit", "a digit is mistyped")
    if country in _LOCAL_REGISTERS:
        return Rejection(
            f"{country} registers are local and the number does not say which", _LOCAL_REGISTERS[country]
        )
    if sum(symbol.isdigit() for symbol in bare) < 5:
        return Rejection("fewer than five digits: too short to stand for one company", "give the full number")
    return Identifier(f"{country} {bare}", checked=False)
