"""Operators with the real command line: terminals, scripts, an issuer, two nodes that meet."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import forked
from node_people import GIVEN, NodePeople, password_of
from oidc_issuer import CLIENT_ID, Issuer, running_issuer
from processes import DEADLINE_S
from real_nodes import ALPHA, BETA, PURPOSES, Nodes, two_nodes
from symbolon.cli.local_coalition import symbolon
from symbolon.cli.operator_session import OperatorSession, keep_session
from symbolon.policy.operator_roles import LOCAL, Role
from symbolon.rpc.node import SEAL_KEY_FILE, Node
from symbolon.storage.operator_store import OperatorStore
from typed_terminal import Terminal

PASSWORD = "correct horse battery"


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NodePeople:
    return NodePeople(tmp_path, monkeypatch)


def command(people: NodePeople, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return forked.run(symbolon("--home", str(people.home), *arguments), start_new_session=True)


def test_first_operator_adds_itself_signs_in_and_out_at_a_terminal(people: NodePeople) -> None:
    add = Terminal(people.home, "operators", "add", "Amina", "--role", "administrator")
    add.expect("New password for Amina:")
    add.type(PASSWORD)
    add.expect("The same again:")
    add.type(PASSWORD)
    assert add.end() == 0, add.shown
    sign_in = Terminal(people.home, "sign-in")
    sign_in.expect("Name:")
    sign_in.type("amina")
    sign_in.expect("Password:")
    sign_in.type(PASSWORD)
    assert sign_in.end() == 0, sign_in.shown
    assert "Signed in as Amina (administrator)" in sign_in.shown
    assert PASSWORD not in add.shown + sign_in.shown
    listed = people.run("operators", "list", "--json").json
    assert [(each["name"], each["role"], each["own_credential"]) for each in listed] == [
        ("Amina", "administrator", True)
    ]
    assert people.run("sign-out").code == 0
    assert people.run("operators", "list").code == 77


def test_new_passwords_that_differ_add_nobody(people: NodePeople) -> None:
    add = Terminal(people.home, "operators", "add", "Amina", "--role", "administrator")
    for question, typed in (("New password", PASSWORD), ("The same", PASSWORD + "x")):
        add.expect(question)
        add.type(typed)
    assert add.end() == 2
    assert "differ" in add.shown
    assert people.run("operators", "list", "--json").json == []


def test_first_sign_in_with_a_given_password_asks_for_an_own_one(people: NodePeople) -> None:
    people.add("Amina", Role.ADMINISTRATOR)
    people.add("Bruno", Role.APPROVER, own_password=False)
    sign_in = Terminal(people.home, "sign-in", "Bruno")
    for question, typed in (("Password:", GIVEN), ("New password for Bruno", GIVEN), ("The same", GIVEN)):
        sign_in.expect(question)
        sign_in.type(typed)
    assert sign_in.end() == 2
    assert "choose another" in sign_in.shown
    assert people.run("status").code == 77
    sign_in = Terminal(people.home, "sign-in", "Bruno")
    for question, typed in (("Password:", GIVEN), ("New password", PASSWORD), ("The same", PASSWORD)):
        sign_in.expect(question)
        sign_in.type(typed)
    assert sign_in.end() == 0, sign_in.shown
    bruno = people.run("operators", "list", "--json").json[1]
    assert bruno["own_credential"] is True


def test_own_password_is_changed_with_the_one_so_far_and_ends_the_session(people: NodePeople) -> None:
    people.add("Amina", Role.ADMINISTRATOR)
    people.signed_in("Amina")
    people.password_file("not her password")
    people.password_file(PASSWORD, "SYMBOLON_NEW_PASSWORD_FILE")
    assert people.run("operators", "password").code == 77
    people.password_file(password_of("Amina"))
    assert people.run("operators", "password").code == 0
    assert people.run("status").code == 77
    people.password_file(PASSWORD)
    assert people.run("sign-in", "Amina").code == 0


def test_script_signs_in_by_environment_and_a_file_descriptor(
    people: NodePeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.add("Carla", Role.ADMINISTRATOR)
    reading, writing = os.pipe()
    os.write(writing, password_of("Carla").encode())
    os.close(writing)
    done = subprocess.run(
        symbolon("--home", str(people.home), "operators", "list", "--json"),
        capture_output=True,
        text=True,
        check=False,
        pass_fds=[reading],
        env={**os.environ, "SYMBOLON_OPERATOR": "Carla", "SYMBOLON_PASSWORD_FILE": f"/dev/fd/{reading}"},
    )
    os.close(reading)
    assert (done.returncode, len(json.loads(done.stdout))) == (0, 1), done.stderr
    assert not list(people.home.glob("signed-in-*"))
    monkeypatch.setenv("SYMBOLON_OPERATOR", "Carla")
    alone = people.run("status")
    assert (alone.code, "SYMBOLON_PASSWORD_FILE is not" in alone.talk) == (2, True)


@pytest.mark.parametrize(
    "arguments", [("sign-in", "Amina"), ("operators", "add", "Bruno", "--role", "viewer")]
)
def test_password_without_a_terminal_says_which_file_to_name(
    people: NodePeople, arguments: tuple[str, ...]
) -> None:
    people.add("Amina", Role.ADMINISTRATOR)
    people.signed_in("Amina")
    done = command(people, *arguments)
    assert done.returncode == 2
    assert "PASSWORD_FILE" in done.stderr
    assert "Traceback" not in done.stderr


def test_password_file_that_cannot_be_read_says_what_to_name(
    people: NodePeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.add("Amina", Role.ADMINISTRATOR)
    monkeypatch.setenv("SYMBOLON_PASSWORD_FILE", "no-file")
    said = people.run("sign-in", "Amina")
    assert (said.code, "hint: Let SYMBOLON_PASSWORD_FILE name a file" in said.talk) == (65, True)


def test_approval_is_read_and_confirmed_at_the_terminal(people: NodePeople, tmp_path: Path) -> None:
    people.add("Amina", Role.ADMINISTRATOR)
    people.add("Bruno", Role.APPROVER)
    people.configure('[operators]\nfour_eyes = ["operators"]\n')
    wanted = ("operators", "role", "Bruno", "viewer")
    waits = people.run_as("Amina", *wanted)
    assert waits.code == 75
    people.signed_in("Bruno")
    (request,) = people.run("approvals", "list", "--json").json
    unread = people.run("approvals", "approve", request["id"])
    assert (unread.code, "--yes" in unread.talk) == (2, True)
    for answer, state in (("n", "waiting"), ("y", "approved")):
        read = Terminal(people.home, "approvals", "approve", request["id"])
        read.expect("Approve exactly this?")
        read.type(answer)
        assert read.end() == 0, read.shown
        assert "Amina (op-" in read.shown
        assert request["sha256"] in read.shown
        assert people.run("approvals", "list", "--all", "--json").json[0]["state"] == state
    assert people.run_as("Amina", *wanted).code == 0
    assert people.run("approvals", "list", "--all", "--json").json[0]["state"] == "used"
    assert "Bruno (op-" in people.run("approvals", "list", "--all").out
    assert people.run("approvals", "list").out == ""


def test_approval_denied_leaves_everything_as_it_was(people: NodePeople) -> None:
    people.add("Amina", Role.ADMINISTRATOR)
    people.add("Bruno", Role.APPROVER)
    people.configure('[operators]\nfour_eyes = ["operators"]\n')
    assert people.run_as("Amina", "operators", "remove", "Bruno").code == 75
    (request,) = people.run("approvals", "list", "--json").json
    assert people.run_as("Bruno", "approvals", "deny", request["id"]).code == 0
    assert people.run_as("Amina", "operators", "remove", "Bruno").code == 75
    assert len(people.run("operators", "list", "--json").json) == 2


def test_operator_of_a_taken_name_is_refused_before_a_second_person_is_asked(people: NodePeople) -> None:
    people.add("Amina", Role.ADMINISTRATOR)
    people.add("Bruno", Role.APPROVER)
    people.configure('[operators]\nfour_eyes = ["operators"]\n')
    refused = people.run_as("Amina", "operators", "add", "bruno", "--role", "viewer")
    assert (refused.code, "there is an operator 'Bruno' already" in refused.talk) == (2, True)
    assert people.run("approvals", "list", "--json").json == []


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as running:
        yield running


def test_sign_in_at_an_issuer_with_the_real_command(people: NodePeople, issuer: Issuer) -> None:
    people.add("Amina", Role.ADMINISTRATOR)
    people.configure(f'[operators]\noidc_issuer = "{issuer.address}"\noidc_client_id = "{CLIENT_ID}"\n')
    added = people.run_as("Amina", "operators", "add", "Bruno", "--role", "approver", "--oidc-subject", "b-7")
    assert added.code == 0, added.talk
    assert people.run("sign-out").code == 0
    for subject, code in (("somebody-else", 77), ("b-7", 0)):
        issuer.asked.clear()
        with forked.Popen(
            symbolon("--home", str(people.home), "sign-in", "--oidc"), stderr=subprocess.PIPE, text=True
        ) as process:
            assert issuer.asked.wait(DEADLINE_S)
            issuer.approve(issuer.user_codes[-1], subject)
            _, talk = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == code, talk
        assert issuer.user_codes[-1] in talk
        assert f"{issuer.address}/activate" in talk
        assert people.run("status").code == code
    assert "Signed in as Bruno (approver)" in talk
    bruno = people.run("operators", "list", "--json").json[1]
    assert (bruno["issuer"], bruno["subject"], bruno["own_credential"]) == (issuer.address, "b-7", True)


def test_oidc_subject_without_an_issuer_is_refused(people: NodePeople) -> None:
    people.add("Amina", Role.ADMINISTRATOR)
    said = people.run_as("Amina", "operators", "add", "Bruno", "--role", "viewer", "--oidc-subject", "b")
    assert (said.code, "oidc_issuer" in said.talk) == (2, True)
    assert people.run("sign-in", "--oidc").code == 78


def test_node_without_operators_works_as_before_and_says_so(people: NodePeople) -> None:
    assert people.run("status").code == 0
    said = people.run("operators", "list")
    assert (said.code, said.out) == (0, "")
    assert "whoever can read this folder" in said.talk
    for arguments in (("sign-in", "Amina"), ("operators", "password")):
        said = people.run(*arguments)
        assert (said.code, "no operators" in said.talk) == (2, True)
    assert people.run("sign-out").code == 0


def test_doctor_still_says_what_is_broken_when_operators_cannot_be_read(people: NodePeople) -> None:
    people.add("Amina", Role.ADMINISTRATOR)
    assert people.run("doctor").code == 77
    (people.home / SEAL_KEY_FILE).chmod(0o644)
    said = people.run("doctor", "--json")
    assert said.code == 1
    assert any("chmod 600" in each["hint"] for each in said.json["checks"] if each["state"] == "fail")
    assert people.run("status").code == 74


def test_audit_log_of_both_ends_carries_who_asked_and_who_started_the_node() -> None:
    with two_nodes() as nodes:
        nodes.quick_match(ALPHA, BETA, PURPOSES[2])
        before = nodes.query(BETA, "SELECT count(*) AS n FROM audit_entry")[0].n
        asker, starter = operator_at(nodes, ALPHA), operator_at(nodes, BETA)
        nodes.start(BETA)
        nodes.match(ALPHA, BETA, PURPOSES[1])
        for member, pseudonym in ((ALPHA, asker), (BETA, starter)):
            sql = "SELECT event, operator FROM audit_entry WHERE purpose = :purpose"
            lines = nodes.query(member, sql, purpose=PURPOSES[1])
            assert len(lines) >= 2
            assert {line.operator for line in lines} == {pseudonym}
        earlier = nodes.query(BETA, "SELECT operator FROM audit_entry WHERE number < :n", n=before)
        assert {line.operator for line in earlier} == {LOCAL}
        for path in nodes.home(ALPHA).glob("signed-in-*"):
            path.unlink()
        nodes.run(ALPHA, "match", BETA, "--purpose", PURPOSES[1], code=77, quick=True)


def operator_at(nodes: Nodes, member: str) -> str:
    """Makes an operator of a node, signed in as this user; its pseudonym."""
    with Node(nodes.home(member)) as node:
        store = OperatorStore(node.database, node.sealer, node.clock, os.urandom)
        person = store.add(LOCAL, "Amina", Role.ADMINISTRATOR, password=PASSWORD)
        session = OperatorSession(person.pseudonym, person.credential_id, int(time.time()))
        keep_session(node.home, node.sealer, session)
    return person.pseudonym
