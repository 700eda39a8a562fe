"""What is said of trade, by language. Narratives are invented."""

import pytest

from symbolon.signals.screening import COMPETITION, Suspicion, screen_text

PRICES = (
    "FYI we currently pay them 4.85 USD FOB per polo, our competitor gets it for 4.60.",
    "Management complained that brands asked for a 12% price reduction in the spring round.",
    "The mill invoices yarn at INR 265/kg and says that it cannot raise wages at that level.",
    "According to the merchandiser the buyer's target is $3.10 a piece.",
    "Shrimp is sold to the US importer at 9.5 dollars per kilo.",
    "The purchase price was cut to two dollars a yard.",
    "Price: 14,50 €",
    "La fábrica nos vende la camiseta a 2,35 dólares FOB.",
    "El precio de compra bajó a 18 pesos por pieza.",
    "Le prix unitaire est de 4,10 euros.",
    "Nous payons l'usine 3,90 € la chemise.",
    "Wir zahlen dort 6,80 € je Hemd.",
    "Der Stückpreis liegt bei 3,45 EUR.",
    "O preço de venda é de 22 reais por caixa.",
    "Il prezzo riconosciuto alla cooperativa è di 8 centesimi al chilo.",
    "Tişörtün FOB fiyatı 2,9 dolar.",
    "Giá bán 3 USD/chiếc.",
    "Pabrik menjual seharga 3 dolar per potong kepada kami.",
    "Harga satuan Rp 45.000.",
    "कीमत 250 रुपये प्रति किलो है।",
    "Prati piece keemat 90 rupaye hai.",
    "প্রতি কেজি দাম ১২০ টাকা।",
    "ราคาซื้อ 20 บาทต่อกิโล",
    "我们给该厂的单价是每双8.5美元。",
    "报价为12元一件。",
    "سعر الشراء 120 جنيه للقطعة.",
)
VOLUMES = (
    "They booked 120k units with this unit for SS25.",
    "Our share in this factory is 35 % of capacity.",
    "The plant ships around 40 containers a month to Europe, most of it on our orders.",
    "Purchase orders for USD 1.2 million were placed here last year.",
    "PO 4500123 covers 18.000 pcs and was split with an unauthorised subcontractor.",
    "The order quantity was 60 000.",
    "MOQ 3000",
    "Hicimos pedidos de 40.000 camisas este año.",
    "El volumen de compra es de 30 mil unidades.",
    "Nous leur achetons 200 tonnes de cacao par saison.",
    "30 % de la capacité est réservée à notre marque.",
    "Wir haben 12.000 Jacken bestellt.",
    "Das Auftragsvolumen liegt bei 2 Millionen.",
    "Compramos 500 toneladas de soja desta fazenda.",
    "Abbiamo ordinato 9.000 paia di scarpe.",
    "Fabrikaya sezonda 60.000 adet sipariş veriyoruz.",
    "Nhà máy nhận đơn hàng 50.000 áo mỗi tháng từ chúng tôi.",
    "Kami memesan 20.000 potong per musim.",
    "हम इस सप्लायर से हर महीने 10,000 पीस मंगवाते हैं।",
    "আমরা এই কারখানায় ২০,০০০ পিস অর্ডার দিয়েছি।",
    "เราสั่งซื้อ 5,000 ชิ้น",
    "该厂40%的产能供给我们。",
    "采购量为两万件。",
    "نشتري منهم 500 طن سنويا.",
)
COSTS = (
    "The CM cost is 1.05 dollars and the factory runs at a margin of 3 percent.",
    "Labour cost per garment is 0.62 EUR, which cannot cover the legal wage.",
    "Fabric cost was given as $1.80 in the costing.",
    "El margen de la maquila es del 4 %.",
    "Le coût de revient est de 2,10 €.",
    "Die Herstellungskosten betragen 4,20 Euro.",
    "O custo de produção é de R$ 12.",
    "Il costo di produzione è di 3 euro.",
    "Maliyet 2 dolar.",
    "Chi phí sản xuất là 1,5 USD.",
    "Biaya produksi 20.000 rupiah.",
    "उत्पादन लागत 80 रुपये है।",
    "ต้นทุน 30 บาท",
    "生产成本为15元。",
    "تكلفة الانتاج 2 دولار.",
)
ENDS = (
    "I strongly suggest everybody drops this vendor at the end of the season.",
    "Buyers should walk away from the mill.",
    "We are going to phase out the supplier by Q3.",
    "Do not place new orders here until the debts are repaid.",
    "Please blacklist this factory.",
    "In our view the only option left is to terminate the business relationship with the supplier.",
    "Nobody in the coalition should buy from them any more.",
    "Next steps: cancel all orders.",
    "Terminate the contract with this supplier.",
    "We will boycott the factory until further notice.",
    "Pedimos a los miembros que no compren más a esta empresa.",
    "Hay que cancelar los pedidos a este proveedor.",
    "Nous recommandons de ne plus travailler avec ce fournisseur.",
    "Il faut résilier le contrat.",
    "Bitte keine Bestellungen mehr bei diesem Betrieb.",
    "Die Mitglieder sollten den Vertrag kündigen.",
    "Recomendo que as empresas deixem de comprar desta fazenda.",
    "Bisogna interrompere il rapporto commerciale con questo fornitore.",
    "Tedarikçiyle çalışmayı bırakmalıyız.",
    "Nên ngừng đặt hàng ở nhà máy này.",
    "Sebaiknya kita hentikan kerja sama dengan pemasok ini.",
    "इस फैक्ट्री से ऑर्डर बंद कर देने चाहिए।",
    "সরবরাহকারীর সাথে চুক্তি বাতিল করা উচিত।",
    "ควรยกเลิกสัญญากับซัพพลายเออร์รายนี้",
    "大家不要再向这家工厂下单。",
    "建议终止合同。",
    "يجب وقف التعامل مع هذا المصنع.",
    "يجب إلغاء الطلبيات مع هذا المورد.",
)
OF_WORKERS = (
    "Workers paid USD 3,000 in recruitment fees before departure.",
    "Pickers are paid 2 dollars a day.",
    "The recruiter sold the contracts at USD 1,500 a head.",
    "A sack of rice in the estate shop costs 900 rupees, double the price in town.",
    "Workers buy their own needles and scissors at a price of 150 taka.",
    "Operators are paid 1.8 rupees per piece and must finish 300 pieces a day.",
    "Workers load 300 sacks of cement per shift in 42 degrees.",
    "The State set a quota of 80 kg cotton per person and day.",
    "Workers were ordered to carry 50 kg bags up the ramp.",
    "The passport cost 200 dollars and the visa another 150.",
    "Workers cannot terminate their contract without paying a penalty.",
    "Management must end the practice of withholding passports.",
    "The supplier should stop deducting fees and pay them back within 90 days.",
    "We recommend that the supplier ends its contract with the recruitment agency.",
    "The factory must end contract substitution.",
    "Brands cancelled orders in 2020 and 1,100 workers were not paid.",
    "We do not recommend ending the relationship with the supplier.",
    "Disengagement would be a last resort; members should not drop the supplier.",
    "30% of production workers are migrants.",
    "The country makes 20% of the world's cotton production.",
    "30 % of the production was subcontracted to a prison.",
    "Workers who complained were blacklisted and should be reinstated.",
    "Wages must not be cut when production stops.",
)


def suspicions(text: str) -> set[Suspicion]:
    return {each.suspicion for each in screen_text(text, field="narrative")} & COMPETITION


@pytest.mark.parametrize("text", PRICES)
def test_price_of_goods_is_suspected(text: str) -> None:
    assert Suspicion.PRICE in suspicions(text)


@pytest.mark.parametrize("text", VOLUMES)
def test_volume_of_trade_is_suspected(text: str) -> None:
    assert Suspicion.VOLUME in suspicions(text)


@pytest.mark.parametrize("text", COSTS)
def test_cost_of_goods_is_suspected(text: str) -> None:
    assert Suspicion.COST in suspicions(text)


@pytest.mark.parametrize("text", ENDS)
def test_advice_to_stop_buying_is_suspected(text: str) -> None:
    assert Suspicion.CONTRACT_END in suspicions(text)


@pytest.mark.parametrize("text", OF_WORKERS)
def test_money_and_contracts_of_workers_are_not_suspected(text: str) -> None:
    assert not suspicions(text)


@pytest.mark.parametrize(
    ("line", "suspicion"),
    [
        ("Unit price: 4.20", Suspicion.PRICE),
        ("price: 4.20", Suspicion.PRICE),
        ("- precio = 4,20", Suspicion.PRICE),
        ("数量：40000", Suspicion.VOLUME),
        ("order-quantity: 12 000 (season)", Suspicion.VOLUME),
        ("unit cost: 3,5", Suspicion.COST),
        ("contract end: 2025-06-30", Suspicion.CONTRACT_END),
        ("मात्रा: ४००००", Suspicion.VOLUME),
    ],
)
def test_line_of_a_form_with_a_number_of_trade_is_suspected(line: str, suspicion: Suspicion) -> None:
    text = f"Visited in May.\n{line}\nGates were locked."
    (found,) = (each for each in screen_text(text, field="narrative") if each.suspicion in COMPETITION)
    assert found.suspicion is suspicion
    assert line.endswith(text[found.begin : found.end])


@pytest.mark.parametrize(
    "line",
    [
        "Recruitment fee: 3000",
        "Wage: 212 taka",
        "Shifts: 2",
        "Period: 2023-05",
        "Price: not known",
        "Costs: workers paid 3000",
        "Number of workers: 400",
        "Contract end of workers: 2025",
    ],
)
def test_line_of_a_form_about_workers_is_not_suspected(line: str) -> None:
    assert not suspicions(f"Visited in May.\n{line}\nGates were locked.")


def test_price_beside_a_wage_is_found_where_it_stands() -> None:
    text = "We pay USD 4.20 FOB while workers earn USD 3 a day."
    (found,) = screen_text(text, field="narrative")
    assert text[found.begin : found.end] == "USD 4.20 FOB"


def test_price_word_in_another_sentence_makes_no_price_of_a_fee() -> None:
    assert not suspicions(
        "The buyer lowered its purchase price. Each man still owes 900 dollars to the broker."
    )
