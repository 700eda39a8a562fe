"""Names of persons in scripts without capitals (docs/screening.md).

Handles: in Arabic, Bengali, Chinese, Devanagari and Thai a name beside a form of address, a label, or a word
such as `named`; in Chinese also one of the common family names behind a role. Refuses nothing: what stands
beside no such word cannot be told from any other word.
"""

import re
from collections.abc import Iterator
from typing import Final

from symbolon.signals import screening_name_words as words
from symbolon.signals.screening_finding import Suspicion
from symbolon.signals.screening_terms import alternatives
from symbolon.signals.screening_text import SearchText, Suspect, fold


def _either(text: str) -> str:
    """Folded words of a list with bars, without the bounds of a word."""
    return f"(?:{'|'.join(fold(each).folded for each in text.split('|'))})"


_DEVANAGARI: Final = "[\u0900-\u0963\u0971-\u097f]"
_BENGALI: Final = "[\u0980-\u09f1]"
_ARABIC: Final = "[\u0620-\u06ff]"
_THAI: Final = "[\u0e01-\u0e3a\u0e40-\u0e4e]"
_HAN: Final = "[\u3400-\u9fff]"

_HINDI_NAME: Final = f"{_DEVANAGARI}{{2,20}}(?: {_DEVANAGARI}{{2,20}})?"
_HINDI: Final = (
    f"(?<!{_DEVANAGARI})(?:"
    + alternatives("श्री, श्रीमती, सुश्री, कुमारी, मोहम्मद, मुहम्मद, मो., मेरा नाम, उसका नाम, इसका नाम, उनका नाम")
    + f"|नाम ?[:=-]) ?(?!लंका){_HINDI_NAME}"
    + f"|{_DEVANAGARI}{{2,20}} नाम (?:का|की|के)(?! (?:"
    + alternatives("कंपनी, कम्पनी, फैक्ट्री, एजेंसी, गांव, गाँव, संस्था, जगह")
    + "))"
    + f"|(?<!{_either('कंपनी')} )(?<!{_either('फैक्ट्री')} )(?<!{_either('गांव')} )(?:का|की|के) नाम {_HINDI_NAME} है"
    + f"|{_DEVANAGARI}{{2,20}} "
    + alternatives(
        """
        यादव, सिंह, कुमार, कुमारी, शर्मा, देवी, खान, प्रसाद, वर्मा, गुप्ता, मंडल, बेगम, खातून, अहमद, पटेल,
        ठाकुर, मांझी, मुंडा, सोरेन, पासवान, महतो
        """
    )
)
_BENGALI_NAME: Final = f"{_BENGALI}{{2,20}}(?: {_BENGALI}{{2,20}})?"
_BENGALI_FORMS: Final = (
    f"(?<!{_BENGALI})(?:"
    + alternatives(
        """
        জনাব, জনাবা, মোঃ, মো:, মো., মোছাঃ, মোছা:, মোসাঃ, মোসা:, মোসাম্মৎ, মোহাম্মদ, মুহাম্মদ, শ্রী, শ্রীমতী,
        মিসেস, আমার নাম, তার নাম, তাঁর নাম, ওর নাম
        """
    )
    + f"|নাম ?[:=-]) ?{_BENGALI_NAME}"
    + f"|{_BENGALI}{{2,20}} "
    + alternatives("বেগম, খাতুন, আক্তার, বিবি, দেবী, হোসেন, মিয়া, রহমান, উদ্দিন, মণ্ডল")
    + f"|(?<!{_BENGALI})"
    + alternatives("আব্দুল, আবদুল, আব্দুর, আবদুর, মোহাম্মদ, মুহাম্মদ")
    + f" {_BENGALI}{{2,20}}"
    + f"|{_BENGALI}{{2,20}} "
    + alternatives("নামের, নামে")
    + " (?:"
    + alternatives("এক, একজন")
    + " )?"
    + alternatives("শ্রমিক*, নারী*, ব্যক্তি*, মেয়ে*, ছেলে*, কর্মী*, দালাল*")
)
_ARABIC_NAME: Final = (
    f"(?!{_either('المدير|المشرف|الرئيس|الوزير|المسؤول')}){_ARABIC}{{2,20}}(?: {_ARABIC}{{2,20}})?"
)
_ARABIC_FORMS: Final = (
    f"(?<!{_ARABIC})و?(?:"
    + _either("السيد|السيدة|الأستاذ|الأستاذة|الآنسة|الحاج|الشيخ|المدعو|المدعوة|يدعى|تدعى|اسمه|اسمها|اسمي")
    + "|"
    + _either("الاسم")
    + " ?[:=-]|"
    + _either("اسم العامل|اسم العاملة|اسم المشرف|اسم الشاهد|اسم الضحية")
    + f" ?[:=-]?) ?{_ARABIC_NAME}"
    + f"|(?<!{_ARABIC})(?<!{_either('شركة')} )(?<!{_either('مصنع')} )(?<!{_either('شارع')} )و?"
    + _either(
        "محمد|أحمد|محمود|خالد|إبراهيم|يوسف|مصطفى|فاطمة|مريم|زينب|عائشة|خديجة|عبدالله|عبد الله|عبد الرحمن"
    )
    + f"(?!{_ARABIC})(?: {_ARABIC}{{2,20}})?"
)
_THAI_FORMS: Final = (
    "(?:"
    + alternatives("นางสาว, เด็กชาย, เด็กหญิง, น.ส., ด.ช., ด.ญ.")
    + f"|นาง(?!{_either('สาว|งาม|แบบ|ฟ้า')})"
    + f"|นาย(?!{_either('หน้า|จ้าง|ทุน|ก|ท้าย|ทหาร|แพทย์|ตำรวจ|ช่าง|ใหญ่|อำเภอ|เรือ|หนี้|ประกัน|หมู่|ร้อย|พัน|พล')}))"
    + f" ?{_THAI}{{2,20}}"
    + "|"
    + alternatives("คนงาน, หญิง, ชาย, เด็ก, หัวหน้างาน, หัวหน้า, ผู้จัดการ, พยาน, ผู้ให้สัมภาษณ์, เหยื่อ")
    + f"{_THAI}{{0,8}} ?ชื่อ ?(?!โรงงาน|บริษัท|เสียง|ว่า){_THAI}{{2,20}}"
    + f"|(?<!{_THAI})ชื่อ(?:-?นาม)?(?:-?สกุล)? ?[:=] ?{_THAI}{{2,20}}"
)
_CHINESE: Final = (
    f"(?:{words.HAN_SURNAMES})(?!某){_HAN}{{0,2}}(?:先生|女士|小姐|太太|师傅|師傅|经理|經理|主管|组长|組長|班长|厂长|廠長|老师)"
    "|(?:工人|员工|員工|女工|男工|童工|组长|組長|班长|主管|经理|經理|厂长|廠長|工头|工頭|中介|仲介|受访者|证人|线长|领班|老板)"
    f"(?:{words.HAN_SURNAMES})(?!某){_HAN}{{1,2}}"
    f"|(?:{words.HAN_SURNAMES})(?!某|州|山|家口|家港|江苏){_HAN}{{1,2}}(?:称|稱|表示|告诉|告訴|说[,:]|說[,:]|介绍[,说]|反映|回忆|透露|\\(化名)"
    "|(?:姓名|名字|受访者|受访人|联系人|聯絡人) ?[:=] ?(?!某|匿名|不详|女工|男工|工人|员工)"
    f"{_HAN}{{2,4}}"
    f"|(?<![厂司村县市镇船])(?:名叫|叫做|叫作|我叫|他叫|她叫) ?(?!某){_HAN}{{2,3}}"
)
_FORMS: Final = re.compile(f"{_HINDI}|{_BENGALI_FORMS}|{_ARABIC_FORMS}|{_THAI_FORMS}|{_CHINESE}")


def screen_uncased_names(text: SearchText) -> Iterator[Suspect]:
    """Names in scripts without capitals."""
    for match in _FORMS.finditer(text.folded):
        yield Suspect(Suspicion.PERSON_NAME, *match.span())
