"""The policies of one member at work: its folder, the coalition in force, its agreements and its audit log.

Everything is real but the clock, which a test moves, and the network, which decisions do not need.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from agreement_makers import agreement, by
from coalition_founders import Repository, store_of
from coalition_members import ACME, BIRCH, COALITION
from symbolon import config
from symbolon.audit.decision_record import DecisionRecord, parse_record
from symbolon.membership.agreement import SignedAgreement, verify_agreement
from symbolon.membership.coalition_document import read_coalition_document, verify_roots
from symbolon.membership.coalition_roles import root_fingerprint
from symbolon.membership.coalition_store import CoalitionStore
from symbolon.membership.policy_facts import coalition_facts
from symbolon.policy.bundle import decode_bundle
from symbolon.policy.decision import Decider, Decision
from symbolon.policy.own_policies import OWN_FOLDER
from symbolon.policy.permission import ExchangeRequest, Usage
from symbolon.rpc.policy_in_force import PolicyInForce
from symbolon.storage.agreement_store import AgreementStore, StoredAgreement
from symbolon.storage.audit_log import AuditLog
from symbolon.storage.database import Database
from symbolon.storage.seal import Sealer

PURPOSE = "due-diligence"
SUITE = "X25519-ELL2-SHA512"


def table(peer: str = BIRCH, **changes: Any) -> dict[str, Any]:
    """One [[allow]] table: size mode in tier A for due diligence, unless told otherwise."""
    return {"peer": peer, "purposes": [PURPOSE], "modes": ["size"], "tiers": ["A"], **changes}


def asks(peer: str = BIRCH, **changes: Any) -> ExchangeRequest:
    """A peer asks for what `table` permits, unless told otherwise."""
    fields = {
        "direction": "answer",
        "peer": peer,
        "area": "match",
        "mode": "size",
        "purpose": PURPOSE,
        "tiers": ("A",),
        "suite": SUITE,
        "usage": Usage(1_000, 1_000),
    }
    return ExchangeRequest(**{**fields, **changes})


@dataclass
class PolicyHome:
    """Acme's node, as far as it decides; `now` is its clock."""

    home: Path
    repository: Repository
    coalition: CoalitionStore
    database: Database
    now: datetime

    def __post_init__(self) -> None:
        self.audit = AuditLog(self.database, Sealer(bytes(32)), lambda: self.now.timestamp())
        self.agreements = AgreementStore(
            self.database,
            ACME,
            lambda: self.now.timestamp(),
            lambda: self.coalition.state().members,
            lambda *_: None,
        )
        self.policy = self.restarted()

    def restarted(self) -> PolicyInForce:
        """As a new process has it."""
        state, now = self.coalition.state, lambda: self.now
        return PolicyInForce(self.home, ACME, state, self.agreements, self.audit, now)

    def allow(self, *tables: dict[str, Any]) -> None:
        """Writes the configuration."""
        lines = ["[node]", f'member = "{ACME}"', f'coalition = "{COALITION}"']
        for each in tables:
            lines += ["[[allow]]", *(f"{name} = {config.toml_value(value)}" for name, value in each.items())]
        (self.home / config.FILE_NAME).write_text("\n".join(lines) + "\n")

    def write(self, name: str, text: str | bytes) -> Path:
        """Writes one file of own policies, as a person's editor does: in place, some time after the last."""
        path = self.home / OWN_FOLDER / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def agree(self, peer: str = BIRCH, **changes: Any) -> StoredAgreement:
        """Signs an agreement at both ends."""
        members = (ACME, peer) if peer > ACME else (peer, ACME)
        made = agreement(members=members, first_day=self.now.date(), **changes)
        self.agreements.sign(*by(ACME, made))
        return self.agreements.take(*by(peer, made))

    def publish(self, **changes: Any) -> None:
        """The founders publish another version of the coalition, and this node takes it in."""
        self.coalition.absorb(self.repository.publish(**changes))

    def entries(self, event: str = "policy") -> list[str]:
        """The documents that entries of one event name, oldest first."""
        return [each.values["receipt"] for each in self.audit.entries() if each.values["event"] == event]

    def again(self, record: DecisionRecord) -> Decision:
        """Takes a decision again from what the log keeps, trusting the coalition's first root alone."""
        policies = self.audit.document(record.decision.bundle_sha256.hex())
        coalition = self.audit.document(record.coalition)
        assert policies is not None
        assert coalition is not None
        assert (policies.kind, coalition.kind) == ("policy", "coalition")
        roots = verify_roots(self.repository.roots, root_fingerprint(self.repository.roots[0]))
        members = read_coalition_document(coalition.content, roots)
        day = datetime.fromisoformat(str(record.request.context["now"])).date()
        if record.request.context["agreed"]:
            kept = self.audit.document(record.agreement)
            assert kept is not None
            verify_agreement(members, SignedAgreement(kept.content, dict(kept.signatures)))  # type: ignore[arg-type]
        else:
            assert record.agreement == ""
        return Decider(decode_bundle(policies.content), coalition_facts(members, day)).decide(record.request)


def require_again(node: PolicyHome, text: str) -> DecisionRecord:
    """The record of a decision, which reads back, rests on documents that are kept, and comes out again."""
    record = parse_record(text)
    assert record.text() == text
    assert node.again(record) == record.decision
    return record


def touch(path: Path, ahead_s: float) -> None:
    """Gives a file another time, and nothing else."""
    about = path.stat()
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns + int(ahead_s * 1e9)))


@contextmanager
def policy_home(folder: Path) -> Iterator[PolicyHome]:
    """Acme's node in a coalition of four companies, with one table for birch."""
    repository = Repository()
    coalition = store_of(folder / "coalition", repository)
    with Database.open(f"sqlite:///{folder}/node.db", create=True) as database:
        node = PolicyHome(folder, repository, coalition, database, repository.now + timedelta(minutes=7))
        node.allow(table())
        yield node
