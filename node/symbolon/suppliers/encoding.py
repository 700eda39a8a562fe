"""Which encoding a text file is in, found in one streaming pass (docs/matching.md, Reading a list).

Handles: UTF-8 with and without BOM, UTF-16 in both orders with BOM or recognisable without, Windows-1252, or
any encoding of Python that the operator names. The whole file is validated, so that a first non-ASCII byte
far behind the start decides rightly. A file that is UTF-8 but for a few broken bytes stays UTF-8; the rows
that hold them are reported by the reader.
Refuses with `InputError`: an empty file, binary files (spreadsheets, archives, PDF, images), a named
encoding that is unknown or that the bytes break, and text of which the encoding cannot be told.
"""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from charset_normalizer import from_bytes

from symbolon.errors import InputError

CHUNK_BYTES: Final = 1 << 20
"""Read at a time; bounds the memory of the pass."""

SAMPLE_BYTES: Final = 1 << 16
"""Looked at for signatures and for UTF-16 without BOM."""

_STRAY_CONTROLS: Final = 8
"""Control characters or NULs that a text file may hold anyway; each is reported with its row."""

_BINARY_SIGNATURES: Final[tuple[tuple[bytes, str, str], ...]] = (
    (
        b"PK\x03\x04",
        "a ZIP archive or an Excel workbook",
        "open it in the spreadsheet and save it as CSV UTF-8",
    ),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "open it in the spreadsheet and save it as CSV UTF-8"),
    (b"\x1f\x8b", "gzip-compressed", "decompress it first"),
    (b"BZh", "bzip2-compressed", "decompress it first"),
    (b"\xfd7zXZ", "xz-compressed", "decompress it first"),
    (b"(\xb5/\xfd", "zstd-compressed", "decompress it first"),
    (b"%PDF", "a PDF document", "export the list as CSV"),
    (b"\x89PNG", "an image", "export the list as CSV"),
    (b"\xff\xd8\xff", "an image", "export the list as CSV"),
    (b"SQLite format 3", "a database", "export the table as CSV"),
    (b"\x7fELF", "a program", "name the list's file"),
)
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNDEFINED_IN_1252: Final = b"\x81\x8d\x8f\x90\x9d"
_HIGH_BYTES: Final = re.compile(rb"[\x80-\xff]+")
_TEXT_CONTROLS: Final = frozenset({0x00, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F})


@dataclass(frozen=True, slots=True)
class TextEncoding:
    """How to decode a list.

    Attributes:
        codec: name for `open`, for example `utf-8-sig`.
        label: name for people, for example `UTF-8 with BOM`.
        detected: False when the operator named it.
        broken: sequences that do not decode; they become U+FFFD and their rows are reported.
    """

    codec: str
    label: str
    detected: bool
    broken: int = 0


_LABELS: Final = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with BOM",
    "utf-16": "UTF-16 with BOM",
    "utf-16-le": "UTF-16 LE",
    "utf-16-be": "UTF-16 BE",
    "cp1252": "Windows-1252",
}


def find_encoding(path: Path, named: str | None = None) -> TextEncoding:
    """Read the file once and say how to decode it.

    Args:
        path: a regular file.
        named: the operator's word, which is checked, or None.

    Returns:
        The encoding.

    Raises:
        InputError: `input.empty`, `input.binary` or `input.encoding`.
    """
    with path.open("rb") as stream:
        sample = stream.read(SAMPLE_BYTES)
    if not sample.strip(b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"):
        if path.stat().st_size > SAMPLE_BYTES:
            raise InputError(
                f"{path.name} starts with nothing but blanks",
                hint="give a CSV or Parquet file",
                code="input.binary",
            )
        raise InputError(
            f"{path.name} is empty", hint="export the list again, with its header row", code="input.empty"
        )
    for signature, what, remedy in _BINARY_SIGNATURES:
        if sample.startswith(signature):
            raise InputError(f"{path.name} is {what}, not a CSV file", hint=remedy, code="input.binary")
    if named is not None:
        return _named(path, named)
    for bom, codec in _BOMS:
        if sample.startswith(bom):
            return _counted(path, codec)
    if (order := _utf16_without_bom(sample)) is not None:
        return _counted(path, order)
    controls = sum(1 for byte in sample if byte < 0x20 and byte not in _TEXT_CONTROLS)
    if controls > max(_STRAY_CONTROLS, len(sample) // 100) or sample.count(0) > max(
        _STRAY_CONTROLS, len(sample) // 20
    ):
        raise InputError(
            f"{path.name} is a binary file",
            hint="give a CSV or Parquet file; if it is text, name its encoding with --encoding",
            code="input.binary",
        )
    return _eight_bit(path)


def _named(path: Path, named: str) -> TextEncoding:
    try:
        codec = codecs.lookup(named)
    except LookupError as error:
        raise InputError(
            f"no encoding is called {named!r}",
            hint="leave --encoding out to have it detected, or name one such as utf-8, cp1252, gb18030",
            code="input.encoding",
        ) from error
    name = codec.name
    if not getattr(codec, "_is_text_encoding", True):
        raise InputError(
            f"{named!r} is no text encoding", hint="name one such as utf-8 or cp1252", code="input.encoding"
        )
    with path.open("rb") as stream:
        start = stream.read(4)
    if name == "utf-8" and start.startswith(codecs.BOM_UTF8):
        name = "utf-8-sig"
    decoder = codecs.getincrementaldecoder(name)("strict")
    done = 0
    with path.open("rb") as stream:
        try:
            while chunk := stream.read(CHUNK_BYTES):
                decoder.decode(chunk)
                done += len(chunk)
            decoder.decode(b"", final=True)
        except (UnicodeError, ValueError) as error:
            raise InputError(
                f"{path.name} is not {named}: it stops decoding behind byte {done:,}",
                hint="leave --encoding out to have it detected",
                code="input.encoding",
            ) from error
    return TextEncoding(name, _LABELS.get(name, named), detected=False)


def _counted(path: Path, codec: str) -> TextEncoding:
    """A codec that its BOM or its NULs give away; broken sequences are counted, not fatal."""
    decoder = codecs.getincrementaldecoder(codec)("replace")
    replaced = total = 0
    with path.open("rb") as stream:
        while True:
            chunk = stream.read(CHUNK_BYTES)
            text = decoder.decode(chunk, final=not chunk)
            replaced += text.count("\ufffd")
            total += len(text)
            if not chunk:
                break
    if replaced * 20 > total:
        raise InputError(
            f"{path.name} starts like {_LABELS.get(codec, codec)} and is not",
            hint="name its encoding with --encoding",
            code="input.encoding",
        )
    return TextEncoding(codec, _LABELS.get(codec, codec), detected=True, broken=replaced)


def _utf16_without_bom(sample: bytes) -> str | None:
    """Text of mostly Latin letters in UTF-16 has a NUL in every second place, and in that place alone."""
    if len(sample) < 4:
        return None
    half = len(sample) // 2
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd * 2 > half and even * 20 < half:
        return "utf-16-le"
    if even * 2 > half and odd * 20 < half:
        return "utf-16-be"
    return None


def _eight_bit(path: Path) -> TextEncoding:
    """UTF-8, UTF-8 with a few broken bytes, or Windows-1252, from the whole file."""
    if _is_utf8(path):
        return TextEncoding("utf-8", _LABELS["utf-8"], detected=True)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    beyond_ascii = broken = undefined = high = adjacent = offset = 0
    first_high_at = -1
    with path.open("rb") as stream:
        while True:
            chunk = stream.read(CHUNK_BYTES)
            text = decoder.decode(chunk, final=not chunk)
            broken += text.count("\ufffd")
            if not chunk:
                break
            beyond_ascii += len(text) - len(text.encode("ascii", "ignore"))
            for run in _HIGH_BYTES.finditer(chunk):
                if first_high_at < 0:
                    first_high_at = offset + run.start()
                length = run.end() - run.start()
                high += length
                adjacent += length - 1
            undefined += len(chunk) - len(chunk.translate(None, _UNDEFINED_IN_1252))
            offset += len(chunk)
    if beyond_ascii - broken > 4 * broken:
        return TextEncoding("utf-8", _LABELS["utf-8"], detected=True, broken=broken)
    # Accented letters of western languages stand alone between ASCII letters; two-byte scripts come in runs.
    if undefined == 0 and (adjacent * 2 <= high or high < 4):
        return TextEncoding("cp1252", _LABELS["cp1252"], detected=True)
    guess = _guess(path, first_high_at)
    raise InputError(
        f"{path.name} is neither UTF-8 nor UTF-16 nor Windows-1252",
        hint=f"name its encoding, for example --encoding {guess}, or save it as CSV UTF-8",
        code="input.encoding",
    )


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    with path.open("rb") as stream:
        try:
            while chunk := stream.read(CHUNK_BYTES):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _guess(path: Path, first_high_at: int) -> str:
    with path.open("rb") as stream:
        stream.seek(max(0, first_high_at - 1024))
        best = from_bytes(stream.read(SAMPLE_BYTES)).best()
    return best.encoding.replace("_", "-") if best is not None else "gb18030"
