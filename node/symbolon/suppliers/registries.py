"""Which national numbering scheme a country's registration and VAT numbers follow (docs/matching.md).

Handles: a table from ISO 3166 alpha-2 to python-stdnum modules. A scheme is either `checked` (its number
carries a check digit that the module verifies) or a format only.
Refuses: registers without a public numbering rule; they are absent here, and the caller takes such numbers as
format-normalised text of the lower tier.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from types import ModuleType
from typing import Final, cast

from stdnum import get_cc_module

_REGISTERS: Final[dict[str, tuple[str, ...]]] = {
    "AL": ("al.nipt",),
    "AR": ("ar.cuit",),
    "AT": ("at.businessid",),
    "AU": ("au.acn", "au.abn"),
    "AZ": ("az.voen",),
    "BE": ("be.vat",),
    "BG": ("bg.vat",),
    "BR": ("br.cnpj",),
    "BY": ("by.unp",),
    "CA": ("ca.bn",),
    "CH": ("ch.uid",),
    "CL": ("cl.rut",),
    "CN": ("cn.uscc",),
    "CO": ("co.nit",),
    "CR": ("cr.cpj",),
    "CZ": ("cz.dic",),
    "DE": ("de.handelsregisternummer",),
    "DK": ("dk.cvr",),
    "DO": ("do.rnc",),
    "DZ": ("dz.nif",),
    "EC": ("ec.ruc",),
    "EE": ("ee.registrikood",),
    "EG": ("eg.tn",),
    "ES": ("es.cif",),
    "FI": ("fi.ytunnus",),
    "FR": ("fr.siret", "fr.siren"),
    "GH": ("gh.tin",),
    "GT": ("gt.nit",),
    "HR": ("hr.oib",),
    "HU": ("hu.anum",),
    "ID": ("id.npwp",),
    "IL": ("il.hp",),
    "IN": ("in_.gstin",),
    "IS": ("is_.kennitala",),
    "IT": ("it.iva",),
    "JP": ("jp.cn",),
    "KE": ("ke.pin",),
    "KR": ("kr.brn",),
    "LT": ("lt.pvm",),
    "LV": ("lv.pvn",),
    "MA": ("ma.ice",),
    "MD": ("md.idno",),
    "ME": ("me.pib",),
    "MK": ("mk.edb",),
    "MX": ("mx.rfc",),
    "MZ": ("mz.nuit",),
    "NO": ("no.orgnr",),
    "NZ": ("nz.ird",),
    "PE": ("pe.ruc",),
    "PL": ("pl.regon", "pl.nip"),
    "PT": ("pt.nif",),
    "PY": ("py.ruc",),
    "RO": ("ro.cui", "ro.onrc"),
    "RS": ("rs.pib",),
    "RU": ("ru.ogrn", "ru.inn"),
    "SE": ("se.orgnr",),
    "SG": ("sg.uen",),
    "SI": ("si.maticna",),
    "SN": ("sn.ninea",),
    "SV": ("sv.nit",),
    "TH": ("th.moa",),
    "TN": ("tn.mf",),
    "TR": ("tr.vkn",),
    "TW": ("tw.ubn",),
    "UA": ("ua.edrpou",),
    "US": ("us.ein",),
    "UY": ("uy.rut",),
    "VE": ("ve.rif",),
    "VN": ("vn.mst",),
}
"""Registers of companies, the narrower number first; where the tax number is the company number, that one."""

_FORMAT_ONLY: Final = frozenset(
    {"al.nipt", "at.businessid", "cr.cpj", "de.handelsregisternummer", "dz.nif", "eg.tn", "fo.vn", "gn.nifp"}
    | {"ke.pin", "kr.brn", "ro.onrc", "sm.coe", "tn.mf", "us.ein", "ad.nrt", "sg.uen"}
)
"""Modules of python-stdnum that verify a shape (or a check that not every variant has) but no check digit."""


@dataclass(frozen=True, slots=True)
class NumberingScheme:
    """One national numbering scheme.

    Attributes:
        name: python-stdnum's name, for example `fr.siren`; part of the normalised value.
        checked: True when a valid number has passed a check digit.
        validate: compact form of a valid number; raises `stdnum.exceptions.ValidationError`.
    """

    name: str
    checked: bool
    validate: Callable[[str], str]


@lru_cache(maxsize=512)
def registers(country: str) -> tuple[NumberingScheme, ...]:
    """The numbering schemes of the country's registers of companies, narrower first; empty when unknown."""
    return tuple(_scheme(name) for name in _REGISTERS.get(country, ()))


@lru_cache(maxsize=512)
def vat_scheme(country: str) -> NumberingScheme | None:
    """The country's VAT (or GST, sales tax) numbering scheme, or None when it is not known."""
    if len(country) != 2 or not country.isalpha():
        return None
    module = get_cc_module(country.lower(), "vat")
    if module is None:
        return None
    return _scheme(cast(ModuleType, module).__name__.removeprefix("stdnum."))


def _scheme(name: str) -> NumberingScheme:
    module = import_module(f"stdnum.{name}")
    validate = cast(Callable[[str], str], module.validate)
    return NumberingScheme(name, name not in _FORMAT_ONLY, validate)
