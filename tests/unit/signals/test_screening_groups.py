import pytest

from symbolon.signals.screening import FEWEST_PEOPLE, Suspicion, screen_text, screen_workforce

SMALL = (
    "the only woman in the dyeing unit",
    "One of five workers talked to us.",
    "The three migrants from Nepal were beaten.",
    "There are just three Bangladeshis left at the site after the raid.",
    "The night shift consists of six women.",
    "It is a small workshop with 7 employees, all from one village.",
    "Of the two who complained, one was sent home.",
    "She is the only pregnant worker in finishing.",
    "Both Nepali women were dismissed.",
    "10 workers live in the shed.",
    "a workforce of nine",
    "The two youngest sisters left, the two sisters who stayed were fined.",
    "Hay tres trabajadoras haitianas en la cocina.",
    "La única mujer de la cuadrilla renunció.",
    "Les deux ouvriers maliens dorment dans l'atelier.",
    "La seule mineure du groupe a été renvoyée.",
    "Die drei Nepalesen aus der Lackiererei haben Angst.",
    "Die einzige Frau in der Schicht wurde entlassen.",
    "Apenas quatro trabalhadores aceitaram falar.",
    "A única mulher do alojamento adoeceu.",
    "Le due lavoratrici rumene non escono mai.",
    "Üç Suriyeli işçi depoda kalıyor.",
    "Boyahanedeki tek kadın işten çıkarıldı.",
    "Hai công nhân bị thương.",
    "Tiga orang pekerja dipulangkan.",
    "तीन महिला मजदूरों को पीटा गया।",
    "Teen mahila mazdoor ko peeta gaya.",
    "রঙ বিভাগের একমাত্র নারী শ্রমিককে মারধর করা হয়েছে।",
    "তিন জন শ্রমিক আহত হন।",
    "คนงานหญิงสองคนถูกกักตัว",
    "3名缅甸籍女工被打。",
    "两名工人逃走。",
    "车间里唯一的女工",
    "ثلاثة عمال نيباليين محتجزون.",
    "العاملة الوحيدة في القسم",
)
NOT_SMALL = (
    "32 of 40 interviewed workers said so.",
    "11 workers live in the shed.",
    "Eight workers sleep in each room.",
    "Rooms are shared by 10 workers and there is one toilet for 25.",
    "There is one toilet for 8 workers.",
    "Dormitory rooms hold eight workers each.",
    "At least five workers were hurt.",
    "Fewer than ten workers agreed to talk.",
    "More than 5 workers per machine",
    "Line 4 workers and Unit 7 operators",
    "One worker said that the gate is locked; a woman agreed.",
    "Workers work 6 days a week and 10 hours a day.",
    "Between two shifts workers have no rest.",
    "One in ten workers is a minor.",
    "1,850 people and 2.5 million people",
    "5% of workers",
    "Convention No. 8 workers' rights",
    "Families of 5 to 7 live in huts.",
    "Una trabajadora dijo que no le pagan.",
    "Une ouvrière a parlé.",
    "Ein Arbeiter sagte das.",
    "Ocho trabajadores por cuarto",
    "Sechs Personen pro Zimmer",
    "二十三名工人签了名。",
    "第二名工人说的一样。",
    "每间宿舍住八人。",
    "工人12人",
    "ห้องละ 8 คน",
    "一名工人说",
    "workers on the line, on workers' days off",
)


def holds_small_group(text: str) -> bool:
    return Suspicion.SMALL_WORKFORCE in {each.suspicion for each in screen_text(text, field="narrative")}


@pytest.mark.parametrize("text", SMALL)
def test_small_group_is_suspected(text: str) -> None:
    assert holds_small_group(text)


@pytest.mark.parametrize("text", NOT_SMALL)
def test_number_that_is_no_small_group_is_not_suspected(text: str) -> None:
    assert not holds_small_group(text)


@pytest.mark.parametrize("number", range(2, FEWEST_PEOPLE))
def test_group_below_the_limit_is_suspected(number: int) -> None:
    assert holds_small_group(f"They hold {number} workers.")


@pytest.mark.parametrize("number", [FEWEST_PEOPLE, 12, 20, 100, 101, 1_000])
def test_group_at_the_limit_or_above_is_not_suspected(number: int) -> None:
    assert not holds_small_group(f"They hold {number} workers.")


@pytest.mark.parametrize("workers", [1, 2, FEWEST_PEOPLE - 1])
def test_workforce_below_the_limit_is_suspected(workers: int) -> None:
    found = screen_workforce(workers)
    assert found is not None
    assert (found.suspicion, found.field) == (Suspicion.SMALL_WORKFORCE, "workers")


@pytest.mark.parametrize("workers", [None, 0, -1, FEWEST_PEOPLE, 5_000])
def test_workforce_at_the_limit_or_unknown_or_none_is_not_suspected(workers: int | None) -> None:
    assert screen_workforce(workers) is None
