"""What `symbolon status` shows, read in one go: counts, dates and sentences, never a supplier or a key.

Read-only, except that opening a database of an older version brings it to the newest, as every command does.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime

from symbolon import __version__
from symbolon.cli.doctor_lock import describe
from symbolon.cli.operators import summary
from symbolon.cli.outdated_list import IMPORT_AGAIN, OUTDATED
from symbolon.cli.status_signals import Signals, read_signals
from symbolon.config import AllowConfig
from symbolon.errors import ConfigError, MembershipError, PolicyError, SymbolonError
from symbolon.exchange.messages import MATCH
from symbolon.membership.atomic_file import read_bounded
from symbolon.membership.certificates import MAX_CERTIFICATE_BYTES, load_certificate
from symbolon.membership.coalition_state import State
from symbolon.membership.ends_soon import ends_soon
from symbolon.membership.key_file import lock_state
from symbolon.membership.member_record import MemberRecord
from symbolon.rpc.node import LEAF_FILE, Node
from symbolon.rpc.own_certificate import ended_hint
from symbolon.rpc.policy_sources import node_bundle
from symbolon.storage.exchange_budget import EVERYBODY, Spent
from symbolon.storage.exchange_session_store import SessionRow

_DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Listed:
    """One member.

    Attributes:
        endpoint: where it is dialled, or ''.
        relays: through whom it is reached otherwise, the preferred one first.
        standing: as `Members.standing` of the metadata.
        certificate_days_left: known of this node alone: metadata holds fingerprints.
    """

    member: str
    kind: str
    roles: list[str]
    endpoint: str
    relays: list[str]
    standing: str
    certificate_days_left: int | None


@dataclass(frozen=True, slots=True)
class Members:
    """The coalition's metadata. `days_left` is negative once it has expired, and then nobody is a member."""

    version: int
    root_version: int
    expires: str
    days_left: int
    members: list[Listed]


@dataclass(frozen=True, slots=True)
class Operators:
    """The people of this node. `sentence` says how many of which role, and what is under four eyes."""

    count: int
    sentence: str


@dataclass(frozen=True, slots=True)
class SupplierList:
    """The supplier list. `keys` counts pairs of supplier and match key by tier.

    `trouble` says that the keys are of other rules than this release's, and `hint` what to do; else both ''.
    """

    revision: int
    suppliers: int
    keys: dict[str, int]
    trouble: str
    hint: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """One [[allow]] table."""

    peer: str
    purposes: list[str]
    modes: list[str]
    tiers: str
    answer: bool
    ask: bool
    invited: bool


@dataclass(frozen=True, slots=True)
class Session:
    """One session; `started` and `ended` in UTC."""

    session_id: str
    role: str
    peer: str
    mode: str
    purpose: str
    started: str
    ended: str | None
    state: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Budget:
    """Evaluations granted to one peer (or to all, `*`) in one tier, dummies included."""

    peer: str
    tier: str
    window_used: int | None
    window_left: int | None
    year_used: int
    year_left: int


@dataclass(frozen=True, slots=True)
class Epoch:
    """A live key epoch: what one peer may be told under one key."""

    peer: str
    area: str
    number: int
    days_left: int


@dataclass(frozen=True, slots=True)
class Report:
    """Everything.

    Attributes:
        trouble: why something of its membership cannot be read, or ''.
        standing: why others refuse this node, as far as it knows itself, and what to do; or ''.
        ends_soon: what people have to renew soon, and who: a sentence each.
        members: None where there is no metadata, or it does not hold.
        founder: whether this node holds a founder's keys.
        proposals_waiting: proposals that wait for a person at this founder; None where it is none.
        signals: counts, who was given own ones, who is followed.
        keys: how the private keys are kept: in clear, or locked by a passphrase, and unlocked until when.
        policies: how many are there, and of which kinds; or why they cannot be put in force, and what to do.
    """

    version: str
    home: str
    member: str
    coalition: str
    listen: str
    database: str
    certificate_days_left: int | None
    trouble: str
    standing: str
    ends_soon: list[str]
    supplier_list: SupplierList
    members: Members | None
    founder: bool
    proposals_waiting: int | None
    operators: Operators
    policies: str
    allowed: list[Allowed]
    sessions: list[Session]
    budget_window_days: int
    budget: list[Budget]
    epochs: list[Epoch]
    signals: Signals
    keys: str


def read_report(node: Node, sessions: int) -> Report:
    """Reads it.

    Args:
        node: the node.
        sessions: how many of the newest sessions.
    """
    troubles: list[str] = []
    own_days = _certificate_days(node, troubles)
    state = _state(node, troubles)
    members = None if state is None else _members(node, state, own_days)
    soon = () if state is None else ends_soon(state, node.member_id, node.now)
    waiting = _waiting(node, troubles)
    settings = node.config.node
    return Report(
        version=__version__,
        home=str(node.home),
        member=settings.member,
        coalition=settings.coalition,
        listen=settings.listen,
        database=node.database.url,
        certificate_days_left=own_days,
        trouble="; ".join(troubles),
        standing=_own_standing(node),
        ends_soon=[f"{each.said}. {each.hint}" for each in soon],
        supplier_list=_supplier_list(node),
        members=members,
        founder=node.is_founder,
        proposals_waiting=waiting,
        operators=Operators(len(node.operators.all()), summary(node)),
        policies=_policies(node),
        allowed=[_allowed(each) for each in node.config.allow],
        sessions=[_session(row) for row in node.sessions.newest(sessions)],
        budget_window_days=node.budget.window_days,
        budget=_budget(node),
        epochs=_epochs(node),
        signals=read_signals(node),
        keys=describe(lock_state(node.home)),
    )


def _certificate_days(node: Node, troubles: list[str]) -> int | None:
    try:
        leaf = load_certificate(read_bounded(node.home / LEAF_FILE, MAX_CERTIFICATE_BYTES))
    except SymbolonError as error:
        if not (node.home / LEAF_FILE).exists():
            troubles.append("none: this node has not joined a coalition yet, or lost its certificate")
        else:
            troubles.append(error.detail)
        return None
    days = (leaf.not_valid_after_utc - node.now).days
    if days < 0:
        troubles.append(f"the certificate has ended. {ended_hint(node.member_id)}")
    return days


def _state(node: Node, troubles: list[str]) -> State | None:
    try:
        return node.coalition.state()
    except SymbolonError as error:
        if not troubles:
            troubles.append(error.detail)
        return None


def _members(node: Node, state: State, own_days: int | None) -> Members:
    days = {node.config.node.member: own_days}
    return Members(
        state.targets_version,
        state.root_version,
        state.expires.isoformat(),
        (state.expires - node.now).days,
        [_listed(each, state, node.now.date(), days.get(each.member_id)) for each in state.members.members],
    )


def _own_standing(node: Node) -> str:
    """Why others refuse this node, by what it holds itself, and what to do; empty where nothing is known."""
    try:
        node.coalition.state().members.require(node.member_id, node.now.date())
    except MembershipError as error:
        known = not error.full_code.startswith("membership.metadata")
        return f"refused by all: {error.detail}. {error.hint or ''}".strip() if known else ""
    except SymbolonError:
        return ""
    return ""


def _policies(node: Node) -> str:
    """What the files say now: another process of this node may still decide by what they said before."""
    try:
        bundle = node_bundle(node.home)
    except (ConfigError, PolicyError) as error:
        return (
            f"BROKEN: {error.detail}. A node that is served keeps those before, and would not start. "
            "Run `symbolon policy check`."
        )
    counts: Counter[str] = Counter(each.kind for each in bundle.policies)
    named = (("shipped", "shipped"), ("generated", "of [[allow]] tables"), ("own", "in policies/"))
    return ", ".join(f"{counts[kind]} {words}" for kind, words in named if counts[kind])


def _listed(each: MemberRecord, state: State, today: date, days: int | None) -> Listed:
    return Listed(
        each.member_id,
        each.kind.value,
        [role.value for role in each.roles],
        each.endpoint,
        list(each.relays),
        state.members.standing(each.member_id, today),
        days,
    )


def _waiting(node: Node, troubles: list[str]) -> int | None:
    if not node.is_founder:
        return None
    try:
        waiting = node.founding.waiting()
    except SymbolonError as error:
        troubles.append(f"the proposals cannot be read: {error.detail}")
        return None
    return sum(each.for_a_person for each in waiting)


def _supplier_list(node: Node) -> SupplierList:
    keys = {tier.value: count for tier, count in node.suppliers.count_keys().items()}
    trouble, hint = (OUTDATED, IMPORT_AGAIN) if node.suppliers.is_outdated() else ("", "")
    return SupplierList(node.suppliers.revision(), node.suppliers.count(), keys, trouble, hint)


def _allowed(each: AllowConfig) -> Allowed:
    return Allowed(
        each.peer,
        list(each.purposes),
        list(each.modes),
        "".join(each.tiers),
        each.answer,
        each.ask,
        each.invited,
    )


def _session(row: SessionRow) -> Session:
    return Session(
        row.session_id,
        row.role,
        row.peer,
        row.mode,
        row.purpose,
        _moment(row.started_at_s),
        None if row.ended_at_s is None else _moment(row.ended_at_s),
        row.state,
        row.sentence,
    )


def _moment(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()


def _budget(node: Node) -> list[Budget]:
    """What is spent in the periods that run now; peers that may ask and have not stand with nothing spent."""
    limits = node.budget
    may_ask = {(each.peer, tier) for each in node.config.allow if each.answer for tier in each.tiers}
    spent = {owner: Spent(*owner, 0, 0) for owner in may_ask}
    spent |= {(each.peer, each.tier): each for each in node.sending.spent(MATCH, limits)}
    rows = []
    for _, each in sorted(spent.items(), key=lambda item: (item[0][0] == EVERYBODY, item[0])):
        if each.peer == EVERYBODY:
            left = max(0, limits.all_members_year - each.in_year)
            rows.append(Budget(each.peer, each.tier, None, None, each.in_year, left))
            continue
        window_left = max(0, limits.per_window - each.in_window)
        left = max(0, limits.per_member_year - each.in_year)
        rows.append(Budget(each.peer, each.tier, each.in_window, window_left, each.in_year, left))
    return rows


def _epochs(node: Node) -> list[Epoch]:
    now_s = node.clock()
    return [
        Epoch(each.peer, each.area, each.number, int((each.expires_at_s - now_s) // _DAY_S))
        for each in node.sending.live_epochs()
    ]
