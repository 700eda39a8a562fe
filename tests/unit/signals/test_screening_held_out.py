"""The yardstick of the screening: two sets of narratives that no pattern was ever mended by.

The first was written down before any pattern was, the second when the patterns stood, and run once. The same
hands wrote both and the patterns, so that the figures flatter, those of the first above all:
docs/screening.md says so beside them. Whoever mends a pattern by what the second set shows has to write
another one. Narratives are invented, and so is every name, number and address in them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from symbolon.signals.screening import Suspicion, screen_text

_DOCUMENT = Path(__file__).parents[3] / "docs" / "screening.md"
P, V, C, E = Suspicion.PRICE, Suspicion.VOLUME, Suspicion.COST, Suspicion.CONTRACT_END
NAME, PHONE, MAIL = Suspicion.PERSON_NAME, Suspicion.PHONE, Suspicion.EMAIL
IDENTITY, BIRTH, ACCOUNT = Suspicion.IDENTITY_NUMBER, Suspicion.BIRTH_DATE, Suspicion.ONLINE_ACCOUNT
SMALL = Suspicion.SMALL_WORKFORCE

Suspect = tuple[str, str, set[Suspicion]]
Honest = tuple[str, str]

FIRST_SUSPECT: tuple[Suspect, ...] = (
    ("The unit price agreed for the hooded jacket is EUR 11.35, delivered at port.", "BD", {P}),
    ("Buyer told us they squeeze the mill down to $2.15/yard for the denim.", "PK", {P}),
    ("Last season we placed 48,000 pairs of trousers with this vendor.", "VN", {V}),
    ("About 60% of the plant's output goes to one of our competitors.", "IN", {V}),
    ("Their making cost per shirt came to 1.90 dollars, margin 6%.", "BD", {C}),
    ("All members ought to stop sourcing from this mill until the strike ends.", "IN", {E}),
    ("We have decided to pull our orders from the factory by June.", "MM", {E}),
    ("Recommendation: delist the vendor.", "CN", {E}),
    ("My source is Abdul Karim, a line supervisor who fears for his job.", "BD", {NAME}),
    ("Mrs. Fatema Khatun described how her passport was locked in the HR office.", "BD", {NAME}),
    ("You can ring the union organiser on 01711 000234.", "BD", {PHONE}),
    ("She can be reached at rights.desk@example.org after six.", "TH", {MAIL}),
    ("His passport number is BX0234567.", "NP", {IDENTITY}),
    ("The boy was born on 14 March 2010 and operates a press.", "IN", {BIRTH}),
    ("Write to him on WhatsApp +880 1711 000234.", "BD", {ACCOUNT, PHONE}),
    ("The only Nepali woman on the night shift was beaten.", "MY", {SMALL}),
    ("Seven of the nine packers come from Myanmar.", "TH", {SMALL}),
    ("Follow facebook.com/some.worker.page for the pictures she posted.", "PH", {ACCOUNT}),
    ("Our interviewee, Tran Thi Hoa, signed a blank contract.", "VN", {NAME}),
    ("El precio por caja acordado es de 3,80 euros.", "ES", {P}),
    ("Pedimos a este proveedor 15.000 cajas de aguacate por temporada.", "MX", {V}),
    ("Recomendamos rescindir el contrato con este proveedor.", "PE", {E}),
    ("La señora Guadalupe Hernández cuenta que no le devuelven el pasaporte.", "MX", {NAME}),
    ("El celular del capataz es 55 1234 5678.", "MX", {PHONE}),
    ("CURP de la trabajadora: HEGG850412MVZRRD05", "MX", {IDENTITY}),
    ("Los dos haitianos de la cuadrilla fueron golpeados.", "DO", {SMALL}),
    ("Le prix d'achat a été fixé à 12,50 € la pièce.", "TN", {P}),
    ("Nous commandons environ 30 000 chemises par an chez eux.", "MA", {V}),
    ("Il faut cesser toute relation commerciale avec cette usine.", "MG", {E}),
    ("Mme Aïssatou Diallo travaille seize heures par jour.", "SN", {NAME}),
    ("La seule femme de l'atelier de teinture a porté plainte.", "TN", {SMALL}),
    ("Née le 3 mai 1999, elle est arrivée avec un visa de touriste.", "FR", {BIRTH}),
    ("Der Einkaufspreis liegt bei 7,20 Euro pro Stück.", "TR", {P}),
    ("Wir raten allen Mitgliedern, den Lieferanten auszulisten.", "TR", {E}),
    ("Die Auftragsmenge betrug 25.000 Stück.", "DE", {V}),
    ("Herr Mehmet Yılmaz hat die Pässe eingesammelt.", "DE", {NAME}),
    ("Telefonisch erreichbar unter 0151 23456789.", "DE", {PHONE}),
    ("O preço pago por saca foi de R$ 850.", "BR", {P}),
    ("Dona Maria Aparecida da Silva nunca recebeu salário.", "BR", {NAME}),
    ("CPF do trabalhador: 111.444.777-35.", "BR", {IDENTITY}),
    ("Paghiamo alla cooperativa 0,12 € al chilo di pomodoro.", "IT", {P}),
    ("Il caporale, sig. Giovanni Russo, trattiene i documenti.", "IT", {NAME}),
    ("Birim fiyatı 4,5 dolar olarak anlaşıldı.", "TR", {P}),
    ("Bu fabrikayla sözleşmenin feshedilmesini öneriyoruz.", "TR", {E}),
    ("Ustabaşı Mehmet Demir işçileri dövüyor.", "TR", {NAME}),
    ("İşçinin TC kimlik no: 10000000146", "TR", {IDENTITY}),
    ("Đơn giá FOB là 5,2 USD mỗi chiếc.", "VN", {P}),
    ("Chị Nguyễn Thị Lan bị giữ hộ chiếu.", "VN", {NAME}),
    ("Số điện thoại của tổ trưởng: 0912 345 678.", "VN", {PHONE}),
    ("Ba công nhân người Nepal bị nhốt trong ký túc xá.", "VN", {SMALL}),
    ("Harga per potong 45.000 rupiah.", "ID", {P}),
    ("Sebaiknya pembeli memutus kontrak dengan pemasok ini.", "ID", {E}),
    ("Pak Budi Santoso menahan paspor pekerja.", "ID", {NAME}),
    ("NIK pekerja: 3201011203990001.", "ID", {IDENTITY}),
    ("प्रति पीस कीमत 120 रुपये तय हुई।", "IN", {P}),
    ("श्रीमती सुनीता देवी को छह महीने से वेतन नहीं मिला।", "IN", {NAME}),
    ("Supplier ke saath contract khatam kar dena chahiye.", "IN", {E}),
    ("ठेकेदार का मोबाइल नंबर ९८७६५४३२१० है।", "IN", {PHONE}),
    ("প্রতি পিসের দাম ৩ ডলার।", "BD", {P}),
    ("মোছাঃ রহিমা বেগম জানান, তাঁর পাসপোর্ট আটকে রাখা হয়েছে।", "BD", {NAME}),
    ("সুপারভাইজারের ফোন: ০১৭১১০০০২৩৪", "BD", {PHONE}),
    ("ราคาต่อชิ้น 85 บาท", "TH", {P}),
    ("นายสมชาย ใจดี ยึดหนังสือเดินทางของคนงาน", "TH", {NAME}),
    ("คนงานพม่า 3 คนถูกขังในหอพัก", "TH", {SMALL}),
    ("单价为每件32元。", "CN", {P}),
    ("建议各成员终止与该供应商的合同。", "CN", {E}),
    ("我们每年向该厂订购5万件。", "CN", {V}),
    ("受访者姓名：王小丽", "CN", {NAME}),
    ("班组长李强扣押了工人的护照，微信号 liqiang_88。", "CN", {ACCOUNT, NAME}),
    ("染整车间唯一的女工被罚款。", "CN", {SMALL}),
    ("身份证号：110101199003074477", "CN", {IDENTITY}),
    ("سعر القطعة 3 دولارات.", "EG", {P}),
    ("نوصي بإنهاء العقد مع هذا المورد.", "JO", {E}),
    ("السيد أحمد محمود يحتفظ بجوازات العمال.", "JO", {NAME}),
    ("رقم هاتف المشرف ٠١٠٠٠٠٠٠٢٣٤", "EG", {PHONE}),
)

FIRST_HONEST: tuple[Honest, ...] = (
    ("Workers paid between USD 2,500 and 4,000 in recruitment fees to sub-agents in Nepal.", "MY"),
    ("The daily wage is 212 taka, below the statutory minimum of 12,500 taka per month.", "BD"),
    ("Passports of 43 migrant workers were kept in a locked cabinet in the HR office.", "MY"),
    ("Operators are paid 1.8 rupees per piece and must finish 300 pieces a day.", "IN"),
    ("Between January and April 2023 overtime exceeded 100 hours a month.", "CN"),
    ("The plant stands at Plot 27, Sector 6, Industrial Estate, Faridabad 121006.", "IN"),
    ("This breaches ILO Convention No. 29 and section 14 of the Bonded Labour System Act, 1976.", "IN"),
    ("Fines of 50 yuan are taken for each minute of lateness.", "CN"),
    ("Dormitory rooms hold eight workers each and the gate is locked after 22:00.", "TH"),
    ("Workers cannot terminate their employment contract without paying a penalty of RM 2,000.", "MY"),
    ("We advise buyers to stay engaged and to agree a remediation plan with the supplier.", "BD"),
    ("Management rejected the grievance on 12.03.2024 and dismissed the union leaders.", "TR"),
    ("Food at the company store costs twice the market price and is deducted from wages.", "GH"),
    ("Interviewed workers (n = 64) described threats of deportation.", "QA"),
    ("The employer deducts 30% of the monthly salary for accommodation.", "QA"),
    ("Each worker owes about Rs 45,000 to the labour contractor.", "IN"),
    ("The factory employs 1,850 people, of whom 60% are women.", "VN"),
    ("Certificate no. 4711-2023-0098 expired on 30 June 2024.", "PK"),
    ("Business licence 91330000123456789X was shown to the auditor.", "CN"),
    ("Workers said that they were recruited through Facebook and WhatsApp groups.", "KH"),
    ("The agency Golden Star Manpower Sdn Bhd charged workers a levy of MYR 1,800.", "MY"),
    ("Most workers come from Odisha and Jharkhand and speak no Tamil.", "IN"),
    ("Los trabajadores pagaron 20.000 pesos al reclutador por el contrato.", "MX"),
    ("La empresa retiene los pasaportes y paga 180 pesos por día.", "MX"),
    ("Les ouvriers ont payé 4 500 € de frais de recrutement.", "FR"),
    ("Le contrat de travail n'est pas rédigé dans une langue comprise par les travailleurs.", "FR"),
    ("Die Beschäftigten zahlen 350 Euro Miete für ein Bett im Wohnheim.", "DE"),
    ("Löhne werden seit drei Monaten nicht gezahlt.", "DE"),
    ("Os trabalhadores recebem R$ 60 por dia e descontam R$ 300 de alimentação.", "BR"),
    ("I braccianti guadagnano 4 euro l'ora e pagano 5 euro per il trasporto.", "IT"),
    ("İşçilere üç aydır maaş ödenmiyor ve pasaportları alındı.", "TR"),
    ("Công nhân phải nộp 80 triệu đồng phí môi giới trước khi đi.", "VN"),
    ("Pekerja membayar biaya perekrutan sebesar 15 juta rupiah.", "ID"),
    ("मज़दूरों ने ठेकेदार को 30,000 रुपये पेशगी के बदले काम किया।", "IN"),
    ("Mazdooron ko 250 rupaye roz milte hain.", "IN"),
    ("শ্রমিকদের কাছ থেকে ৪ লাখ টাকা নিয়োগ ফি নেওয়া হয়েছে।", "BD"),
    ("คนงานจ่ายค่านายหน้าคนละ 15,000 บาท", "TH"),
    ("工人须向中介支付8000元介绍费。", "CN"),
    ("每迟到一分钟罚款50元。", "CN"),
    ("يدفع العمال 3000 ريال رسوم توظيف للوسطاء.", "SA"),
    ("The site has ISO 45001 and SMETA 4-pillar reports from 2021 to 2023.", "CN"),
    ("Children between 12 and 15 were seen sorting mica at the open pits.", "MG"),
    ("Guards search workers at Gate 3 and shut them in during the night shift.", "JO"),
    ("The supplier disputes this and says all wages were paid by 15 May.", "MU"),
    ("Women workers reported sexual harassment by line managers.", "LS"),
    ("Workers must hand in a deposit equal to three months' wages.", "TW"),
    ("Production pressure rises before Chinese New Year and workers do 14-hour shifts.", "CN"),
    ("The vessel had been at sea for 19 months without calling at a port.", "TW"),
    ("Kiln families take an advance of PKR 200,000 and work off the debt in pairs.", "PK"),
    ("The labour office inspected the site twice in 2022 and issued a warning.", "UZ"),
    ("Workers carry sacks of 50 kg up to 200 times a shift.", "CI"),
    ("Quota: 120 kg of cotton a day, otherwise no food.", "TM"),
)

SECOND_SUSPECT: tuple[Suspect, ...] = (
    ("Denim from this mill costs us 3.10 USD a yard, and the mill blames us for the night work.", "PK", {P}),
    ("The exporter asked 2,450 dollars per ton of cocoa beans.", "GH", {P}),
    ("Someone in procurement told me we are at 5.15 FOB with them.", "VN", {P}),
    ("Bricks: 9 rupees each at the gate in March.", "IN", {P}),
    ("Purchases from this farm rose to 800 boxes a week.", "MX", {V}),
    ("We gave them an order for 15k hoodies in autumn.", "BD", {V}),
    ("More than half of the capacity is booked by two retailers.", "KH", {V}),
    ("Our yearly volume here is about 220 tonnes.", "TH", {V}),
    ("Margins at this tier are said to be 1 to 2 per cent.", "CN", {C}),
    ("A dyed metre costs the unit 38 rupees to make.", "IN", {C}),
    ("I think that all of us should cancel our business with the mill.", "IN", {E}),
    ("Suggest we drop them as a supplier.", "MM", {E}),
    ("The contract with the packer should not be extended.", "TH", {E}),
    ("Let's stop ordering here.", "PK", {E}),
    ("Buyers must boycott Block 7 tea.", "LK", {E}),
    ("Mr Faisal of the HR team keeps them in a steel box.", "QA", {NAME}),
    ("The interpreter, Dilnoza Karimova, was told to leave.", "UZ", {NAME}),
    ("Sreymom is 15 and sews linings.", "KH", {NAME}),
    ("We were shown around by plant manager Chen Wei.", "CN", {NAME}),
    ("A man named only as Deepak beats the children.", "IN", {NAME}),
    ("Nurse Joy treats them in secret.", "PH", {NAME}),
    ("Her husband Tekle died on the site.", "SA", {NAME}),
    ("Complaint by Maung Maung Oo, deckhand, 4 May.", "TH", {NAME}),
    ("Foreman: Osman", "TR", {NAME}),
    ("reach the family on 98 4123 4567 after dark", "NP", {PHONE}),
    ("Text 07911 123456.", "GB", {PHONE}),
    ("The agent's cell is (0917) 123-4567.", "PH", {PHONE}),
    ("a.khan_88@example.co.uk", "PK", {MAIL}),
    ("Permit number WP 77 1234567 is in someone else's name.", "SG", {IDENTITY}),
    ("PAN ABCPE1234F was used to open the account.", "IN", {IDENTITY}),
    ("birth date 1.2.2011 on the school card", "MG", {BIRTH}),
    ("Chat with them at wa.me/66812345678.", "TH", {ACCOUNT}),
    ("Weibo @厂妹小丽 and WeChat: xiaoli_2004", "CN", {ACCOUNT}),
    ("Six men share one passport photo, the six men from Kachin.", "MM", {SMALL}),
    ("There is one Eritrean, the only Eritrean in the team.", "SD", {SMALL}),
    ("Just 4 employees, among them a couple with a baby.", "IT", {SMALL}),
    ("Three of the dismissed women agreed to testify.", "JO", {SMALL}),
    ("El precio de garantía fue de 6,200 pesos la tonelada.", "MX", {P}),
    ("Compramos el 30 % de su capacidad instalada.", "GT", {V}),
    ("Propongo que cortemos la relación con la maquila.", "HN", {E}),
    ("La obrera Petrona Ixchel declaró ante nosotros.", "GT", {NAME}),
    ("Los cuatro venezolanos duermen en la bodega.", "PE", {SMALL}),
    ("Le prix payé au pêcheur est de 900 francs le kilo.", "SN", {P}),
    ("Commande de 12 000 paires pour l'hiver.", "TN", {V}),
    ("Nous devons suspendre les achats auprès de cette usine.", "MG", {E}),
    ("Madame Rasoa, 34 ans, coud jusqu'à minuit.", "MG", {NAME}),
    ("Das Shirt kostet uns ab Werk 2,75 Euro.", "TR", {P}),
    ("Die Fabrik näht für uns 80.000 Hosen im Jahr.", "RO", {V}),
    ("Der Vertrag mit dem Zulieferer muss gekündigt werden.", "CN", {E}),
    ("Die Zeugin Maria Ionescu hat ihren Pass nicht.", "DE", {NAME}),
    ("Zwei bulgarische Frauen wohnen im Keller.", "DE", {SMALL}),
    ("A saca de café saiu por 1.100 reais.", "BR", {P}),
    ("Devemos romper o contrato com a usina.", "BR", {E}),
    ("Il prezzo è sceso a 7 euro la cassetta.", "IT", {P}),
    ("Il bracciante Singh Gurpreet è stato investito.", "IT", {NAME}),
    ("Kilogramı 4 dolara satılıyor.", "TR", {P}),
    ("İki Suriyeli kız çocuğu depoda çalışıyor.", "TR", {SMALL}),
    ("Quản lý tên là Lê Văn Tám.", "VN", {NAME}),
    ("Giá mỗi áo là 95.000 đồng.", "VN", {P}),
    ("Pesanan kami 25.000 pasang sepatu.", "ID", {V}),
    ("Buruh bernama Wati tidak digaji.", "ID", {NAME}),
    ("इस माल की कीमत 1,200 रुपये दर्जन है।", "IN", {P}),
    ("सुनीता देवी, 30 साल, सिलाई करती है।", "IN", {NAME}),
    ("এই কারখানা মাসে আমাদের জন্য ৫০,০০০ পিস তৈরি করে।", "BD", {V}),
    ("ชื่อ: สมหญิง รักดี", "TH", {NAME}),
    ("我们建议取消对该厂的订单。", "CN", {E}),
    ("工人王小明的电话是13900001234。", "CN", {NAME, PHONE}),
    ("رقم الهاتف 0501234567", "SA", {PHONE}),
    ("ثلاث نساء نيباليات في المطبخ.", "LB", {SMALL}),
)

SECOND_HONEST: tuple[Honest, ...] = (
    ("The gate is chained at 20:00 and the key is with the guard.", "BD"),
    ("Workers borrowed from moneylenders at 60 % a year to pay the agent.", "NP"),
    ("About 400 students were sent by vocational schools for three months.", "CN"),
    ("Salaries for May and June were paid on 20 August after the strike.", "TR"),
    ("The site was not open to the auditors on 7 and 8 November.", "TM"),
    ("Interviewees mentioned slaps, shouting and threats to call the police.", "MY"),
    ("Unit B of the mill (Plot 14, SIPCOT) runs a hostel with a locked gate.", "IN"),
    ("Each trip to the clinic is charged at 15 dollars.", "JO"),
    ("Boys from the north herd cattle for a calf a year.", "TD"),
    ("Fishers must buy food and cigarettes from the captain on credit.", "TW"),
    ("The contract promised 8 hours; the real shift is 13.", "QA"),
    ("Workers had to pay the cost of their own deportation.", "SA"),
    ("The company keeps 2 months of wages until the contract ends.", "MY"),
    ("A worker in the boiler house lost a hand in July.", "PK"),
    ("Union leaders were dismissed after the election of 2023.", "KH"),
    ("Labour inspectors found 63 children in 12 workshops of the district.", "IN"),
    ("The agency advertises in Dhaka, Sylhet and Chattogram.", "BD"),
    ("The supplier has a grievance box, but it is in front of the office.", "VN"),
    ("All documents are in Thai, which most crew cannot read.", "TH"),
    ("Workers want the buyer to stay and to press for repayment.", "MU"),
    ("Overtime is compulsory; whoever refuses loses the attendance bonus of 500 baht.", "TH"),
    ("The dormitory fee went up from 60 to 110 ringgit.", "MY"),
    ("Cotton is picked by hand under quotas set by the mayor.", "UZ"),
    ("Nobody was allowed to leave the ship in the port of Montevideo.", "UY"),
    ("Domestic workers sleep in the laundry room.", "LB"),
    ("The certificate covers the main building only.", "PK"),
    ("El contratista cobra una comisión de 5 pesos por cada caja.", "MX"),
    ("Los niños cargan ladrillos en lugar de ir a la escuela.", "BO"),
    ("A los que reclaman se les despide sin pago.", "HN"),
    ("Les ouvrières doivent demander la permission d'aller aux toilettes.", "TN"),
    ("Les frais de visa, 3 000 euros, sont retenus sur le salaire.", "FR"),
    ("Die Unterkunft kostet 300 Euro im Monat und wird vom Lohn abgezogen.", "DE"),
    ("Beschwerden führen zur Kündigung.", "DE"),
    ("Quem sai antes da safra perde tudo o que tem a receber.", "BR"),
    ("Le paghe sono di 25 euro per dieci ore.", "IT"),
    ("İşçilerin telefonları giriş kapısında toplanıyor.", "TR"),
    ("Công nhân phải trả 2.000 USD để được về nước.", "VN"),
    ("Mereka bekerja tanpa kontrak dan upah dibayar enam bulan sekali.", "ID"),
    ("बच्चे अभ्रक चुनते हैं और दिन के 40 रुपये पाते हैं।", "IN"),
    ("শ্রমিকদের আইডি কার্ড মালিকের কাছে থাকে।", "BD"),
    ("คนงานจ่ายค่าหัว 25,000 บาทให้นายหน้า", "TH"),
    ("工人入职时身份证被收走。", "CN"),
    ("يعمل الأطفال في جمع القطن تحت إشراف المدارس.", "EG"),
)


@dataclass(frozen=True)
class Score:
    found: int
    wanted: int
    false: int
    honest_flagged: int

    @property
    def recall(self) -> float:
        return self.found / self.wanted

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.false)


def measure(suspect: Iterable[Suspect], honest: Iterable[Honest]) -> Score:
    found = wanted = false = flagged = 0
    for text, country, kinds in suspect:
        got = [each.suspicion for each in screen_text(text, field="narrative", country=country)]
        found += len(kinds & set(got))
        wanted += len(kinds)
        false += sum(each not in kinds for each in got)
    for text, country in honest:
        got = [each.suspicion for each in screen_text(text, field="narrative", country=country)]
        flagged += bool(got)
        false += len(got)
    return Score(found, wanted, false, flagged)


FIRST = measure(FIRST_SUSPECT, FIRST_HONEST)
SECOND = measure(SECOND_SUSPECT, SECOND_HONEST)


def test_screening_of_the_first_set_finds_nearly_all_and_little_else() -> None:
    assert FIRST.recall >= 0.97
    assert FIRST.precision >= 0.97


def test_screening_of_the_second_set_finds_most_and_little_else() -> None:
    assert SECOND.recall >= 0.8
    assert SECOND.precision >= 0.97


@pytest.mark.parametrize(("score", "honest"), [(FIRST, FIRST_HONEST), (SECOND, SECOND_HONEST)])
def test_honest_narratives_are_nearly_never_suspected(score: Score, honest: tuple[Honest, ...]) -> None:
    assert score.honest_flagged <= len(honest) // 40


@pytest.mark.parametrize(("score", "honest"), [(FIRST, FIRST_HONEST), (SECOND, SECOND_HONEST)])
def test_document_gives_the_figures_that_are_measured(score: Score, honest: tuple[Honest, ...]) -> None:
    figures = f"{score.found} of {score.wanted} | {score.false} | {score.honest_flagged} of {len(honest)}"
    assert figures in _DOCUMENT.read_text(encoding="utf-8")
