"""Sums of money, quantities of goods and shares in a folded text (docs/screening.md).

Handles: numbers with the separators of any country and with scale words (lakh, juta, 万), currencies by sign,
code and name, units of goods, per cent in several spellings. Refuses: codes of currencies that are also words
(`try 3 times`) unless they stand in capitals.
"""

import re
from typing import Final

from symbolon.signals.screening_terms import alternatives
from symbolon.signals.screening_text import LETTER, Marks, SearchText

NUMBER: Final = (
    r"(?:(?<!\d)(?<!\d[.,])"
    r"(?:\d{1,3}(?:[.,' ]\d{2,3}(?!\d)){1,5}(?:[.,]\d{1,2}(?!\d))?|\d{1,15}(?:[.,]\d{1,4})?)(?!\d))"
)
"""A number, from its first digit to its last."""

_SCALE: Final = alternatives(
    """
    k, m, mn, mln, bn, thousand, million*, billion*, lakh*, lac, lacs, crore*, mil, mille, millon*,
    millions, milione, milioni, milhao, milhoes, tausend, milliarde*, bin, milyon*, nghin, ngan, trieu, ty,
    ribu, juta, miliar, rb, jt, हज़ार, लाख, करोड़, हजार, হাজার, লাখ, লক্ষ, কোটি, พัน, หมื่น, แสน, ล้าน, 千,
    万, 萬, 亿, 百, الف, الاف, مليون, ملايين, hazar, hazaar
    """
)
_WORD_NUMBER: Final = alternatives(
    """
    eleven, twelve, fifteen, thirteen, fourteen, sixteen, eighteen,
    one, two, three, four, five, six, seven, eight, nine, ten, twenty, thirty, forty, fifty, hundred, dos,
    tres, cuatro, cinco, diez, deux, trois, quatre, cinq, dix, zwei, drei, vier, funf, zehn, dois, duas,
    quatro, dez
    """
)
_HAN_NUMBER: Final = "[一二两三四五六七八九十百千万零〇]{1,8}"
_SIGN: Final = r"(?:[a-z]{0,2}[$€£¥₹৳฿₫₺₱₩₦₨₴₽₸₲₡₵﷼])"
_CURRENCY_BEFORE: Final = alternatives(
    """
    usd, eur, gbp, inr, bdt, pkr, lkr, npr, vnd, idr, myr, thb, cny, rmb, mxn, brl, pen, gtq, hnl, php, khr,
    mmk, egp, tnd, jod, aed, qar, kwd, omr, bhd, zar, kes, ugx, tzs, ngn, ghs, xof, xaf, etb, mur, jpy, krw,
    twd, ntd, hkd, sgd, aud, cad, chf, sek, nok, dkk, pln, czk, bgn, uah, rub, uzs, kzt, mga, try, ron, cop,
    mad, sar, ars, rs, rs., re, rm, rp, rp., tk, tk., nt, us, dollars, euro, euros, rupees, taka, yuan,
    baht, रु, रुपये, टका, টাকা, 人民币, 美元, 欧元, ฿
    """
)
_CURRENCY_AFTER: Final = alternatives(
    """
    usd, eur, gbp, inr, bdt, pkr, lkr, npr, vnd, idr, myr, thb, cny, rmb, mxn, brl, pen, gtq, hnl, php, khr,
    mmk, egp, tnd, jod, aed, qar, kwd, omr, bhd, zar, kes, ugx, tzs, ngn, ghs, xof, xaf, etb, mur, jpy, krw,
    twd, ntd, hkd, sgd, aud, cad, chf, sek, nok, dkk, pln, czk, bgn, uah, rub, uzs, kzt, mga, try, ron, cop,
    mad, sar, ars, dollar*, dolar*, dolares, dollari, euro, euros, pounds sterling, sterling, cent, cents,
    centimes, centime, céntimo*, centesimi, centesimo, centavo*, kuruş, sen, fils, rupee*, rupia*, rupiah,
    rupaye, rupaya, rupye, rupay, paisa, paise, taka, tk, yuan, renminbi, dong, baht, lira*, lirasi, tl,
    peso, pesos, real, reais, ringgit, rm, rial*, riyal*, dirham*, dinar*, kyat*, rand, shilling*, naira,
    cedi*, birr, franc, francs, fcfa, cfa, won, yen, quetzal*, lempira*, soles, zloty*, hryvnia*, sum,
    ariary, रुपये, रुपए, रुपया, रुपयों, रु, टका, पैसे, डॉलर, টাকা*, ডলার*, ইউরো, বাত, ดอลลาร์, บาท, ยูโร,
    เหรียญ, 元, 块, 圆, 美元, 欧元, 人民币, 美金, 港币, 塊, 歐元, دولار, دولارات, ريال, ريالات, درهم, دراهم,
    جنيه, جنيهات, دينار, دنانير, ليره, يورو
    """
)
_AMOUNT: Final = re.compile(
    f"(?:{_SIGN}|{_CURRENCY_BEFORE})[. :]?{NUMBER}(?: ?{_SCALE})?"
    f"|(?:{NUMBER}|{_WORD_NUMBER}|{_HAN_NUMBER})(?:[ -]?{_SCALE}){{0,2}}"
    f" ?(?:de |d'|of )?(?:{_SIGN}|{_CURRENCY_AFTER})"
)
_CODES_THAT_ARE_WORDS: Final = re.compile(
    f"(?<!{LETTER})(?:try|ron|pen|cop|mad|sar|ars|us|re|nt|sum|rand)(?!{LETTER})"
)

GOODS: Final = alternatives(
    """
    barattolo, barattoli, vasetto, bottiglia, bottiglie, botella*, bouteille*, garrafa*, flasche*, dose,
    dosen, piece, pieces, pc, pcs, pce, unit, units, item, items, garment*, shirt*, tshirt*, t shirt*, tee,
    tees, trouser*, jacket*, jeans, dress, dresses, pair, pairs, shoe*, carton*, ctn, ctns, box, boxes,
    crate*, pallet*, container*, teu, feu, ton, tons, tonne*, mt, kg, kgs, kilo, kilos, kilogram*, lb, lbs,
    pound, pounds, quintal*, metre*, meter*, yard*, yd, yds, sqm, sq ft, dozen*, dz, gross, bale*, bag,
    bags, sack*, roll, rolls, set, sets, barrel*, bushel*, litre*, liter*, gallon*, can, cans, bottle*,
    brick*, panel*, module*, glove*, tyre*, tire*, carpet*, rug, rugs, pieza*, unidad, unidades, caja*,
    tonelada*, metros, metro, docena*, pares, par, prenda*, camisa*, camiseta*, pantalon*, saco, sacos,
    arroba*, bulto*, litros, contenedor*, zapato*, piece*, unite*, caisse*, douzaine*, chemise*, veste*,
    robe, robes, chaussure*, paire*, conteneur*, mètre*, colis, stück*, stück, einheit*, kiste*, karton*,
    kartons, dutzend, paar, hemd*, jacke*, hose, hosen, schuh*, meter, tonnen, kilogramm, peca*, unidade*,
    saca*, quilo*, dúzia*, camisas, par de, pezzo, pezzi, unita, chilo, chili, cassa, casse, capo, capi,
    camicie, maglie, scarpe, quintale, quintali, paia, tonnellata, tonnellate, adet*, parça*, koli*, çuval*,
    tane*, gömlek*, tişört*, pantolon*, düzine*, çift, metre, chiếc, cái, sản phẩm, đôi, mét, tấn, thùng,
    bộ, áo, quần, giày, potong*, buah, lusin, pasang, helai, lembar, baju, kaos, celana, sepatu, karung,
    kardus, kontainer, पीस, नग, किलो, मीटर, दर्जन, जोड़ी, टन, बोरी, peis, pees, পিস*, কেজি, গজ, ডজন, টন,
    জোড়া, কার্টন*, ชิ้น, ตัว, กิโล, กก, คู่, เมตร, ตัน, กล่อง, หลา, โหล, 件, 公斤, 吨, 噸, 米, 打, 双, 雙,
    箱, 台, 套, 只, 个货柜, 货柜, 条, 匹, قطعه, قطع, كيلو, كيلوغرام, طن, اطنان, متر, دزينه, كرتون, كرتونه,
    صندوق, حاويه, حاويات, زوج
    """
)
_QUANTITY: Final = re.compile(
    f"(?:{NUMBER}|{_WORD_NUMBER})(?: ?{_SCALE})? ?(?:de |d'|of )?{GOODS}|{_HAN_NUMBER}{GOODS}"
)
_RATE: Final = re.compile(
    f"/ ?(?:t|mt|m)(?!{LETTER})|(?:/ ?|(?:"
    + alternatives(
        """
        per, a, an, each, every, la, le, el, il, al, alla, a la, au, por, cada, par, pro, je, das, o, cad,
        ogni, moi, mot, tiap, setiap, प्रति, हर, প্রতি, har, prati, ต่อ, ละ, 每, 一, لل, لكل, للكيلو
        """
    )
    + f")[ -]?)(?:{_SCALE} |1000 |100 |{_WORD_NUMBER} )?{GOODS}|{GOODS} (?:"
    + alternatives("başına, başı")
    + ")|"
    + alternatives(
        """
        للقطعه, للكيلو, للطن, للمتر, الطن ب, الكيلو ب, القطعه ب, المتر ب, kilosu, tanesi, metresi, adedi,
        çifti, tonu
        """
    )
)
_PERCENT_WORD: Final = alternatives(
    """
    per cent, percent, pct, por ciento, pour cent, prozent, por cento, per cento, persen, phan tram,
    प्रतिशत, শতাংশ, เปอร์เซ็นต์, بالمئه, بالمائه, في المئه, في المائه
    """
)
_FRACTION: Final = alternatives(
    """
    half, a third, one third, two thirds, a quarter, one quarter, three quarters, la mitad, un tercio,
    dos tercios, la moitié, un tiers, deux tiers, un quart, die hälfte, ein drittel, zwei drittel,
    ein viertel, metade, um terço, dois terços, metà, un terzo, due terzi, yarısı, yarısını, üçte biri,
    üçte birini, một nửa, một phần ba, separuh, setengah, sepertiga, आधा, आधी, एक तिहाई, অর্ধেক,
    এক তৃতীয়াংশ, ครึ่งหนึ่ง, หนึ่งในสาม, 一半, 三分之一, 三分之二, 四分之一, نصف, ثلث, ربع
    """
)
_FRACTIONS: Final = re.compile(_FRACTION)
_SHARE: Final = re.compile(
    f"{NUMBER} ?(?:%|{_PERCENT_WORD})|%{NUMBER}|(?<!{LETTER})yuzde {NUMBER}"
    "|百分之[一二三四五六七八九十\\d]{1,5}"
)


def amounts(text: SearchText) -> Marks:
    """Sums of money."""
    return Marks(each.span() for each in _AMOUNT.finditer(text.folded) if _is_currency(text, each))


def quantities(text: SearchText) -> Marks:
    """Numbers with a unit of goods."""
    return text.find(_QUANTITY)


def rates(text: SearchText) -> Marks:
    """What makes a sum the price of one: per piece, la docena, 每件."""
    return text.find(_RATE)


def shares(text: SearchText) -> Marks:
    """Numbers of per cent."""
    return text.find(_SHARE)


def fractions(text: SearchText) -> Marks:
    """Halves, thirds and quarters in words."""
    return text.find(_FRACTIONS)


def _is_currency(text: SearchText, match: re.Match[str]) -> bool:
    code = _CODES_THAT_ARE_WORDS.search(match[0])
    return code is None or text.cased[match.start() + code.start() : match.start() + code.end()].isupper()
