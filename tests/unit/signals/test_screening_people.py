"""What points at a person. Names, numbers and addresses are invented."""

import pytest

from symbolon.signals.screening import Suspicion, screen_text

NAMES = (
    ("worker named Nguyen Thi Lan", "VN"),
    ("Mr. Rahman, the supervisor, keeps the keys.", "BD"),
    ("la trabajadora María López no cobra", "MX"),
    ("Interviewee: Sunita Devi", "IN"),
    ("A worker we call Lina (real name Rosmawati binti Hassan) told us this.", "MY"),
    ("Supervisor Kamal hits women with a ruler.", "BD"),
    ("The passports are kept by a man called Big Joe in the office.", "MY"),
    ("Sunil Thapa, 27, from Jhapa, paid an agent in Kathmandu.", "NP"),
    ("Her brother, Ko Min Thu, was beaten at the pier.", "TH"),
    ("Anita was slapped by the floor in-charge in front of her line.", "IN"),
    ("NGUYEN THI LAN (sewing operator) has no payslip.", "VN"),
    ("Fatema Begum and others were locked in.", "BD"),
    ("Md. Kamrul Hasan signed for all of them.", "BD"),
    ("Name: Ravi Kumar", "IN"),
    ("My name is Esther and I work in the hatchery.", "GH"),
    ("The broker, Thapa, took the money.", "NP"),
    ("Me lo contó Juana, que trabaja en el empaque.", "PE"),
    ("Don Jacinto, el capataz, golpea a los niños.", "GT"),
    ("L'ouvrière nommée Fanta a été renvoyée.", "CI"),
    ("M. Dupont retient les passeports.", "FR"),
    ("Vorarbeiter Ion Popescu zieht die Pässe ein.", "DE"),
    ("Eine Frau namens Elena wurde entlassen.", "DE"),
    ("O gato conhecido como Zé Carlos ameaçou os trabalhadores.", "BR"),
    ("Il caporale Amadou Diop trattiene la paga.", "IT"),
    ("Ayşe Hanım maaşını alamadı.", "TR"),
    ("Ahmet Kaya adında bir işçi değil, ustabaşı Ahmet Kaya.", "TR"),
    ("Ông Hùng giữ hộ chiếu.", "VN"),
    ("Mandor bernama Suryadi memukul buruh.", "ID"),
    ("Ibu Siti Aminah belum dibayar.", "ID"),
    ("मेरा नाम राजू है।", "IN"),
    ("सुनील नाम का मजदूर भाग गया।", "IN"),
    ("নাম: রহিমা খাতুন", "BD"),
    ("নারী শ্রমিক সালমা আক্তার", "BD"),
    ("นางสาวมะลิ ทองดี ถูกกักตัว", "TH"),
    ("คนงานชื่อสมชาย", "TH"),
    ("工头张建国打人。", "CN"),
    ("王女士的护照被扣。", "CN"),
    ("据学生王健介绍，每天工作12小时。", "CN"),
    ("المشرف اسمه خالد يضرب العمال.", "JO"),
    ("الاسم: فاطمة علي", "JO"),
)
NO_NAMES = (
    ("Worker A and interviewee B said the same; W12 did not.", "BD"),
    ("Ms. R. was not heard.", "BD"),
    ("Worker Representation Committee elections were not held.", "VN"),
    ("Worker Interviews and Manager Interviews took place off site.", "VN"),
    ("The agent Golden Star Manpower Services Pvt Ltd charges fees.", "NP"),
    ("In Dhaka, a worker told the team that exits are locked.", "BD"),
    ("In Phnom Penh, 30 years ago, the law was the same.", "KH"),
    ("However, the manager denied it.", "VN"),
    ("On Monday, the supervisor locked the gate.", "VN"),
    ("The Kafala system binds the worker to one employer.", "QA"),
    ("The plant in Nguyen Van Linh Street has no fire exit.", "VN"),
    ("Site: 12 Nguyen Van Troi, Ward 8, Phu Nhuan District", "VN"),
    ("The factory named Golden Harvest was visited in May.", "MM"),
    ("The vessel called Sea Pearl left port.", "TW"),
    ("Factory name: Acme Textile Mills", "PK"),
    ("Dr. B. R. Ambedkar Road, Plot 7", "IN"),
    ("die Arbeiter Pässe und Verträge abgeben mussten", "DE"),
    ("นายหน้าเก็บเงิน และนายจ้างยึดหนังสือเดินทาง", "TH"),
    ("员工陈述说，主管高声辱骂。", "CN"),
    ("受访者：匿名", "CN"),
    ("李某被罚款，张某某被打。", "CN"),
    ("该厂经理说没有扣押护照。", "CN"),
    ("श्री लंका के मजदूर", "LK"),
    ("السيد المدير رفض", "JO"),
    ("Ba Ria province and Da Nang City", "VN"),
)
PHONES = (
    ("Call +880 1711-000234 at night.", ""),
    ("0088 01711 000234 or so; 00880 1711 000234", ""),
    ("tel 0312-4567890 (ask for the union man)", "PK"),
    ("His number: 98412 34567", "NP"),
    ("01711-000234", "BD"),
    ("9876543210", "IN"),
    ("Llamar al 5512345678", ""),
    ("Handy 0151/23456789", ""),
    ("联系电话13812345678", "CN"),
    ("Điện thoại 0912.345.678", "VN"),
    ("फोन ९८७६५ ४३२१०", "IN"),
    ("هاتف ٠١٠٠٠٠٠٠٢٣٤", ""),
    ("(202) 555-0143", "US"),
    ("ＴＥＬ　０９１２３４５６７８", ""),
    ("reach her at 0\u200b9\u200b1\u200b2 345 678", "VN"),
)
NO_PHONES = (
    ("Visited on 12.03.2024 and 13.03.2024, 08.00-17.00.", "DE"),
    ("Period 2021-2023, 2021/2022.", "US"),
    ("Certificate no. 4711-2023-0098", "PK"),
    ("Business licence 1234567890", "US"),
    ("Workers owe 9876543210 rupiah in all.", "ID"),
    ("DUNS 150483782, GLN 4012345000009, LEI 5493001KJTIIGC8Y1R12", "DE"),
    ("IMO 9074729 and MMSI 412345678", "CN"),
    ("The labour hotline 1955 was not posted.", "TW"),
    ("Coordinates 23.810332, 90.412518", "BD"),
    ("ISO 45001:2018, GB/T 24001-2016", "CN"),
    ("1,234,567 workers", "IN"),
    ("OS ID CN2021250D1DTN7", "CN"),
)
MAILS = (
    "Write to md.kamal77@example.com.",
    "kamal (at) example (dot) org",
    "kamal[at]example.org",
    "kamal arroba example punto com",
    "邮箱kamal@example.cn",
    "ka\u200bmal＠example．com",
)
IDENTITIES = (
    ("Worker ID 004512, hired in May.", "KH"),
    ("Passport No. BX0234567", "NP"),
    ("Aadhaar 2341 2341 2346 was photocopied and kept.", "IN"),
    ("Her iqama (2456789012) has expired.", "SA"),
    ("11010519491231002X", ""),
    ("CNIC 34201-0891231-8", ""),
    ("34201-0891231-8", ""),
    ("10000000146", "TR"),
    ("390.533.447-05", ""),
    ("BOXW310820HNERXN09", ""),
    ("RCCMNL83S18D969H", ""),
    ("7 7010 12345 67 8 สำหรับบัตรประชาชน 1-2345-67890-12-1", "TH"),
    ("CCCD số 079203001234", "VN"),
    ("护照号 E12345678", "CN"),
    ("رقم الهوية 2456789012", "SA"),
)
NO_IDENTITIES = (
    ("Passports of 120000 workers were kept.", "SA"),
    ("The passport fee of 15,000 taka was deducted.", "BD"),
    ("Passports were taken in 2023 and returned on 2024-01-15.", "MY"),
    ("Work permits cost 500000 kyat.", "MM"),
    ("Identity cards of all 412 workers were locked away.", "CN"),
    ("Business licence 91330000123456789X", "CN"),
    ("12345678901", ""),
)
BIRTHS = (
    "DOB 03/07/2009 according to the school certificate.",
    "born on 14 March 2010",
    "She was born March 3rd, 2008.",
    "nacida el 3 de mayo de 1999",
    "née le 1er janvier 2004",
    "geboren am 12. April 1995",
    "nascido em 3 de maio de 1999",
    "nata il 4 luglio 2001",
    "12.04.1995 doğumlu",
    "sinh ngày 3 tháng 5 năm 1999",
    "lahir 17 Agustus 2001",
    "जन्म तिथि 03/07/2009",
    "জন্ম তারিখ ০৩/০৭/২০০৯",
    "1990年3月7日出生",
    "تاريخ الميلاد ٠٣/٠٧/٢٠٠٩",
)
NO_BIRTHS = (
    "Children born after 2009 were on the line.",
    "A boy of 14 works the press since 3 May 2023.",
    "Wages borne by the agency were paid on 3 May 2023 only.",
    "Ils ne travaillent plus depuis le 3 mai 2020.",
)
ACCOUNTS = (
    "Contact the group on Telegram @kilnworkers_help.",
    "insta: sewing_queen_88 posts from inside the dorm",
    "See https://www.facebook.com/some.one.77/posts/1",
    "t.me/joinchat_abc",
    "WhatsApp: +8801711000234",
    "WeChat ID worker_77",
    "LINE: somchai_88",
    "微信号：abc12345",
    "wa.me/8801711000234",
)
NO_ACCOUNTS = (
    "Workers were recruited through Facebook and WhatsApp groups.",
    "The line: sewing and cutting.",
    "Line 3 is locked, Line: finishing too.",
    "The signal was seen at night.",
    "TikTok videos of the dormitory were deleted.",
    "See signal-label-2 and the signal no one saw.",
)


def holds(suspicion: Suspicion, text: str, country: str = "") -> bool:
    return suspicion in {each.suspicion for each in screen_text(text, field="narrative", country=country)}


@pytest.mark.parametrize(("text", "country"), NAMES)
def test_name_of_a_person_is_suspected(text: str, country: str) -> None:
    assert holds(Suspicion.PERSON_NAME, text, country)


@pytest.mark.parametrize(("text", "country"), NO_NAMES)
def test_name_of_something_else_is_not_suspected(text: str, country: str) -> None:
    assert not holds(Suspicion.PERSON_NAME, text, country)


@pytest.mark.parametrize(("text", "country"), PHONES)
def test_telephone_number_is_suspected(text: str, country: str) -> None:
    assert holds(Suspicion.PHONE, text, country)


@pytest.mark.parametrize(("text", "country"), NO_PHONES)
def test_number_that_nobody_dials_is_not_suspected(text: str, country: str) -> None:
    assert not holds(Suspicion.PHONE, text, country)


@pytest.mark.parametrize("text", MAILS)
def test_email_is_suspected(text: str) -> None:
    assert holds(Suspicion.EMAIL, text)


@pytest.mark.parametrize(("text", "country"), IDENTITIES)
def test_identity_number_is_suspected(text: str, country: str) -> None:
    assert holds(Suspicion.IDENTITY_NUMBER, text, country)


@pytest.mark.parametrize(("text", "country"), NO_IDENTITIES)
def test_count_beside_a_document_is_no_identity_number(text: str, country: str) -> None:
    assert not holds(Suspicion.IDENTITY_NUMBER, text, country)


@pytest.mark.parametrize("text", BIRTHS)
def test_day_of_birth_is_suspected(text: str) -> None:
    assert holds(Suspicion.BIRTH_DATE, text)


@pytest.mark.parametrize("text", NO_BIRTHS)
def test_day_of_something_else_is_no_day_of_birth(text: str) -> None:
    assert not holds(Suspicion.BIRTH_DATE, text)


@pytest.mark.parametrize("text", ACCOUNTS)
def test_online_account_is_suspected(text: str) -> None:
    assert holds(Suspicion.ONLINE_ACCOUNT, text)


@pytest.mark.parametrize("text", NO_ACCOUNTS)
def test_messenger_that_is_only_named_is_not_suspected(text: str) -> None:
    assert not holds(Suspicion.ONLINE_ACCOUNT, text)


def test_national_number_is_looked_at_for_its_country_only() -> None:
    assert holds(Suspicion.PHONE, "01711-000234", "BD")
    assert not holds(Suspicion.PHONE, "01711-000234", "US")


def test_number_of_a_document_is_no_telephone_number_too() -> None:
    found = [
        each.suspicion for each in screen_text("Passport no. 0171100234, call him", field="x", country="BD")
    ]
    assert found == [Suspicion.IDENTITY_NUMBER]
