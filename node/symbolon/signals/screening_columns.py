"""Headers of columns that hold what no signal may hold (docs/screening.md).

Handles: headers in any language and spelling: `Unit Price`, `unitPrice`, `qty_ordered`, `precio`, `单价`,
`worker_name`, the columns that survey tools add by themselves. A header of wages, fees, debt or documents
that were taken is none, nor is a number of workers. Refuses nothing.

A header is folded as a text is, and its words are set apart at capitals, underscores and points.
"""

import re
from typing import Final

from symbolon.signals.screening_finding import Suspicion
from symbolon.signals.screening_terms import search_for
from symbolon.signals.screening_text import LETTER, UNSPACED, SearchText, fold

_JOINT: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NO_WORD: Final = re.compile(rf"(?:(?!{LETTER}|{UNSPACED})[^0-9])+|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")

_OF_SIGNALS: Final = frozenset(
    """
    supplier_id name address city region postal_code country sector os_id lei gln duns vat
    registration_number parent_name latitude longitude imo mmsi subject subject_kind workers reference
    indicators scale scope irremediability likelihood confidence reliability evidence scheme grade
    period_from period_to narrative tlp purposes recipients embargo expires review source urgent
    """.split()
)
"""Columns of the signal formats themselves, which are never suspected."""

_PAY: Final = search_for(
    """
    wage*, salar*, pay, paid, payment*, fee, fees, recruit*, debt*, loan*, advance*, deposit*, fine, fines,
    penalt*, deduct*, withh*, unpaid, overtime, capacity building, compensat*, repay*, repaid, remediat*,
    remedy, living, housing, food, rent, accommodation, medical, dorm*, canteen, uniform*, visa, ticket,
    flight, interest, minimum, bonus*, salario*, sueldo*, reclut*, deuda*, multa*, descuento*, salair*,
    frais, recrutement, dette*, amende*, lohn*, gehalt*, gebühr*, schuld*, salari*, taxa, taxas, dívida*,
    retribu*, ucret*, maas*, borc*, ceza*, luong thang, tien luong, phi moi gioi, upah*, gaji*, utang*,
    denda*, perekrutan, वेतन, मजदूरी, শ্রমিকের মজুরি, মজুরি, বেতন, ค่าจ้าง, ค่านายหน้า, หนี้, 工资, 薪,
    罚款, 债, 介绍费, 招聘, 招工, اجر, اجور, راتب, رسوم, ديون, غرامه
    """
)
_TAKEN: Final = search_for(
    """
    withh*, retain*, retent*, confiscat*, kept, held, taken, seiz*, return*, access*, control*, possession,
    retenid*, retien*, reten*, confisq*, confisc*, einbehalt*, eingezogen, trattenut*, alindi*, el konul*,
    giu, bi giu, ditahan, penahanan, जब्त, আটক*, ยึด, 扣押, 扣留, 没收, حجز, مصادره, احتجاز
    """
)
_HEADCOUNT: Final = search_for(
    """
    worker*, employee*, people, persons, staff, women, men, migrant*, children, headcount, interview*,
    trabajador*, emplead*, personas, mujeres, ouvrier*, travailleur*, employes, femmes, personnes,
    *arbeiter*, beschäftigt*, mitarbeiter*, frauen, trabalhador*, mulheres, lavorator*, operai*, donne,
    isci*, calisan*, kadin*, cong nhan, nguoi, lao dong, pekerja*, karyawan*, buruh*, मजदूर*, श्रमिक*,
    শ্রমিক*, কর্মী*, คนงาน, แรงงาน, พนักงาน, 工人, 员工, 人数, 人數, 女工, عمال, عامل, موظف*
    """
)
_PRICE: Final = search_for(
    """
    price*, pricing, *price, *prices, fob*, cif, cfr, exw, ddp, cmt, unit rate, quotation*, quoted price*,
    precio*, prix, *preis, *preise, preis*, preço*, prezzo, prezzi, fiyat*, don gia, gia ban, gia mua,
    gia fob, gia thanh, muc gia, gia moi, gia gia cong, gia don vi, harga*, कीमत*, दाम, मूल्य, भाव, kimat,
    keemat, দাম, মূল্য*, দর, ราคา, 价, 價, 单价, سعر, اسعار, ثمن
    """
)
_PRICE_ALONE: Final = frozenset(("gia", "dam", "bei", "daam", "rate card"))
"""Whole headers that are other words within a longer one."""

_COST: Final = search_for(
    """
    cost, costs, costing, *cost, *costs, cogs, margin*, markup, mark up, profit*, coste*, costo*, margen*,
    coût, coûts, marge*, kosten*, *kosten, gewinn*, custo*, margem, lucro*, costi, margine, maliyet*,
    kar marji, chi phi, loi nhuan, biaya*, margin, keuntungan, लागत*, मुनाफा, খরচ*, ব্যয়*, মুনাফা, ต้นทุน,
    กำไร, ค่าใช้จ่าย, 成本, 费用, 利润, 毛利, تكلفه, تكاليف, ربح, هامش
    """
)
_VOLUME: Final = search_for(
    """
    qty*, *qty, qnty, quantity*, quantities, *quantity, volume*, *volume, volumes, pieces, pcs,
    units ordered, units bought, ordered units, order units, moq, tonnage, tonnes, tons, order size,
    order value, order amount, po value, po amount, po qty, purchase value, purchase amount, contract value,
    trade value, shipment value, order total, purchases, spend, annual spend, spending, turnover, revenue,
    sales, invoice amount, invoice value, invoice total, capacity, output, shipped, shipments,
    shipment size, orders placed, share of production, share of output, share of business, share of wallet,
    cantidad*, volumen*, pedidos, unidades, ventas, facturacion, compras, gasto, capacidad, quantité*,
    quantite*, volume d'achat, ventes, chiffre d'affaires, achats, capacité, menge*, *menge, *mengen,
    stückzahl*, volumen, umsatz*, *volumen, bestellwert, auftragswert, kapazität*, quantidade*, vendas,
    faturamento, quantità, quantita*, volumi, fatturato, acquisti, capacità, miktar*, adet, hacim, hacmi,
    ciro*, kapasite*, so luong, san luong, doanh thu, cong suat, jumlah pesanan, kuantitas, omzet, omset,
    kapasitas, मात्रा, बिक्री, পরিমাণ, বিক্রয়, ปริมาณ, จำนวนสั่ง, ยอดขาย, ยอดสั่งซื้อ, กำลังการผลิต, 数量,
    數量, 订单量, 采购量, 产量, 产能, 销售额, 采购额, 订单金额, 营业额, كميه, حجم, مبيعات, طاقه انتاجيه
    """
)
_CONTRACT_END: Final = search_for(
    """
    contract end*, contract expir*, contract termination, contract stop, contract until,
    contract valid until, contract expiry, end of contract, end contract, contractend*, terminat*, delist*,
    de list*, blacklist*, boycott*, disengag*, exit date, exit plan, exit decision, exit supplier,
    phase out, phaseout, divest*, stop sourcing, stop buying, stop orders, stop order, order stop,
    sourcing decision, sourcing recommendation, buying decision, buying recommendation, business decision,
    purchase decision, continue sourcing, continue business, relationship end*, end of relationship,
    relationship status, cancel contract, cancel orders, fin de contrato, fin del contrato,
    termino de contrato, rescisión*, cese de compras, recomendacion de compra, fin de contrat,
    fin du contrat, fin contrat, résiliation*, rupture, déréférenc*, vertragsende*, vertragsablauf, kündig*,
    auslist*, beendigung, fim do contrato, fim de contrato, rescisão, fine contratto, fine del contratto,
    recesso, rescissione, cessazione, sozlesme bitis*, sozlesme sonu, fesih*, ket thuc hop dong, cham dut*,
    akhir kontrak, pemutusan kontrak, putus kontrak, अनुबंध समाप्ति, अनुबंध समाप्त*, চুক্তি বাতিল,
    চুক্তির মেয়াদ, สิ้นสุดสัญญา, ยกเลิกสัญญา, เลิกสัญญา, 合同终止, 合同结束, 合同到期, 终止合同, 解约,
    停止采购, 拉黑, 黑名单, انهاء العقد, نهايه العقد, فسخ العقد, مقاطعه
    """
)
_NAME_OF_A_PERSON: Final = search_for(
    """
    first name*, firstname*, last name*, lastname*, middle name, middlename, surname*, given name*,
    givenname*, family name*, familyname*, forename*, full name*, fullname*, nickname, maiden name,
    worker name*, workername*, name of worker*, name of the worker*, workers name*, employee name*,
    employeename*, employees name*, name of employee, interviewee, interviewee name*, respondent name*,
    respondent, informant*, victim name*, victim, witness*, complainant*, whistleblower*, contact, contacts,
    contact person*, contact name*, contactname*, contactperson*, supervisor name*, supervisor,
    manager name*, manager, owner name*, owner, director name*, recruiter name*, agent name*, broker name*,
    auditor name*, enumerator*, interviewer*, enumerator name*, interviewer name*, source name*,
    source person, father name, father's name, fathers name, mother name, mothers name, mother's name,
    spouse*, husband*, child name, person name*, personname*, person, signatory, signed by, nombre completo,
    nombre y apellido*, nombres y apellido*, apellido*, nombre del trabajador, nombre de la trabajadora,
    nombre trabajador*, nombre del empleado, nombre empleado, nombre de contacto, contacto,
    persona de contacto, entrevistado*, entrevistada*, encuestador*, nom de famille, prenom*, nom complet,
    nom et prenom*, nom du travailleur, nom de l'ouvrier, nom de l'employe, nom de l employe,
    nom du salarie, nom du contact, interlocuteur, personne interrogee, vorname*, nachname*, familienname*,
    name des arbeiters, name der arbeiterin, name des mitarbeiters, mitarbeitername*, arbeitername*,
    ansprechpartner*, kontaktperson*, befragte*, nome completo, sobrenome*, nome do trabalhador,
    nome da trabalhadora, nome do funcionario, cognome*, nome e cognome, nome del lavoratore,
    nome lavoratore, nome dipendente, referente, intervistato, intervistata, ad soyad*, adi soyadi*, soyad*,
    isci adi*, calisan adi*, isim soyisim, ilgili kisi, yetkili kisi, ho ten*, ho va ten*, ten cong nhan,
    ten nhan vien, nguoi lien he, ten nguoi, nama lengkap, nama pekerja, nama karyawan, nama buruh,
    narahubung, nama responden, मजदूर का नाम, श्रमिक का नाम, कर्मचारी का नाम, पूरा नाम, mazdoor ka naam,
    শ্রমিকের নাম, কর্মীর নাম, কর্মচারীর নাম, পূর্ণ নাম, ชื่อ นามสกุล, ชื่อนามสกุล, ชื่อสกุล, ชื่อ สกุล,
    ชื่อคนงาน, ชื่อพนักงาน, ชื่อลูกจ้าง, ผู้ติดต่อ, 姓名, 工人姓名, 员工姓名, 员工名字, 工人名字, 联系人,
    聯絡人, 受访者, 姓氏, اسم العامل, اسم العامله, اسم الموظف, الاسم الكامل, الاسم الاول, اسم العائله,
    اللقب, جهه الاتصال, الشخص المسوول
    """
)
_PHONE: Final = search_for(
    """
    phone*, *phone, telephone*, tel, tele, mobile*, mob, cell, cellphone*, whatsapp number, fax, contact no,
    contact number*, msisdn, imei, simserial*, sim serial*, subscriberid, subscriber id, hp, teléfono*,
    celular*, móvil, movil, téléphone*, portable, gsm, telefon*, handy*, mobilnummer, rufnummer, telefone*,
    telemovel, cellulare, cep tel*, cep no, cep, dien thoai, so dien thoai, sdt, dt, so dt, telepon*, telp,
    no hp, nomor hp, no telp, फोन*, मोबाइल*, ফোন*, মোবাইল*, โทรศัพท์, เบอร์, เบอร์โทร, โทร, 电话, 電話,
    手机, 手機, 联系方式, هاتف, جوال, موبايل, تلفون, رقم الاتصال
    """
)
_EMAIL: Final = search_for(
    """
    email*, e mail*, *email, mail, mails, mail id, correo*, correo electronico, courriel*, mél, mailadresse,
    eposta*, e posta*, thu dien tu, surel, ईमेल*, ইমেইল*, ই মেইল, อีเมล, อีเมล์, 邮箱, 郵箱, 电子邮件, 電郵,
    邮件, بريد, بريد الكتروني, ايميل
    """
)
_IDENTITY: Final = search_for(
    """
    passport, passports, passport no*, passport num*, passport nr, passport id, passportno*,
    passportnumber*, nid, nid no*, national id*, nationalid*, id card*, idcard*, id number*, idnumber*,
    id no, id nr, identity no, identity number*, identity card*, identification, nric, ic no, ic number,
    aadhaar*, aadhar*, adhaar*, pan no, pan number, pan card, voter id, ration card, cnic, nic no, nic,
    citizenship no, citizenship number, social security*, ssn, work permit*, workpermit*, residence permit*,
    iqama*, emirates id, qid, civil id, visa no, visa number, visa num, employee id*, employeeid*,
    employee no, employee number, employee code, emp id, empid, emp no, emp code, worker id*, workerid*,
    worker no, worker number, worker code, staff id*, staff no, badge*, token no, payroll no, dni, nie,
    cédula*, curp, dui, documento de identidad, numero de documento, nss, pasaporte*, carte d'identite,
    carte identite, numéro de sécurité sociale, passeport*, ausweis*, personalausweis*, passnummer*,
    reisepass*, sozialversicherung*, steuer id, personalnummer, cpf, rg, passaporte*, ctps, codice fiscale,
    passaporto, matricola, kimlik*, tckn, tc no, pasaport*, sicil no, cccd, cmnd, ho chieu, so ho chieu,
    can cuoc*, nik, ktp, no ktp, paspor*, no paspor, आधार*, पासपोर्ट*, पहचान पत्र, জাতীয় পরিচয়পত্র,
    এনআইডি, পাসপোর্ট*, บัตรประชาชน, เลขบัตร, หนังสือเดินทาง, พาสปอร์ต, 身份证, 身分證, 护照, 護照, 工号,
    工號, 证件号, رقم الهويه, هويه, جواز*, اقامه, الرقم القومي
    """
)
_BIRTH: Final = search_for(
    """
    dob, d o b, date of birth, birth date*, birthdate*, dateofbirth, birthday*, born, born on, date born,
    fecha de nac*, nacimiento, date de naissance, naissance, geburtsdatum, geburtstag*, geboren, geb datum,
    data de nascimento, nascimento, data di nascita, nascita, dogum*, ngay sinh, sinh nhat, tanggal lahir,
    tgl lahir, जन्म*, जन्मतिथि, জন্ম*, วันเกิด, 出生*, 出生日期, 生日, ميلاد, تاريخ الميلاد
    """
)
_ACCOUNT: Final = search_for(
    """
    whatsapp*, whats app*, wechat*, we chat*, weixin, telegram*, viber*, zalo*, skype*, signal account,
    facebook*, instagram*, tiktok*, twitter*, linkedin*, vkontakte, kakaotalk, social media, messenger*,
    username*, user name*, submitted by, deviceid, device id, 微信*, 微信号, 抖音, ไลน์, ไอดีไลน์, واتساب,
    فيسبوك
    """
)
_ORGANISATION: Final = search_for(
    """
    supplier*, vendor*, factory, site, company, facility, plant, agency, vessel, ship, parent, organisation,
    organization, employer, brand, office, union, proveedor*, empresa, fabrica, usine, entreprise,
    fournisseur, fabrik, unternehmen, lieferant*, fornecedor*, azienda, fornitore, tedarikci*, fabrika,
    cong ty, nha may, nha cung cap, pabrik, perusahaan, pemasok, कंपनी, কারখানা, โรงงาน, บริษัท, 工厂, 公司,
    供应商, مصنع, شركه, مورد
    """
)
_BUSINESS: Final[tuple[tuple[Suspicion, re.Pattern[str]], ...]] = (
    (Suspicion.CONTRACT_END, _CONTRACT_END),
    (Suspicion.PRICE, _PRICE),
    (Suspicion.COST, _COST),
    (Suspicion.VOLUME, _VOLUME),
)
_PEOPLE: Final[tuple[tuple[Suspicion, re.Pattern[str]], ...]] = (
    (Suspicion.EMAIL, _EMAIL),
    (Suspicion.PHONE, _PHONE),
    (Suspicion.IDENTITY_NUMBER, _IDENTITY),
    (Suspicion.BIRTH_DATE, _BIRTH),
    (Suspicion.ONLINE_ACCOUNT, _ACCOUNT),
    (Suspicion.PERSON_NAME, _NAME_OF_A_PERSON),
)
_WHOLE_NAME: Final = search_for(
    """
    full name*, fullname*, nombre completo, nom complet, nome completo, nama lengkap, पूरा नाम, পূর্ণ নাম,
    الاسم الكامل
    """
)
_NUMBER_OF: Final = search_for(
    """
    number of, count, counts, total, share of, percent*, numero de, nombre de, anzahl, numero di, so luong,
    jumlah
    """
)
"""A number of persons names none."""


def suspicion_of_column(name: str) -> Suspicion | None:
    """What a column seems to hold that no signal may hold, or None.

    Args:
        name: the header, in any language and spelling.
    """
    header = _separated(name)
    text = header.folded
    if text.replace(" ", "_") in _OF_SIGNALS:
        return None
    if text in _PRICE_ALONE:
        return Suspicion.PRICE
    of_pay = _PAY.search(text) is not None
    of_people = _HEADCOUNT.search(text) is not None
    for suspicion, pattern in _BUSINESS:
        if pattern.search(text) and not of_pay and not (of_people and suspicion in _ALSO_OF_PEOPLE):
            return suspicion
    for suspicion, pattern in _PEOPLE:
        found = pattern.search(text)
        if found is None:
            continue
        if suspicion is Suspicion.IDENTITY_NUMBER and (of_pay or _TAKEN.search(text)):
            continue
        if suspicion is Suspicion.PERSON_NAME and _names_nobody(text):
            continue
        return suspicion
    return None


_ALSO_OF_PEOPLE: Final = frozenset((Suspicion.VOLUME, Suspicion.CONTRACT_END))
"""A quantity may be one of workers, and a contract that ends may be theirs."""


def _names_nobody(text: str) -> bool:
    return bool(_NUMBER_OF.search(text) or (_WHOLE_NAME.search(text) and _ORGANISATION.search(text)))


def _separated(name: str) -> SearchText:
    """A header with its words set apart."""
    cased = fold(name).cased.replace("'", "")
    return fold(_NO_WORD.sub(" ", _JOINT.sub(" ", cased)).strip())
