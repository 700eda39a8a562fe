"""Audit logs of members that never ran: sessions between them, as their nodes would have written them down.

A test double that writes whatever it is told to, also what no node would.
"""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any

from coalition_founders import Repository
from coalition_members import ACME, COALITION, DELTA, TODAY, signing_key
from symbolon.audit.checkpoint import Checkpoint, log_origin, sign_checkpoint
from symbolon.audit.cosignature import cosign
from symbolon.audit.decision_record import DecisionRecord
from symbolon.audit.document import Document
from symbolon.audit.entry import FIELDS, SALT_BYTES, Entry, commit, commitments, leaf_bytes
from symbolon.audit.export_check import check_files
from symbolon.audit.export_file import DOCUMENT_ORDER, write_lines
from symbolon.audit.export_format import (
    EXPORT,
    CheckpointLine,
    DocumentLine,
    EntryLine,
    Header,
    LeafLine,
    Line,
    RootLine,
)
from symbolon.audit.merkle import Frontier, leaf_hash
from symbolon.audit.receipt import Result, sign_request, sign_result
from symbolon.audit.signed_note import SignedNote, add_signatures, encode_note
from symbolon.audit.verdict import Verdict
from symbolon.membership.agreement import Agreement, encode_agreement, make_agreement, sign_agreement
from symbolon.membership.canonical_json import encode_canonical
from symbolon.membership.coalition_document import coalition_document
from symbolon.membership.coalition_roles import root_fingerprint
from symbolon.membership.member import MemberId
from symbolon.membership.members_document import encode_members
from symbolon.membership.policy_facts import coalition_facts
from symbolon.policy.bundle import PolicyBundle, PolicySource, build_bundle
from symbolon.policy.decision import Decider
from symbolon.policy.permission import Usage
from symbolon.policy.request import MatchContext, match_request
from symbolon.policy.shipped_policies import shipped_policies, shipped_schema

PURPOSE = "due-diligence"
SUITE = "X25519-ELL2-SHA512"
NOON = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)
HOUR = int(NOON.timestamp()) // 3600
PERMIT = '@id("our-permit")\n@obligation("no_onward; retain(90)")\npermit (principal, action, resource);'


@cache
def repository() -> Repository:
    """The founders of the coalition, and who is in it."""
    return Repository()


@cache
def fingerprint() -> bytes:
    return root_fingerprint(repository().roots[0])


@cache
def coalition() -> Document:
    """The list of members as a document."""
    members = repository().members
    state: Any = SimpleNamespace(
        members_json=encode_members(members),
        targets_bytes=repository().parts[f"{members.version}.targets.json"],
    )
    return Document("coalition", coalition_document(state))


@cache
def bundle(*own: str) -> PolicyBundle:
    sources = [PolicySource(f"own-{number}.cedar", text) for number, text in enumerate(own or (PERMIT,))]
    return build_bundle(shipped_schema(), shipped_policies(), sources)


@cache
def agreement(first: str = ACME, second: str = DELTA, days: int = 100) -> Document:
    """Both may match for `PURPOSE`, from today on."""
    until = TODAY + timedelta(days=days)
    made = make_agreement(repository().members, (first, second), (PURPOSE,), TODAY, until, bytes(16))
    return signed_agreement(made)


def signed_agreement(made: Agreement) -> Document:
    signatures = {str(each): sign_agreement(made, signing_key(each)) for each in made.members}
    return Document("agreement", encode_agreement(made), signatures)


@dataclass
class Told:
    """An entry and its salts."""

    values: dict[str, str]
    salts: bytes

    @property
    def leaf(self) -> bytes:
        return leaf_hash(leaf_bytes(commitments(self.values, self.salts)))


class MadeUpLog:
    """The log of one member.

    Attributes:
        told: entries, in order; a test changes them as it likes.
        hour: of the next entry.
    """

    def __init__(self, member: str) -> None:
        self.member = MemberId(member)
        self.key = signing_key(member)
        self.told: list[Told] = []
        self.documents: dict[str, Document] = {}
        self.notes: list[SignedNote] = []
        self.hour = HOUR
        self.bundle = bundle()
        self.usage: dict[str, Usage] = {}
        self.keep(coalition())

    def keep(self, document: Document) -> str:
        held = self.documents.get(document.sha256)
        if held is not None:
            document = replace(document, signatures={**held.signatures, **document.signatures})
        self.documents[document.sha256] = document
        return document.sha256

    def tell(self, entry: Entry, operator: str = "local") -> None:
        number = len(self.told)
        salts = b"".join(
            hashlib.sha256(f"{self.member} {number} {name}".encode()).digest() for name in FIELDS
        )
        self.told.append(Told(entry.values(self.hour * 3600, operator), salts))

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        leaves = [each.leaf for each in self.told[:size]]
        frontier, _ = Frontier().extend(leaves)
        return Checkpoint(log_origin(COALITION, self.member), len(leaves), frontier.root())

    def sign(self, *witnesses: str) -> SignedNote:
        """A checkpoint over all that was told, cosigned; kept once for each size."""
        checkpoint = self.checkpoint()
        note = sign_checkpoint(checkpoint, self.key)
        for each in witnesses:
            name = log_origin(COALITION, MemberId(each))
            note = add_signatures(note, [cosign(checkpoint, name, signing_key(each), now_s=self.hour * 3600)])
        self.notes = [each for each in self.notes if each.text != note.text] + [note]
        return note

    def decide(
        self,
        direction: Any,
        peer: str,
        mode: str,
        tiers: dict[str, int],
        agreed: Document | None = None,
        **other: Any,
    ) -> DecisionRecord:
        """What this member's policies say; `other` are numbers of the context that are not true."""
        moment = datetime.fromtimestamp(self.hour * 3600, UTC)
        usage = self.usage.get(peer, Usage()) if direction == "answer" else Usage()
        if direction == "answer":
            usage = replace(usage, keys=_keys(tiers))
        fields: dict[str, Any] = {
            "purpose": PURPOSE,
            "mode": mode,
            "tiers": frozenset("".join(tiers)),
            "suite": SUITE,
            "keys": usage.keys,
            "list_size": usage.list_size,
            "keys_epoch": usage.keys_epoch,
            "keys_year": usage.keys_year,
            "churn": usage.churn,
            "agreed": agreed is not None,
            "now": moment,
        }
        context = MatchContext(**{**fields, **other})
        request = match_request(direction, peer, self.member, context)
        self.keep(Document("policy", self.bundle.document()))
        name = self.keep(agreed) if agreed is not None else ""
        return DecisionRecord(
            request, _decider(self.bundle, moment.date()).decide(request), coalition().sha256, name
        )

    def header(self, **changes: Any) -> Header:
        return replace(Header(EXPORT, COALITION, self.member, len(self.told), self.hour), **changes)

    def lines(
        self,
        opens: Callable[[int], bool] = lambda _: True,
        fields: Iterable[str] = FIELDS,
        header: Header | None = None,
    ) -> Iterator[Line]:
        """An export of all that was told, with a checkpoint signed now."""
        self.sign()
        yield header or self.header()
        yield from map(RootLine, repository().roots)
        for kind in DOCUMENT_ORDER:
            of_kind = [each for each in self.documents.values() if each.kind == kind]
            for each in sorted(of_kind, key=lambda document: document.sha256):
                yield DocumentLine(each.kind, each.content, each.signatures)
        for note in sorted(self.notes, key=lambda each: int(each.text.split("\n")[1])):
            yield CheckpointLine(encode_note(note).decode())
        for number, told in enumerate(self.told):
            yield open_line(number, told, fields) if opens(number) else LeafLine(number, told.leaf)

    def export(self, **how: Any) -> bytes:
        return as_file(self.lines(**how))


def open_line(number: int, told: Told, fields: Iterable[str] = FIELDS) -> EntryLine:
    chosen = set(fields)
    salts = {name: told.salts[SALT_BYTES * at : SALT_BYTES * (at + 1)] for at, name in enumerate(FIELDS)}
    return EntryLine(
        number,
        {name: told.values[name] for name in FIELDS if name in chosen},
        {name: salts[name] for name in FIELDS if name in chosen},
        {name: commit(name, told.values[name], salts[name]) for name in FIELDS if name not in chosen},
    )


def as_file(lines: Iterable[Line]) -> bytes:
    stream = io.BytesIO()
    write_lines(stream, lines)
    return stream.getvalue()


def verdict_on(*files: bytes, trusted: bytes | None = None) -> Verdict:
    """The verdict, by the coalition's own root unless another one is named."""
    named = [(f"file-{number}", io.BytesIO(each)) for number, each in enumerate(files)]
    return check_files(named, fingerprint() if trusted is None else trusted)


def codes(verdict: Verdict, severity: str = "broken") -> set[str]:
    return {each.code for each in verdict.findings if each.severity == severity}


@dataclass
class Session:
    """What a session is made from; every part can be set to what it was not.

    Attributes:
        number: two of one number have one id.
        sent: entries by tier.
        released: entries that the log of who answers tells of; None: as sent.
    """

    number: int = 1
    mode: str = "intersection"
    tiers: tuple[tuple[str, int], ...] = (("A", 128),)
    sent: tuple[tuple[str, int], ...] = (("A", 256),)
    released: int | None = None
    agreed: bool = True

    @property
    def session(self) -> str:
        return f"{self.number:032x}"


def hold(asker: MadeUpLog, owner: MadeUpLog, made: Session | None = None, **wrong: Any) -> tuple[str, str]:
    """Holds a session: both logs tell of it, and both members sign.

    Args:
        asker: who learns.
        owner: who answers.
        made: which session.
        wrong: numbers of the context that the owner decides by although they are not true.

    Returns:
        SHA-256 of request and result.
    """
    made = made or Session()
    tiers, peers = dict(made.tiers), (asker.member, owner.member)
    agreed = agreement(*sorted(peers)) if made.agreed else None
    about = {"session": made.session, "mode": made.mode, "purpose": PURPOSE}
    counts = {f"elements_{tier}": count for tier, count in tiers.items()}
    request = request_of(asker, owner, made)
    asked = asker.decide("ask", owner.member, made.mode, tiers, agreed)
    asker.keep(request)
    asker.tell(
        Entry("asked", owner.member, **about, counts=counts, decision=asked.text(), request=request.sha256)
    )
    record = owner.decide("answer", asker.member, made.mode, tiers, agreed, **wrong)
    owner.keep(request)
    answered = Entry(
        "answered", asker.member, **about, counts=counts, decision=record.text(), request=request.sha256
    )
    owner.tell(answered)
    usage = owner.usage.get(asker.member, Usage())
    owner.usage[asker.member] = Usage(
        0,
        usage.first_keys or _keys(tiers),
        usage.keys_epoch + _keys(tiers),
        usage.keys_year + _keys(tiers),
    )
    released = sum(dict(made.sent).values()) if made.released is None else made.released
    if released:
        name = "tokens" if made.mode == "size" else "entries"
        owner.tell(Entry("released", asker.member, **about, counts={name: released}, note="tier A"))
    result = result_of(asker, owner, made, request, record)
    for each in (asker, owner):
        each.keep(result)
    ends = {"request": request.sha256, "receipt": result.sha256}
    owner.tell(Entry("ended", asker.member, **about, **ends))
    asker.tell(Entry("learned", owner.member, **about, **ends))
    return request.sha256, result.sha256


def request_of(asker: MadeUpLog, owner: MadeUpLog, made: Session, **changes: Any) -> Document:
    content = {
        "area": "match",
        "checkpoint": encode_note(asker.sign()).decode(),
        "coalition": COALITION,
        "epoch": 0,
        "group_size": 0,
        "hour": asker.hour,
        "key_rules": "",
        "mode": made.mode,
        "purpose": PURPOSE,
        "receiver": asker.member,
        "sender": owner.member,
        "session": made.session,
        "suite": SUITE,
        "tiers": [{"elements": count, "have_delta": 0, "tier": tier} for tier, count in made.tiers],
    }
    document = encode_canonical(content | changes)
    return Document("request", document, {asker.member: sign_request(document, asker.key)})


def result_of(
    asker: MadeUpLog,
    owner: MadeUpLog,
    made: Session,
    request: Document,
    record: DecisionRecord,
    **changes: Any,
) -> Document:
    result = Result(
        request=request.sha256,
        asked=dict(made.tiers),
        sent=dict(made.sent),
        policy=record.decision.bundle_sha256.hex(),
        terms=record.decision.obligations.text(),
        hour=owner.hour,
        checkpoint=encode_note(owner.sign()).decode(),
    )
    return signed_result(replace(result, **changes), asker, owner)


def signed_result(result: Result, *signers: MadeUpLog) -> Document:
    document = result.encode()
    return Document("result", document, {each.member: sign_result(document, each.key) for each in signers})


def two_logs(sessions: int = 2) -> tuple[MadeUpLog, MadeUpLog]:
    """`ACME` asked `DELTA` a few times."""
    asker, owner = MadeUpLog(ACME), MadeUpLog(DELTA)
    for number in range(1, sessions + 1):
        hold(asker, owner, Session(number))
        asker.hour += 30
        owner.hour += 30
    return asker, owner


@cache
def _decider(policies: PolicyBundle, day: date) -> Decider:
    return Decider(policies, coalition_facts(repository().members, day))


def _keys(tiers: dict[str, int]) -> int:
    return sum(count * len(tier) for tier, count in tiers.items())
