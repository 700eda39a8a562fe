import pytest

from symbolon.matching.reasons import in_words
from symbolon.suppliers.key_schemes import VERSIONS, scheme


@pytest.mark.parametrize("kind", VERSIONS)
def test_reasons_of_every_scheme_of_the_node_are_words(kind: str) -> None:
    """A kind of key without words would be shown to people by its name in the code."""
    assert in_words([scheme(kind)]) != scheme(kind)


@pytest.mark.parametrize(
    ("schemes", "words"),
    [
        ([], ""),
        (["lei.1"], "same LEI"),
        (["lei"], "same LEI"),
        (["lei.1", "lei.2"], "same LEI"),
        (["os-id.1", "lei.1"], "same OS ID; same LEI"),
        (["name-locality.1"], "same name and place"),
        (["name-locality.1", "name-postal.1"], "same name, place and postal code"),
        (["lei.1", "name-postal.1", "name-locality.1"], "same LEI; same name, place and postal code"),
        (["band-address.1"], "similar name, same street address"),
        (["lei.1", "band-address.1"], "same LEI; same street address"),
        (["duns-unchecked.1"], "same DUNS (no check digit)"),
        (["vat.1", "vat-unchecked.1"], "same VAT number; same VAT number (no check digit)"),
        (["newer-kind.7"], "newer-kind.7"),
    ],
)
def test_reasons_in_words_name_each_kind_once_strongest_first(schemes: list[str], words: str) -> None:
    assert in_words(schemes) == words
