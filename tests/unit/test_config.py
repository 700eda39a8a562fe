"""The configuration file: what is read, and what is refused by name."""

import dataclasses
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolon import config
from symbolon.config import AllowConfig, Config
from symbolon.errors import ConfigError
from symbolon.oprf.suite import SUITE_NAMES

HOME = Path("home")

ALLOW = '[[allow]]\npeer = "mill"\npurposes = ["due-diligence"]\n'


def test_config_parse_of_nothing_is_all_defaults() -> None:
    assert config.parse("", HOME) == Config(HOME)


def test_config_sample_parses_back_to_the_defaults() -> None:
    assert config.parse(config.sample(), HOME) == Config(HOME)


def test_config_sample_with_every_comment_lifted_still_parses() -> None:
    """What the file shows as a default is one, and can be switched on by deleting the hash."""
    lines = [line.removeprefix("# ") if " = " in line else line for line in config.sample().splitlines()]
    document = tomllib.loads("\n".join(lines[: lines.index(next(x for x in lines if "Nobody is" in x))]))
    for name, section in (("node", Config(HOME).node), ("exchange", Config(HOME).exchange)):
        shown = {key: tuple(v) if isinstance(v, list) else v for key, v in document[name].items()}
        assert shown == dataclasses.asdict(section)


def test_config_sample_shows_every_key_with_its_description() -> None:
    text = config.sample()
    for kind in (
        config.NodeConfig,
        config.StorageConfig,
        config.ExchangeConfig,
        config.BudgetConfig,
        config.OperatorsConfig,
        config.RelayConfig,
        AllowConfig,
    ):
        for spec in dataclasses.fields(kind):
            assert f"{spec.name} = " in text
            assert spec.metadata["description"] in text


def test_config_sample_with_values_writes_them_uncommented() -> None:
    url = "postgresql+psycopg://u@h/d"
    read = config.parse(config.sample(member="mill", coalition="grove", listen="", url=url), HOME)
    assert (read.node.member, read.node.coalition, read.storage.url) == ("mill", "grove", url)
    assert read.node.listen == Config(HOME).node.listen


def test_config_defaults_answer_nobody() -> None:
    assert Config(HOME).allow == ()


def test_config_suites_are_those_that_exist() -> None:
    assert set(config._SUITES) == set(SUITE_NAMES)
    assert Config(HOME).exchange.suite in SUITE_NAMES


def test_config_allow_reads_every_key() -> None:
    text = (
        ALLOW
        + 'modes = ["size", "intersection"]\ntiers = ["C"]\nanswer = false\nask = false\ninvited = true\n'
    )
    assert config.parse(text, HOME).allow == (
        AllowConfig("mill", ("due-diligence",), ("size", "intersection"), ("C",), False, False, True),
    )


def test_config_allow_grants_size_and_strong_keys_unless_told() -> None:
    (allow,) = config.parse(ALLOW, HOME).allow
    assert (allow.modes, allow.tiers, allow.invited) == (("size",), ("A", "B"), False)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[nodes]", "nodes"),
        ("colour = 3", "colour"),
        ("[node]\nmembr = 'x'", "membr"),
        ("[budget]\nper_windows = 3", "per_windows"),
        (ALLOW + "purpose = 'x'", "purpose"),
    ],
)
def test_config_with_an_unknown_name_is_refused_with_the_name(text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named) as caught:
        config.parse(text, HOME)
    assert caught.value.full_code == "config.unknown"
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("Known: ")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("node = 3", "node"),
        ("[[node]]", "node"),
        ("[node]\nmember = 3", "node.member"),
        ("[node]\nmax_sessions = '4'", "node.max_sessions"),
        ("[node]\nmax_sessions = true", "node.max_sessions"),
        ("[node]\nmax_sessions = 4.0", "node.max_sessions"),
        ("[exchange]\nsuites_answered = 'X25519-ELL2-SHA512'", "exchange.suites_answered"),
        ("[exchange]\nsuites_answered = [1]", "exchange.suites_answered"),
        ("[exchange]\nidle_timeout_s = 60.5", "exchange.idle_timeout_s"),
        ("allow = 3", "allow"),
        ("[allow]\npeer = 'mill'", "allow"),
        ("allow = [3]", "allow"),
        (ALLOW + "answer = 1", "answer"),
        (ALLOW + "modes = 'size'", "modes"),
    ],
)
def test_config_with_a_wrong_type_is_refused_with_the_key(text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        config.parse(text, HOME)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[node]\nlog_level = 'loud'", "node.log_level"),
        ("[exchange]\nbackend = 'cuda'", "exchange.backend"),
        ("[exchange]\nsuite = 'rot13'", "exchange.suite"),
        ("[exchange]\nsuites_answered = ['X25519-ELL2-SHA512', 'rot13']", "exchange.suites_answered"),
        (ALLOW + "modes = ['union']", "modes"),
        (ALLOW + "tiers = ['A', 'D']", "tiers"),
    ],
)
def test_config_with_an_unknown_word_is_refused_with_the_key(text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named) as caught:
        config.parse(text, HOME)
    assert "Known: " in str(caught.value.hint)


def _ranges() -> list[tuple[str, str, int, int]]:
    return [
        (name, spec.name, spec.metadata["low"], spec.metadata["high"])
        for name, kind in config._SECTIONS.items()
        for spec in dataclasses.fields(kind)
        if type(spec.default) is int
    ]


@pytest.mark.parametrize(("section", "key", "low", "high"), _ranges())
def test_config_number_is_taken_up_to_its_bounds_and_refused_beyond(
    section: str, key: str, low: int | None, high: int | None
) -> None:
    assert low is not None
    assert high is not None
    for inside in (low, high):
        read = config.parse(f"[{section}]\n{key} = {inside}", HOME)
        assert getattr(getattr(read, section), key) == inside
    for outside in (low - 1, high + 1, -(10**30)):
        with pytest.raises(ConfigError, match=rf"{section}\.{key}"):
            config.parse(f"[{section}]\n{key} = {outside}", HOME)


@pytest.mark.parametrize("lacking", ["peer", "purposes", "modes", "tiers"])
def test_config_allow_without_what_it_must_say_is_refused(lacking: str) -> None:
    values = {"peer": '"mill"', "purposes": '["x"]', "modes": '["size"]', "tiers": '["A"]'}
    values[lacking] = '""' if lacking == "peer" else "[]"
    text = "[[allow]]\n" + "\n".join(f"{key} = {value}" for key, value in values.items())
    with pytest.raises(ConfigError, match=lacking):
        config.parse(text, HOME)


@pytest.mark.parametrize("purpose", ["due diligence", "", "-x", "x" * 65, "a:b", "résumé", "a\\nb"])
def test_config_purpose_that_no_hello_could_carry_is_refused(purpose: str) -> None:
    with pytest.raises(ConfigError, match="purposes"):
        config.parse(f'[[allow]]\npeer = "mill"\npurposes = ["{purpose}"]', HOME)


@pytest.mark.parametrize("text", ["[node", "a = ", "[node]\nmember = 'x'\nmember = 'y'", "\x00"])
def test_config_that_is_not_toml_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="not TOML"):
        config.parse(text, HOME)


def test_config_load_without_a_file_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(tmp_path)
    assert caught.value.full_code == "config.missing"
    assert "symbolon init" in str(caught.value.hint)


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"[node]\nmember = '\xe9'"])
def test_config_load_of_bytes_that_are_not_utf8_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / config.FILE_NAME).write_bytes(data)
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(tmp_path)


def test_config_load_of_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / config.FILE_NAME).mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(tmp_path)


def test_config_load_takes_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / config.FILE_NAME).write_bytes(b"\xef\xbb\xbf[node]\r\nmember = 'mill'\r\n")
    assert config.load(tmp_path).node.member == "mill"


def test_config_database_url_is_the_file_in_the_home_folder_unless_told(tmp_path: Path) -> None:
    assert config.parse("", tmp_path).database_url == f"sqlite:///{(tmp_path / 'node.db').resolve()}"
    other = config.parse("[storage]\nurl = 'postgresql+psycopg://u@h/d'", tmp_path)
    assert other.database_url == "postgresql+psycopg://u@h/d"


@given(text=st.text())
def test_config_toml_value_of_any_text_reads_back(text: str) -> None:
    assert tomllib.loads(f"x = {config.toml_value(text)}") == {"x": text}


@given(
    value=st.one_of(
        st.booleans(), st.integers(-(2**63), 2**63 - 1), st.lists(st.text(), max_size=3).map(tuple)
    )
)
def test_config_toml_value_of_any_value_reads_back(value: object) -> None:
    read = tomllib.loads(f"x = {config.toml_value(value)}")["x"]
    assert (tuple(read) if isinstance(read, list) else read) == value


@given(text=st.text(alphabet=st.sampled_from("[]=.\"'\n abx1#"), max_size=40))
def test_config_parse_of_any_text_gives_a_config_or_a_config_error(text: str) -> None:
    try:
        config.parse(text, HOME)
    except ConfigError as error:
        assert error.hint  # noqa: PT017


def test_config_publishes_for_nobody_unless_it_names_members() -> None:
    assert config.parse("", HOME).signals.publishes_for == ()
    assert config.parse('[signals]\npublishes_for = ["watch-ngo"]', HOME).signals.publishes_for == (
        "watch-ngo",
    )
    for wrong in ('["Watch NGO"]', '[""]', '"watch-ngo"', "[1]"):
        with pytest.raises(ConfigError) as caught:
            config.parse(f"[signals]\npublishes_for = {wrong}", HOME)
        assert "signals.publishes_for" in caught.value.detail
