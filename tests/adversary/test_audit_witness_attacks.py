"""Attacks on witnessing, with real nodes: two histories, a log put back, lying witnesses, callers that flood.

`ALPHA` is the log that lies, in a folder of its own and in copies of it; `BETA` and `GAMMA` are served.
"""

import asyncio
import json
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lying_witness import answered, lying_witness
from memory_log import NOW_S, private_key
from raw_peer import channel_to
from real_nodes import ALPHA, BETA, MALLORY, Nodes, asking, real_nodes
from symbolon.audit.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint, verify_checkpoint
from symbolon.audit.cosignature import cosign
from symbolon.audit.signed_note import NoteKey, SignedNote, encode_note, encode_signatures
from symbolon.audit.witness import MAX_REQUEST_BYTES, add_checkpoint_body, parse_add_checkpoint
from symbolon.cli import main
from symbolon.cli.local_coalition import PURPOSE
from symbolon.errors import AuditError
from symbolon.membership.acts import Reinstate, Suspend
from symbolon.membership.member import MemberId
from symbolon.membership.signing_key import load_signing_key
from symbolon.rpc import server, witnessing
from symbolon.rpc.call_rate import BURST
from symbolon.rpc.node import SIGNING_KEY_FILE, Node
from symbolon.rpc.server import serve
from symbolon.storage.audit_witness import Witness
from witnessed_nodes import (
    add_checkpoint,
    audit_witness_command,
    collected,
    copied,
    evidence,
    get_checkpoint,
    kept,
    origin,
    put_back,
    put_database_back,
    request_body,
    signed,
    write_entries,
)

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

GAMMA, FORMER = "gamma-co", "former-co"


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with real_nodes() as made:
        made.add(ALPHA, allow=({"peer": BETA},))
        for member in (MALLORY, FORMER):
            made.add(member)
        for member in (BETA, GAMMA):
            made.add(member)
            made.start(member)
        for member in (ALPHA, MALLORY):
            write_entries(made.home(member), 1)
        yield made


def size_of(note: SignedNote | None) -> int:
    assert note is not None
    return parse_checkpoint(note.text).size


def ask(nodes: Nodes, witness: str, body: bytes, caller: str = ALPHA) -> tuple[int, bytes]:
    with channel_to(nodes, witness, nodes.credentials(caller)) as channel:
        return add_checkpoint(channel, body)


def held_by(nodes: Nodes, witness: str, of: str) -> SignedNote | None:
    with channel_to(nodes, witness) as channel:
        return get_checkpoint(channel, of)


def held_size(nodes: Nodes, witness: str) -> int:
    """What a witness cosigned last of the log of `ALPHA`, as it says itself."""
    found = held_by(nodes, witness, origin(ALPHA))
    return size_of(found) if found else 0


def outcomes(home: Path) -> dict[str, str]:
    return {each.member: each.kind for each in collected(home).outcomes}


@pytest.fixture
def fork(nodes: Nodes) -> Iterator[Path]:
    """A copy of the node of `ALPHA` that goes on by itself; the real one is what it was again afterwards."""
    write_entries(nodes.home(ALPHA), 4)
    assert outcomes(nodes.home(ALPHA)) | {BETA: "cosigned", GAMMA: "cosigned"} == outcomes(nodes.home(ALPHA))
    with copied(nodes.home(ALPHA)) as copy:
        yield copy


# Two histories


def test_split_view_shown_to_two_witnesses_convicts_the_log_at_both(nodes: Nodes, fork: Path) -> None:
    old, home = held_size(nodes, BETA), nodes.home(ALPHA)
    for folder, branch in ((home, "one"), (fork, "other")):
        write_entries(folder, 4, branch)
    assert ask(nodes, BETA, request_body(home, old))[0] == 200
    assert ask(nodes, GAMMA, request_body(fork, old))[0] == 200
    # Each is now shown what the other cosigned, by a member that has nothing to do with it.
    for witness, folder in ((BETA, fork), (GAMMA, home)):
        held, before = held_by(nodes, witness, origin(ALPHA)), len(evidence(nodes, witness))
        said = ask(nodes, witness, add_checkpoint_body(old + 4, (), signed(folder)), MALLORY)
        assert said == (409, b"")
        assert held_by(nodes, witness, origin(ALPHA)) == held
        found = evidence(nodes, witness)
        assert len(found) == before + 1
        whose, *both = found[-1]
        with Node(home) as node:
            first, second = (verify_checkpoint(note, node.checkpoints.public) for note in both)
        assert (whose, first.size) == (origin(ALPHA), second.size)
        assert first.root != second.root
    last = nodes.query(BETA, "SELECT event, peer FROM audit_entry ORDER BY number DESC LIMIT 1")[0]
    assert tuple(last) == ("contradicted", ALPHA)
    assert f"the audit log of {ALPHA} signed two logs of one size" in nodes.log(BETA)
    # The node that was copied hears of it, and stops.
    with pytest.raises(AuditError, match=f"as ({BETA}|{GAMMA}) shows by a checkpoint that this node signed"):
        collected(fork)
    code, out, _ = audit_witness_command(nodes.home(BETA), "--json")
    assert code == 1
    (shown, *_) = [each for each in json.loads(out)["contradictions"] if each["conclusive"]]
    assert shown["origin"] == origin(ALPHA)
    assert shown["earlier"] != shown["later"]
    end_split(nodes)


def test_split_view_that_has_grown_is_refused_and_kept_when_the_log_itself_shows_it(
    nodes: Nodes, fork: Path
) -> None:
    old, home = held_size(nodes, BETA), nodes.home(ALPHA)
    write_entries(home, 4, "one")
    write_entries(fork, 9, "other")
    assert ask(nodes, BETA, request_body(home, old))[0] == 200
    before = evidence(nodes, BETA)
    body = request_body(fork, old + 4)
    # Who only carries it could have spoilt the proof: it is refused, and nobody is accused.
    assert ask(nodes, BETA, body, MALLORY) == (422, b"")
    assert evidence(nodes, BETA) == before
    assert ask(nodes, BETA, body) == (422, b"")
    (found,) = evidence(nodes, BETA)[len(before) :]
    assert [size_of(note) for note in found[1:]] == [old + 4, old + 9]
    assert held_size(nodes, BETA) == old + 4
    end_split(nodes)


def end_split(nodes: Nodes) -> None:
    """Both witnesses go on from a longer history of the real node, whatever they saw before."""
    home = nodes.home(ALPHA)
    for member in (BETA, GAMMA):
        with Node(nodes.home(member)) as node, node.database.transaction("forget") as connection:
            connection.exec_driver_sql("DELETE FROM audit_shown")
            connection.exec_driver_sql("DELETE FROM audit_evidence")
    write_entries(home, 1)
    assert ask(nodes, BETA, request_body(home, 0))[0] == 200
    assert ask(nodes, GAMMA, request_body(home, 0))[0] == 200


def test_requests_of_two_histories_that_race_are_cosigned_on_one_of_them(nodes: Nodes, fork: Path) -> None:
    old, home = held_size(nodes, BETA), nodes.home(ALPHA)
    bodies = []
    for round_ in range(4):
        for folder, branch in ((home, "one"), (fork, "other")):
            write_entries(folder, 1, f"{branch} {round_}")
            bodies.append((branch, request_body(folder, old)))
    with channel_to(nodes, BETA, nodes.credentials(ALPHA)) as channel, ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda each: (each[0], add_checkpoint(channel, each[1])), bodies))
    won = [branch for branch, (status, _) in said if status == 200]
    assert len(won) == 1
    assert {status for _, (status, _) in said} <= {200, 400, 409, 422}
    other = fork if won == ["one"] else home
    with pytest.raises(AuditError, match="at least 1 is missing"):
        collected(other)
    end_split(nodes)


# A log that was put back


def refused_start(nodes: Nodes) -> str:
    """What a node says that does not start to serve; nobody reaches it."""
    return nodes.run(ALPHA, "serve", code=65).stderr


def test_database_put_back_alone_is_shown_by_the_file_beside_it(
    nodes: Nodes, capsys: pytest.CaptureFixture[str]
) -> None:
    home = nodes.home(ALPHA)
    with copied(home) as copy:
        write_entries(home, 3)
        signed(home)
        with kept(home):
            put_database_back(copy, home)
            told = refused_start(nodes)
            # It asks nobody anything either, and says so where somebody looks.
            asked = nodes.run(ALPHA, *asking(BETA, PURPOSE), code=65, quick=True).stderr
            capsys.readouterr()
            assert main.run(["--home", str(home), "doctor"]) == 1
    for said in (told, asked, capsys.readouterr().out):
        assert "at least 3 are missing" in said
        assert "hint: Put back the newest copy of node.db" in said
        assert f"symbolon coalition invite {ALPHA} --again" in said
    assert outcomes(home)[BETA] == "cosigned"


def test_folder_put_back_whole_is_shown_by_what_a_peer_cosigned(nodes: Nodes) -> None:
    home = nodes.home(ALPHA)
    with copied(home) as copy:
        write_entries(home, 5)
        assert outcomes(home)[BETA] == "cosigned"
        with kept(home):
            put_back(copy, home)
            told = refused_start(nodes)
    assert "at least 5 are missing" in told
    assert re.search(f"as ({BETA}|{GAMMA}) shows by a checkpoint that this node signed", told)
    assert "symbolon: hint: Put back the newest copy of node.db" in told


def test_folder_put_back_whole_that_went_on_is_shown_too(nodes: Nodes) -> None:
    home = nodes.home(ALPHA)
    with copied(home) as copy:
        write_entries(home, 2)
        assert outcomes(home)[BETA] == "cosigned"
        with kept(home):
            put_back(copy, home)
            write_entries(home, 7, "instead")
            told = refused_start(nodes)
    assert "entries are not what they were" in told


def test_folder_put_back_while_all_were_off_ends_the_serving_once_one_is_back(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, listening = nodes.home(ALPHA), list[str]()

    async def nobody(_: Node) -> None:
        """Whom it would have asked at its start was off."""

    monkeypatch.setattr(server, "compare_with_others", nobody)
    with copied(home) as copy:
        write_entries(home, 2)
        assert outcomes(home)[BETA] == "cosigned"
        with kept(home):
            put_back(copy, home)
            with Node(home) as node, pytest.raises(AuditError) as caught:
                asyncio.run(serve(node, listening.append, stop=asyncio.Event(), grace_s=0))
    assert len(listening) == 1
    assert (caught.value.full_code, caught.value.exit_code) == ("audit.truncated", 65)


def test_witness_whose_database_was_put_back_alone_does_not_start(nodes: Nodes) -> None:
    home, log = nodes.home(MALLORY), nodes.home(ALPHA)
    with copied(home) as copy:
        with Node(home) as node:
            witness = Witness(node.database, node.checkpoints, lambda: node.signing_key, node.clock)
            key = NoteKey(
                origin(ALPHA), load_signing_key(log / SIGNING_KEY_FILE).public_key().public_bytes_raw()
            )
            asked = parse_add_checkpoint(request_body(log, 0))
            assert witness.decide(asked, key, ALPHA, own=True).status == 200
        write_entries(home, 1)
        signed(home)
        with kept(home):
            put_database_back(copy, home)
            told = nodes.run(MALLORY, "serve", code=65).stderr
    assert "at least 1 are missing" in told


def test_witness_that_forgot_what_it_cosigned_is_found_out_by_its_own_cosignature(nodes: Nodes) -> None:
    home = nodes.home(ALPHA)
    with copied(nodes.home(GAMMA)) as copy:
        write_entries(home, 2)
        assert outcomes(home)[GAMMA] == "cosigned"
        nodes.stop(GAMMA)
        # Its own log says nothing of what it cosigned, and so does not show this.
        put_back(copy, nodes.home(GAMMA))
    nodes.start(GAMMA)
    (found,) = [each for each in collected(home).outcomes if each.member == GAMMA]
    assert found.kind == "cosigned"
    assert "its database was put back" in found.said


# Requests that are none, and about what no member has


@pytest.mark.parametrize(
    "body",
    [b"", b"old 0\n\n", b"\xff" * 400, b"old 0\n" + b"A" * MAX_REQUEST_BYTES, b"old 0\n" * 5000],
    ids=["empty", "no note", "no text", "oversized", "lines"],
)
def test_body_that_is_no_request_is_answered_with_400(nodes: Nodes, body: bytes) -> None:
    before = nodes.query(BETA, "SELECT count(*) FROM audit_entry")[0][0]
    assert ask(nodes, BETA, body, MALLORY) == (400, b"")
    assert nodes.query(BETA, "SELECT count(*) FROM audit_entry")[0][0] == before


def test_body_larger_than_a_message_ends_the_call(nodes: Nodes) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        ask(nodes, BETA, bytes(5 << 20), MALLORY)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def note_of(name: str, home: Path, size: int = 0) -> SignedNote:
    root = bytes(32) if size else parse_checkpoint(signed(home).text).root
    return sign_checkpoint(Checkpoint(name, size, root), load_signing_key(home / SIGNING_KEY_FILE))


def test_log_that_no_member_has_is_not_found(nodes: Nodes) -> None:
    home = nodes.home(MALLORY)
    for name in ("symbolon/loopback/nobody-co", "symbolon/wool/mallory-co", "mallory-co", origin(BETA)):
        note = note_of(name, home, 5)
        assert ask(nodes, BETA, add_checkpoint_body(0, (), note), MALLORY) == (404, b""), name
        if name != origin(BETA):
            assert held_by(nodes, BETA, name) is None


def test_log_of_another_member_under_the_own_key_is_not_cosigned(nodes: Nodes) -> None:
    note = note_of(origin(ALPHA), nodes.home(MALLORY), 5)
    assert ask(nodes, BETA, add_checkpoint_body(0, (), note), MALLORY) == (403, b"")


def test_log_of_a_former_or_suspended_member_is_not_found(nodes: Nodes) -> None:
    home = nodes.home(FORMER)
    write_entries(home, 2)
    body = request_body(home, 0)
    assert ask(nodes, BETA, body, MALLORY)[0] == 200
    assert held_by(nodes, BETA, origin(FORMER)) is not None
    founding = nodes.founder.node.founding
    for member_act in (Suspend(MemberId(FORMER), "asked to"), Reinstate(MemberId(FORMER)), None):
        if member_act is None:
            nodes.founder.expel(FORMER)
        else:
            founding.propose([member_act])
        nodes.coalition.publish()
        back = isinstance(member_act, Reinstate)
        assert ask(nodes, BETA, body, MALLORY)[0] == (409 if back else 404)
        assert (held_by(nodes, BETA, origin(FORMER)) is not None) == back


def test_caller_that_floods_is_told_to_try_later_and_others_are_answered(nodes: Nodes) -> None:
    def until_refused() -> None:
        for _ in range(10 * BURST):
            get_checkpoint(channel, origin(ALPHA))

    with channel_to(nodes, GAMMA) as channel, pytest.raises(grpc.RpcError) as caught:
        until_refused()
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    write_entries(nodes.home(ALPHA), 1)
    assert outcomes(nodes.home(ALPHA))[GAMMA] == "cosigned"


# Witnesses that lie


def test_witness_that_lies_gets_no_cosignature_counted_and_stops_nobody(nodes: Nodes) -> None:
    home = nodes.home(ALPHA)
    write_entries(home, 1)
    note = signed(home)
    checkpoint = parse_checkpoint(note.text)
    mallory = load_signing_key(nodes.home(MALLORY) / SIGNING_KEY_FILE)
    larger = Checkpoint(checkpoint.origin, 10**6, bytes(32))
    forged = encode_note(sign_checkpoint(larger, mallory))
    cosigned = cosign(checkpoint, origin(MALLORY), private_key("another"), now_s=NOW_S)
    elsewhere = cosign(larger, origin(MALLORY), mallory, now_s=NOW_S)
    as_another = cosign(checkpoint, origin(BETA), mallory, now_s=NOW_S)
    lies = {
        "no text": answered(200, b"\xff" * 10),
        "too much": answered(200, b"A" * (1 << 20)),
        "another key": answered(200, encode_signatures([cosigned]).encode()),
        "another log": answered(200, encode_signatures([elsewhere]).encode()),
        "another's name": answered(200, encode_signatures([as_another]).encode()),
        "a size it never saw": answered(409, b"1000000\n"),
        "no size": answered(409, b"-1\n"),
        "a fork": answered(409),
        "no proof": answered(422),
        "no status": answered(99),
    }
    with lying_witness(nodes, MALLORY, lambda asked: lie(asked), lambda _: forged):
        told = {}
        for what, lie in lies.items():  # noqa: B007 - what the server says meanwhile
            told[what] = collected(home)
    for what, found in told.items():
        (outcome,) = [each for each in found.outcomes if each.member == MALLORY]
        assert outcome.kind in ("conflict", "refused"), what
        assert MALLORY not in found.cosigned, what
        assert found.cosigned.keys() >= {BETA, GAMMA}, what


def test_witness_that_shows_forged_checkpoints_keeps_no_node_from_starting(nodes: Nodes) -> None:
    """Another key's, a note of another log, and what is none: only this node's own signature counts."""
    mallory = nodes.home(MALLORY)
    forged = [
        encode_note(note_of(origin(ALPHA), mallory, 10**6)),
        encode_note(note_of(origin(MALLORY), mallory, 10**6)),
        b"\xff" * 100,
        encode_note(signed(nodes.home(ALPHA))).replace(b"\n\n", b"\n"),
    ]
    with (
        lying_witness(nodes, MALLORY, answered(500), lambda _: lie),
        Node(nodes.home(ALPHA)) as node,
    ):
        for lie in forged:  # noqa: B007 - what the server says meanwhile
            asyncio.run(witnessing.compare_with_others(node))


def test_witness_that_never_answers_holds_up_a_start_no_longer_than_it_may(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witnessing, "MOST_S", 0.5)
    monkeypatch.setattr(witnessing, "reachable", lambda *_: (MALLORY,))
    asked, hung = threading.Event(), threading.Event()

    def hang(_: object) -> bytes:
        asked.set()
        hung.wait(20)
        return b""

    with Node(nodes.home(ALPHA)) as node, lying_witness(nodes, MALLORY, answered(500), hang):
        start = time.monotonic()
        asyncio.run(witnessing.compare_with_others(node))
        took = time.monotonic() - start
        hung.set()
    assert asked.is_set()
    assert 0.4 < took < 5


def test_cosignature_of_a_member_that_is_none_any_more_counts_for_nothing(nodes: Nodes) -> None:
    found = collected(nodes.home(ALPHA))
    with Node(nodes.home(ALPHA)) as node:
        members = node.directory.current()
        public: NoteKey = node.checkpoints.public
        all_ = witnessing.cosigners(found.note, public, members, ALPHA)
        assert {BETA, GAMMA} <= set(all_)
        # Under its own name it would not count either: the key of a log never witnesses that log.
        assert BETA not in witnessing.cosigners(found.note, public, members, BETA)
