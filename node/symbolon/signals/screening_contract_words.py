"""The words by which the screening tells advice to stop buying (docs/screening.md).

Handles: verbs that end something, what is ended between firms, words of advice or of one's own decision,
words of no, and the words that make a contract one of employment. Terms are written as `screening_terms`
says.
"""

import re
from typing import Final

from symbolon.signals.screening_terms import alternatives, search_for

END: Final[re.Pattern[str]] = search_for(
    """
    drops,
    dejar al, dejar a este, abandonar, prescindir de, no seguir con, quitter, lâcher, se passer de,
    se séparer de, verlassen, aussteigen, largar, lasciare, abbandonare, mollare, ayrıl*, vazgeç*, rời bỏ,
    tinggalkan, meninggalkan, sudahi, diputus, छोड़*, ছেড়ে, ทิ้ง, 退出, 放弃, 撤出, 剔除, 淘汰, ترك, نترك,
    التخلي, استبعاد, cancelarse, rescindirse, terminarse, suspenderse, annulé*, résilié*, rompu, rompue*,
    suspendu*, encerrad*, cancelad*, rescindid*, suspens*, risolto, rescisso, interrott*, annullat*,
    sospes*, frozen, pulled, withdrawn, halted, paused, dropped, cancelled, terminated, cortar, cortar con,
    couper les ponts, leave, leaving, freeze, freezing, pause, pausing, halt, halting, put on hold,
    break with, congelar, pausar, romper con, geler, rompre avec, einfrieren, einzufrieren, aussetzen,
    auszusetzen, congelare, dondur*, askıya, 冻结, 暂停, تجميد, تعليق, terminat*, end, ends, ended, ending,
    cancel*, stop, stopped, stopping, cease, ceasing, discontinu*, suspend*, sever, severing, cut, cutting,
    drop, dropping, delist*, de list*, boycott*, blacklist*, black list*, exit, exiting, disengag*,
    walk away, pull, pulling, withdraw*, phase out, phasing out, not renew, replace, replacing, abandon*,
    ban, divest*, move away, wind down, quit, stop working with, no longer work with, not work with,
    rescind*, revoke*, not extend, terminar, terminen, termine, cancelar, cancelen, cancele, romper, rompan,
    rompa, dejar de, dejen de, suspender, suspendan, suspenda, poner fin, pongan fin, finalizar, boicot*,
    excluir, retirar, no renovar, cesar, interrumpir, dejar de trabajar con, no trabajar más con,
    ne plus travailler avec, ne plus collaborer avec, résilier, résiliation, résilient, rompre, rupture,
    mettre fin, mettent fin, cesser, cessent, arrêter, arrêt, suspendre, annuler, déréférenc*, exclure,
    ne pas renouveler, stopper, interrompre, kündig*, gekündigt, beend*, abbrech*, abbruch, abzubrechen,
    auslist*, auszulist*, boykott*, stornier*, zu stornieren, einstell*, einzustell*, trennen, ausschliess*,
    auszuschliess*, auflös*, aufzulös*, nicht verlänger*, sperr*, nicht mehr zusammenarbeiten,
    nicht mehr arbeiten mit, parar de trabalhar com, encerrar, encerrem, cancelem, parar de, parem de,
    deixar de, deixem de, descredenci*, rompam, encerramento, rescisão, interromper, risolvere, recedere,
    interrompere, interrompano, cessare, terminare, chiudere, annullare, sospendere, boicott*, escludere,
    smettere di, smettano di, recesso, rescissione, rescindere, feshed*, fesih*, fesh*, sonlandır*, bitir*,
    bitmeli, iptal, kesil*, kesme*, kesmek, kesin, boykot*, durdur*, çıkarıl*, yenileme*, bırak*, cham dut,
    huy, huy bo, ngung, dung, cat dut, tay chay, ket thuc, ngung mua, dung mua, memutus*, putuskan, putus,
    pemutusan, hentikan, menghentikan, dihentikan, penghentian, akhiri, mengakhiri, diakhiri, batalkan,
    membatalkan, dibatalkan, boikot, memboikot, berhenti, समाप्त, खत्म, रद्द, बंद, बन्द, तोड़*, बहिष्कार,
    khatam, khatm, band, radd, todna, tod, bahishkar, বাতিল, শেষ, বন্ধ, ছিন্ন, বর্জন, ยกเลิก, เลิก, ยุติ,
    หยุด, คว่ำบาตร, ถอน, บอยคอต, 终止, 終止, 解除, 停止, 取消, 中止, 断绝, 结束, 結束, 抵制, 不再, 拉黑,
    撤销, 终结, 中断, 解约, انهاء, ننهي, تنهي, ينهي, الغاء, نلغي, تلغي, فسخ, وقف, ايقاف, قطع, مقاطعه, توقف
    """
)
"""What ends something."""

VERB_LAST: Final[re.Pattern[str]] = search_for(
    """
    kündig*, gekündigt, beend*, abbrech*, abzubrechen, auslist*, auszulist*, boykott*, stornier*,
    zu stornieren, einstell*, einzustell*, trennen, ausschliess*, auszuschliess*, auflös*, aufzulös*,
    nicht verlänger*, sperr*, feshed*, fesih*, fesh*, sonlandır*, bitir*, bitmeli, iptal, kesil*, kesme*,
    kesmek, boykot*, durdur*, çıkarıl*, bırak*, yenileme*, nicht mehr zusammenarbeiten, समाप्त, खत्म, रद्द,
    बंद, बन्द, तोड़*, बहिष्कार, khatam, khatm, band, radd, todna, tod, bahishkar, cancel, বাতিল, শেষ, বন্ধ,
    ছিন্ন, বর্জন
    """
)
"""What ends something and stands behind it."""

PASSIVE: Final[re.Pattern[str]] = search_for(
    """
    terminated, ended, cancelled, canceled, stopped, delisted, boycotted, dropped, suspended, blacklisted,
    discontinued, frozen, pulled, withdrawn, halted, paused, cut, cancelarse, rescindirse, terminarse,
    suspenderse, annulé*, résilié*, rompu, rompue*, suspendu*, encerrad*, cancelad*, rescindid*, suspens*,
    risolto, rescisso, interrott*, annullat*, sospes*, diakhiri, dihentikan, diputus, dibatalkan, chấm dứt,
    hủy, ยกเลิก, 终止, 解除, 停止, 取消, 中止, 淘汰, 剔除
    """
)
"""What ends something and stands at once behind it, as in `orders should be cancelled`."""

DEAL: Final[re.Pattern[str]] = search_for(
    """
    subcontractor*, sous traitant*, subcontratista*, subunternehmer*, terceirizad*, taşeron*,
    supplier*, vendor*, business relationship*, trading relationship*, commercial relationship*,
    supply contract*, supply agreement*, purchase contract*, purchase agreement*, purchase order*, orders,
    sourcing, buying, purchases, purchasing, business with, ties with, our business, all business,
    partnership*, cooperation with, proveedor*, relación comercial, relaciones comerciales, pedidos,
    compras, comprar, contrato de suministro, fournisseur*, relation commerciale, relations commerciales,
    relation d'affaires, relations d'affaires, commandes, achats, acheter, approvisionn*,
    contrat de fourniture, lieferant*, zulieferer*, geschäftsbezieh*, lieferbezieh*, bestellung*, aufträge,
    liefervertrag*, lieferverträge, zusammenarbeit, fornecedor*, relação comercial, relações comerciais,
    parceria, contrato de fornecimento, fornitor*, rapporto commerciale, rapporti commerciali, ordini,
    acquisti, comprare, acquistare, fornitura, tedarikçi*, sipariş*, ticari ilişki*, işbirliği*, iş ilişki*,
    nha cung cap, don hang, mua hang, quan he kinh doanh, hop tac, pemasok, vendor, pesanan, pembelian,
    membeli, kerja sama, kerjasama, hubungan bisnis, सप्लायर*, आपूर्तिकर्ता*, ऑर्डर*, सप्लाई, order,
    সরবরাহকারী*, সাপ্লায়ার*, অর্ডার*, ผู้ผลิต, ซัพพลายเออร์, คำสั่งซื้อ, ออเดอร์, ผู้ขาย, การซื้อ, ซื้อ,
    คู่ค้า, 供应商, 供應商, 订单, 訂單, 采购, 採購, 合作, 购买, 供货, 进货, 下单, مورد, موردين, طلبيات,
    شراء, تعامل, علاقه تجاريه
    """
)
"""What is ended between firms."""

CONTRACT: Final[re.Pattern[str]] = search_for(
    """
    contract, contracts, agreement, agreements, relationship*, contrato*, relación, relaciones, contrat*,
    relation*, vertrag, verträge, vertrages, vertrags, relação, relações, contratt*, rapporto, rapporti,
    sözleşme*, anlaşma*, ilişki*, hop dong, quan he, kontrak, perjanjian, hubungan, अनुबंध, कॉन्ट्रैक्ट,
    कांट्रैक्ट, ठेका, करार, संबंध, চুক্তি*, সম্পর্ক*, สัญญา, 合同, 协议, 合約, 协定, 关系, 關係, عقد, عقود,
    تعاقد, علاقه, اتفاق, اتفاقيه
    """
)
"""What may be ended between firms, or be an employment."""

PLANT: Final[re.Pattern[str]] = search_for(
    """
    sources, this one,
    yard, shipyard*, kiln*, ranch*, ingenio*,
    factory, factories, mill, mills, plant, plants, manufacturer*, company, farm, farms, exporter*,
    producer*, fábrica*, empresa*, planta, usine*, entreprise*, fabrik*, werk, unternehmen*, azienda,
    aziende, fabbrica, fabrika*, firma*, nha may, cong ty, pabrik*, perusahaan, फैक्ट्री, कंपनी, কারখানা*,
    কোম্পানি*, โรงงาน, บริษัท, 工厂, 工廠, 公司, 该厂, 厂家, مصنع, شركه
    """
)
"""Who is dropped by a verb that is said of suppliers only."""

SHUN: Final[re.Pattern[str]] = search_for(
    """
    drops,
    exit, exiting, suspend*, dejar a este, dejar al, abandonar, prescindir de, quitter, lâcher,
    se passer de, se séparer de, verlassen, aussteigen, largar, lasciare, abbandonare, mollare, tinggalkan,
    meninggalkan, छोड़*, ทิ้ง, 退出, 放弃, 撤出, 剔除, 淘汰, 停止, 终止, نترك, ترك, استبعاد, leave, leaving,
    break with, romper con, rompre avec, delist*, de list*, boycott*, blacklist*, black list*, drop,
    dropping, disengag*, divest*, walk away from, cut ties, sever ties, pull out of, stop working with,
    no longer work with, not work with, dejar de trabajar con, no trabajar más con, ne plus travailler avec,
    ne plus collaborer avec, parar de trabalhar com, boicot*, déréférenc*, auslist*, auszulist*, boykott*,
    descredenci*, tay chay, memboikot, boikot, बहिष्कार, bahishkar, বর্জন, คว่ำบาตร, บอยคอต, 抵制, 拉黑,
    مقاطعه
    """
)
"""Verbs that are said of firms."""

LEAVE: Final[re.Pattern[str]] = search_for(
    """
    leave, leaving, quit, abandon*, replace, replacing, exit, exiting, suspend*, dejar al, dejar a este,
    quitter, verlassen, largar, lasciare, abbandonare, ayrıl*, tinggalkan, meninggalkan, छोड़*, ترك, نترك
    """
)
"""Verbs that are said of workers as often."""

STOP_BUYING: Final[re.Pattern[str]] = search_for(
    """
    no orders, no order, zero orders, no purchases, no more purchases, no buying, cero pedidos,
    zéro commande, keine bestellungen, keine aufträge, nessun ordine, nenhum pedido,
    no longer give them orders, no longer place orders, no longer give orders, find another source,
    find another supplier, find other suppliers, source elsewhere, buy elsewhere, order elsewhere,
    sourced elsewhere, move production, relocate orders, switch supplier*, change supplier*,
    switch to another supplier, cambiar de proveedor, changer de fournisseur, den lieferanten wechseln,
    mudar de fornecedor, cambiare fornitore, khong nen mua, dung nen mua, khong nen dat, ganti pemasok,
    换供应商, 更换供应商, no business with, no more business, no orders to, not do business, no more orders,
    stop sourcing, stop buying, stop purchasing, stop ordering, stop placing orders, stop doing business,
    stop all sourcing, stop all orders, stop orders, cease sourcing, cease buying, cease all business,
    no longer source, no longer buy, no longer order, no longer work with this supplier, not buy from,
    not source from, not order from, not place orders, not place any, not place new orders,
    not place more orders, not place further orders, not give orders, never buy from, never source from,
    cut ties, sever ties, pull our orders, pull their orders, pull all orders, pull orders, pull the orders,
    withdraw our orders, move our orders, move their orders, move orders, shift our orders, shift orders,
    take our business elsewhere, no new orders, no further orders, stop trading with, sourcing ban,
    buying ban, refuse orders, dejar de comprar, dejen de comprar, dejaremos de comprar, no comprar,
    no compren, no hacer más pedidos, ne plus acheter, n'achetez plus, cesser d'acheter, arrêter d'acheter,
    ne plus commander, nicht mehr bestellen, nichts mehr bestellen, nicht mehr kaufen, nicht mehr einkaufen,
    nichts mehr kaufen, keine aufträge mehr, keine bestellungen mehr, parar de comprar, deixar de comprar,
    não comprar, não comprem, smettere di comprare, smettere di acquistare, non acquistare, non comprare,
    satın almayı bırak*, satın almamalı*, sipariş vermemeli*, sipariş verilmemeli*, alım yapılmamalı*,
    ngung mua, dung mua, khong mua, ngung dat hang, dung dat hang, ngung dat, dung dat, không đặt hàng,
    berhenti membeli, jangan membeli, jangan beli, berhenti memesan, खरीदना बंद, खरीद बंद, kharidna band,
    কেনা বন্ধ, ক্রয় বন্ধ, หยุดซื้อ, เลิกซื้อ, ไม่ควรซื้อ, 不再采购, 不再购买, 停止采购, 停止购买, 停止下单,
    不要购买, 不要采购, 停止合作, 终止合作, التوقف عن الشراء, عدم الشراء
    """
)
"""Phrases that say it all."""

STOP_BUYING_HAN: Final[re.Pattern[str]] = re.compile(
    "(?:不要|不再|别再|停止|勿)再?[\u3400-\u9fff]{0,10}(?:下单|下單|采购|採購|购买|订货|合作|进货|续签|续约)"
)
"""The same in Chinese, with the supplier between."""

NOBODY_BUYS: Final[re.Pattern[str]] = re.compile(
    alternatives(
        """
        nobody, no one, no member, no brand, no buyer, none of us, nadie, personne ne, niemand, ninguém,
        nessuno, kimse, không ai, tidak ada yang, कोई, কেউ, ไม่มีใคร, 谁都, لا احد
        """
    )
    + "[^.!?;\n]{0,60}?"
    + alternatives(
        """
        buy, source, sources from, order from, purchase, buy from, place orders, compr*, achet*, command*,
        kauf*, bestell*, acquist*, satin al*, mua hang, mua, membeli, खरीद*, কিন*, ซื้อ, 采购, 下单, يشتري
        """
    )
)
"""The same with the word of no in front of those who buy."""

ADVICE: Final[re.Pattern[str]] = search_for(
    """
    agree to, agreed to, agree that, can we, could we, why not, why don't we, proposal, motion, vote to,
    resolve*, decide*, va, debe, acordar, acordamos, décid*, beschliess*, decidir, decidiamo, shall,
    i would, we would, lo mejor, mejor sería, am besten, le mieux, o melhor, la cosa migliore, en iyisi,
    tot nhat, lebih baik, behtar, 最好, serait temps, es hora de, es wird zeit, é hora de, è ora di,
    time for, दें, दीजिए, कीजिए, kar do, kar dein, de dein, نصح*, اوصي*, should, ought, recommend*, advise*,
    advice, suggest*, urge, urges, urging, propose*, must, need to, needs to, call on, calls on, we will,
    we shall, we have decided, we decided, we intend, we plan, we are going to, has to, have to, please,
    let us, lets, time to, members to, buyers to, brands to, demand*, had better, only option, only way,
    best option, option is, solution is, no choice, time has come, want you to, we are, recomend*,
    recomiend*, aconsej*, suger*, sugier*, propon*, debe*, deben, debería*, hay que, vamos a,
    hemos decidido, instamos, exigimos, pedimos, exhortamos, llamamos, solicitamos, es necesario, conviene,
    pedimos que, tiene que, tienen que, recommand*, conseill*, suggér*, propos*, il faut, faut, doit,
    doivent, devrai*, devons, nous allons, avons décidé, appelons, demandons, exigeons, convient de,
    empfehl*, empfiehlt, rate, raten, rät, schlagen vor, soll, sollen, sollte*, müss*, muss, wir werden,
    haben beschlossen, bitte, fordern, aufruf*, aconselh*, deve*, devem, decidimos, propomos, é preciso,
    precisa*, raccomand*, consigli*, suggeri*, dovre*, deve, devono, bisogna, abbiamo deciso, occorre,
    invitiamo, öner*, tavsiye*, gerek*, lazım, karar ver*, *meli*, *malı*, *malıyız, çağrı*, nen, de nghi,
    khuyen nghi, khuyen, can phai, phai, kien nghi, hay, quyet dinh, yeu cau, keu goi, sebaiknya,
    seharusnya, harus, menyarankan, sarankan, disarankan, rekomendasi*, merekomendasikan, perlu, mari, akan,
    चाहिए, चाहिये, सिफारिश*, सुझाव, सलाह, करें, होगा, chahiye, chahie, sujhav, salah, karein, karna hoga,
    karo, উচিত, সুপারিশ*, পরামর্শ*, করুন, দরকার, হবে, ควร, แนะนำ, เสนอ, ต้อง, ขอให้, เรียกร้อง, 建议, 建議,
    应该, 应当, 应, 必须, 要求, 推荐, 我们将, 决定, 呼吁, 請, 请, 大家, 各位, 不要, 别再, نوصي, يوصي, توصيه,
    ينبغي, يجب, ننصح, نقترح, نطالب, ندعو, قررنا, سوف
    """
)
"""Advice, a demand or one's own decision; without one of them it is a report."""

NOT: Final[re.Pattern[str]] = search_for(
    """
    not, don't, shouldn't, mustn't, never, rather than, instead of, avoid*, without, last resort, before,
    refrain*, against, no, sin, antes de, en lugar de, en vez de, evitar, ne pas, pas, sans, avant de,
    au lieu de, éviter, nicht, kein, keine, statt, anstatt, ohne, bevor, não, sem, em vez de, non, senza,
    invece di, evitare, değil, *meden, *madan, *meyin, khong, dung vi, thay vi, tranh, jangan, tidak,
    daripada, tanpa, नहीं, न, बजाय, nahi, nahin, na, না, নয়, ไม่, อย่า, แทนที่, 不, 不要, 避免, 而不是, 勿,
    لا, عدم, بدل, دون, ليس
    """
)
"""Words of no in front of the verb."""

EMPLOYMENT: Final[re.Pattern[str]] = search_for(
    """
    worker*, employ*, labour*, labor, labourer*, laborer*, recruit*, resign*, wage*, migrant*, agent*,
    agency, agencies, substitut*, fixed term, probation*, apprentic*, penalt*, passport*, visa*, crew*,
    staff, his contract, her contract, dismiss*, fired, trabajador*, laboral*, emple*,
    obrer*, renunci*, reclut*, jornaler*, travail*, ouvri*, salari*, embauch*, démission*, arbeit*,
    beschäftig*, lohn*, mitarbeit*, trabalh*, laboral, operári*, demiss*, lavor*, operai*, dipendent*,
    assun*, işçi*, iş sözleşme*, çalışan*, istifa*, lao dong, cong nhan, nguoi lao dong, tro viec,
    kerja dengan, pekerja*, buruh*, karyawan*, kontrak kerja, मजदूर*, श्रमिक*, नौकरी, कर्मचारी*, mazdoor*,
    majdoor*, naukri, শ্রমিক*, কর্মী*, চাকরি*, คนงาน, แรงงาน, ลูกจ้าง, จ้าง, 劳动, 勞動, 工人, 员工, 員工,
    劳工, 雇, عامل, عمال, عاملات, عمل, توظيف, موظف*, وظيفه
    """
)
"""Words that make a contract one of employment."""
