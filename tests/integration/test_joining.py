"""From an invitation to the first match, and out again: every step is a command as a person types it."""

import contextlib
import itertools
import json
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import forked
from processes import DEADLINE_S, first_line, wait_until
from raw_peer import RawAsk, elements, hello
from symbolon.cli.local_coalition import own_environment
from symbolon.membership.certificates import certificate_fingerprint
from symbolon.membership.invitation_code import InvitationCode
from symbolon.membership.member_record import MemberRecord
from symbolon.rpc.inviting import write_invitation
from symbolon.rpc.node import LEAF_FILE, Node
from typed_member import PURPOSE, Member, free_port, invited

import grpc  # isort: skip - after symbolon.rpc, which sets the cipher list

COALITION = "spring"
FOUNDER = "founder-co"
_TESTS = Path(__file__).resolve().parents[1]
_NAMES = (f"joins-{number}" for number in itertools.count())
DOCUMENT = re.findall(
    r"^```(\w+)\n(.*?)^```$",
    (_TESTS.parent / "docs" / "joining.md").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)
_LIST = (
    "supplier_id,name,address,city,postal_code,country,lei\n"
    "{0}-1,Orlandia Yard,4 Mill Lane,Zorvanpur,10002,BD,5299000J2N45DDNE4Y28\n"
    "{0}-2,{1},9 Quiet Street,Porto,4000,PT,\n"
)
MATCHED = ("first", "stays", "leaves", "reader")
"""Members whose questions the founder answers: `serve` reads that when it starts."""


@pytest.fixture(scope="module")
def founder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Member]:
    """A founder that is served, with a list, and answers `MATCHED`."""
    folder = tmp_path_factory.mktemp("joining")
    founder = Member(FOUNDER, folder)
    founder.found(COALITION)
    for name in MATCHED:
        founder.allow(name)
    founder.quick("suppliers", "import", str(a_list(folder, "F", "Tondela Moldes")))
    founder.serve()
    yield founder
    assert founder.stop() == 0
    assert "Traceback" not in founder.log.read_text()


@pytest.fixture
def joiner(founder: Member) -> Member:
    """A machine without a node, for a member that nobody else is."""
    return Member(next(_NAMES), founder.home.parent)


def a_list(folder: Path, prefix: str, own: str) -> Path:
    """A list of two suppliers; the first one is in all of these lists."""
    path = folder / f"{prefix}.csv"
    path.write_text(_LIST.format(prefix, own), encoding="utf-8")
    return path


def joined(founder: Member, name: str, relay: str = "") -> Member:
    """A member that only needs to be one; with an address, one that runs a relay there."""
    member = Member(name, founder.home.parent)
    named, own = (("--relay",), ("--relay-endpoint", relay)) if relay else ((), ())
    member.quick_join(founder.invite(name, *named), *own)
    return member


def refused(member: Member, code: str, *more: str, exit_code: int) -> str:
    """What a person is told whose joining is refused."""
    return member.run(*member.joining(code, *more), code=exit_code).stderr


def changed(code: str, **fields: object) -> str:
    """A code that is whole, and says something else than the founder wrote."""
    return replace(InvitationCode.decode(code), **fields).encode()  # type: ignore[arg-type]


# From nothing to a match.


def test_join_to_the_first_match_takes_three_commands_and_one_edit(founder: Member) -> None:
    member = Member("first", founder.home.parent)
    code = founder.invite(member.name)
    told = member.join(code)
    assert f"{member.name} is a member of {COALITION}." in told
    assert f"This node reaches {FOUNDER}." in told
    assert f"{FOUNDER} reaches this node." in told
    member.run("suppliers", "import", str(a_list(member.home, "J", "Quimbara Works")))
    member.allow(FOUNDER)
    _, rows = member.match(founder)
    assert [(row["supplier_id"], row["band"]) for row in rows] == [("J-1", "certain")]
    assert founder.standing()[member.name] == member.standing()[FOUNDER] == "good"


def test_join_reads_the_code_from_stdin_and_asks_for_the_terms_without_keeping_the_code(
    founder: Member, joiner: Member
) -> None:
    code = founder.invite(joiner.name)
    arguments = ("coalition", "join", code, "--person", "Carol", *joiner.dialled)
    told = joiner.run(*arguments, typed="yes\n").stderr
    assert "Prohibited: immigration-or-police-work" in told
    assert f"{joiner.name} is a member of {COALITION}." in told
    secret = InvitationCode.decode(code).secret
    for home in (founder.home, joiner.home):
        for path in filter(Path.is_file, home.rglob("*")):
            held = path.read_bytes()
            assert code.encode() not in held, path
            assert secret not in held, path
    other = Member(next(_NAMES), founder.home.parent)
    pasted = founder.invite(other.name)
    told = other.run(*other.joining("-"), typed=f"  {pasted[:40]}\n {pasted[40:].upper()}\n").stderr
    assert f"{other.name} is a member" in told


# Where it is reached.


def test_join_without_a_relay_and_on_another_port_at_each_start_is_refused_and_makes_no_node(
    tmp_path: Path,
) -> None:
    founder, member = Member("lone-founder", tmp_path), Member("portless", tmp_path)
    founder.found("no-relay")
    founder.serve()
    try:
        command = (
            "coalition",
            "join",
            founder.invite(member.name),
            "--person",
            "Carol",
            "--accept-terms",
            "1",
        )
        told = member.run(*command, "--listen", "127.0.0.1:0", code=2).stderr
        assert "127.0.0.1:0 is nowhere that other members could dial" in told
        assert "--listen host:port" in told
        assert "--endpoint host:port" in told
        assert not (member.home / "symbolon.toml").exists()
        assert founder.members().find(member.name) is None
        # A node that was made ahead is dialled where its own configuration says that it listens.
        member.quick("init", "--member", member.name, "--coalition", "no-relay", "--listen", member.listen)
        assert f"{founder.name} reaches this node." in member.run(*command).stderr
        listed = founder.members().find(member.name)
        assert listed is not None
        assert listed.endpoint == member.listen
    finally:
        assert founder.stop() == 0


# Interrupted.


@pytest.mark.parametrize("point", ["made", "sent", "interrupted", "answered", "kept"])
def test_join_killed_on_its_way_goes_on_with_the_same_command(
    founder: Member, joiner: Member, point: str
) -> None:
    code = founder.invite(joiner.name)
    killed = [sys.executable, str(_TESTS / "killed_join.py"), point, "--"]
    command = joiner.command(*joiner.joining(code))
    first = subprocess.run(
        [*killed, *command[3:]], capture_output=True, check=False, timeout=DEADLINE_S, env=own_environment()
    )
    if point == "interrupted":
        assert first.returncode == 130, first.stderr
        assert b"Run the same command again" in first.stderr
    else:
        assert first.returncode == -signal.SIGKILL, first.stderr
    signing_key = (joiner.home / "signing-key.pem").read_bytes()
    told = joiner.quick_join(code)
    # Once the certificate is kept, nothing is left to ask.
    words = "has joined already." if point == "kept" else f"is a member of {COALITION}."
    assert f"{joiner.name} {words}" in told
    assert f"{FOUNDER} reaches this node." in told
    # It was let in with the keys that it made the first time, and once.
    assert (joiner.home / "signing-key.pem").read_bytes() == signing_key
    listed = record(founder, joiner.name)
    shown = certificate_fingerprint((joiner.home / LEAF_FILE).read_bytes())
    assert listed.certificates == (shown,)
    assert joiner.standing()[joiner.name] == "good"


def record(member: Member, name: str) -> MemberRecord:
    """A member's entry as another's node holds it."""
    with Node(member.home) as node:
        found = node.coalition.state().members.find(name)
    assert found is not None
    return found


# Refused.


def test_join_with_a_code_that_others_used_before_tells_of_them(founder: Member, joiner: Member) -> None:
    code = founder.invite(joiner.name)
    joiner.quick_join(code)
    before = record(founder, joiner.name)
    thief = Member("thief", founder.home.parent)
    told = refused(thief, code, exit_code=77)
    assert "if this one was not answered by you, say so" in told
    assert record(founder, joiner.name) == before
    assert not (thief.home / LEAF_FILE).exists()
    # The member itself is told that it is one, and loses nothing.
    assert f"{joiner.name} has joined already." in joiner.quick_join(code)
    assert record(founder, joiner.name) == before
    assert joiner.standing()[joiner.name] == "good"


def test_join_with_a_miscopied_code_is_refused_before_anything_is_made(
    founder: Member, joiner: Member
) -> None:
    code = founder.invite(joiner.name)
    at = len(code) // 2
    other = "b" if code[at] == "a" else "a"
    for wrong in (code[:at] + other + code[at + 1 :], code[:-3], "hello"):
        told = refused(joiner, wrong, exit_code=77)
        assert "code" in told
    assert not joiner.home.exists()


@pytest.mark.parametrize(("code", "typed"), [("-", ""), ("-", " \n"), ("CODE", ""), ("", "")])
def test_join_without_a_code_is_told_so(tmp_path: Path, code: str, typed: str) -> None:
    member = Member("codeless", tmp_path)
    told = member.run(*member.joining(code), typed=typed, code=2).stderr
    assert "no code was given" in told
    assert "symbolon1-" in told
    assert not member.home.exists()


def test_join_of_an_auditor_does_not_end_with_a_list_to_import(founder: Member, joiner: Member) -> None:
    told = joiner.join(founder.invite(joiner.name, "--kind", "auditor"))
    assert told.endswith("Next: `symbolon serve`.\n")


def test_founder_that_gives_up_its_endpoint_is_told_that_nobody_joins_through_it(tmp_path: Path) -> None:
    founder = Member("hidden-founder", tmp_path)
    fingerprint, told = founder.quick(
        *("coalition", "create", "moved", "--member", founder.name, "--person", "Ada"),
        *("--jurisdiction", "DE", "--listen", founder.listen, "--relay-endpoint", "127.0.0.1:1"),
    )
    # What its output is, and where the key lies that is better kept elsewhere.
    assert re.fullmatch(r"[0-9a-f]{64}\n", fingerprint)
    assert told.endswith("fingerprint of the first root, which members can compare:\n")
    assert f"The root key is {founder.home / 'founder' / 'root-key.pem'}" in told
    assert "`--root-key PATH`" in told
    founder.serve()
    try:
        carrier = joined(founder, "its-relay", "127.0.0.1:2")
    finally:
        assert founder.stop() == 0
    words = "Nobody can join through this founder"
    assert words in founder.quick("coalition", "move", "--relay", carrier.name)[1]
    assert words not in founder.quick("coalition", "move", "--endpoint", founder.listen)[1]


def test_join_with_a_made_up_code_gets_no_further_than_the_handshake(founder: Member, joiner: Member) -> None:
    code = changed(founder.invite(joiner.name), secret=bytes(16))
    told = refused(joiner, code, exit_code=75)
    assert "the code is used, withdrawn or wrong" in told
    assert joiner.name not in founder.standing()
    assert joiner.name not in founder.log.read_text()


def test_join_with_a_code_for_another_root_believes_nothing(founder: Member, joiner: Member) -> None:
    told = refused(joiner, changed(founder.invite(joiner.name), root_sha256=bytes(32)), exit_code=77)
    assert "the root is not the one that the invitation names" in told
    assert joiner.name not in founder.standing()


def test_join_with_a_late_code_is_refused_at_both_ends(founder: Member, joiner: Member) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    told = refused(joiner, changed(founder.invite(joiner.name), expires=now - timedelta(1)), exit_code=77)
    assert "ended at" in told
    # One that was written ten days ago for a week, and that somebody gives another month.
    wanted = invited(next(_NAMES), now.date())
    with Node(founder.home, clock=lambda: time.time() - 10 * 86400) as node:
        ended = write_invitation(node, wanted)
    late = Member(wanted.member_id, founder.home.parent)
    told = refused(late, replace(ended, expires=now + timedelta(days=30)).encode(), exit_code=75)
    assert "the code is used, withdrawn or wrong" in told
    assert late.name not in founder.standing()


@pytest.mark.parametrize(
    ("accept", "typed", "told"),
    [
        (("--accept-terms", "2"), "", "terms 2 were accepted, the coalition's are 1"),
        ((), "no\n", "the terms were not accepted; nothing was sent"),
        ((), "", "the terms were not accepted; nothing was sent"),
    ],
    ids=["another version", "no", "nobody there"],
)
def test_join_without_accepting_the_terms_sends_nothing_and_can_follow(
    founder: Member, joiner: Member, accept: tuple[str, ...], typed: str, told: str
) -> None:
    code = founder.invite(joiner.name)
    arguments = ("coalition", "join", code, "--person", "Carol", *joiner.dialled)
    assert told in joiner.run(*arguments, *accept, typed=typed, code=2).stderr
    assert joiner.name not in founder.standing()
    assert joiner.name not in founder.log.read_text()
    assert "this node has not joined a coalition yet" in joiner.quick("serve", code=77)[1]
    found = json.loads(joiner.quick("doctor", "--json", code=1)[0])["checks"]
    (certificate,) = (each for each in found if each["check"] == "certificate")
    assert "`symbolon coalition join CODE`" in certificate["hint"]
    assert f"{joiner.name} is a member" in joiner.quick_join(code)


def test_join_while_the_founder_is_away_says_so_and_goes_on_later(tmp_path: Path) -> None:
    founder, member = Member("away-co", tmp_path), Member("late-co", tmp_path)
    founder.found("autumn")
    code = founder.invite(member.name)
    told = refused(member, code, exit_code=75)
    assert "away-co cannot be reached" in told
    founder.serve()
    try:
        assert "late-co is a member of autumn." in member.quick_join(code)
    finally:
        assert founder.stop() == 0


# Through a relay.


def test_joining_document_is_what_happens_to_a_node_that_opens_no_port(founder: Member) -> None:
    address = f"127.0.0.1:{free_port()}"
    carrier = joined(founder, "carrier", address)
    carrier.serve()
    command = carrier.command("relay", "--listen", address)
    with running(command, carrier.home / "relay.log") as relay:
        assert first_line(relay) == address
        member = Member("reader", founder.home.parent)
        code = founder.invite(member.name)
        suppliers = a_list(founder.home.parent, "suppliers", "Quimbara Works")
        typed = {"CODE": code, "suppliers.csv": str(suppliers)}
        (table,) = (body for kind, body in DOCUMENT if kind == "toml")
        (shown,) = (body for kind, body in DOCUMENT if kind == "text")
        told = {}
        for line in documented():
            if line[0] == "match":
                with (member.home / "symbolon.toml").open("a", encoding="utf-8") as configuration:
                    configuration.write(table)
            # Without --accept-terms, `attest` shows the terms and wants to be run again.
            code_of = 2 if line[:2] == ["coalition", "attest"] and "--accept-terms" not in line else 0
            done = member.run(*(typed.get(word, word) for word in line), typed="yes\n", code=code_of)
            told[" ".join(line[:2])] = done.stdout + done.stderr
        assert shown in told["coalition join"]
        assert "certain: a valid identifier is the same" in told[f"match {FOUNDER}"]
        assert "suppliers-1" in told[f"match {FOUNDER}"]
        assert "Attested; written down in version" in told["coalition attest"]
        listed = record(founder, member.name)
        assert (listed.endpoint, listed.relays) == ("", ("carrier",))
    assert carrier.stop() == 0


def test_relay_with_no_node_served_beside_it_asks_who_is_new_when_it_starts(founder: Member) -> None:
    # Not one of the coalition's relays yet: those are named by whoever joins after it.
    carrier, new = joined(founder, "lone-carrier"), joined(founder, next(_NAMES))
    assert carrier.members().find(new.name) is None
    command = carrier.command("relay", "--listen", "127.0.0.1:0")
    with running(command, carrier.home / "relay.log") as relay:
        assert first_line(relay)
        wait_until(lambda: carrier.members().find(new.name), "the relay to hear of it")


def documented() -> list[list[str]]:
    """The commands of docs/joining.md in their order, without `symbolon`."""
    lines = "".join(body for kind, body in DOCUMENT if kind == "sh").splitlines()
    return [shlex.split(line)[1:] for line in lines]


@contextlib.contextmanager
def running(command: list[str], log: Path) -> Iterator["subprocess.Popen[str]"]:
    """A command that serves, until the end of the block."""
    with (
        log.open("a") as told,
        forked.Popen(
            command, stdout=subprocess.PIPE, stderr=told, text=True, env=own_environment()
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


# Suspended and expelled, with a session open.


SUSPENDED = ("UNAUTHENTICATED", "membership.suspended")
EXPELLED = ("UNAUTHENTICATED", "membership.expelled")


def begun(opened: grpc.Channel) -> RawAsk:
    """A session that has come to where the asker sends its elements."""
    ask = RawAsk(opened)
    ask.say(hello=hello(purpose=PURPOSE, coalition=COALITION))
    ask.hear_until("accept")
    return ask


def test_suspended_member_gets_no_further_and_is_back_when_it_is_reinstated(founder: Member) -> None:
    member = joined(founder, "stays")
    with founder.channel(member.credentials) as opened:
        with begun(opened) as ask:
            told = founder.run("coalition", "suspend", member.name, "--reason", "under review").stderr
            assert "In force" in told
            ask.say(elements=elements())
            assert ask.refusal() == SUSPENDED
        assert "membership.suspended" in founder.log.read_text()
        with RawAsk(opened) as ask:
            ask.say(hello=hello(purpose=PURPOSE, coalition=COALITION))
            assert ask.refusal() == SUSPENDED
        assert founder.standing()[member.name] == "suspended"
        founder.quick("coalition", "reinstate", member.name)
        with begun(opened) as ask:
            ask.say(elements=elements())
            ask.hear_until("finish")
            assert ask.refusal() == ("OK", "")
    assert founder.standing()[member.name] == "good"


def test_expelled_member_s_live_stream_ends_at_its_next_message_and_all_others_hear_of_it(
    founder: Member,
) -> None:
    member, witness = joined(founder, "leaves"), joined(founder, "witness")
    witness.serve()
    try:
        with founder.channel(member.credentials) as opened, begun(opened) as ask:
            told = founder.run("coalition", "expel", member.name, "--reason", "resold data").stderr
            assert "In force" in told
            ask.say(elements=elements())
            assert ask.refusal() == EXPELLED
        assert f"sender of {member.name}: {member.name} was expelled" in founder.log.read_text()
        wait_until(lambda: witness.members().is_expelled(member.name), "the witness to hear of it")
        for each in (founder, witness):
            with each.channel(member.credentials) as opened, RawAsk(opened) as ask:
                ask.say(hello=hello(purpose=PURPOSE, coalition=COALITION))
                assert ask.refusal() == EXPELLED
        told = member.run("coalition", "sync", FOUNDER, code=77).stderr
        assert "does not take this node for a current member: it was expelled" in told
        # Its id is gone for good.
        vetted = ("--jurisdiction", "KE", "--vetted-by", "Ben", "--criteria", "charter 3")
        told = founder.quick("coalition", "invite", member.name, *vetted, code=77)[1]
        assert "its id is not given again" in told
    finally:
        assert witness.stop() == 0
