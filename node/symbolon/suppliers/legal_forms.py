"""Which words of a name are its legal form (docs/matching.md, Names).

Handles: abbreviated and written-out forms of most countries suppliers come from, folded as names are. Forms
that are a word or a name somewhere else count in the countries they belong to only.
Refuses: to cut anything out of a name; that is supplier_names.

Source: the tables below, and those of cleanco (its terms by type and by country).
"""

from typing import Final

import cleanco

from symbolon.suppliers.country_names import find_name
from symbolon.suppliers.folding import fold, tokens, word_set

LEGAL_WORDS: Final = word_set(
    """
    bhd co company coltd corp corporation cv doo firm gmbh inc incorporated jsc kft lda limitada limited
    llc llp ltd ltda lp lllp mbh ood pte pty private plc pvt sarl sdn sl srl sro tbk unipessoal
    unlimited
    """
)
"""Taken out wherever they stand in a name."""

LEGAL_WORDS_BY_COUNTRY: Final[dict[str, frozenset[str]]] = {
    "TR": word_set(
        """
    san sanayi sanayii tic ticaret ve sti sirketi limited ltd as a s dis ith ihr ithalat ihracat
    """
    ),
    "ID": frozenset({"pt", "cv", "tbk", "ud"}),
    "RO": frozenset({"sc", "srl", "sa"}),
    "PL": frozenset({"sp", "z", "oo", "spolka"}),
    "IT": frozenset({"spa", "srl", "snc", "sas"}),
    "FR": frozenset({"sas", "sarl", "sa", "eurl", "snc"}),
    "PT": frozenset({"lda", "sa", "unipessoal"}),
    "MX": frozenset({"sa", "cv", "rl", "de"}),
    "KZ": frozenset({"too", "ao", "zhshs"}),
    "VN": frozenset({"tnhh", "mtv", "dntn"}),
}
"""Short words that are a legal form in one country and part of a name in another; taken out anywhere."""

START_WORDS: Final = word_set("pt cv sc ooo oao zao pao ojsc pjsc cjsc tov tzov dooel ud")
"""Forms that stand before the name."""

_SHORT_FORMS: Final = word_set(
    """
    ab abp ad ae ag ao aps as asa bv bvba cjsc dd dooel ead ehf eirl ek eood epe esv eurl fze fzc fzco
    gbr gesbr gesmbh gie gk gp iks jv kb kda kg kgaa kk lc ll ltee mmc mtd nv nyrt oao ohf ohg
    ojsc ooo opc oy oyj pao pc pjsc pllc psc psu qsc sa saa sab sae sagl saoc saog sapa sapi sarlau
    sas sasu sau sca scpa scrl scs se sgps sia sll slne slu snc spc sprl srls stg sti tdv tnhh tov tzov
    uab ug unltd vof vos vzw wll yk zao zat zoo zrt
    """
)
"""Abbreviations and single words that are a form at the end of a name, in every country."""

_LONG_FORMS: Final = """
    limited liability company | limited company | limited liability partnership | limited partnership
    general partnership | professional corporation | professional limited liability company
    public limited company | public company limited | public company | private company limited
    private limited | private limited company | company limited | proprietary limited | one person company
    limited by guarantee | joint stock company | jointstock company | joint stock co | joint stock
    open joint stock company | closed joint stock company | public joint stock company
    private joint stock company | joint stock corporation | joint venture | sole proprietorship
    sole proprietor | single member company | single member llc | free zone establishment
    free zone company | fz llc | fz co | with limited liability | and company | co operative society
    pvt ltd | pty ltd | pte ltd | co ltd | co llc | pt tbk | sdn bhd
    gmbh co kg | gmbh co ohg | gmbh co kgaa | mbh co kg | ag co kg | ug haftungsbeschrankt
    gesellschaft mit beschrankter haftung | gesellschaft mbh | ges mbh | aktiengesellschaft
    kommanditgesellschaft | offene handelsgesellschaft | eingetragene genossenschaft | eingetragener verein
    eingetragener kaufmann | gesellschaft burgerlichen rechts
    societe anonyme | societe a responsabilite limitee | societe par actions simplifiee
    societe en nom collectif | societe en commandite | entreprise unipersonnelle a responsabilite limitee
    besloten vennootschap | naamloze vennootschap | vennootschap onder firma
    societa per azioni | societa a responsabilita limitata | societa in nome collettivo
    societa cooperativa | in liquidazione | unipersonale | societa a responsabilita limitata semplificata
    sociedad anonima | sociedad anonima de capital variable | sociedad de responsabilidad limitada
    sociedad de responsabilidad limitada de capital variable | sociedad limitada | sociedad cooperativa
    sociedad anonima cerrada | sociedad por acciones simplificada | sociedad limitada unipersonal
    sa de cv | sab de cv | sapi de cv | s de rl | s de rl de cv | de rl de cv | de cv | s en c | s en nc
    spr de rl | sc de rl | sc de rl de cv | spr de rl de cv | cia ltda | compania limitada | y cia | e cia
    y compania
    sociedade anonima | sociedade limitada | limitada me | ltda me | ltda epp | sociedade unipessoal
    unipessoal lda | sociedade por quotas
    anonim sirketi | limited sirketi | ltd sti | san ve tic as | san ve tic ltd sti | sanayi ve ticaret
    san ve tic | sanayi ve ticaret anonim sirketi | sanayi ve ticaret limited sirketi | kollektif sirketi
    spolka z oo | spolka z ograniczona odpowiedzialnoscia | spolka akcyjna | spolka jawna
    spolka komandytowa | sp z oo | sp zoo | sp z oo sp k | sp z oo spolka komandytowa | sp k
    spolecnost s rucenim omezenym | spolocnost s rucenim obmedzenym | akciova spolecnost | spol s ro
    ver obch spol | korlatolt felelossegu tarsasag | reszvenytarsasag
    drustvo s ogranicenom odgovornoscu | drustvo sa ogranicenom odgovornoscu
    dionicko drustvo | akcionarsko drustvo | druzba z omejeno odgovornostjo | sh pk | sh a
    societate cu raspundere limitata | societate pe actiuni
    obshchestvo s ogranichennoy otvetstvennostyu | aktsionernoe obshchestvo
    zakrytoe aktsionernoe obshchestvo | otkrytoe aktsionernoe obshchestvo
    publichnoe aktsionernoe obshchestvo | tovarishchestvo s ogranichennoy otvetstvennostyu
    tovaristvo z obmezhenoyu vidpovidalnistyu | tovarystvo z obmezhenoyu vidpovidalnistyu
    privatne aktsionerne tovaristvo | druzhestvo s ogranichena otgovornost
    osakeyhtio | aktiebolag | aktieselskab | anpartsselskab | aksjeselskap | osauhing | aktsiaselts
    perseroan terbatas | usaha dagang | commanditaire vennootschap | sendirian berhad | berhad
    kabushiki kaisha | kabushikigaisha | godo kaisha | yugen kaisha | chusik hoesa | jusik hoesa
    youxian gongsi | gufen youxian gongsi
    cong ty tnhh | cong ty tnhh mtv | cong ty tnhh mot thanh vien | cong ty co phan | cong ty cp | cong ty
    cong ty trach nhiem huu han | doanh nghiep tu nhan | mot thanh vien
    ltd co | ltd corp | etaireia periorismenis efthynis | anonymi etaireia
"""
"""Forms of several words, and long words, in every country: at the end of a name, or at its start."""

_NOT_FORMS: Final = frozenset({"coop", "etat", "ent", "eg", "ei"})
"""Terms of cleanco that are common words or name a sector."""

_MISSPELT: Final = {"Columbia": "CO", "Luxemborg": "LU"}
"""Countries as cleanco spells them."""

_FEW_LETTERS: Final = 4
"""A form of cleanco with fewer letters counts in the countries cleanco lists it for only."""

_START_CHARS: Final = 9
"""A form of two words or more and this many characters, blanks too, comes off the start of a name as well."""


def _folded(term: str) -> str:
    return " ".join(tokens(fold(term.replace("/", ""))))


def _long_forms() -> frozenset[str]:
    lines = _LONG_FORMS.replace("\n", "|").split("|")
    return frozenset(" ".join(form.split()) for form in lines) - {""}


def _by_country() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for name, term in cleanco.countrysources():
        if code := _MISSPELT.get(name) or find_name(name):
            found.setdefault(code, set()).add(_folded(term))
    return {code: frozenset(forms) - _NOT_FORMS for code, forms in found.items()}


def _everywhere() -> frozenset[str]:
    listed = {_folded(term) for _, term in (*cleanco.typesources(), *cleanco.countrysources())}
    long_enough = {form for form in listed if len(form.replace(" ", "")) >= _FEW_LETTERS}
    return (LEGAL_WORDS | _SHORT_FORMS | _long_forms() | long_enough) - _NOT_FORMS


FORMS: Final = _everywhere()
"""Forms at the end of a name, whatever its country."""

MAX_FORM_WORDS: Final = max(form.count(" ") + 1 for form in FORMS)

_FORMS_BY_COUNTRY: Final = _by_country()
_LEADING: Final = START_WORDS | {form for form in FORMS if " " in form and len(form) >= _START_CHARS}
_FIRST_WORDS: Final = frozenset(form.split()[0] for form in _LEADING)
_LAST_WORDS: Final = frozenset(form.split()[-1] for form in FORMS.union(*_FORMS_BY_COUNTRY.values()))


def is_legal_form(words: str, country: str = "") -> bool:
    """Is this, in folded words, a legal form and nothing else, in every country or in the one named?"""
    return words in FORMS or words in _FORMS_BY_COUNTRY.get(country, ())


def leading_form_words(words: list[str]) -> int:
    """How many words at the start of a name are a legal form, at most; at least one word stays."""
    if words[0] not in _FIRST_WORDS:
        return 0
    counts = range(min(MAX_FORM_WORDS, len(words) - 1), 0, -1)
    return next((count for count in counts if " ".join(words[:count]) in _LEADING), 0)


def closing_form_words(words: list[str], country: str) -> int:
    """How many words at the end of a name are a legal form, at most; at least one word stays."""
    if words[-1] not in _LAST_WORDS:
        return 0
    counts = range(min(MAX_FORM_WORDS, len(words) - 1), 0, -1)
    return next((count for count in counts if is_legal_form(" ".join(words[-count:]), country)), 0)
