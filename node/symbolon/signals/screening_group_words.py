"""The words of small groups, by language (docs/screening.md).

Handles: for each language its numbers from two to ten, the words for people, and what may stand between them.
A number and a people of two languages never meet: Turkish `on` is ten, and an English preposition. The number
one is left out: in most languages it is the article. Terms are written as `screening_terms` says.
"""

from dataclasses import dataclass
from typing import Final

from symbolon.signals.screening_terms import alternatives, search_for


@dataclass(frozen=True, slots=True)
class Language:
    """How one language counts people: lists of terms.

    Attributes:
        numbers: from two to ten, in words.
        people: many persons.
        between: what may stand between the number and the people.
        only: what says that there is no other, said of one person.
        person: one person.
    """

    numbers: str
    people: str
    between: str
    only: str
    person: str


_DEMONYMS: Final = """
    nepali, nepalis, nepalese, bangladeshi, bangladeshis, burmese, indonesian, indonesians, indian, indians,
    vietnamese, filipino, filipinos, filipina, filipinas, cambodian, cambodians, thai, thais, lao, laotian,
    chinese, pakistani, pakistanis, sri lankan, sri lankans, ethiopian, ethiopians, kenyan, kenyans,
    ugandan, ugandans, ghanaian, ghanaians, nigerian, nigerians, eritrean, uzbek, uzbeks, kyrgyz, tajik,
    tajiks, turkmen, north korean, north koreans, haitian, haitians, mexican, mexicans, guatemalan,
    guatemalans, honduran, hondurans, nicaraguan, venezuelan, venezuelans, bolivian, bolivians, syrian,
    syrians, afghan, afghans, egyptian, egyptians, moroccan, romanian, romanians, bulgarian, bulgarians,
    ukrainian, ukrainians, moldovan, malagasy, rohingya, uyghur, uyghurs, dalit, tibetan, tibetans, african,
    africans, ivorian, burkinabe, malian, malians, zimbabwean, mozambican, congolese, sudanese, somali,
    yemeni
    """
LANGUAGES: Final = (
    Language(
        numbers="two, three, four, five, six, seven, eight, nine, ten, both, a couple of, a pair of",
        people="""
            workers, labourers, laborers, employees, migrants, operators, women, men, girls, boys, children,
            persons, people, interviewees, victims, packers, pickers, sewers, tailors, fishers, fishermen,
            fishworkers, crew, crewmen, crew members, seafarers, guards, cooks, drivers, apprentices,
            trainees, interns, refugees, prisoners, detainees, nationals, minors, adolescents, youths,
            helpers, cutters, welders, machinists, weavers, farmworkers, farm workers, harvesters, families,
            households, supervisors, foremen, managers, cleaners, deckhands, observers, brothers, sisters,
            cousins, colleagues, witnesses, kids, teenagers, ladies, members of staff, staff members,
            mothers, couples, dyers, spinners, loaders, miners, quarry workers, brickmakers, kiln workers,
            domestic workers, union members, union leaders, staff,
            """
        + _DEMONYMS,
        between="""
            of, of the, of these, of those, of our, of his, of her, of its, of their, the, these, those,
            our, other, more, remaining, last, migrant, foreign, local, female, male, women, young, younger,
            older, former, current, new, injured, pregnant, underage, under age, minor, temporary, seasonal,
            contract, agency, day, night, shift, permanent, interviewed, undocumented, trafficked,
            indigenous, muslim, hindu, christian, adult, skilled, unskilled, line, factory, garment,
            production, sewing, dyeing, kitchen, cleaning, security, teenage, adolescent, child, disabled,
            widowed, unmarried, single, married, elderly, bonded, forced, dismissed, fired, deported,
            escaped, runaway, dead, sick, ill, tribal, low caste, forklift, truck, boiler, guest,
            contracted, apprentice,
            """
        + _DEMONYMS,
        only="only, sole, lone",
        person="""
            worker, labourer, laborer, employee, migrant, operator, woman, man, girl, boy, child, person,
            interviewee, packer, picker, tailor, fisherman, seafarer, guard, cook, driver, apprentice,
            trainee, refugee, national, minor, helper, cutter, welder, weaver, supervisor, foreman, cleaner,
            witness, family, nurse, female, male, foreigner, muslim, hindu, christian, mother, widow,
            survivor, interpreter, union member, union leader,
            """
        + _DEMONYMS,
    ),
    Language(
        numbers="dos, tres, cuatro, cinco, seis, siete, ocho, nueve, diez, ambos, ambas",
        people="""
            trabajadores, trabajadoras, obreros, obreras, empleados, empleadas, migrantes, mujeres, hombres,
            niñas, niños, personas, jornaleros, jornaleras, haitianos, haitianas, guatemaltecos, hondureños,
            bolivianos, peruanos, venezolanos, venezolanas, nicaragüenses, mexicanos, indígenas, menores,
            familias, testigos, entrevistados, entrevistadas, compañeros, compañeras, operarios, operarias,
            costureras, cortadores, pescadores, tripulantes, extranjeros, embarazadas, cocineras,
            supervisores
            """,
        between="""
            de los, de las, de, los, las, otros, otras, jóvenes, migrantes, extranjeros, extranjeras
            """,
        only="único, única",
        person="""
            trabajador, trabajadora, obrero, obrera, empleado, empleada, mujer, hombre, niño, niña, persona,
            migrante, extranjero, extranjera, testigo, haitiano, haitiana, supervisora, cocinera, jornalero,
            jornalera, operaria, menor, indígena
            """,
    ),
    Language(
        numbers="deux, trois, quatre, cinq, six, sept, huit, neuf, dix",
        people="""
            ouvriers, ouvrières, travailleurs, travailleuses, employés, employées, migrants, migrantes,
            femmes, hommes, enfants, personnes, filles, garçons, salariés, salariées, saisonniers, mineurs,
            familles, témoins, couturières, pêcheurs, marins, marocains, tunisiens, maliens, sénégalais,
            népalais, malgaches, ivoiriens, stagiaires, apprentis, collègues, gardiens
            """,
        between="des, de, de ces, autres, jeunes, des autres",
        only="seul, seule, unique",
        person="""
            ouvrier, ouvrière, travailleur, travailleuse, employé, employée, femme, homme, enfant, mineur,
            mineure, personne, fille, migrant, migrante, étranger, étrangère, témoin, salarié, salariée,
            gardien, cuisinière
            """,
    ),
    Language(
        numbers="zwei, drei, vier, fünf, sechs, sieben, acht, neun, zehn, beide, beiden",
        people="""
            arbeiter, arbeitern, arbeiterinnen, beschäftigte, beschäftigten, mitarbeiter, mitarbeitern,
            mitarbeiterinnen, frauen, männer, männern, kinder, kindern, personen, migranten, migrantinnen,
            jugendliche, mädchen, jungen, näherinnen, fahrer, köche, wanderarbeiter, leiharbeiter,
            saisonarbeiter, erntehelfer, familien, rumänen, bulgaren, nepalesen, zeugen, auszubildende,
            schwangere, kollegen, kolleginnen
            """,
        between="""
            der, von, der befragten, anderen, andere, weitere, junge, jungen, ausländische, ausländischen,
            rumänische, rumänischen, bulgarische, bulgarischen, nepalesische, nepalesischen, polnische,
            polnischen, weibliche, weiblichen, minderjährige, minderjährigen, schwangere, schwangeren,
            befragte, befragten
            """,
        only="einzige, einziger, einzigen, einzig",
        person="""
            arbeiter, arbeiterin, frau, mann, kind, person, mitarbeiter, mitarbeiterin, migrant, migrantin,
            beschäftigte, näherin, fahrer, zeuge, zeugin, köchin, nepalese, rumänin
            """,
    ),
    Language(
        numbers="dois, duas, três, quatro, cinco, seis, sete, oito, nove, dez, ambos, ambas",
        people="""
            trabalhadores, trabalhadoras, operários, operárias, empregados, empregadas, migrantes, mulheres,
            homens, crianças, pessoas, meninas, meninos, funcionários, funcionárias, haitianos, bolivianos,
            venezuelanos, adolescentes, famílias, testemunhas, costureiras, pescadores, colegas, menores,
            indígenas
            """,
        between="dos, das, de, os, as, outros, outras, jovens",
        only="único, única",
        person="""
            trabalhador, trabalhadora, operário, operária, empregado, empregada, mulher, homem, criança,
            pessoa, migrante, menina, menino, testemunha, cozinheira, costureira, menor
            """,
    ),
    Language(
        numbers="due, tre, quattro, cinque, sei, sette, otto, nove, dieci, entrambi, entrambe",
        people="""
            lavoratori, lavoratrici, operai, operaie, braccianti, dipendenti, migranti, donne, uomini,
            bambini, persone, ragazze, ragazzi, indiani, pakistani, bengalesi, rumeni, africani, famiglie,
            testimoni, minori, cinesi, colleghi
            """,
        between="dei, delle, degli, di, altri, altre, i, le, giovani",
        only="unico, unica, sola, solo",
        person="""
            lavoratore, lavoratrice, operaio, operaia, bracciante, dipendente, donna, uomo, persona,
            ragazza, migrante, testimone, minore
            """,
    ),
    Language(
        numbers="iki, üç, dört, beş, altı, yedi, sekiz, dokuz, on",
        people="""
            işçi, işçinin, işçiye, işçiyi, işçiden, işçiler, kadın, kadının, erkek, çocuk, çocuğun, göçmen,
            göçmenin, çalışan, çalışanın, kişi, suriyeli, afgan, mülteci, stajyer, tanık, aile
            """,
        between="kadın, göçmen, suriyeli, afgan, genç, çocuk, yabancı, kayıtsız",
        only="tek",
        person="kadın, işçi, erkek, göçmen, suriyeli, çalışan, tanık, çocuk, yabancı",
    ),
    Language(
        numbers="hai, ba, bốn, sáu, bảy, tám, chín, mười",
        people="""
            công nhân, nữ công nhân, người lao động, lao động, phụ nữ, trẻ em, người, em bé, thuyền viên,
            bé gái, bé trai
            """,
        between="nữ, người, em, đứa",
        only="duy nhất",
        person="công nhân, phụ nữ, người, lao động, nữ",
    ),
    Language(
        numbers="""
            dua, tiga, empat, lima, enam, tujuh, delapan, sembilan, sepuluh, kedua, ketiga, keempat
            """,
        people="""
            pekerja, buruh, perempuan, wanita, laki laki, anak, karyawan, migran, orang, saksi, nelayan,
            abk, keluarga
            """,
        between="orang, dari, anak",
        only="satu satunya",
        person="pekerja, buruh, perempuan, wanita, karyawan, orang, saksi, migran",
    ),
    Language(
        numbers="""
            दो, तीन, चार, पांच, पाँच, छह, छः, सात, आठ, नौ, दस, दोनों, teen, char, chaar, paanch, chhe, saat,
            aath, nau, das
            """,
        people="""
            मजदूर*, श्रमिक*, कामगार*, महिला*, औरत*, बच्च*, लड़क*, लोग*, कर्मचारी*, प्रवासी*, आदमी*, परिवार*,
            mazdoor*, majdoor*, mahila*, aurat*, bacche, bachche, ladki*, ladke*, log, logon, parivar
            """,
        between="नाबालिग, किशोर, नेपाली, बंगाली, प्रवासी, महिला, बाल, दलित, युवा, nepali, mahila, pravasi",
        only="एकमात्र, अकेली, अकेला, इकलौती, इकलौता, eklauti, eklauta",
        person="""
            महिला, मजदूर, श्रमिक, औरत, लड़की, कामगार, कर्मचारी, आदमी, mahila, aurat, mazdoor, ladki
            """,
    ),
    Language(
        numbers="""
            দুই, দুজন, দুইজন, তিন, তিনজন, চার, চারজন, পাঁচ, পাঁচজন, ছয়, ছয়জন, সাত, সাতজন, আট, আটজন, নয়জন,
            দশ, দশজন
            """,
        people="শ্রমিক*, নারী*, মহিলা*, শিশু*, কর্মী*, কর্মচারী*, মেয়ে*, ছেলে*, মানুষ*, পরিবার*",
        between="জন, নেপালি, রোহিঙ্গা, নারী, শিশু, অভিবাসী, পোশাক",
        only="একমাত্র",
        person="নারী*, মহিলা*, শ্রমিক*, কর্মী*, মেয়ে*",
    ),
    Language(
        numbers="""
            ثلاثه, ثلاث, اربعه, اربع, خمسه, خمس, سته, ست, سبعه, سبع, ثمانيه, ثماني, تسعه, تسع, عشره, عشر
            """,
        people="عمال, عاملات, نساء, رجال, اطفال, اشخاص, مهاجرين, نيباليين, موظفين, بنات, فتيات, شهود",
        between="من",
        only="وحيد*, وحيده",
        person="عامل*, عامله, امراه, مراه, رجل, موظف*, فتاه, شاهد*",
    ),
)
"""Those in which words stand between blanks; digits before the people of any of them count as well."""

THOSE: Final = alternatives("the, those, these, all, los, las, les, gli, le, os, as")
WHO: Final = alternatives("who, que, qui, che")
"""With a number between, people who are not named again: `the two who complained`."""

WORKFORCE_OF: Final = alternatives(
    """
    staff of,
    workforce of, a staff of, crew of, team of, headcount of, headcount is, headcount:, plantilla de,
    equipo de, tripulación de, effectif de, équipe de, équipage de, belegschaft von, equipe de, squadra di,
    organico di
    """
)
"""What a number of people stands behind."""

EACH_BEFORE: Final = search_for(
    """
    each, every, per, groups of, teams of, rooms of, rooms for, one for, a toilet for, toilet for,
    shower for, shared by, shared with, cada, grupos de, chaque, par, groupes de, jedes, jeder, je,
    gruppen von, cada quarto, por, ogni, gruppi di, her oda*, her odada, mỗi, mỗi phòng, setiap, tiap,
    प्रति, हर, प्रत्येक, har, প্রতি, প্রতিটি, كل, لكل, في كل
    """
)
"""Words in front of a number that is one of each, and not of those who are there."""

EACH_BEHIND: Final = search_for(
    """
    per, to a, to each, in each, a room, in one room, in a room, share, shares, shared, sharing, to one,
    in a single room, in the same room, in one hut, por habitación, por cuarto, en cada, en un espacio,
    en un cuarto, en una habitación, dans une chambre, dans une pièce, in einem raum, comparten,
    par chambre, par pièce, partagent, pro zimmer, pro raum, teilen, in einem zimmer, por quarto, em cada,
    per stanza, dividono, oda başına, bir odada, một phòng, mot phong, per kamar, sekamar, प्रति कमरा,
    एक कमरे, ek kamre, এক রুমে, এক ঘরে, في غرفه, في كل
    """
)
"""The same behind the people."""

ROOM_EACH: Final = search_for(
    """
    room*, dorm*, cabin*, bunk*, bed, beds, hostel*, hut, huts, tent*, container*, flat, flats, house,
    houses, apartment*, machine*, toilet*, shower*, table*, boat*, team*, group*
    """
)
"""What makes `eight workers each` a number of each."""

BOUND: Final = search_for(
    """
    more than, at least, over, fewer than, less than, under, up to, above, below, no more than, minimum of,
    maximum of, most, más de, menos de, al menos, por lo menos, hasta, plus de, moins de, au moins,
    mehr als, weniger als, mindestens, über, unter, mais de, pelo menos, più di, meno di, almeno, fazla, az,
    en az, trên, hon, it nhat, duoi, lebih dari, kurang dari, minimal, कम से कम, से अधिक, से कम, kam se kam,
    অন্তত, কমপক্ষে, اكثر من, اقل من, على الاقل
    """
)
"""Words in front of a number that is a bound."""

LABELLED: Final = search_for(
    """
    unit, line, floor, block, section, gate, building, article, art, no, nos, convention, grade, phase,
    level, shift, clause, category, class, page, week, day, room, dorm, dormitory, zone, sector, plot,
    workshop, annex, chapter, tier, smeta, group, in, figure, table, form, age, aged, línea, artículo,
    ligne, linie, artikel, artigo, linha, linea, articolo, hat
    """
)
"""Words that make the number behind them a label."""
