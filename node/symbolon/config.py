"""The configuration of a node: one TOML file, read once, frozen.

Every key has a default and a description, from which `sample()` writes the commented file that
`symbolon init` leaves behind. Unknown sections and keys, wrong types and values out of range are refused
with the name of the key, since a misspelt limit that silently keeps its default is dangerous.
"""

import dataclasses
import json
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symbolon.errors import ConfigError

FILE_NAME = "symbolon.toml"


def _key(default: Any, description: str, *, low: int | None = None, high: int | None = None) -> Any:
    metadata = {"description": description, "low": low, "high": high}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """Section [node]: who this node is and where it listens."""

    member: str = _key("", "this member's id, as in the member list")
    coalition: str = _key("", "the coalition's id")
    listen: str = _key(
        "127.0.0.1:7443", "host:port that `symbolon serve` listens on; port 0 takes a free one"
    )
    max_sessions: int = _key(
        4, "exchanges served at the same time; further ones wait, or are told to try again", low=1, high=256
    )
    log_level: str = _key("info", "debug, info, warning or error; no level ever logs identifiers")


@dataclass(frozen=True, slots=True)
class StorageConfig:
    """Section [storage]."""

    url: str = _key("", "empty: SQLite in this folder; or postgresql+psycopg://user@host/database")


@dataclass(frozen=True, slots=True)
class ExchangeConfig:
    """Section [exchange]: how sessions run."""

    suite: str = _key("X25519-ELL2-SHA512", "suite of the sessions this node starts")
    suites_answered: tuple[str, ...] = _key(
        ("X25519-ELL2-SHA512", "ristretto255-SHA512"), "suites this node answers"
    )
    backend: str = _key("auto", "auto, openssl or multibuffer")
    epoch_days: int = _key(90, "life of a match key; at its end the key is erased", low=1, high=366)
    additions_interval_s: int = _key(
        86400,
        "least seconds between two additions to the set one peer sees; hides dates of change",
        low=0,
        high=31_622_400,
    )
    signal_epoch_days: int = _key(
        30, "life of a key that signals are released under; at its end the key is erased", low=1, high=30
    )
    idle_timeout_s: int = _key(
        60, "seconds without a message after which a session ends (exit code 75)", low=1, high=3600
    )
    session_timeout_s: int = _key(3600, "seconds after which a session ends in any case", low=10, high=86400)


@dataclass(frozen=True, slots=True)
class BudgetConfig:
    """Section [budget]: evaluations this node grants, dummies included; see docs/THREAT_MODEL.md."""

    window_days: int = _key(90, "length of a budget window", low=1, high=366)
    per_window: int = _key(2_000_000, "evaluations for one member and tier in a window", low=0, high=10**12)
    per_member_year: int = _key(
        8_000_000, "evaluations for one member and tier in a calendar year", low=0, high=10**12
    )
    all_members_year: int = _key(
        40_000_000, "evaluations for all members and one tier in a calendar year", low=0, high=10**12
    )


@dataclass(frozen=True, slots=True)
class AuditConfig:
    """Section [audit]: the log of what was asked and answered; see docs/audit.md."""

    keep_days: int = _key(
        3660,
        "days after which what an entry says is erased; its place in the tree stays",
        low=30,
        high=36600,
    )


@dataclass(frozen=True, slots=True)
class OperatorsConfig:
    """Section [operators]: the people of this node; see docs/operators.md."""

    four_eyes: tuple[str, ...] = _key(
        ("release", "expel", "plan-approval", "operators"),
        "actions that take a second person; `operators`: changes to operators, without which one "
        "administrator makes itself the second person",
    )
    oidc_issuer: str = _key("", "https:// address of an OpenID Connect issuer that people sign in at")
    oidc_client_id: str = _key("", "what that issuer calls this node")


@dataclass(frozen=True, slots=True)
class SignalsConfig:
    """Section [signals]: for whom this member publishes; see docs/contributing-signals.md."""

    publishes_for: tuple[str, ...] = _key(
        (), "members whose signals this one publishes as its own: it reads all of them, and answers for them"
    )


@dataclass(frozen=True, slots=True)
class RelayConfig:
    """Section [relay]: what `symbolon relay` grants; docs/PROTOCOL.md has all its limits."""

    mib_s_per_member: int = _key(
        16, "MiB a second that one member may send, and at once after a silence", low=1, high=1024
    )
    connections_per_member: int = _key(
        8, "connections at the same time that one member asked for; a match takes one", low=1, high=256
    )
    connections: int = _key(
        128, "connections at the same time in all; each may take half a MiB of memory", low=1, high=4096
    )


@dataclass(frozen=True, slots=True)
class AllowConfig:
    """One [[allow]] table: what one peer may do for one purpose. Without any, the node answers nobody."""

    peer: str = _key("", "member id")
    purposes: tuple[str, ...] = _key((), "purposes, for example due-diligence")
    modes: tuple[str, ...] = _key(("size",), "size, intersection")
    tiers: tuple[str, ...] = _key(("A", "B"), "tiers of match keys: A, B, C")
    answer: bool = _key(True, "the peer may ask about this node's list, and its signals")
    ask: bool = _key(True, "this node may ask about the peer's list, and its signals")
    invited: bool = _key(False, "this node also asks when the peer invites it (match --mutual)")
    signals: bool = _key(False, "risk signals about the asker's own suppliers may be looked up too")


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file. `home` is the folder it stands in."""

    home: Path
    node: NodeConfig = NodeConfig()
    storage: StorageConfig = StorageConfig()
    exchange: ExchangeConfig = ExchangeConfig()
    budget: BudgetConfig = BudgetConfig()
    audit: AuditConfig = AuditConfig()
    operators: OperatorsConfig = OperatorsConfig()
    signals: SignalsConfig = SignalsConfig()
    relay: RelayConfig = RelayConfig()
    allow: tuple[AllowConfig, ...] = ()

    @property
    def database_url(self) -> str:
        """The configured URL, or SQLite in the home folder."""
        return self.storage.url or f"sqlite:///{(self.home / 'node.db').resolve()}"


_SECTIONS = {
    "node": NodeConfig,
    "storage": StorageConfig,
    "exchange": ExchangeConfig,
    "budget": BudgetConfig,
    "audit": AuditConfig,
    "operators": OperatorsConfig,
    "signals": SignalsConfig,
    "relay": RelayConfig,
}
_SUITES = ("X25519-ELL2-SHA512", "ristretto255-SHA512")
_CHOICES = {
    "log_level": ("debug", "info", "warning", "error"),
    "suite": _SUITES,
    "suites_answered": _SUITES,
    "backend": ("auto", "openssl", "multibuffer"),
    "modes": ("size", "intersection"),
    "four_eyes": ("release", "expel", "plan-approval", "operators"),
    "tiers": ("A", "B", "C"),
}
_PLAIN_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}")
"""What a purpose may look like: it travels in every hello, and another shape would be refused there."""
_MEMBER_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,30}[a-z0-9]")


def load(home: Path) -> Config:
    """Reads `symbolon.toml` of a node's home folder.

    Raises:
        ConfigError: missing, unreadable, not TOML, or a key that is unknown or wrong.
    """
    path = home / FILE_NAME
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            f"no {FILE_NAME} in {home}",
            hint="Make a node by `symbolon coalition join CODE`, or ahead by `symbolon init`; or name its "
            "folder with --home or SYMBOLON_HOME.",
            code="config.missing",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", hint="The file must be UTF-8 text.") from None
    return parse(text, home)


def parse(text: str, home: Path) -> Config:
    """Parses the text of a configuration file; `load` says what is refused."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{FILE_NAME} is not TOML: {error}", hint="Mend that line.") from None
    sections: dict[str, Any] = {}
    for name, value in document.items():
        if name == "allow":
            if not isinstance(value, list):
                raise ConfigError("allow is not a list of tables", hint="Write [[allow]] with two brackets.")
            sections["allow"] = tuple(_allow(table) for table in value)
        elif name in _SECTIONS:
            sections[name] = _section(name, _SECTIONS[name], value)
            if name == "signals":
                _require_members("signals.publishes_for", sections[name].publishes_for)
        else:
            raise _unknown(f"section [{name}]", (*_SECTIONS, "allow"))
    return Config(home, **sections)


def _allow(table: Any) -> AllowConfig:
    allow: AllowConfig = _section("[allow]", AllowConfig, table)
    for name in ("peer", "purposes", "modes", "tiers"):
        if not getattr(allow, name) and not (name == "modes" and allow.signals):
            raise ConfigError(f"[[allow]] lacks {name}", hint=f"Add {name} to every [[allow]] table.")
    for purpose in allow.purposes:
        if not _PLAIN_WORD.fullmatch(purpose):
            raise ConfigError(
                f"[[allow]] purposes: {purpose!r} is not a plain word",
                hint="Use at most 64 letters, digits, dots and hyphens, for example due-diligence.",
            )
    return allow


def _require_members(name: str, words: tuple[str, ...]) -> None:
    for each in words:
        if not _MEMBER_ID.fullmatch(each):
            raise ConfigError(
                f"{name}: {each!r} is no member id", hint="Ids are lower-case, for example watch-ngo."
            )


def _section(name: str, kind: type[Any], table: Any) -> Any:
    if not isinstance(table, dict):
        raise ConfigError(f"{name} is not a section", hint=f"Write [{name}] on a line of its own.")
    known = {each.name: each for each in dataclasses.fields(kind)}
    values = {}
    for key, value in table.items():
        if key not in known:
            raise _unknown(f"key {key} in [{name}]", tuple(known))
        values[key] = _value(f"{name}.{key}", known[key], value)
    return kind(**values)


def _value(name: str, spec: "dataclasses.Field[Any]", value: Any) -> Any:
    default = spec.default
    if isinstance(default, tuple):
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ConfigError(f"{name} is not a list of words", hint=f'Write {spec.name} = ["…", "…"].')
        value = tuple(value)
    elif type(value) is not type(default):
        raise ConfigError(f"{name} is not a {type(default).__name__}", hint=f"Its default is {default!r}.")
    low, high = spec.metadata["low"], spec.metadata["high"]
    if isinstance(value, int) and low is not None and not low <= value <= high:
        raise ConfigError(f"{name} = {value} is outside {low} to {high}", hint=f"Its default is {default!r}.")
    if spec.name in _CHOICES:
        words = value if isinstance(value, tuple) else (value,)
        if not set(words) <= set(_CHOICES[spec.name]):
            raise ConfigError(
                f"{name} holds an unknown word", hint=f"Known: {', '.join(_CHOICES[spec.name])}."
            )
    return value


def _unknown(what: str, known: tuple[str, ...]) -> ConfigError:
    return ConfigError(f"unknown {what}", hint=f"Known: {', '.join(known)}.", code="config.unknown")


def sample(**values: str) -> str:
    """A configuration file with every key, its default and its description.

    Args:
        values: of sections [node] and [storage], to write instead of the defaults where not empty.
    """
    lines = ["# Configuration of a Symbolon node. Lines that start with # show the defaults.", ""]
    for name, kind in _SECTIONS.items():
        lines.append(f"[{name}]")
        for spec in dataclasses.fields(kind):
            lines.append(f"# {spec.metadata['description']}")
            given = values.get(spec.name) if name in ("node", "storage") else None
            lines.append(
                f"{spec.name} = {toml_value(given)}"
                if given
                else f"# {spec.name} = {toml_value(spec.default)}"
            )
        lines.append("")
    lines += [
        "# Nobody is answered until a table like this one allows it. One table per peer.",
        "# [[allow]]",
    ]
    for spec in dataclasses.fields(AllowConfig):
        lines.append(f"# {spec.name} = {toml_value(spec.default)}   # {spec.metadata['description']}")
    return "\n".join(lines) + "\n"


def toml_value(value: object) -> str:
    """A truth value, number, text or tuple of texts as TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    if isinstance(value, str):
        # A JSON string is a TOML string, but for one control character that JSON leaves as it is.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    return str(value)
