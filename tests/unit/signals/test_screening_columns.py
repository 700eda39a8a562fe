import pytest

from symbolon.signals.screening import COMPETITION, PERSONAL, Suspicion, screen_column
from symbolon.signals.vocabulary import Indicator

CANONICAL = """
    subject_kind reference workers supplier_id name address city region postal_code country sector os_id
    lei gln duns vat registration_number parent_name latitude longitude imo mmsi indicators scale scope
    irremediability likelihood confidence reliability evidence scheme grade period_from period_to
    narrative tlp purposes recipients embargo expires review source urgent
""".split()

HONEST = (
    "supplier name|Supplier Name|site name|Factory Name|company_name|Parent Company Name (of the site)"
    "|Vendor Name|vessel name|Recruitment fee (USD)|wage per day|monthly_wages|number of workers"
    "|No. of employees|total_workers|passports withheld|passport_retention|id documents retained"
    "|recruitment cost|debt amount|overtime hours|fine_amount|site_id|signal_id|notes|comments|status"
    "|date|audit date|audit_type|finding|severity|category|indicator 1|living conditions|sexual violence"
    "|type of employment contract|contract substitution|nombre del proveedor|nom du fournisseur"
    "|Lieferantenname|nama perusahaan|ten cong ty|企业名称|公司名称|供应商名称|国家|اسم الشركة|URL"
    "|language|quote|Recommendation|deposit paid|food price|worker contract end|number of migrant workers"
    "|so luong cong nhan|人数|工资|jumlah pekerja|scheme_grade|Lohn pro Stunde|salario diario|_id|_uuid"
    "|_index|start|end|today|_submission_time|instanceID|GPS|_geolocation|capacity building|gender"
    "|age group|nationality|state|Wage withheld|housing costs|id|order|rank|supplier full name||_|123"
    "|visa fee|काम के घंटे|শ্রমিকের সংখ্যা"
).split("|")

SUSPECT = {
    Suspicion.PRICE: (
        "Unit Price|FOB|fob_price|unitPrice|UNITPRICE|precio|Precio unitario|prix unitaire|Prix"
        "|Stückpreis|Einzelpreis (EUR)|单价|價格|harga|Harga Satuan|fiyat|Birim Fiyat|đơn giá|giá|preço"
        "|prezzo|कीमत|দাম|ราคา|سعر|price/kg|Price_USD|FOBPrice|target price|business/unit_price"
    ),
    Suspicion.VOLUME: (
        "qty|Order Qty|order_volume|orderQuantity|quantity|Menge|Bestellmenge|cantidad|quantité|quantità"
        "|miktar|số lượng|数量|采购量|ปริมาณ|كمية|MOQ|annual spend|order value|turnover|Umsatz|capacity"
        "|share of output|pcs|मात्रा|পরিমাণ"
    ),
    Suspicion.COST: (
        "cost|unit cost|Production costs|Kosten|Stückkosten|coût|costo|custo|maliyet|chi phí|biaya|लागत"
        "|成本|ต้นทุน|تكلفة|margin|marge"
    ),
    Suspicion.CONTRACT_END: (
        "contract end|contract_end_date|Contract Termination|delist|blacklisted|fin de contrato"
        "|Vertragsende|fin_contrat|stop sourcing|exit date|合同终止|kündigung|sözleşme bitiş|boycott"
        "|sourcing decision"
    ),
    Suspicion.PERSON_NAME: (
        "worker_name|Worker's Name|WorkerName|nombre del trabajador|Name des Arbeiters|nom du travailleur"
        "|姓名|员工姓名|first name|last_name|surname|apellidos|Vorname|contact person|interviewee name"
        "|supervisor_name|họ tên|nama pekerja|ad soyad|ชื่อ-นามสกุล|मजदूर का नाम|শ্রমিকের নাম|اسم العامل"
        "|enumerator|owner|factory contact"
    ),
    Suspicion.PHONE: (
        "phone|Phone No.|mobile|tel|teléfono|Handynummer|điện thoại|số điện thoại|手机|电话|هاتف|फ़ोन|ফোন"
        "|โทรศัพท์|phonenumber|no hp|simserial|telefon"
    ),
    Suspicion.EMAIL: ("email|E-Mail|e_mail|correo electrónico|courriel|邮箱|e-posta|อีเมล|البريد الإلكتروني"),
    Suspicion.IDENTITY_NUMBER: (
        "passport no|passport_number|NID|national_id|Aadhaar|cnic|CCCD|NIK|DNI|CURP|CPF|employee id"
        "|worker_id|身份证|护照号|TC kimlik|iqama|work permit no|Pasaporte"
    ),
    Suspicion.BIRTH_DATE: (
        "dob|Date of Birth|birthdate|fecha de nacimiento|date de naissance|Geburtsdatum|doğum tarihi"
        "|ngày sinh|tanggal lahir|出生日期|जन्म तिथि"
    ),
    Suspicion.ONLINE_ACCOUNT: (
        "whatsapp|WeChat ID|微信|telegram|username|_submitted_by|facebook profile|deviceid"
    ),
}


@pytest.mark.parametrize("header", [*CANONICAL, *(each.upper() for each in CANONICAL)])
def test_column_of_the_signal_formats_is_not_suspected(header: str) -> None:
    assert screen_column(header) is None


@pytest.mark.parametrize(
    "header", [name for each in Indicator for name in (each.value, each.value.replace("-", " "))]
)
def test_column_of_an_indicator_is_not_suspected(header: str) -> None:
    assert screen_column(header) is None


@pytest.mark.parametrize("header", HONEST)
def test_column_of_an_honest_file_is_not_suspected(header: str) -> None:
    assert screen_column(header) is None


@pytest.mark.parametrize(
    ("suspicion", "header"),
    [(kind, each) for kind, headers in SUSPECT.items() for each in headers.split("|")],
)
def test_column_that_no_signal_has_is_suspected(suspicion: Suspicion, header: str) -> None:
    found = screen_column(header)
    assert found is not None
    assert (found.suspicion, found.begin, found.end) == (suspicion, 0, 0)
    assert found.remedy


def test_every_suspicion_but_the_workforce_has_columns() -> None:
    assert set(SUSPECT) == set(Suspicion) - {Suspicion.SMALL_WORKFORCE}


def test_suspicions_are_in_one_group_each() -> None:
    assert set(Suspicion) == COMPETITION | PERSONAL
    assert not COMPETITION & PERSONAL
    assert {each.value for each in COMPETITION} == {"price", "volume", "cost", "contract-end"}


@pytest.mark.parametrize(
    "header", ["pri\u200bce", "ＰＲＩＣＥ", "\u202eprice\u202c", "рriсe", "P\u0301rice", "pri\x00ce"]
)
def test_column_dressed_up_is_suspected(header: str) -> None:
    found = screen_column(header)
    assert found is not None
    assert found.suspicion is Suspicion.PRICE
    assert found.field.isprintable()


def test_finding_of_a_long_header_names_its_beginning_only() -> None:
    found = screen_column("price " + "x" * 70_000 + "\x1b[31m")
    assert found is not None
    assert len(found.field) <= 64
