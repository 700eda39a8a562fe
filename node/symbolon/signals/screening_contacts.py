"""Ways to reach a person, looked for in a narrative: telephone, e-mail, accounts (docs/screening.md).

Handles: numbers with a country's prefix; numbers as they are dialled in the subject's country, judged by
the numbering plan of that country (`phonenumbers`); any number of seven digits beside a word such as `call`;
e-mail with `@` or with the `(at)` that people write in its place; handles, accounts of messengers, links to
profiles. Refuses nothing. Sums, dates and reference numbers are not telephone numbers.
"""

import re
from collections.abc import Iterator
from typing import Final

import phonenumbers

from symbolon.signals.screening_amounts import amounts, quantities
from symbolon.signals.screening_finding import Suspicion
from symbolon.signals.screening_terms import alternatives, search_for
from symbolon.signals.screening_text import Marks, SearchText, Sentences, Suspect, distance

DATE: Final = (
    r"(?:(?<!\d)(?:\d{1,2} ?[./\-] ?\d{1,2} ?[./\-] ?\d{2,4}"
    r"|(?:1[89]|2[0-5])\d\d ?[./\-] ?\d{1,2} ?[./\-] ?\d{1,2})(?!\d))"
)
"""A day in numbers."""

_MAILBOX: Final = r"(?<![a-z0-9_.%+\-])[a-z0-9_.%+\-]{1,254}"
_LABEL: Final = r"[a-z0-9\-]{1,63}"
_EMAIL: Final = re.compile(
    rf"{_MAILBOX}(?:@|(?: ?[\[({{<] ?(?:at|arroba|arobase|@) ?[\])}}>] ?))"
    rf"(?:{_LABEL}(?:\.| ?[\[(] ?(?:dot|\.) ?[\])] ?)){{1,8}}[a-z0-9\-]{{2,24}}"
    rf"|{_MAILBOX} (?:at|arroba) {_LABEL} (?:dot|punto|point|ponto) (?:com|org|net|info|edu|gov)(?![a-z])"
)
_CALLED: Final = re.compile(r"(?<![a-z0-9])(?<!\d[./\-])(?:\+ ?|00)?\(?\d(?:[ ().\-/]{0,3}\d){6,16}(?!\d)")
"""A run of digits as they are dialled; most of what it finds is something else."""

_FEWEST_DIGITS: Final = 7
"""Of a telephone number with its area; shorter ones are hotlines and switchboards."""

_MOST_DIGITS: Final = 15
"""Source: ITU-T E.164, 6.2.1."""

_TELEPHONE_WORD: Final = search_for(
    """
    phone*, telephone*, tel, mobile*, mob, cell, cellphone*, call, calls, called on, ring, dial, reach,
    reached, contact number, number is, her number, his number, my number, their number, whatsapp, viber,
    signal, zalo, telegram, text, sms, fax, ph, hotline, teléfono*, telefon*, téléphone*, celular*, movil,
    llamar, llame, fono, whats, tél, portable, joindre, appeler, handy, handynummer*, mobilnummer*,
    erreichbar, anrufen, rufnummer, telefone*, telemovel, ligar, cellulare, chiamare, gsm, cep, cep tel*,
    ara, arayin, dien thoai, so dien thoai, sdt, dt, goi, so may, telepon, telp, hp, no hp, hubungi, wa,
    nomor hp, फोन*, मोबाइल*, ফোন*, মোবাইল*, โทร, โทรศัพท์, เบอร์, 电话, 電話, 手机, 手機, 联系方式, 致电,
    手机号, هاتف, جوال, موبايل, تلفون, تليفون, واتساب, اتصل
    """
)
_REFERENCE_WORD: Final = search_for(
    """
    certificate*, licence*, license*, licensed, registration*, registered, reg, invoice*, purchase order*,
    po, order, report*, ref, reference*, duns, gln, lei, os id, tax, vat, gst, gstin, tin, bin, iban,
    account, iso, case, batch, lot, imo, mmsi, plot, hs code*, postal, pin code, pincode, zip, permit*,
    seal*, container*, docket*, petition*, article*, file no, docket, licencia, registro,
    registro mercantil, expediente, factura, nit, ruc, rfc, siret, siren, immatriculation, dossier, facture,
    lizenz*, register*, handelsregister*, rechnung*, aktenzeichen, cnpj, processo, inscrição, partita iva,
    p.iva, pratica, vergi no, sicil, ruhsat*, ma so thue, mst, giay phep, npwp, nib, izin, लाइसेंस, पंजीकरण,
    লাইসেন্স*, নিবন্ধন*, ใบอนุญาต, ทะเบียน, 许可证, 執照, 执照, 信用代码, 注册号, 编号, 發票, 发票, 证书,
    سجل, رخصه, ترخيص
    """
)
_BEFORE_NUMBER: Final = 40
"""Characters in front of a number in which a word is said of it."""

_BEHIND_NUMBER: Final = 14
"""Characters behind it."""

_DIALLED: Final = frozenset(
    {
        phonenumbers.PhoneNumberType.MOBILE,
        phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
    }
)
_TYPED_AS_TELEPHONE: Final = re.compile(r"\d[ \-]\d")

_MESSENGER: Final = (
    "(?:"
    + alternatives(
        """
        whatsapp, whats app, whatsap, wechat, weixin, we chat, wx, vx, telegram, zalo, viber, on signal,
        skype, qq, kakaotalk, kakao, messenger, facebook, fb, instagram, insta, ig, tiktok, snapchat,
        twitter, vk, line id, vkontakte, 微信号, 微信, 抖音, 微博, ไลน์ไอดี, ไอดีไลน์, ไลน์, เฟซบุ๊ก,
        เฟสบุ๊ค, واتساب, واتس, تلغرام, تليجرام, تيليجرام, فيسبوك, व्हाट्सएप, टेलीग्राम, হোয়াটসঅ্যাপ, ইমো,
        ফেসবুক
        """
    )
    + ")"
)
_ACCOUNT_WORD: Final = (
    "(?: ?(?:"
    + alternatives("id, user, username, user name, account, handle, nick, usuario, compte, konto, akun")
    + "|号|账号|號))"
)
_HANDLE: Final = r"@?[a-z](?=[a-z.\-]{0,30}(?:[0-9_]|\.[a-z0-9]))[a-z0-9_.\-]{2,40}"
_ACCOUNT: Final = re.compile(
    # A link to a profile.
    r"(?<![a-z0-9.\-])(?:[a-z]{1,3}\.)?(?:facebook\.com|fb\.com|fb\.me|instagram\.com|tiktok\.com"
    r"|twitter\.com|x\.com|t\.me|telegram\.me|wa\.me|api\.whatsapp\.com|chat\.whatsapp\.com|m\.me|vk\.com|vk\.ru"
    r"|ok\.ru|weibo\.com|weibo\.cn|zalo\.me|line\.me|signal\.me|snapchat\.com|threads\.net|linkedin\.com/in"
    r"|douyin\.com|imo\.im|viber\.com)/[^ \n]{1,200}"
    r"|skype ?[:=]? ?live:[a-z0-9_.\-]{3,40}"
    # A handle.
    r"|(?<![a-z0-9_.@/])@[a-z][a-z0-9_.]{2,30}(?![a-z0-9_@])"
    # An account of a messenger, named or numbered.
    f"|{_MESSENGER}{_ACCOUNT_WORD}?[ :=\\-]{{0,3}}{_HANDLE}"
    f"|{_MESSENGER}{_ACCOUNT_WORD}[ :=\\-]{{1,3}}@?[a-z0-9][a-z0-9_.\\-]{{2,40}}"
    f"|{_MESSENGER}[ :=\\-]{{1,3}}(?:(?:no|number|nr|numero|nomor|so)\\.?[ :]{{0,2}})?"
    r"\+?[ (]{0,2}\d(?:[ ().\-]{0,2}\d){6,14}"
)
_LINE_ACCOUNT: Final = re.compile(
    r"(?<![A-Za-z])(?:LINE|Line)(?: (?:ID|id|Id))?[:=@ ]{1,3}"
    r"@?[a-z](?=[a-z.\-]{0,30}[0-9_])[a-z0-9_.\-]{3,30}"
)
"""A messenger whose name is also a word: it counts with its capitals only."""


def screen_contacts(text: SearchText, sentences: Sentences, country: str) -> Iterator[Suspect]:
    """Telephone numbers, e-mail addresses and accounts.

    Args:
        text: a folded text.
        sentences: of it.
        country: ISO 3166 alpha-2 of the subject, or empty where it is not known.
    """
    mails = text.find(_EMAIL)
    for begin, end in mails:
        yield Suspect(Suspicion.EMAIL, begin, end)
    yield from _accounts(text, mails)
    yield from _telephones(text, sentences, country)


def _accounts(text: SearchText, mails: Marks) -> Iterator[Suspect]:
    for match in _ACCOUNT.finditer(text.folded):
        if not mails.touches(*match.span()):
            yield Suspect(Suspicion.ONLINE_ACCOUNT, *match.span())
    for match in _LINE_ACCOUNT.finditer(text.cased):
        yield Suspect(Suspicion.ONLINE_ACCOUNT, *match.span())


def _telephones(text: SearchText, sentences: Sentences, country: str) -> Iterator[Suspect]:
    region = country.upper() if country.upper() in phonenumbers.SUPPORTED_REGIONS else None
    candidates = list(_CALLED.finditer(text.folded))
    if not candidates:
        return
    called = text.find(_TELEPHONE_WORD)
    reference = text.find(_REFERENCE_WORD)
    sums, goods = amounts(text), quantities(text)
    for match in candidates:
        begin, end = match.span()
        written = match[0]
        digits = sum(each.isdigit() for each in written)
        if not _FEWEST_DIGITS <= digits <= _MOST_DIGITS + 2 or _HOLDS_DATE.search(written):
            continue
        low, high = sentences.around(begin, _BEFORE_NUMBER)
        high = min(high, end + _BEHIND_NUMBER)
        word = called.nearest(begin, end, low, high)
        other = reference.nearest(begin, end, low, begin)
        if word and other and distance(other, begin, end) < distance(word, begin, end):
            word = None
        if _is_international(written) or (
            not sums.touches(begin, end)
            and not goods.touches(begin, end)
            and (word is not None or (other is None and _is_dialled(written, region)))
        ):
            yield Suspect(Suspicion.PHONE, begin, end)


_HOLDS_DATE: Final = re.compile(
    DATE
    + r"|(?<!\d)(?:19|20)\d\d ?[\-/] ?(?:19|20)\d\d(?!\d)"
    + r"|(?<!\d)[012]?\d\.[0-5]\d ?- ?[012]?\d\.[0-5]\d(?!\d)"
)


def _is_international(written: str) -> bool:
    if written.startswith("+"):
        return True
    if not written.startswith("00"):
        return False
    return _is_valid("+" + written[2:], None)


def _is_dialled(written: str, region: str | None) -> bool:
    """Whether a number without a prefix is one that people dial in a country."""
    if region is None:
        return False
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return False
    if not phonenumbers.is_valid_number_for_region(number, region):
        return False
    if written.lstrip("(").startswith("0"):
        return True
    typed = _TYPED_AS_TELEPHONE.search(written) is not None
    long = len(str(number.national_number)) >= _LONG_MOBILE
    return phonenumbers.number_type(number) in _DIALLED and (typed or long)


_LONG_MOBILE: Final = 9
"""Digits of a mobile number that is told from a count without blanks in it."""


def _is_valid(written: str, region: str | None) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(written, region))
    except phonenumbers.NumberParseException:
        return False
