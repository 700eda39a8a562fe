"""The words by which the screening tells trade from wages, fees and debt (docs/screening.md).

Handles: words of prices, costs, volumes and ended contracts, in the languages of the reports at hand; and the
words that turn a sum of money into what forced labour is told by: wages, fees, debts, fines, documents, food.
Terms are written as `screening_terms` says. Latin letters stand for every accent; Hindi also for its Latin
spelling.
"""

import re
from typing import Final

from symbolon.signals.screening_terms import search_for

STRONG_PRICE: Final[re.Pattern[str]] = search_for(
    """
    fob, f.o.b., cif, cfr, exw, ddp, ex works, free on board, unit price*, unit rate, price per, prices per,
    price a piece, purchase price*, purchasing price*, buying price*, selling price*, sales price*,
    sale price*, order price*, contract price*, target price*, transfer price*, wholesale price*,
    landed price, price list*, price paid, price agreed, agreed price*, price quote*, quotation*,
    farm gate price*, farmgate price*, cmt, cmp, precio unitario, precio de compra, precio de venta,
    precio por, precio acordado, precio pactado, precio fob, prix unitaire, prix d'achat, prix de vente,
    prix par, prix convenu, prix fob, prix a la piece, stückpreis*, einkaufspreis*, verkaufspreis*,
    einzelpreis*, einstandspreis*, lieferpreis*, kaufpreis*, abnahmepreis*, grosshandelspreis*, preis pro,
    preço unitário, preço de compra, preço de venda, preço por, preço pago, preço acordado, preço fob,
    prezzo unitario, prezzo d'acquisto, prezzo di acquisto, prezzo di vendita, prezzo al, prezzo concordato,
    prezzo pattuito, birim fiyat*, alis fiyat*, satis fiyat*, parca fiyat*, fob fiyat*, don gia, gia fob,
    gia ban, gia mua, gia gia cong, gia thu mua, gia xuat, harga satuan, harga per, harga beli, harga jual,
    harga fob, क्रय मूल्य, विक्रय मूल्य, खरीद मूल्य, इकाई मूल्य, unit daam, একক মূল্য, ক্রয়মূল্য,
    বিক্রয়মূল্য, ราคาต่อ, ราคาซื้อ, ราคาขาย, ราคารับซื้อ, 单价, 單價, 采购价, 採購價, 出厂价, 进货价,
    收购价, 报价, 報價, 离岸价, 售价, 批发价, سعر الوحده, سعر القطعه, سعر الشراء, سعر البيع, سعر الكيلو,
    سعر الطن
    """
)
"""Words that are said of goods only."""

PRICE: Final[re.Pattern[str]] = search_for(
    """
    price, prices, priced, pricing, precio, precios, prix, preis, preise, preisen, preises, preço, preços,
    prezzo, prezzi, fiyat*, gia la, gia khoang, voi gia, muc gia, gia moi, harga, harganya, कीमत*, दाम,
    मूल्य, भाव, kimat, keemat, qeemat, daam, দাম*, মূল্য*, দর, ราคา, 价格, 價格, 价钱, 每件价, سعر, اسعار,
    ثمن
    """
)
"""Words that are also said of food in a company's shop."""

SALE: Final[re.Pattern[str]] = search_for(
    """
    committente, client, clients, customer, customers, kunde, cliente, müşteri,
    se paga a, se pagan a, al productor, al produttore, ai produttori, au producteur, est payé au,
    viene pagat*, vengono pagat*, eingekauft, to the grower, to growers, to the farmer, to the ginner,
    to the mill, to the factory, buyers offer, buyer offers, wholesaler*, importer*, trader*, mayorista*,
    exportador*, grossiste*, grosshändler*, atacadista*, grossista, grossisti, toptancı*, thuong lai,
    tengkulak, pagamos, from us, von uns, de nós, da noi, de nosotros, de notre part, invoices, invoiced,
    invoice price, sells us, sells to us, sold to us, sold to the buyer, sold to buyers,
    sold to the importer, sells to the importer, sells to the buyer, we pay them, we pay the factory,
    we pay the mill, we pay the supplier, we buy, we bought, our buyer pays, the buyer pays, nous achetons,
    nous payons, compramos, nos vende, wir kaufen, wir zahlen, vendono a noi, acquistiamo, kami membeli,
    chung toi mua, satın alıyoruz, 我们采购, 我们购买, نشتري
    """
)
"""Words that make a sum for one piece a price, wherever wages are spoken of beside it."""

TRADED: Final[re.Pattern[str]] = search_for(
    """
    sell, sells, sold, selling, buy, buys, bought, buying, purchased, go for, goes for,
    leaves the gate, delivered at, invoice*, acheté*, achèt*, acheter, achetons, vend, vendent, vendu*,
    vende, venden, vendido*, vendida*, compra, compran, compramos, comprado, comprada, verkauf*, kauft,
    kaufen, gekauft, vendono, venduto, venduta, compriamo, satıl*, alıyor*, satıyor*, satın, mua, bán,
    thu mua, beli, jual, membeli, menjual, dijual, dibeli, खरीद*, बेच*, kharid*, bech*, কিনি, কিনে, কেনা,
    বিক্রি, ขาย, รับซื้อ, 卖, 賣, 购买, 出售, 卖给, نشتري, اشترينا, يبيع, تبيع, بيع
    """
)
"""Verbs of trade: with a sum, and no word of people or pay beside it, they speak of goods."""

STRONG_COST: Final[re.Pattern[str]] = search_for(
    """
    production cost*, unit cost*, manufacturing cost*, making cost*, make cost*, processing cost*,
    cost of goods, cost of production, cost price*, cogs, costing, cost sheet*, cost breakdown,
    material cost*, fabric cost*, labour cost*, labor cost*, overhead cost*, cost per, costs per,
    profit margin*, gross margin*, margin*, markup, mark up, net profit*, profit of, coste de producción,
    costo de producción, costos de producción, costes de producción, coste unitario, costo unitario,
    costo por, coste por, margen*, coût de production, coûts de production, coût unitaire, coût de revient,
    prix de revient, coût par, marge, marges, herstellungskosten, herstellkosten, stückkosten,
    produktionskosten, lohnkosten, materialkosten, gewinnspanne*, marge*, selbstkosten*, custo de produção,
    custos de produção, custo unitário, custo por, margem, costo di produzione, costi di produzione,
    margine, uretim maliyet*, birim maliyet*, maliyet*, kar marji, chi phi san xuat, gia thanh,
    bien loi nhuan, biaya produksi, ongkos produksi, biaya per, margin keuntungan, उत्पादन लागत, लागत*,
    मुनाफा, मुनाफ़ा, lagat, munafa, উৎপাদন খরচ*, উৎপাদন ব্যয়*, ต้นทุน, กำไร, 成本, 利润, 毛利,
    تكلفه الانتاج, تكاليف الانتاج, هامش الربح
    """
)
"""Words of what goods cost their maker, and what is left."""

COST: Final[re.Pattern[str]] = search_for(
    """
    cost, costs, costed, coste, costes, costo, costos, coût, coûts, kosten, custo, custos, costi, chi phi,
    biaya, খরচ*, ค่าใช้จ่าย, 费用, تكلفه
    """
)
"""Words that are also said of a passport."""

TRADE: Final[re.Pattern[str]] = search_for(
    """
    per unit, unit, per piece, per garment, garment, product, products, raw material*, fabric, manufactur*,
    order, orders, fob, price, buyer*, brand*, customer*, producto*, producción, pedido*, prenda, produit*,
    commande*, produkt*, stück, bestell*, auftrag*, produto*, prodotto, prodotti, ordine, urun*, siparis*,
    san pham, don hang, produk, pesanan, उत्पाद, ऑर्डर, পণ্য, অর্ডার, สินค้า, 产品, 每件, 订单, منتج, طلبيه
    """
)
"""Words that make a cost one of goods."""

PAY: Final[re.Pattern[str]] = search_for(
    """
    agua, water, eau, wasser, acqua, água, libreta, cuaderno, debt book, les vende, les venden, leur vend,
    ihnen verkauft, wage*, salar*, payroll, payslip*, earn, earns, earned, earning*, income*, remunerat*,
    overtime, bonus*, allowance*, stipend*, piece rate*, living cost*, cost of living, fee, fees, recruit*,
    debt*, loan*, lend*, borrow*, interest, advance, advances, owe, owes, owed, owing, bonded, bondage,
    deposit*, fine, fined, fines, penal*, deduct*, withh*, unpaid, arrears, remittance*, compensat*,
    reimburs*, refund*, repay*, repaid, remediat*, settlement*, bribe*, broker*, agent*, subagent*, agency,
    agencies, middlem*, passport*, visa, visas, permit*, ticket*, airfare*, flight*, levy, levies, medical,
    hospital*, insurance, rent, rents, lodging*, accommodation, dormitor*, hostel*, food, meal*, canteen*,
    company store, company shop, grocer*, rice, ransom, tuition, school*, minimum, salario*, sueldo*,
    jornal, jornales, destajo, cuota*, comision*, honorario*, reclut*, contratista*, enganch*, deuda*,
    prestamo*, anticipo*, adelanto*, interes, intereses, multa*, sancion*, descuent*, descont*, deduc*,
    reten*, retien*, adeud*, fianza*, pasaporte*, visado*, permiso*, boleto*, pasaje*, vuelo*, alojamiento,
    vivienda, renta, alquiler, comida*, alimenta*, comedor, tienda de raya, tienda, coyote*, intermediari*,
    salair*, paie, frais, recrut*, commission*, dette*, prêt, prêts, emprunt*, avance*, amende*, retenu*,
    pénalit*, dédui*, caution*, passeport*, permis, billet*, loyer*, logement*, nourriture, repas, cantine,
    passeur*, lohn*, löhne*, *lohn, *löhne, gehalt*, gehälter*, verdien*, gebühr*, *gebühr, *gebühren,
    vermittl*, anwerb*, rekrut*, schuld*, kredit*, darlehen*, vorschuss*, zins*, strafe*, bussgeld*, abzug*,
    abzüg*, abgezogen, einbehalt*, kaution*, reisepass*, pass, pässe, visum, flug*, miete*, unterkunft,
    unterkünfte, wohnheim*, verpflegung*, essen, kantine*, diária*, taxa*, gato, dívida*, empréstimo*,
    adiantamento*, juros, caução, depósito*, passaporte*, visto*, passage*, aloj*, aluguel*, moradia,
    refeic*, cantina, barracão, paga, paghe, retribu*, prestit*, anticip*, interessi, trattenut*, trattien*,
    detra*, cauzion*, passaport*, permess*, bigliett*, affitt*, allogg*, vitto, mensa, pasti, cibo, debit*,
    caporal*, guadagn*, ücret*, maaş*, yevmiye*, komisyon*, simsar*, borç*, kredi*, avans*, faiz*, ceza*,
    kesinti*, kesil*, depozito*, pasaport*, vize*, bilet*, kira*, yurt*, yemek*, dayıbaşı*, kazan*,
    tien luong, luong thang, luong co ban, tra luong, muc luong, phi moi gioi, phi tuyen*, tien phi,
    moi gioi, khoan no, mon no, vay, tra no, mac no, tien phat, phat tien, bi phat, khau tru, tru luong,
    dat coc, tien coc, ho chieu, ve may bay, tien an, tien phong, ky tuc xa, thu nhap, nop, upah*, gaji*,
    perekrut*, calo*, jaminan, utang*, hutang*, pinjam*, denda*, dipotong*, potongan, pemotongan, paspor*,
    tiket*, sewa, asrama, makan*, kantin, lembur*, वेतन, मजदूरी, तनख्वाह, पगार, दिहाड़ी, कर्ज*, उधार, पेशगी,
    एडवांस, ब्याज, जुर्माना, जुर्माने, कटौती, शुल्क, फीस, कमीशन, दलाल*, एजेंट*, पासपोर्ट*, वीजा, टिकट,
    किराया, किराये, खाना, खाने, राशन, vetan, mazduri, majduri, tankhwah, pagar, dihadi, dihari, karz*,
    karj*, udhar, peshgi, byaj, jurmana*, katauti, dalal*, kiraya, khana, ration, milta, milte, milti,
    বেতন*, মজুরি*, পারিশ্রমিক, ঋণ*, ধার, অগ্রিম, সুদ*, জরিমানা*, কর্তন*, ফি, নিয়োগ*, কমিশন*, দালাল*,
    এজেন্ট*, পাসপোর্ট*, ভিসা*, টিকিট*, ভাড়া*, খাবার*, ค่าจ้าง, ค่าแรง, เงินเดือน, นายหน้า, ค่าธรรมเนียม,
    หนี้, กู้, ดอกเบี้ย, เบิก, ค่าปรับ, ปรับ, หัก, เงินประกัน, มัดจำ, หนังสือเดินทาง, พาสปอร์ต, วีซ่า, ตั๋ว,
    ค่าเช่า, หอพัก, อาหาร, 工资, 薪, 加班费, 计件, 介绍费, 中介, 仲介, 招工, 招聘, 手续费, 债, 債, 欠, 借款,
    贷款, 预支, 利息, 罚, 罰, 扣, 押金, 保证金, 护照, 護照, 签证, 簽證, 机票, 房租, 住宿, 宿舍, 伙食, 食堂,
    工錢, 工钱, اجر, اجور, راتب, رواتب, رسوم, توظيف, استقدام, ديون, قرض, قروض, سلفه, غرامه, غرامات, خصم,
    يخصم, خصومات, كفاله, كفيل, جواز*, جوازات, تاشيره, تذكره, ايجار, سكن, طعام, وسيط, وسطاء, سمسار
    """
)
"""Words that make a sum of money one of wages, fees, debt, fines, documents or keep."""

PAY_PERIOD: Final[re.Pattern[str]] = search_for(
    """
    per day, a day, each day, daily, per hour, an hour, hourly, per month, a month, monthly, per week,
    a week, weekly, per shift, a shift, por día, al día, por hora, por jornada, al mes, por mes,
    a la semana, par jour, de l'heure, par heure, par mois, pro tag, am tag, pro stunde, pro monat,
    im monat, por mês, por semana, ao mês, al giorno, all'ora, l'ora, al mese, günde, günlük, saatlik,
    aylık, moi ngay, mot ngay, moi thang, một tháng, per hari, sehari, per jam, per bulan, sebulan, रोज,
    प्रतिदिन, प्रति दिन, महीने, roz, mahine, দৈনিক, প্রতিদিন, মাসিক, মাসে, ต่อวัน, วันละ, ต่อเดือน, เดือนละ,
    ชั่วโมงละ, คนละ, 每天, 每日, 每月, 每小时, 月薪, 日薪, في اليوم, يوميا, شهريا, في الشهر, في الساعه
    """
)
"""Of a sum for one's time."""

PEOPLE: Final[re.Pattern[str]] = search_for(
    """
    worker*, labourer*, laborer*, employee*, migrant*, operator, operators, picker*, packer*, sewer, sewers,
    tailor*, weaver*, harvester*, labourers, crew, seafarer*, fisher, fishers, fishermen, child, children,
    family, families, women, men, people, staff, recruits, trabajador*, obrer*, jornaler*, emplead*,
    cortador*, pizcador*, cosechador*, niños, niñas, ouvrier*, ouvrière*, travailleu*, employé*, salarié*,
    enfants, *arbeiter*, beschäftigt*, mitarbeit*, angestellt*, pflücker*, kinder, trabalhador*, operári*,
    empregad*, funcionári*, crianças, lavorator*, operai*, bracciant*, dipendent*, işçi*, çalışan*, göçmen*,
    cong nhan, nguoi lao dong, lao dong, pekerja*, buruh*, karyawan*, migran, anak, मजदूर*, श्रमिक*,
    कामगार*, कर्मचारी*, mazdoor*, majdoor*, kamgar*, শ্রমিক*, কর্মী*, কর্মচারী*, คนงาน, แรงงาน, ลูกจ้าง,
    พนักงาน, 工人, 员工, 員工, 劳工, 勞工, 民工, 女工, 童工, عامل, عمال, عاملات, عامله, موظف*, اطفال
    """
)
"""Those who are paid rather than traded."""

ORDER: Final[re.Pattern[str]] = search_for(
    """
    coloca*, colocado*, dat, ส่งให้, จัดส่ง, to our warehouse, go to our, goes to our,
    took, takes, take, from this mill, from this factory, alıyoruz, alıyor,
    deliver*, supply, supplies, supplied, supplying, give them, make for us, made for us, makes for us,
    from them, for our brand, to our, fertigen, produzieren lassen, ambil, mengambil, order, orders,
    ordered, ordering, po, pos, purchas*, bought, buy, buys, buying, sourced, sources, sourcing, placed,
    procure*, shipment*, shipped, ships, consignment*, booked, volume, volumes, pedido*, pedimos, piden,
    encarg*, compramos, compra, compras, compran, compro, orden de compra, suministr*, volumen, volumenes,
    command*, achat*, achet*, livr*, volume*, bestell*, auftrag*, aufträge*, kaufen, kauft, kauften,
    liefer*, geliefert, *menge, encomend*, compram, comprou, fornec*, ordin*, acquist*, compriamo, fornit*,
    sipariş*, satın al*, alım*, sevk*, dat hang, don hang, mua, lo hang, xuat hang, dat mua, pesan, memesan,
    pesanan, membeli, pembelian, pengiriman, ऑर्डर*, आर्डर*, खरीद*, मंगवा*, kharid*, অর্ডার*, ক্রয়*, কিনি,
    কিনেছি, কেনে, สั่งซื้อ, สั่ง, ออเดอร์, ซื้อ, ส่งมอบ, 订购, 訂購, 订单, 訂單, 采购, 採購, 下单, 购买,
    订货, 出货, طلبيه, طلبيات, نطلب, طلبنا, نشتري, اشترينا, شراء, شحنه
    """
)
"""Words that make a quantity of goods one that is traded."""

PRODUCE: Final[re.Pattern[str]] = search_for(
    """
    produce, produces, produced, producing, make, makes, made, manufacture*, turns out, output, capacity,
    produc*, fabric*, produi*, fertig*, herstell*, stellt, produziert, produz*, üret*, san xuat,
    memproduksi, produksi, उत्पादन, बनात*, উৎপাদন*, তৈরি, ผลิต, 生产, 生產, 产能, ينتج, تنتج, انتاج
    """
)
"""Verbs of making, which speak of a firm's volume where no worker is spoken of."""

TASK: Final[re.Pattern[str]] = search_for(
    """
    quota*, target, targets, per worker, each worker, every worker, carry, carries, carrying, carried,
    lift*, load, loads, loading, unload*, sew, sews, sewing, pick, picks, picked, picking, harvest*, weigh*,
    sort*, mould*, mold*, a day, per day, daily, per shift, a shift, an hour, per hour, each day, forced to,
    made to, ordered to, in order to, cargar, cargan, coser, cosen, cosechar, por día, al día, diaria*,
    diario*, por turno, meta, metas, porter, portent, par jour, quotidien*, objectif*, tragen, schleppen,
    nähen, pro tag, pro schicht, tagesziel, carregar, carregam, por dia, portare, portano, al giorno, günde,
    günlük, taşı*, moi ngay, mot ngay, chi tieu, phai may, per hari, sehari, mengangkat, memikul, प्रतिदिन,
    रोज, उठा*, roz, প্রতিদিন, দৈনিক, বহন*, ต่อวัน, วันละ, แบก, ยก, 每天, 每日, 定额, 搬, يوميا, في اليوم,
    حمل, يحمل
    """
)
"""Words that make it a worker's load or quota."""

STRONG_VOLUME: Final[re.Pattern[str]] = search_for(
    """
    order volume*, order quantit*, order size*, ordered quantit*, purchase volume*, purchasing volume*,
    buying volume*, production volume*, annual volume*, yearly volume*, sales volume*, shipment volume*,
    minimum order*, moq, volume of orders, volume of our orders, our volume*, volumen de pedido*,
    volumen de compra*, volumen anual, cantidad pedida, cantidad de pedido, volume de commande*,
    volume d'achat*, volume annuel, quantité commandée, quantités commandées, bestellmenge*, auftragsmenge*,
    abnahmemenge*, liefermenge*, auftragsvolumen, bestellvolumen, einkaufsvolumen, volume de compra*,
    volume de pedido*, quantidade pedida, volume d'ordine, volume d'acquisto, volume degli ordini,
    quantita ordinata, siparis miktari*, siparis hacmi*, alim hacmi*, siparis adedi*, so luong dat hang,
    luong dat hang, san luong dat, volume pesanan, jumlah pesanan, volume pembelian, ऑर्डर की मात्रा,
    খরিদের পরিমাণ, অর্ডারের পরিমাণ, ปริมาณการสั่งซื้อ, ปริมาณสั่งซื้อ, ยอดสั่งซื้อ, 订单量, 訂單量, 采购量,
    订购量, 订货量, 年产量, حجم الطلبات, حجم الطلبيات, كميه الطلب, كميه الطلبيه
    """
)
"""Words of how much is traded, which need no unit beside the number."""

VALUE: Final[re.Pattern[str]] = search_for(
    """
    order value*, value of orders, value of the orders, value of our orders, orders worth, order worth,
    purchases worth, goods worth, shipment worth, shipments worth, shipments valued, goods valued,
    orders valued, annual spend, our spend, total spend, purchase order*, orders for, orders of,
    purchases of, purchase value*, turnover, revenue*, annual sales, sales of, pedidos por valor,
    compras por valor, facturacion, ventas anuales, chiffre d'affaires, commandes d'une valeur,
    valeur des commandes, umsatz*, auftragswert*, bestellwert*, einkaufswert*, faturamento,
    compras no valor, pedidos no valor, fatturato, ordini per, ciro, cirosu, siparis tutari*,
    siparis degeri*, doanh thu, tri gia don hang, omzet, omset, nilai pesanan, nilai pembelian, बिक्री,
    कारोबार, ऑर्डर का मूल्य, টার্নওভার, বিক্রয়, มูลค่าการสั่งซื้อ, ยอดขาย, 销售额, 营业额, 订单金额,
    采购额, 订单总额, قيمه الطلبيات, قيمه الطلبات, المبيعات
    """
)
"""Words of how much is traded in money."""

CAPACITY: Final[re.Pattern[str]] = search_for(
    """
    output, capacity, production, turnover, sales, exports, volume*, our orders, produccion, capacidad,
    ventas, facturacion, capacité, ventes, chiffre d'affaires, produktion*, kapazität*, umsatz*, ausstoss,
    produção, capacidade, faturamento, produzione, capacità, fatturato, üretim*, kapasite*, ciro*,
    san luong, cong suat, doanh thu, produksi, kapasitas, omzet, उत्पादन, क्षमता, utpadan, উৎপাদন*,
    กำลังการผลิต, ผลผลิต, ยอดขาย, 产能, 产量, 销售额, 產能, 產量, انتاج, طاقه انتاجيه, مبيعات
    """
)
"""Words of which a share is said."""

NOT_OF_ONE_MAKER: Final[re.Pattern[str]] = search_for(
    """
    world*, global*, national*, country*, nation's, industry, region*, province, provincial, subcontract*,
    outsourc*, home work*, homework*, prison*, mundial*, nacional*, pais, mondial*, pays, weltweit*, welt*,
    land*, mundial, mondiale, dunya*, ulke*, the gioi, ca nuoc, dunia, nasional, दुनिया, देश, বিশ্ব*, দেশ*,
    โลก, ประเทศ, 世界, 全球, 全国, العالم, العالمي
    """
)
"""Words that make it a share of a country's trade, or one that was passed on."""
