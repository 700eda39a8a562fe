"""Checks exported logs against each other: what one end tells, the other has to tell too.

Handles: sessions of two files matched by their id; requests and results that differ; a session that one end
leaves out; checkpoints of one member's log that another member holds, signed, against that member's own file:
a log that was cut short or is another one than was shown. Two ends that leave out the same session stay
invisible. Specification: docs/adr/0015, Export.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence

from symbolon.audit.export_documents import Claim
from symbolon.audit.export_log import ExportedLog
from symbolon.audit.export_sessions import Session
from symbolon.audit.verdict import Disclosure, Findings, NamedPolicy, hour_words


def compare(logs: Sequence[ExportedLog], proofs: Sequence[ExportedLog], findings: Findings) -> None:
    """Compares files of one coalition.

    Args:
        logs: each checked by itself.
        proofs: of single entries; they bring a checkpoint, and no sessions.
        findings: what is found goes here.
    """
    for log in logs:
        for held in log.sessions.found.values():
            others = [each for each in logs if each.header.member == held.peer]
            if others:
                _compare_session(log, held, others, findings)
    _compare_claims(logs, proofs, findings)


def merged(logs: Iterable[ExportedLog]) -> tuple[Disclosure, ...]:
    """What was disclosed, each session once, by hour; who answered knows more of it than who asked."""
    found: dict[tuple[str, str, str], Disclosure] = {}
    for log in logs:
        for each in log.sessions.disclosures(log.file):
            key = (each.session, each.asker, each.owner)
            held = found.get(key)
            if held is None:
                found[key] = each
                continue
            first, second = (each, held) if each.owner == log.header.member else (held, each)
            found[key] = dataclasses.replace(
                first,
                receipts=min((first.receipts, second.receipts), key=("both", "one", "none").index),
                terms=first.terms or second.terms,
                told_by=tuple(sorted({*first.told_by, *second.told_by})),
            )
    return tuple(sorted(found.values(), key=lambda each: (each.hour, each.session)))


def named_policies(logs: Iterable[ExportedLog]) -> tuple[NamedPolicy, ...]:
    """The policies that decided what was answered, each wording once."""
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for log in logs:
        texts: dict[str, dict[str, tuple[str, str]]] = {}
        for held in log.sessions.found.values():
            bundle = log.documents.policies.get(held.policy)
            if bundle is None or held.answered is False:
                continue
            if held.policy not in texts:
                texts[held.policy] = {each.policy_id: (each.source, each.text) for each in bundle.policies}
            known = texts[held.policy]
            counts.update((log.header.member, each, *known[each]) for each in held.policies if each in known)
    return tuple(NamedPolicy(*each, sessions=count) for each, count in sorted(counts.items()))


def _compare_session(
    log: ExportedLog, held: Session, others: Sequence[ExportedLog], findings: Findings
) -> None:
    here = (held.session, log.header.member)
    told = next((each.sessions.found[here] for each in others if here in each.sessions.found), None)
    if told is None:
        _left_out(log, held, max(others, key=lambda each: each.header.hour), findings)
        return
    about = f"the session {held.session[:8]}… of {log.header.member} with {held.peer}"
    if held.answered and not told.receipt and (held.end, told.end) == ("ended", "learned"):
        findings.add("missing", "across.receipt", f"{held.peer} keeps no signed result of {about}.")
    # Both ends are looked at in turn; what differs is told once.
    if log.header.member > held.peer:
        return
    if held.request and told.request and held.request != told.request:
        findings.add("broken", "across.request", f"The two ends hold different signed requests of {about}.")
    if held.receipt and told.receipt and held.receipt != told.receipt:
        findings.add("broken", "across.receipt", f"The two ends hold different signed results of {about}.")
    if held.answered is not None and held.answered == told.answered:
        findings.add("broken", "across.role", f"Both ends claim the same part in {about}.")


def _left_out(log: ExportedLog, held: Session, other: ExportedLog, findings: Findings) -> None:
    about = (
        f"Entry {held.number} of {log.file} tells of a session with {held.peer} at {hour_words(held.hour)}; "
        f"the log of {held.peer} in {other.file} does not"
    )
    if other.header.hour < held.hour:
        findings.add("note", "across.older", f"{about}: that file was written before. Ask for a newer one.")
    elif held.answered is False and not held.receipt:
        # What was asked may never have arrived.
        findings.add("note", "across.unanswered", f"{about}; it ended early, and may not have come that far.")
    elif held.request not in log.documents.requests:
        findings.add("note", "across.unsigned", f"{about}; no signed request shows that it took place.")
    else:
        findings.add(
            "missing",
            "across.omitted",
            f"{about}, although {held.peer} signed it: it was left out, or is among the closed entries.",
        )


def _compare_claims(logs: Sequence[ExportedLog], proofs: Sequence[ExportedLog], findings: Findings) -> None:
    files = (*logs, *proofs)
    own = {claim for file in files if (claim := file.own_claim()) is not None}
    claims = sorted(own.union(*(file.documents.claims for file in files)))
    shown: dict[tuple[str, int], Claim] = {}
    for claim in claims:
        held = shown.setdefault((claim.member, claim.size), claim)
        if held.root != claim.root:
            findings.add(
                "broken",
                "across.split",
                f"{claim.member} signed two different logs of {claim.size} entries, one towards "
                f"{held.witness} at {hour_words(held.hour)} and one towards {claim.witness} at "
                f"{hour_words(claim.hour)}.",
            )
    for log in logs:
        about = [claim for claim in claims if claim.member == log.header.member and claim != log.own_claim()]
        roots = log.roots_at(claim.size for claim in about if claim.size <= log.header.size)
        for claim in about:
            _compare_claim(claim, log, roots.get(claim.size), findings)


def _compare_claim(claim: Claim, log: ExportedLog, root: bytes | None, findings: Findings) -> None:
    signed = (
        f"{claim.member} signed towards {claim.witness} at {hour_words(claim.hour)} that its log had "
        f"{claim.size} entries"
    )
    if root is not None:
        if root != claim.root:
            findings.add(
                "broken",
                "across.split",
                f"{signed}; the log in {log.file} does not begin with these: it was written anew.",
            )
    elif log.header.hour > claim.hour:
        findings.add(
            "broken", "across.truncated", f"{signed}; {log.file}, written later, has {log.header.size}."
        )
    elif log.header.hour == claim.hour:
        findings.add(
            "missing",
            "across.truncated",
            f"{signed}; {log.file}, written in the same hour, has {log.header.size}. Ask for a newer one.",
        )
    else:
        findings.add("note", "across.older", f"{signed}; {log.file} is older. Ask for a newer one.")
