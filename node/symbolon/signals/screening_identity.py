"""Numbers and dates that identify a person, looked for in a narrative (docs/screening.md).

Handles: a number beside the word for a document (passport, Aadhaar, 身份证), whatever its form; national
identity numbers that stand alone, where a check digit or a date inside tells them (`python-stdnum`); a day
beside the word for birth. Refuses nothing. Where any number of the length would pass one time in ten, it is
looked at for a subject of that country only.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from stdnum.bg import egn
from stdnum.br import cpf
from stdnum.cn import ric
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.id import nik
from stdnum.in_ import aadhaar, pan
from stdnum.it import codicefiscale
from stdnum.kr import rrn
from stdnum.mx import curp
from stdnum.my import nric
from stdnum.pk import cnic
from stdnum.pl import pesel
from stdnum.ro import cnp
from stdnum.th import pin
from stdnum.tr import tckimlik
from stdnum.us import ssn
from stdnum.za import idnr

from symbolon.signals.screening_amounts import amounts, quantities
from symbolon.signals.screening_business_words import PEOPLE
from symbolon.signals.screening_contacts import DATE
from symbolon.signals.screening_finding import Suspicion
from symbolon.signals.screening_terms import search_for
from symbolon.signals.screening_text import LETTER, SearchText, Sentences, Suspect

_DOCUMENT: Final = search_for(
    """
    seaman book*, seamans book*, discharge book*,
    passport*, id no, id nr, id number*, id card*, id #, identity card*, identity number*, identity no,
    identification, national id, nid, nids, nric, ic no, ic number*, aadhaar*, aadhar*, adhaar*, pan no,
    pan card*, pan number*, voter id, ration card*, cnic, nicop, nic no, citizenship no,
    citizenship number*, citizenship certificate*, social security, ssn, work permit*, residence permit*,
    residency permit*, iqama*, emirates id, qid, civil id, employee id*, employee no, employee number*,
    employee code*, worker id*, worker no, worker number*, staff id*, staff no, badge*, token no, visa no,
    visa number*, seaman's book, seamans book, alien registration, driving licence*, driver's license*, dni,
    nie, nif, cedula*, curp, cui, dui, documento de identidad, clave de elector, nss,
    número de seguro social, pasaporte*, carte d'identité, numéro de sécurité sociale, carte de séjour,
    titre de séjour, passeport*, personalausweis*, ausweisnummer*, ausweis, passnummer*, reisepass*,
    sozialversicherungsnummer*, steuer id, aufenthaltstitel*, cpf, rg, carteira de identidade,
    carteira de trabalho, ctps, pis, passaporte*, codice fiscale, carta d'identita, permesso di soggiorno,
    passaporto, kimlik*, tckn, pasaport*, ikamet*, cccd, cmnd, can cuoc*, chung minh, so cmt, ho chieu, nik,
    ktp, no paspor, nomor paspor, paspor, no induk, आधार, पहचान पत्र, पासपोर्ट, परिचय पत्र, जातीय परिचय,
    জাতীয় পরিচয়পত্র, এনআইডি, পাসপোর্ট*, জন্ম নিবন্ধন*, บัตรประชาชน, เลขประจำตัว, หนังสือเดินทาง, พาสปอร์ต,
    ใบอนุญาตทำงาน, 身份证, 身分證, 护照, 護照, 居留证, 居留證, 工号, 工號, 证件号, 社保号, رقم الهويه, هويه,
    جواز السفر, جواز, اقامه, الرقم القومي, رقم قومي, بطاقه
    """
)
_DOCUMENT_NUMBER: Final = re.compile(
    r"[^\d\n;!?]{0,36}?(?<![a-z0-9])"
    r"([a-z]{1,4}[ \-]?\d{5,18}[a-z]?|[a-z]{4}\d{6}[a-z]{6}[a-z0-9]\d|\d[a-z]?\d{4,18}[a-z]?"
    r"|\d{2,6}(?:[ .\-]\d{1,7}){1,5}|[a-z]\d[a-z0-9]{4,12})(?![a-z0-9])"
)
_FEWEST_DIGITS: Final = 6
"""Of the number of a document; fewer are a count or a year."""

_FEWEST_BEHIND_WORD: Final = 5
"""The same at once behind the word for the document."""

_NOTHING_BETWEEN: Final = re.compile(r"[ .:#()\-]{0,4}(?:no|nr|number|num|code|is)?[ .:#]{0,3}")
_IS_DATE: Final = re.compile(DATE + r"|(?<!\d)(?:19|20)\d\d ?- ?(?:19|20)\d\d(?!\d)")

_BIRTH: Final = search_for(
    """
    born, born on, date of birth, birth date*, birthdate*, birthday*, d.o.b., dob, nacido, nacida, nacio,
    nacimiento, fecha de nac, cumpleaños, né le, née le, naissance, geboren, geb, geburtsdatum, geburtstag,
    nascido, nascida, nascimento, nasceu, nato il, nata il, nascita, doğum*, dogumlu, ngay sinh, sinh nhat,
    sinh ngay, lahir, tanggal lahir, tgl lahir, जन्म, जन्मतिथि, जन्मदिन, janm, जन्मा, জন্ম*, วันเกิด,
    เกิดวันที่, เกิดเมื่อ, 出生, 生日, 生于, ميلاد, مولود, مولوده, ولد, ولدت, تولد
    """
)
_DAY: Final = re.compile(
    DATE
    + r"|(?<!\d)\d{1,2}(?:st|nd|rd|th|er|\.|o)? ?(?:of |de |d')?"
    + rf"(?:{LETTER}|[\u0e01-\u0e4e]){{3,14}}\.?,? ?(?:de |del |of )?(?:19|2[0-5])\d\d(?!\d)"
    + r"|(?<![a-z])[a-z]{3,10}\.? \d{1,2}(?:st|nd|rd|th)?,? (?:19|20)\d\d(?!\d)"
    + r"|(?:19|20)\d\d ?年 ?\d{1,2} ?月 ?\d{1,2}"
    + r"|(?<!\d)\d{1,2} thang \d{1,2}(?: nam)? (?:19|20)\d\d(?!\d)"
)
_BIRTH_REACH: Final = 28
"""Characters between the word for birth and the day, on either side."""

_Check = Callable[[str], bool]


def _is_of_a_person(number: str) -> bool:
    return bool(pan.is_valid(number)) and pan.info(number).get("holder_type") == "Individual"


_STANDING_ALONE: Final[tuple[tuple[str, _Check, str], ...]] = (
    (r"\d{17}[\dx]", ric.is_valid, ""),
    (r"[a-z]{4}\d{6}[hmx][a-z]{5}[a-z0-9]\d", curp.is_valid, ""),
    (r"[a-z]{6}\d\d[a-z]\d\d[a-z]\d{3}[a-z]", codicefiscale.is_valid, ""),
    (r"[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?\d[\dab] ?\d{3} ?\d{3} ?\d\d", nir.is_valid, ""),
    (r"[xyz]-?\d{7}-?[a-z]", nie.is_valid, ""),
    (r"\d{8}-?[a-z]", dni.is_valid, "ES"),
    (r"[a-z]{3}p[a-z]\d{4}[a-z]", _is_of_a_person, ""),
    (r"[2-9]\d{3}[ -]\d{4}[ -]\d{4}", aadhaar.is_valid, ""),
    (r"[2-9]\d{11}", aadhaar.is_valid, "IN"),
    (r"[1-9]\d{10}", tckimlik.is_valid, "TR"),
    (r"\d[ -]\d{4}[ -]\d{5}[ -]\d\d[ -]\d", pin.is_valid, ""),
    (r"\d{13}", pin.is_valid, "TH"),
    (r"\d{3}\.\d{3}\.\d{3}-\d\d", cpf.is_valid, ""),
    (r"\d{11}", cpf.is_valid, "BR"),
    (r"\d{5}-\d{7}-\d", cnic.is_valid, ""),
    (r"\d{13}", cnic.is_valid, "PK"),
    (r"\d{16}", nik.is_valid, "ID"),
    (r"\d{6}-\d\d-\d{4}", nric.is_valid, ""),
    (r"\d{12}", nric.is_valid, "MY"),
    (r"\d{6}-[1-8]\d{6}", rrn.is_valid, ""),
    (r"\d{3}-\d\d-\d{4}", ssn.is_valid, "US"),
    (r"\d{13}", idnr.is_valid, "ZA"),
    (r"\d{11}", pesel.is_valid, "PL"),
    (r"\d{13}", cnp.is_valid, "RO"),
    (r"\d{10}", egn.is_valid, "BG"),
)
"""Form, check, and the country that it is looked for in where the form says too little."""

_FORMS: Final = tuple(
    (re.compile(rf"(?<![a-z0-9])(?<!\d[.,/\-]){form}(?![a-z0-9])(?![.,/\-]\d)"), check, country)
    for form, check, country in _STANDING_ALONE
)


def screen_identity(text: SearchText, sentences: Sentences, country: str) -> Iterator[Suspect]:
    """Numbers of documents and days of birth.

    Args:
        text: a folded text.
        sentences: of it.
        country: ISO 3166 alpha-2 of the subject, or empty where it is not known.
    """
    yield from _document_numbers(text, sentences)
    for form, check, where in _FORMS:
        if where in ("", country.upper()):
            for match in form.finditer(text.folded):
                if check(match[0].upper()):
                    yield Suspect(Suspicion.IDENTITY_NUMBER, *match.span())
    yield from _birth_dates(text, sentences)


def _document_numbers(text: SearchText, sentences: Sentences) -> Iterator[Suspect]:
    documents = list(_DOCUMENT.finditer(text.folded))
    if not documents:
        return
    sums, goods = amounts(text), quantities(text)
    people = text.find(PEOPLE)
    for document in documents:
        _, high = sentences.around(document.start(), _DOCUMENT_REACH)
        # A full stop may stand behind "no" and ends no search: the number itself may have none in it.
        match = _DOCUMENT_NUMBER.match(text.folded, document.end(), max(high, document.end()))
        if match is None:
            continue
        begin, end = match.span(1)
        between = text.folded[document.end() : begin]
        fewest = _FEWEST_BEHIND_WORD if _NOTHING_BETWEEN.fullmatch(between) else _FEWEST_DIGITS
        if (
            sum(each.isdigit() for each in match[1]) >= fewest
            and not _IS_DATE.fullmatch(match[1])
            and not sums.touches(begin, end)
            and not goods.touches(begin, end)
            and not people.within(end, end + 3)
        ):
            yield Suspect(Suspicion.IDENTITY_NUMBER, document.start(), end)


_DOCUMENT_REACH: Final = 90
"""Characters from the word for a document to the end of its number."""


def _birth_dates(text: SearchText, sentences: Sentences) -> Iterator[Suspect]:
    for word in _BIRTH.finditer(text.folded):
        low, high = sentences.around(word.start(), _BIRTH_REACH + len(word[0]) + 12)
        day = _DAY.search(text.folded, word.end(), high) or _DAY.search(text.folded, low, word.start())
        if day:
            yield Suspect(Suspicion.BIRTH_DATE, min(word.start(), day.start()), max(word.end(), day.end()))
