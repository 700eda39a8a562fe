"""The words by which the screening tells a person's name (docs/screening.md).

Handles: forms of address, roles of persons, words that say `named`, labels of forms; and the words that show
a capitalised run to be something else: an organisation, a place, a document, a month, a people, a language.
Refuses: lists of given names and family names. Half of the names of the world would be missing from them, and
many of those in them are also towns and firms; a few that are never anything else stand in `screening_names`.
"""

from typing import Final

from symbolon.signals.screening_terms import alternatives, search_for

ADDRESS: Final = (
    r"(?:Mr|Mrs|Ms|Miss|Mx|Mdm|Madam|Dr|Md|MD|Mst|Mosammat|Mosa|Mohd|Sr|Sra|Srta|[Ss]enor|[Ss]enora|[Ss]enorita|Dna"
    r"|[Dd]on|[Dd]ona|Seu|Mme|Mlle|[Mm]onsieur|[Mm]adame|[Mm]ademoiselle|Herr|Herrn|Frau|[Ss]ig|[Ss]igra|[Ss]ig\.ra"
    r"|[Ss]ignor|[Ss]ignora|[Ss]ignore|Dott|Pak|Bapak|Bu|Ibu|Sdr|Sdri|Mbak|Shri|Shree|Smt|Shrimati|Srimati|Kumari|Khun"
    r"|Daw|Haji|Hajji|Sheikh|Sayed|Syed|Mohammad|Mohammed|Muhammad|Mohamed|Bayan|Ustaz"
    r"|Uncle|Auntie|Aunt|Abang|Kuya|Sheik|Encik|Puan|Tuan|Cik|Sir)"
)
"""Forms of address, as they stand in a text without accents, capitals kept."""

VIETNAMESE_ADDRESS: Final = frozenset(("anh", "bà", "chị", "ông", "cô", "chú", "bác", "thím", "dì", "cậu"))
"""With their own accents, without which they are other words."""

ADDRESS_BEHIND: Final = (
    r"(?:Bey|Hanim|Bhai|Begum|Khatun|Khatoon|Bibi|Devi|Kaur|Akter|Akhter|Akhtar|Apa|Saheb|Sahib|Usta|Kumar|Kumari|Singh"
    r"|Yadav|Prasad|Thapa|Tamang|Gurung|Sharma|Hossain|Hossen|Uddin|Miah)"
)
"""Forms of address and parts of names that stand behind the name."""

ROLE: Final = alternatives(
    """
    prima, primo, hermano, hermana, cousin, abuelo, abuela, vecino, vecina, amigo, amiga, irmão, irmã,
    cunhado, fratello, sorella, cugino, cugina, bruder, schwester, freund, freundin, frère, soeur, ami,
    amie, voisin, voisine, spinner, cleaner, union rep, union representative, worker, labourer, laborer,
    employee, operator, supervisor, foreman, forewoman, manager, owner, director, boss, recruiter, agent,
    subagent, sub agent, broker, contractor, interviewee, witness, victim, source, whistleblower, driver,
    guard, cook, helper, leader, line chief, organiser, organizer, tailor, packer, cutter, mukadam,
    mukkadam, sardar, thekedar, jamadar, kafeel, captain, skipper, bosun, nurse, doctor, translator,
    interpreter, girl, boy, woman, man, mother, father, wife, husband, child, brother, sister, daughter,
    son, colleague, friend, migrant, seafarer, crewman, deckhand, trainee, apprentice, inspector, auditor,
    complainant, respondent, informant, middleman, caretaker, weaver, picker, fisherman, sewer, seamstress,
    welder, maid, headman, chairman, secretary, accountant, proprietor, trabajador, trabajadora, obrero,
    obrera, empleado, empleada, capataz, supervisora, jefe, jefa, gerente, encargado, encargada, dueño,
    dueña, patrón, patrona, contratista, enganchador, reclutador, reclutadora, testigo, entrevistado,
    entrevistada, víctima, jornalero, jornalera, mayordomo, niño, niña, compañero, compañera, chofer, mujer,
    hombre, ouvrier, ouvrière, travailleur, travailleuse, employé, employée, contremaître, superviseur,
    superviseuse, chef, gérant, gérante, patron, patronne, directeur, directrice, recruteur, témoin,
    salarié, salariée, passeur, intermédiaire, femme, homme, enfant, arbeiterin, vorarbeiter, vorarbeiterin,
    mitarbeiterin, aufseher, aufseherin, chefin, leiter, leiterin, vermittler, zeuge, zeugin, fahrer,
    kollege, kollegin, besitzer, schichtleiter, schichtleiterin, arbeiter, trabalhador, trabalhadora,
    operário, operária, empregado, empregada, encarregado, encarregada, patrão, aliciador, testemunha,
    vítima, dono, dona, fiscal, menino, menina, gato, coyote, lavoratore, lavoratrice, operaio, operaia,
    caporale, capo, titolare, padrone, dipendente, bracciante, testimone, intervistato, intervistata,
    datore di lavoro, donna, uomo, işçi, işçisi, ustabaşı, ustabaşısı, usta, müdür, müdürü, şef, şefi,
    patronu, tanık, dayıbaşı, aracı, formen, kadın, công nhân, tổ trưởng, quản lý, giám đốc, chuyền trưởng,
    môi giới, nhân viên, người lao động, nữ công nhân, pekerja, buruh, mandor, pengawas, manajer, calo,
    agen, saksi, karyawan, karyawati, bos, perempuan, mazdoor, majdoor, karmchari, malik
    """
)
"""What one person is: singular, so that `Dhaka, workers say` names nobody."""

BETWEEN: Final = alternatives(
    """
    a, an, the, one of the, one of our, our, my, his, her, their, who is a, who is the, who works as a, el,
    la, un, una, uno de los, una de las, nuestro, nuestra, le, une, l', der, die, ein, eine, unser, unsere,
    o, um, uma, il, lo, uno, bir, notre, nossa, nosso, nostro, nostra, su, sus, son, sa, ses, ihr, ihre,
    sein, seine, suo, sua, seu, seorang, một, the line, the night, the floor
    """
)
"""What stands between a name and the role that it is explained by."""

NAMED: Final = alternatives(
    """
    s'appelle, nennt sich,
    named, called, whose name is, who is called, known as, alias, llamado, llamada, de nombre, que se llama,
    se llama, apellidado, apellidada, nommé, nommée, appelé, appelée, qui s'appelle, du nom de, namens,
    mit namen, heisst, der heisst, die heisst, chamado, chamada, de nome, chama se, di nome, chiamato,
    chiamata, si chiama, bernama, tên là, conhecido como, conhecida como, conocido como, conocida como,
    connu sous le nom de, connue sous le nom de, bekannt als, detto, detta, dijuluki, tên, nam, naam
    """
)
"""What stands between a person and a name."""

OWN_NAME: Final = alternatives(
    """
    my name is, real name, her name is, his name is, name is, me llamo, su nombre es, mi nombre es,
    je m'appelle, il s'appelle, elle s'appelle, son nom est, ich heisse, sein name ist, ihr name ist,
    meu nome é, seu nome é, mi chiamo, il suo nome è, adım, tên tôi là, tên chị là, tên anh là, nama saya,
    namanya, mera naam, uska naam, iska naam
    """
)
"""What stands before a name."""

LABEL: Final = alternatives(
    """
    name, full name, first name, last name, surname, family name, worker name, worker's name,
    name of worker, name of the worker, interviewer, interviewers, auditor, auditors, lead auditor,
    translator, employee name, interviewee, interviewee name, respondent, informant, source, complainant,
    witness, contact person, victim, nombre, nombre completo, nombre y apellidos, apellidos, apellido,
    entrevistado, entrevistada, nom, nom complet, nom et prénom, prénom, nom de famille, name des arbeiters,
    name der arbeiterin, vorname, nachname, befragte, befragter, nome, nome completo, sobrenome, cognome,
    nome e cognome, intervistato, intervistata, ad soyad, adi soyadi, isim, adi, soyadi, ho ten, ho va ten,
    ten, ten cong nhan, nama, nama lengkap, nama pekerja, narasumber, naam
    """
)
"""What stands before a colon and a name."""

TELLS: Final = alternatives(
    """
    said, says, told me, told us, cuenta, contó, dice, dijo, relata, relató, explica, explicó, recuerda,
    recordó, denuncia, denunció, afirma, lamenta, raconte, explique, témoigne, sagt, sagte, erzählt,
    erzählte, berichtet, racconta, disse, conta, contou, lembra, kể
    """
)
"""What stands before the name of who tells; a comma or a full stop stands behind it."""

MET: Final = alternatives(
    """
    interview with, statement of, statement by, testimony of, testimony by, account of, story of, case of,
    complaint of, complaint by, death of, dismissal of, interview mit, entrevista con, entrevista a,
    entrevista com, entretien avec, intervista a, wawancara dengan, met, interviewed, spoke to, spoke with,
    talked to, talked with, entrevistamos a, hablamos con, avons rencontré, avons parlé à, sprachen mit,
    trafen, falamos com, abbiamo parlato con
    """
)
"""What stands before the name of who was met; two words or more, since firms are met too."""

UNDERGOES: Final = alternatives(
    """
    recalls, recalled, recounts, recounted, remembers, remembered, fled, escaped, fainted, was beaten,
    was slapped, was kicked, was hit, was punched, was raped, was locked, was deported, was threatened,
    was recruited, was born, was promised, was trafficked, was sold, was injured, was harassed, was abused,
    was sacked, was fired, was pregnant, is pregnant, got pregnant, was sent home, was told to, was made to,
    was forced to, was hospitalised, was hospitalized, broke down, cried, wept, and her husband,
    and his wife, says he, says she, said he, said she, who is pregnant, collapsed, miscarried,
    fue golpeado, fue golpeada, fue despedido, fue despedida, fue amenazado, fue amenazada, llegó engañado,
    llegó engañada, recuerda, cuenta que, relata que, contó que, a été frappé, a été frappée, a été battu,
    a été battue, a été licenciée, a été licencié, se souvient, raconte, wurde geschlagen, wurde entlassen,
    wurde bedroht, erzählt, erinnert sich, foi agredido, foi agredida, foi demitida, foi demitido, lembra,
    è stato picchiato, è stata picchiata, ricorda, racconta, bị đánh, kể, dipukul, bercerita, dövüldü,
    anlatıyor, ko pita, ko mara
    """
)
"""What only a person does or undergoes; it stands behind the name."""

PLACE_BEFORE: Final = search_for(
    """
    der, die, das, den, dem, des, ein, eine, einen, einem, einer, kein, keine, dieser, diese, jeder, jede,
    mein, unser, the, an, each, every, un, une, le, el, los, las, les, i, gli, os, uma, um, in,
    at, from, near, since, during, after, before, by, until, on, under, around, via, to, into, en, desde,
    durante, hasta, cerca de, à, a, depuis, pendant, avant, après, bei, aus, seit, nach, vor, im, em,
    presso, da, dal, dopo, prima, tai, o, di, dari, sejak, ketika, per, as, for, with, plus, and
    """
)
"""What stands before a place or a time."""

NOT_A_NAME: Final = frozenset(
    """
    a an the and or of in at on by for from to with this that these those it he she they we you i who all
    each every some no not none one two three four five six seven eight nine ten however moreover therefore
    furthermore meanwhile then there here also but so if when while where because although since until after
    before during under over according afterwards today yesterday later earlier once thus hence still yet
    both many most several other others another nobody everyone everybody someone somebody nothing such
    given unlike like instead finally first second third monday tuesday wednesday thursday friday saturday
    sunday january february march april may june july august september october november december spring
    summer autumn winter ramadan eid diwali christmas easter tet new year day night health safety committee
    union association rights representation representative representatives interview interviews survey
    surveys welfare hotline voice training code act law convention department ministry office hr id identity
    card contract contracts number unit line floor gate block building room zone dormitory dormitories camp
    camps protection sentiment diaries engagement management agency agencies manpower service services
    recruitment international group company co ltd limited llc inc corp corporation bhd sdn pvt private gmbh
    ag kg sa sas sarl srl spa llp plc pt cv tbk jsc holding holdings enterprise enterprises trading traders
    exports export imports import industries industry industrial factory factories mill mills plant textile
    textiles garment garments apparel fashion fashions knit knits knitwear clothing wear denim spinning
    weaving dyeing washing leather footwear seafood seafoods fisheries farm farms estate estates plantation
    plantations park sector plot phase area district province state city town village road rd street st
    avenue lane nagar bazar market bridge port harbour airport university hospital school police court
    tribunal government minister president board team staff grievance grievances mechanism policy policies
    procedure procedures report reports audit audits finding findings violation violations abuse labour
    labor forced child migrant migrants worker workers employee employees employer employers supplier
    suppliers buyer buyers brand brands retention wage wages overtime hours housing accommodation conditions
    passport passports permit permits visa fee fees payment payments statement testimony testimonies
    complaint complaints file form forms list note notes level grade class ngo ilo iom un eu us uk usa uae
    smeta bsci slcp iso osh ppe cctv ceo cfo hrd rba rmi wrap oecd bangladesh bangladeshi nepal nepali
    nepalese india indian pakistan pakistani sri lanka lankan myanmar burma burmese thailand thai malaysia
    malaysian indonesia indonesian vietnam vietnamese viet nam cambodia cambodian khmer laos lao china
    chinese taiwan taiwanese hong kong philippines filipino filipina korea korean japan japanese jordan
    jordanian qatar qatari saudi arabia arab arabic kuwait kuwaiti dubai mauritius mauritian madagascar
    malagasy kenya kenyan uganda ugandan ethiopia ethiopian ghana ghanaian nigeria nigerian mexico mexican
    guatemala guatemalan honduras haitian haiti dominican brazil brazilian peru peruvian bolivia bolivian
    venezuela venezuelan colombia colombian turkey turkish türkiye turkiye syrian syria afghan afghanistan
    uzbek uzbekistan turkmenistan turkmen kazakh tajik kyrgyz uyghur uighur xinjiang tibetan romania
    romanian bulgaria bulgarian ukraine ukrainian poland polish italy italian spain spanish france french
    germany german portugal portuguese english hindi bengali urdu tamil telugu odia marathi punjabi gujarati
    rohingya muslim christian hindu buddhist dalit africa african asia asian europe european america
    american times post news guardian reuters bloomberg herald tribune daily press media journal kafala
    covid excel whatsapp facebook google telegram wechat zalo viber tiktok instagram youtube mexicano
    mexicana peruano peruana boliviano boliviana haitiano haitiana guatemalteco guatemalteca migrante
    migrantes agricola agricolas social sindicato comite empresa fabrica seguridad salud recursos humanos
    contrato sante securite syndicat entreprise usine travail droit contrat contrats personnel sicherheit
    gesundheit gewerkschaft betriebsrat fabrik unternehmen vertrag lohn arbeit pass pässe passe deutschland
    saude seguranca sicurezza salute sindacato azienda contratto guvenlik saglik sendika fabrika cong ty nha
    nguoi dong ha noi ho chi minh pabrik perusahaan serikat jakarta surabaya batam jawa anyone anybody
    whoever turnover unrest harassment feedback comments comment account accounts details profile profiles
    history record records age ages status count ratio summary overview quote quotes story stories case
    cases register sheet payslip payslips schedule shift shifts selection testimonials recruits teams member
    members leader leaders chief head lead officer officers hall muang rim ria resources human watch clean
    clothes campaign fair foundation institute centre center council network coalition federation forum
    initiative alliance society trust fund bank
    """.split()
)
"""Capitalised words that are no part of a name, in lower case and without accents."""

DETERMINERS: Final = frozenset(
    """
    der die das den dem des ein eine einen einem einer kein keine le la les un une el los las lo il gli una
    uno o os as um uma the a an my our his her their this that
    """.split()
)
"""With a capital at the beginning of a sentence; in longer names they are a part, as in Lê Văn Tám."""

GERMAN_ARTICLES: Final = frozenset("der die das ein eine unser unsere ihr ihre sein seine mein meine".split())
"""Behind them a noun is as capitalised as a name: one word says nothing."""

NOT_OF_A_PERSON: Final = search_for(
    """
    factory, factories, company, supplier, suppliers, vendor, site, facility, plant, agency, agencies,
    vessel, ship, boat, employer, brand, buyer, product, file, village, town, city, district, camp, market,
    firm, business, group, recruiter's, organisation, organization, union, association, building, street,
    road, unit, line, machine, chemical, app, software, system, scheme, law, document, form, parent, mill,
    farm, estate, zone, park, school, hotel, hostel, shop, store, fábrica, empresa, proveedor, planta,
    agencia, barco, aldea, pueblo, ciudad, usine, entreprise, fournisseur, société, agence, navire, ville,
    fabrik, firma, unternehmen, lieferant, agentur, dorf, stadt, schiff, fornecedor, agência, navio,
    azienda, fabbrica, fornitore, agenzia, nave, paese, tedarikçi, şirket*, fabrika*, köy, gemi, cong ty,
    nha may, tau, lang, pabrik, perusahaan, kapal, desa, kota, organización, sindicato, syndicat, marca
    """
)
"""Whose name may be written."""

STREET_BEHIND: Final = (
    "[ ,]{1,2}(?:street|st|road|rd|avenue|ave|ward|district|lane|nagar|bazar|market|park|bridge|hospital"
    "|school|university|airport|city|colony|chowk|marg)(?![a-z])"
)
"""Behind a name that is the name of a place."""

HAN_SURNAMES: Final = (
    "张(?![贴开口])|王|李|赵|刘|陈(?![述列旧])|杨|吴|徐|孙|朱|胡(?![同乱])|郭|林(?!业)|罗(?!列)|郑(?!重)|梁|谢(?!绝)|宋|唐|邓|冯|韩(?![国籍])|曹|彭|蔡|潘"
    "|袁|董(?!事)|蒋|杜(?!绝)|苏|魏|吕|沈(?!阳)|姚|卢|姜|崔|钟(?![点头])|谭|陆(?!续)|汪|廖|贾|韦|黄(?![色金])|周(?![末一二三四五六日围期薪工])|張|劉|陳|楊|吳|孫|趙|鄭"
)
"""Common family names that begin no other word behind a role."""
