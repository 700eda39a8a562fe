import pytest

from symbolon.errors import StorageError
from symbolon.suppliers.record import CANONICAL_HEADER, OPTIONAL_HEADER, Supplier


def test_headers_are_the_fields_of_a_supplier_in_order() -> None:
    assert (*CANONICAL_HEADER, *OPTIONAL_HEADER) == Supplier.__slots__


def test_to_json_leaves_empty_fields_out() -> None:
    assert (
        Supplier("7", "Öz", country="TR").to_json()
        == '{"supplier_id":"7","name":"Öz","country":"TR"}'.encode()
    )


@pytest.mark.parametrize(
    "data", [b"", b"[]", b'{"name":1}', b'{"nom":"x"}', b"\xff", b'{"name":"x"', b"null"]
)
def test_from_json_of_other_bytes_raises(data: bytes) -> None:
    with pytest.raises(StorageError) as caught:
        Supplier.from_json(data)
    assert caught.value.full_code == "storage.record"
