from pathlib import Path

import pytest

from symbolon.errors import InputError
from symbolon.suppliers.encoding import SAMPLE_BYTES, find_encoding

ROW = "7,Çelik Örme Sanayi,Düzce,TR\n"
TEXT = "supplier_id,name,city,country\n" + ROW


def _file(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "list.csv"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("encoded", "label"),
    [
        (TEXT.encode(), "UTF-8"),
        (TEXT.encode("utf-8-sig"), "UTF-8 with BOM"),
        (TEXT.encode("utf-16"), "UTF-16 with BOM"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "UTF-16 with BOM"),
        (TEXT.encode("utf-16-le"), "UTF-16 LE"),
        (TEXT.encode("utf-16-be"), "UTF-16 BE"),
        (TEXT.encode("cp1252", "replace"), "Windows-1252"),
        (b"supplier_id,name,country\n", "UTF-8"),
    ],
)
def test_encoding_is_detected(tmp_path: Path, encoded: bytes, label: str) -> None:
    found = find_encoding(_file(tmp_path, encoded))
    assert (found.label, found.detected, found.broken) == (label, True, 0)


@pytest.mark.parametrize("tail", ["8,Café,FR\n".encode("cp1252"), "8,Café,FR\n".encode()])
def test_encoding_first_special_byte_far_behind_the_sample_decides(tmp_path: Path, tail: bytes) -> None:
    head = b"supplier_id,name,country\n" + b"1,plain,FR\n" * (3 * SAMPLE_BYTES // 11)
    found = find_encoding(_file(tmp_path, head + tail))
    assert (head + tail).decode(found.codec).endswith("8,Café,FR\n")


def test_encoding_utf8_with_one_broken_byte_stays_utf8(tmp_path: Path) -> None:
    found = find_encoding(_file(tmp_path, TEXT.encode() + ROW.encode() * 20 + b"9,caf\xe9,FR\n"))
    assert (found.codec, found.broken) == ("utf-8", 1)


def test_encoding_two_byte_script_is_refused_with_a_name_to_try(tmp_path: Path) -> None:
    chinese = "supplier_id,name,country\n" + "1,深圳市服装有限公司,CN\n" * 40
    with pytest.raises(InputError) as caught:
        find_encoding(_file(tmp_path, chinese.encode("gb18030")))
    assert caught.value.full_code == "input.encoding"
    assert "--encoding" in (caught.value.hint or "")


def test_encoding_named_is_taken(tmp_path: Path) -> None:
    chinese = "supplier_id,name,country\n1,深圳市服装有限公司,CN\n"
    found = find_encoding(_file(tmp_path, chinese.encode("gb18030")), "gb18030")
    assert (found.codec, found.detected) == ("gb18030", False)


@pytest.mark.parametrize("named", ["utf-8", "ascii", "no-such", "base64", "utf-16"])
def test_encoding_named_that_does_not_fit_is_refused(tmp_path: Path, named: str) -> None:
    with pytest.raises(InputError) as caught:
        find_encoding(_file(tmp_path, b"supplier_id,name\n1,caf\xe9\n1"), named)
    assert caught.value.full_code == "input.encoding"


@pytest.mark.parametrize("data", [b"", b" \r\n\t\n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_encoding_of_an_empty_file_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        find_encoding(_file(tmp_path, data))
    assert caught.value.full_code == "input.empty"


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04" + bytes(100),
        b"\xd0\xcf\x11\xe0" + bytes(100),
        b"%PDF-1.7\n",
        b"\x1f\x8b\x08",
        bytes(range(1, 32)) * 20,
        bytes(5000),
        b"\x7fELF" + bytes(range(256)),
    ],
)
def test_encoding_of_a_binary_file_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        find_encoding(_file(tmp_path, data))
    assert caught.value.full_code in {"input.binary", "input.empty"}
    assert caught.value.hint
