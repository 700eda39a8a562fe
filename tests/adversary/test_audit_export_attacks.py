"""Attacks on exported logs by the log's own member: what it altered, left out or made up shows."""

import io
import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from coalition_members import ACME, BIRCH, CEDAR, DELTA, TODAY, signing_key
from exported_logs import (
    HOUR,
    PERMIT,
    PURPOSE,
    MadeUpLog,
    Session,
    agreement,
    as_file,
    bundle,
    codes,
    fingerprint,
    hold,
    open_line,
    repository,
    request_of,
    signed_agreement,
    signed_result,
    two_logs,
    verdict_on,
)
from symbolon.audit.decision_record import DecisionRecord, parse_record
from symbolon.audit.document import Document
from symbolon.audit.entry import FIELDS, Entry
from symbolon.audit.export_check import check_files
from symbolon.audit.export_format import CheckpointLine, EntryLine, LeafLine, Line
from symbolon.audit.receipt import decode_result, sign_request
from symbolon.audit.signed_note import SignedNote, encode_note
from symbolon.membership.agreement import make_agreement
from symbolon.policy.decision import Decision
from symbolon.policy.obligations import NOTHING


def changed(lines: list[Line], number: int, change: Callable[[EntryLine], Line]) -> bytes:
    """The file with one entry replaced."""
    return as_file(
        change(each) if isinstance(each, EntryLine) and each.number == number else each for each in lines
    )


def find(log: MadeUpLog, event: str, after: int = 0) -> int:
    """Number of the first entry of an event."""
    return next(n for n, each in enumerate(log.told) if n >= after and each.values["event"] == event)


def rebuild(log: MadeUpLog) -> None:
    """Forgets what contradicts a log that its owner wrote anew; exporting signs another checkpoint."""
    log.notes.clear()
    named = {told.values[name] for told in log.told for name in ("request", "receipt")}
    log.documents = {
        sha256: document
        for sha256, document in log.documents.items()
        if document.kind not in ("request", "result") or sha256 in named
    }


@pytest.mark.parametrize("field", FIELDS)
def test_export_with_one_field_altered_in_the_database_is_found(field: str) -> None:
    _, owner = two_logs()
    lines = list(owner.lines())
    number = find(owner, "ended")

    def change(line: EntryLine) -> Line:
        other = {"event": "failed", "hour": str(HOUR + 1), "session": "f" * 32, "peer": "birch"}
        other |= {"request": "0" * 64, "receipt": "0" * 64, "counts": '{"entries":1}', "decision": ""}
        value = other.get(field, line.values[field] + "x")
        if value == line.values[field]:
            value = owner.told[find(owner, "answered")].values[field]
        return replace(line, values={**line.values, field: value})

    assert "tree" in codes(verdict_on(changed(lines, number, change)))


def test_export_with_an_entry_closed_under_another_hash_is_found() -> None:
    _, owner = two_logs()
    file = changed(list(owner.lines()), 2, lambda line: LeafLine(line.number, bytes(32)))
    assert codes(verdict_on(file)) >= {"tree"}


def test_export_with_two_entries_swapped_is_found() -> None:
    _, owner = two_logs()
    lines = list(owner.lines())
    first = next(at for at, line in enumerate(lines) if isinstance(line, EntryLine))
    one, two = open_line(0, owner.told[1]), open_line(1, owner.told[0])
    assert "tree" in codes(verdict_on(as_file([*lines[:first], one, two, *lines[first + 2 :]])))


def test_export_without_its_last_entries_but_with_their_checkpoint_is_found() -> None:
    _, owner = two_logs()
    whole = owner.sign()
    del owner.told[-1]
    rebuild(owner)
    owner.notes.append(whole)
    lines = [line for line in owner.lines() if not isinstance(line, EntryLine)]
    lines += [open_line(number, told) for number, told in enumerate(owner.told)]
    assert "checkpoint.beyond" in codes(verdict_on(as_file(lines)))


def test_export_whose_newest_checkpoint_is_older_than_its_entries_is_found() -> None:
    _, owner = two_logs()
    owner.sign()
    notes = list(owner.notes)
    owner.tell(Entry("released", ACME, session="1" * 32, counts={"entries": 5}))
    lines = list(owner.lines())
    newest = next(n for n, line in enumerate(lines) if isinstance(line, EntryLine)) - 1
    del lines[newest]
    assert len(notes) < len(owner.notes)
    assert "checkpoint.behind" in codes(verdict_on(as_file(lines)))


def test_log_written_anew_without_a_session_in_its_middle_contradicts_its_own_receipts() -> None:
    _, owner = two_logs(3)
    owner.told = [each for each in owner.told if each.values["session"] != f"{2:032x}"]
    rebuild(owner)
    assert codes(verdict_on(owner.export())) >= {"decision.usage", "across.truncated"}


def test_log_written_anew_without_sessions_holds_alone_but_not_beside_the_peers() -> None:
    asker, owner = two_logs(3)
    del owner.told[3:]
    rebuild(owner)
    assert verdict_on(owner.export()).holds
    told = verdict_on(asker.export(), owner.export())
    assert codes(told) >= {"across.truncated"}
    assert codes(told, "missing") >= {"across.omitted"}


def test_log_cut_short_after_it_was_shown_to_a_peer_is_found_by_the_peers_receipt() -> None:
    asker, owner = two_logs(3)
    owner.told = owner.told[:4]
    rebuild(owner)
    assert not codes(verdict_on(owner.export()))
    assert "across.truncated" in codes(verdict_on(asker.export(), owner.export()))


def test_session_left_out_by_the_end_that_asked_is_found_by_the_end_that_answered() -> None:
    asker, owner = two_logs(2)
    asker.told = asker.told[:2]
    rebuild(asker)
    assert verdict_on(asker.export()).holds
    told = verdict_on(asker.export(), owner.export())
    (sentence,) = (each.sentence for each in told.findings if each.code == "across.omitted")
    assert "although acme signed it" in sentence
    assert not told.holds


def test_session_missing_in_an_older_export_is_no_accusation() -> None:
    asker, owner = two_logs(1)
    old = asker.export(header=asker.header(hour=HOUR))
    hold(asker, owner, Session(2))
    told = verdict_on(old, owner.export())
    assert told.holds
    assert "across.older" in codes(told, "note")


def test_two_ends_that_leave_out_the_same_session_stay_invisible() -> None:
    asker, owner = two_logs(2)
    for each in (asker, owner):
        each.told = each.told[: len(each.told) // 2]
        rebuild(each)
    assert verdict_on(asker.export(), owner.export()).holds


def test_release_taken_out_of_the_log_is_found_by_the_receipt_that_its_owner_signed() -> None:
    _, owner = two_logs(1)
    del owner.told[find(owner, "released")]
    rebuild(owner)
    assert codes(verdict_on(owner.export())) >= {"receipt.sent"}


def test_release_without_an_answer_is_found() -> None:
    _, owner = two_logs(1)
    del owner.told[find(owner, "answered")]
    rebuild(owner)
    assert "session.unopened" in codes(verdict_on(owner.export()))


def test_release_after_the_end_of_its_session_is_found() -> None:
    _, owner = two_logs(1)
    owner.told.append(owner.told[find(owner, "released")])
    rebuild(owner)
    assert "session.ended" in codes(verdict_on(owner.export()))


def test_session_that_is_opened_twice_is_found() -> None:
    _, owner = two_logs(1)
    owner.told.insert(2, owner.told[find(owner, "answered")])
    rebuild(owner)
    assert "session.twice" in codes(verdict_on(owner.export()))


def with_decision(log: MadeUpLog, change: Callable[[DecisionRecord], DecisionRecord], event: str) -> bytes:
    """The log written anew, with the decision of the first entry of an event changed."""
    values = log.told[find(log, event)].values
    values["decision"] = change(parse_record(values["decision"])).text()
    rebuild(log)
    return log.export()


def decided(record: DecisionRecord, **changes: object) -> DecisionRecord:
    return replace(record, decision=replace(record.decision, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"policies": ("our-permit", "allow-table-1")},
        {"obligations": NOTHING},
        {"refusal": "agreement"},
        {"errors": ("a policy failed",)},
    ],
    ids=lambda each: next(iter(each)),
)
def test_decision_that_its_policies_do_not_give_is_found(changes: dict[str, object]) -> None:
    _, owner = two_logs(1)
    file = with_decision(owner, lambda record: decided(record, **changes), "answered")
    assert "decision.again" in codes(verdict_on(file))


def test_permission_that_the_policies_refuse_is_found() -> None:
    asker, owner = MadeUpLog(ACME), MadeUpLog(DELTA)
    # Two companies without an agreement: the shipped policies forbid it.
    hold(asker, owner, Session(agreed=False))
    refused = parse_record(owner.told[0].values["decision"]).decision
    assert not refused.allowed
    assert "decision.outcome" in codes(verdict_on(owner.export()))

    def permitted(record: DecisionRecord) -> DecisionRecord:
        own: Decision = replace(refused, allowed=True, policies=("our-permit",), refusal="", advice="")
        return replace(record, decision=own)

    assert "decision.again" in codes(verdict_on(with_decision(owner, permitted, "answered")))


def with_context(record: DecisionRecord, **changes: object) -> DecisionRecord:
    context = {**record.request.context, **changes}
    return replace(record, request=replace(record.request, context=context))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"purpose": "remediation"}, "decision.context"),
        ({"mode": "size"}, "decision.context"),
        ({"suite": "ristretto255-SHA512"}, "decision.context"),
        ({"tiers": ("A", "B")}, "decision.context"),
        ({"keys": 64}, "decision.context"),
        ({"agreed": False}, "decision.agreement"),
        ({"now": "2026-03-01T07:00:00Z"}, "decision.time"),
        ({"now": "2026-03-02T12:00:00Z"}, "decision.time"),
        ({"now": "noon"}, "decision.time"),
        ({"keys_year": 4096}, "decision.usage"),
        ({"keys_epoch": 100}, "decision.usage"),
        ({"list_size": 1_000_000}, "decision.usage"),
        ({"churn": 1}, "decision.usage"),
    ],
    ids=repr,
)
def test_decision_for_other_circumstances_is_found(changes: dict[str, object], code: str) -> None:
    _, owner = two_logs(1)
    file = with_decision(owner, lambda record: with_context(record, **changes), "answered")
    assert code in codes(verdict_on(file))


@pytest.mark.parametrize("wrong", [{"keys_year": 0}, {"keys_epoch": 0}, {"churn": 0}, {"list_size": 500}])
def test_decision_that_forgets_what_the_peer_asked_before_is_found(wrong: dict[str, int]) -> None:
    asker, owner = two_logs(2)
    assert verdict_on(owner.export()).holds
    hold(asker, owner, Session(3), **wrong)
    assert codes(verdict_on(owner.export())) == {"decision.usage"}


@pytest.mark.parametrize(
    "change",
    [
        lambda record: replace(record, request=replace(record.request, principal=BIRCH)),
        lambda record: replace(record, request=replace(record.request, owner=BIRCH)),
        lambda record: replace(record, request=replace(record.request, action="ask")),
        lambda record: replace(record, request=replace(record.request, action="match_size")),
        lambda record: replace(record, request=replace(record.request, resource="Signals")),
    ],
    ids=["principal", "owner", "action", "mode", "resource"],
)
def test_decision_about_something_else_is_found(change: Callable[[DecisionRecord], DecisionRecord]) -> None:
    _, owner = two_logs(1)
    assert "decision.request" in codes(verdict_on(with_decision(owner, change, "answered")))


def test_answer_without_a_decision_is_found() -> None:
    _, owner = two_logs(1)
    owner.told[0].values["decision"] = ""
    rebuild(owner)
    assert codes(verdict_on(owner.export()), "missing") == {"decision"}


def test_policies_other_than_those_in_the_receipt_are_found() -> None:
    asker, owner = MadeUpLog(ACME), MadeUpLog(DELTA)
    hold(asker, owner)
    shown = owner.told[find(owner, "ended")].values
    # It decides by others, and writes into its log what they say; the receipt is out already.
    owner.bundle = bundle(PERMIT, '@id("generous")\npermit (principal, action, resource);')
    record = owner.decide("answer", ACME, "intersection", {"A": 128}, agreement(ACME, DELTA), keys_year=0)
    owner.told[0].values["decision"] = with_context(record, keys_epoch=0, churn=0, list_size=128).text()
    rebuild(owner)
    assert shown["receipt"]
    assert "receipt.policy" in codes(verdict_on(owner.export()))


def test_policies_that_were_replaced_by_others_are_found() -> None:
    _, owner = two_logs(1)
    forged = Document("policy", bundle('@id("x")\npermit (principal, action, resource);').document())
    owner.documents = {sha256: each for sha256, each in owner.documents.items() if each.kind != "policy"} | {
        forged.sha256: forged
    }
    assert codes(verdict_on(owner.export()), "missing") == {"decision.document"}


def test_policies_that_cannot_be_in_force_are_found() -> None:
    _, owner = two_logs(1)
    broken = bundle().document().replace(b"resource);", b"resourse);")
    owner.keep(Document("policy", broken))
    assert "document.policy" in codes(verdict_on(owner.export()))


@pytest.mark.parametrize("kind", ["request", "result", "policy", "agreement"])
def test_document_that_was_left_out_is_missed(kind: str) -> None:
    _, owner = two_logs(1)
    owner.documents = {sha256: each for sha256, each in owner.documents.items() if each.kind != kind}
    assert not verdict_on(owner.export()).holds


def test_list_of_members_that_the_founders_did_not_sign_is_found() -> None:
    _, owner = two_logs(1)
    (held,) = (each for each in owner.documents.values() if each.kind == "coalition")
    owner.keep(Document("coalition", held.content.replace(b"company", b"auditor")))
    assert "document.coalition" in codes(verdict_on(owner.export()))


def test_receipt_that_somebody_else_signed_is_found() -> None:
    _, owner = two_logs(1)
    (result,) = (each for each in owner.documents.values() if each.kind == "result")
    forged = replace(result, signatures={ACME: bytes(64), DELTA: result.signatures[DELTA]})
    owner.documents[result.sha256] = forged
    told = verdict_on(owner.export())
    assert codes(told) == {"document.result"}
    assert codes(told, "missing") == {"receipt"}


def test_request_signed_by_the_key_of_another_member_is_found() -> None:
    _, owner = two_logs(1)
    (request,) = (each for each in owner.documents.values() if each.kind == "request")
    forged = replace(request, signatures={ACME: sign_request(request.content, signing_key(BIRCH))})
    owner.documents[request.sha256] = forged
    assert "document.request" in codes(verdict_on(owner.export()))


def test_receipt_of_another_session_is_found() -> None:
    _, owner = two_logs(2)
    first, second = (n for n, each in enumerate(owner.told) if each.values["event"] == "ended")
    owner.told[second].values["receipt"] = owner.told[first].values["receipt"]
    rebuild(owner)
    assert codes(verdict_on(owner.export())) >= {"receipt.other"}


def test_request_of_another_session_is_found() -> None:
    _, owner = two_logs(2)
    second = find(owner, "answered", after=1)
    owner.told[second].values["request"] = owner.told[0].values["request"]
    rebuild(owner)
    assert codes(verdict_on(owner.export())) >= {"request.differs", "request.other"}


def test_two_results_signed_for_one_session_are_found_by_both_files_together() -> None:
    asker, owner = MadeUpLog(ACME), MadeUpLog(DELTA)
    hold(asker, owner)
    (first,) = (each for each in owner.documents.values() if each.kind == "result")
    other = signed_result(replace(decode_result(first.content), hour=HOUR + 1), asker, owner)
    owner.keep(other)
    owner.told[find(owner, "ended")].values["receipt"] = other.sha256
    rebuild(owner)
    assert verdict_on(owner.export()).holds
    assert "across.receipt" in codes(verdict_on(asker.export(), owner.export()))


def test_log_shown_to_two_peers_in_two_histories_is_found_by_their_files_together() -> None:
    owner, twin = MadeUpLog(DELTA), MadeUpLog(DELTA)
    first, second = MadeUpLog(ACME), MadeUpLog(BIRCH)
    owner.tell(Entry("operator", "", note="added"))
    twin.tell(Entry("operator", "", note="removed"))
    hold(first, owner, Session(1))
    hold(second, twin, Session(2))
    assert "across.split" in codes(verdict_on(first.export(), second.export()))


def test_agreement_that_lacks_a_signature_is_found() -> None:
    _, owner = two_logs(1)
    (held,) = (each for each in owner.documents.values() if each.kind == "agreement")
    owner.documents[held.sha256] = replace(held, signatures={DELTA: held.signatures[DELTA]})
    assert codes(verdict_on(owner.export())) == {"decision.agreement"}


def test_agreement_of_others_does_not_stand_in() -> None:
    _, owner = two_logs(1)
    other = owner.keep(agreement(ACME, BIRCH))
    file = with_decision(owner, lambda record: replace(record, agreement=other), "answered")
    assert "decision.agreement" in codes(verdict_on(file))


def test_agreement_that_had_ended_is_found() -> None:
    asker, owner = MadeUpLog(ACME), MadeUpLog(DELTA)
    made = make_agreement(
        repository().members, (ACME, DELTA), (PURPOSE,), TODAY, TODAY + timedelta(days=1), bytes(16)
    )
    ended = owner.keep(signed_agreement(made))
    asker.hour = owner.hour = HOUR + 72
    hold(asker, owner)
    file = with_decision(owner, lambda record: replace(record, agreement=ended), "answered")
    assert "decision.agreement" in codes(verdict_on(file))


def test_agreement_that_was_withdrawn_before_is_found() -> None:
    asker, owner = MadeUpLog(ACME), MadeUpLog(DELTA)
    named = agreement(ACME, DELTA).sha256
    owner.tell(Entry("disagreed", ACME, note=f"withdrawn by acme: agreement sha256 {named} for x"))
    asker.hour = owner.hour = HOUR + 3
    hold(asker, owner)
    assert codes(verdict_on(owner.export())) == {"decision.agreement"}


def test_checkpoint_signed_by_the_key_of_another_member_is_found() -> None:
    _, owner = two_logs(1)
    owner.key = signing_key(CEDAR)
    rebuild(owner)
    assert codes(verdict_on(owner.export())) >= {"checkpoint.signature", "checkpoint.behind"}


def test_cosignature_that_no_witness_made_is_found() -> None:
    _, owner = two_logs(1)
    own, cosigned = owner.sign(BIRCH).signatures
    wrong = bytes([cosigned.signature[-1] ^ 1])
    forged = SignedNote(
        owner.checkpoint().text(), (own, replace(cosigned, signature=cosigned.signature[:-1] + wrong))
    )
    *before, last = (each for each in owner.lines() if isinstance(each, CheckpointLine))
    assert before
    lines = [CheckpointLine(encode_note(forged).decode()) if line == last else line for line in owner.lines()]
    assert "checkpoint.signature" in codes(verdict_on(as_file(lines)))


def test_root_of_another_coalition_is_not_the_trusted_one() -> None:
    _, owner = two_logs(1)
    told = verdict_on(owner.export(), trusted=bytes(32))
    assert codes(told) == {"roots"}
    assert not told.disclosures


def test_without_a_trusted_root_the_verdict_says_on_what_it_rests() -> None:
    _, owner = two_logs(1)
    told = check_files([("one", io.BytesIO(owner.export()))])
    assert told.holds
    assert not told.trusted
    assert told.root == fingerprint().hex()


def test_entry_that_would_write_to_the_readers_terminal_is_refused_and_shown_harmless() -> None:
    _, owner = two_logs(1)
    owner.tell(Entry("denied", "\x1b[2Jacme", session="a" * 32))
    owner.tell(Entry("denied", ACME, session="b" * 32, purpose="\x1b]0;x\x07"))
    rebuild(owner)
    told = verdict_on(owner.export())
    assert sum(each.code == "entry" for each in told.findings) == 2
    shown = itertools.chain(
        (each.sentence for each in told.findings), (each.purpose for each in told.disclosures)
    )
    assert all(each.isprintable() for each in shown)


def test_decision_whose_errors_would_write_to_the_terminal_is_shown_harmless() -> None:
    _, owner = two_logs(1)
    file = with_decision(owner, lambda record: decided(record, policies=("\x1b[2J",)), "answered")
    told = verdict_on(file)
    assert not told.holds
    assert all(each.sentence.isprintable() for each in told.findings)


def test_log_that_is_wrong_throughout_fills_no_verdict() -> None:
    owner = MadeUpLog(DELTA)
    for number in range(300):
        owner.tell(Entry("released", ACME, session=f"{number:032x}", counts={"entries": 1}))
    told = verdict_on(owner.export())
    assert len(told.findings) < 60
    assert any(each.code == "more" and "250" in each.sentence for each in told.findings)


def test_clock_that_was_put_back_is_told_and_proves_nothing() -> None:
    _, owner = two_logs(1)
    owner.hour -= 60
    owner.tell(Entry("operator", ""))
    told = verdict_on(owner.export())
    assert told.holds
    assert "clock" in codes(told, "note")


def test_request_is_part_of_what_the_asker_signed() -> None:
    """The maker of requests that the tests rest on refuses nothing: what it signs is what is checked."""
    asker, owner = MadeUpLog(ACME), MadeUpLog(DELTA)
    hold(asker, owner)
    other = request_of(asker, owner, Session(), purpose="remediation")
    owner.keep(other)
    owner.told[0].values["request"] = other.sha256
    rebuild(owner)
    assert "request.differs" in codes(verdict_on(owner.export()))


@pytest.mark.parametrize("event", ["failed", "denied"])
@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_peer_that_names_the_id_of_its_session_again_breaks_nobodys_log(event: str, at: int) -> None:
    """A hello under an id that is in use is refused; the refusal is an entry, whose id the peer chose."""
    _, owner = two_logs(1)
    owner.tell(Entry(event, ACME, session=Session().session, mode="size", purpose="remediation"))
    owner.told.insert(at, owner.told.pop())
    owner.tell(Entry(event, ACME, session=Session().session, mode="intersection", purpose=PURPOSE))
    owner.told.insert(at, owner.told.pop())
    rebuild(owner)
    for each in owner.told:
        each.values["request"] = each.values["receipt"] = ""
    rebuild(owner)
    told = verdict_on(owner.export())
    assert not codes(told), told.findings
    (disclosed,) = told.disclosures
    assert disclosed.sent == 256


def test_request_of_a_member_that_no_list_names_is_missed_and_accuses_nobody() -> None:
    asker, owner = MadeUpLog("stranger"), MadeUpLog(DELTA)
    request = request_of(asker, owner, Session())
    owner.keep(request)
    about = {"session": Session().session, "mode": "intersection", "purpose": PURPOSE}
    owner.tell(Entry("failed", "stranger", **about, request=request.sha256))
    told = verdict_on(owner.export())
    assert not codes(told)
    assert codes(told, "missing") == {"document.request", "request"}
