"""A JSON file from outside is read within bounds, or refused with what is wrong with it."""

import json

import pytest

from symbolon.errors import InputError
from symbolon.signals import json_tree
from symbolon.signals.json_tree import MAX_DEPTH, objects_in, read_tree, text_in, texts_in


def _refused(data: bytes) -> InputError:
    with pytest.raises(InputError) as caught:
        read_tree(data)
    assert caught.value.hint
    return caught.value


def test_tree_with_a_byte_order_mark_is_read() -> None:
    assert read_tree(b'\xef\xbb\xbf{"a": [1, 2.5, null, true, "\xc3\xa9"]}') == {
        "a": [1, 2.5, None, True, "é"]
    }


def test_tree_of_the_greatest_depth_is_read_and_one_level_more_is_refused() -> None:
    deepest = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert read_tree(deepest)
    assert _refused(b"[" + deepest + b"]").full_code == "input.too_large"
    mixed = b'{"a":' * MAX_DEPTH + b"[]" + b"}" * MAX_DEPTH
    assert _refused(mixed).full_code == "input.too_large"


@pytest.mark.parametrize("depth", [2_000, 200_000])
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_tree_too_deep_for_any_stack_is_refused(depth: int, opening: bytes) -> None:
    assert _refused(opening * depth).full_code in ("input.too_large", "input.json")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1] 2",
        "NaN",
        "[Infinity]",
        '{"a": -Infinity}',
        "[1e999]",
        '{"a": 1, "a": 1}',
        '{"x": [{"b": 1, "b": 2}]}',
        "[" + "9" * 21 + "]",
        "'a'",
        '["\n"]',
    ],
)
def test_tree_of_what_is_no_json_is_refused(text: str) -> None:
    assert _refused(text.encode()).full_code == "input.json"


def test_tree_in_another_encoding_is_refused() -> None:
    assert _refused('{"a": "é"}'.encode("latin-1")).full_code == "input.encoding"
    assert _refused('{"a": 1}'.encode("utf-16")).full_code in ("input.encoding", "input.json")


def test_tree_over_the_limits_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(*_: object, **__: object) -> object:
        raise AssertionError("it was parsed")

    monkeypatch.setattr(json, "loads", parse)
    monkeypatch.setattr(json_tree, "MAX_FILE_BYTES", 10)
    assert _refused(b" " * 11).full_code == "input.too_large"
    monkeypatch.setattr(json_tree, "MAX_VALUES", 3)
    assert _refused(b"[[[[]]]]").full_code == "input.too_large"


def test_tree_in_its_refusal_quotes_nothing_of_the_file() -> None:
    secret = "+880 1711 000000"
    for text in (f'{{"{secret}": 1, "{secret}": 2}}', f'{{"a": {secret}}}', f'["{secret}'):
        error = _refused(text.encode())
        assert "1711" not in f"{error.detail} {error.hint}"


def test_looking_into_a_tree_of_another_form_gives_nothing() -> None:
    assert objects_in([{}, 1, None, {"a": 1}]) == [{}, {"a": 1}]
    assert objects_in({"a": {}}) == []
    assert texts_in(["a", 1, {}]) == ["a"]
    assert texts_in("abc") == []
    assert text_in({"a": 1}, "a") == ""
