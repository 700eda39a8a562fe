"""Attacks of people inside: without the role; as both of the four eyes; in another's place; by guessing."""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer.main
from sqlalchemy import text

from node_people import GIVEN, NodePeople, Said, password_of
from symbolon.cli import main, operator_session, signed_in
from symbolon.cli.init import create_node
from symbolon.cli.local_founder import LocalFounder
from symbolon.cli.operator_session import SESSION_LIFE_S
from symbolon.errors import PermissionDeniedError, SymbolonError
from symbolon.policy.approval import PendingApprovalError
from symbolon.policy.operator_roles import COMMAND_ROLES, Role, role_for_command
from symbolon.rpc.node import Node
from symbolon.storage import four_eyes
from symbolon.storage.sign_in_limit import FREE_ATTEMPTS

ROLES = list(Role)


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NodePeople:
    """Amina administers; Bruno approves; Carla contributes; Dora looks."""
    node = NodePeople(tmp_path, monkeypatch)
    for name, role in zip(("Amina", "Bruno", "Carla", "Dora"), reversed(ROLES), strict=True):
        node.add(name, role)
    return node


NAME_OF = dict(zip(reversed(ROLES), ("Amina", "Bruno", "Carla", "Dora"), strict=True))


def every_command() -> Iterator[tuple[str, click.Command]]:
    root = typer.main.get_command(main.app)
    assert isinstance(root, click.Group)
    context = click.Context(root)

    def below(command: click.Command, words: str) -> Iterator[tuple[str, click.Command]]:
        if not isinstance(command, click.Group):
            yield words, command
            return
        for name, each in command.commands.items():
            yield from below(each, f"{words} {name}")

    for name in root.list_commands(context):
        found = root.get_command(context, name)
        assert found is not None
        yield from below(found, name)


def test_every_command_refuses_a_role_below_its_own_before_it_does_anything(people: NodePeople) -> None:
    tried = 0
    signed_in.node_home.chosen.set(people.home)
    for role in ROLES:
        people.signed_in(NAME_OF[role])
        for words, command in every_command():
            needed = role_for_command(words)
            if needed is None or role.covers(needed):
                continue
            assert command.callback is not None
            with pytest.raises(PermissionDeniedError) as caught:
                # Without its arguments: a command that got as far as its own code would say so.
                command.callback()
            assert caught.value.full_code == "permission.role", words
            assert needed in (caught.value.hint or ""), words
            tried += 1
    assert tried > 30


def test_every_command_refuses_who_is_not_signed_in(people: NodePeople) -> None:
    signed_in.node_home.chosen.set(people.home)
    for words, command in every_command():
        if role_for_command(words) is not None:
            with pytest.raises(PermissionDeniedError) as caught:
                command.callback()  # type: ignore[misc]
            assert caught.value.full_code == "permission.sign_in", words


def test_every_command_that_needs_nobody_is_named_as_such() -> None:
    """Whatever is not listed needs an administrator; only these need nobody."""
    open_to_all = {words for words, _ in every_command() if role_for_command(words) is None}
    # Files are checked without a node; the own log is asked for from within.
    open_to_all.remove("audit verify")
    open_to_all -= {"signals words", "signals schema"}  # What is published with the software.
    groups = {words.partition(" ")[0] for words in open_to_all}
    assert groups == {"init", "try", "demo", "bench", "sign-in", "sign-out", "lock", "unlock", "wipe"}
    known = {words for words, _ in every_command()}
    listed = {words for words in COMMAND_ROLES if not words.startswith("coalition ")}
    assert listed - known == {"try", "bench"} - known


def test_viewer_cannot_import_match_change_people_or_erase_keys(people: NodePeople, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("supplier_id,name,country\n1,Acme,DE\n")
    for arguments in (
        ("suppliers", "import", str(file)),
        ("match", "beta", "--purpose", "due-diligence"),
        ("serve",),
        ("coalition", "rotate", "epoch-keys"),
        ("coalition", "suspend", "mill", "--reason", "spite"),
        ("operators", "add", "Eve", "--role", "administrator"),
        ("operators", "role", "Dora", "administrator"),
        ("operators", "remove", "Amina"),
        ("operators", "password", "Amina"),
    ):
        said = people.run_as("Dora", *arguments)
        assert said.code == 77, (arguments, said)
        assert "needs the role" in said.talk
        assert "viewer" in said.talk
    assert people.run_as("Dora", "suppliers", "list", "--json").json == []
    names = [each["name"] for each in people.run_as("Dora", "operators", "list", "--json").json]
    assert names == ["Amina", "Bruno", "Carla", "Dora"]


def test_demoted_operator_loses_its_commands_at_once_though_signed_in(people: NodePeople) -> None:
    people.signed_in("Bruno")
    with Node(people.home) as node:
        amina, bruno = node.operators.named("Amina"), node.operators.named("Bruno")
        node.operators.set_role(amina.pseudonym, bruno.pseudonym, Role.VIEWER)
    assert people.run("approvals", "approve", "ap-00000000").code == 77
    assert people.run("status").code == 0


def test_administrator_cannot_fall_back_to_a_node_without_operators(people: NodePeople) -> None:
    """There, nobody would need a second person."""
    people.configure(OPERATORS_ALONE)
    for name in ("Bruno", "Carla", "Dora"):
        assert people.run_as("Amina", "operators", "remove", name).code == 0
    said = people.run_as("Amina", "operators", "remove", "Amina")
    assert said.code == 2
    assert "without an administrator" in said.talk
    people.run("sign-out")
    assert people.run("status").code == 77


# one who tries to be both of the four eyes

OPERATORS_ALONE = '[operators]\nfour_eyes = ["release", "expel"]\n'
"""Where an administrator may change operators alone, the request itself still knows whom it could be."""

SUBJECT, WORDS = b"expel mallory", "expel mallory from grove"


def ask(people: NodePeople, name: str = "Amina", subject: bytes = SUBJECT) -> str:
    """Somebody wants to do it; the id of the request that now waits, or '' when it was done."""
    with Node(people.home) as node:
        person = node.operators.named(name)
        configured = node.config.operators.four_eyes
        try:
            four_eyes.require(node.approvals, configured, "expel", subject, WORDS, person.pseudonym)
        except PendingApprovalError as error:
            return error.detail.rpartition(" ")[2]
    return ""


def approve(people: NodePeople, name: str, request: str) -> Said:
    return people.run_as(name, "approvals", "approve", request, "--yes")


def test_author_approves_its_own_request(people: NodePeople) -> None:
    request = ask(people)
    said = approve(people, "Amina", request)
    assert (said.code, "nobody approves their own" in said.talk) == (77, True)
    assert ask(people) == request


def test_author_makes_a_second_self_after_the_request(people: NodePeople) -> None:
    people.configure(OPERATORS_ALONE)
    request = ask(people)
    people.password_file(GIVEN, "SYMBOLON_NEW_PASSWORD_FILE")
    assert people.run_as("Amina", "operators", "add", "Eve", "--role", "approver").code == 0
    with Node(people.home) as node:
        eve = node.operators.named("Eve").pseudonym
        people.store(node).set_password(eve, eve, password_of("Eve"))
    said = approve(people, "Eve", request)
    assert (said.code, "after" in said.talk) == (77, True)
    assert ask(people) == request


def test_author_gives_a_colleague_a_new_password_and_signs_in_as_it(people: NodePeople) -> None:
    people.configure(OPERATORS_ALONE)
    request = ask(people)
    people.password_file("chosen by Amina", "SYMBOLON_NEW_PASSWORD_FILE")
    assert people.run_as("Amina", "operators", "password", "Bruno").code == 0
    people.password_file("chosen by Amina")
    people.password_file("hers again, as Bruno", "SYMBOLON_NEW_PASSWORD_FILE")
    assert people.run("sign-in", "Bruno").code == 0
    said = people.run("approvals", "approve", request, "--yes")
    assert (said.code, "was set through" in said.talk) == (77, True)
    assert ask(people) == request


def test_author_gives_an_accomplice_or_second_account_the_role_afterwards(people: NodePeople) -> None:
    people.configure(OPERATORS_ALONE)
    request = ask(people)
    assert people.run_as("Amina", "operators", "role", "Dora", "approver").code == 0
    assert approve(people, "Dora", request).code == 77
    assert ask(people) == request


def test_author_reaches_a_colleague_through_a_third(people: NodePeople) -> None:
    """She makes an administrator, who gives Bruno a password: it is still she."""
    request = ask(people)
    with Node(people.home) as node:
        store = people.store(node)
        amina, bruno = store.named("Amina").pseudonym, store.named("Bruno").pseudonym
        eve = store.add(amina, "Eve", Role.ADMINISTRATOR, password=GIVEN).pseudonym
        store.set_password(eve, eve, password_of("Eve"))
        store.set_password(eve, bruno, GIVEN)
        store.set_password(bruno, bruno, "hers again, as Bruno")
    for name in ("Eve", "Bruno"):
        assert approve(people, name, request).code == 77
    assert ask(people) == request


def test_author_prepared_a_second_self_whose_password_it_still_knows(people: NodePeople) -> None:
    people.add("Eve", Role.APPROVER, own_password=False)
    said = approve(people, "Eve", ask(people))
    assert (said.code, "given to you by somebody else" in said.talk) == (77, True)


def test_author_cannot_prepare_a_second_self_on_a_node_as_it_is_made(people: NodePeople) -> None:
    people.password_file(GIVEN, "SYMBOLON_NEW_PASSWORD_FILE")
    command = ("operators", "add", "Eve", "--role", "approver")
    said = people.run_as("Amina", *command)
    assert said.code == 75
    for other in (("remove", "Bruno"), ("role", "Dora", "approver"), ("password", "Bruno")):
        assert people.run_as("Amina", "operators", *other).code == 75
    request = said.talk.partition("approve ")[2].partition("`")[0]
    # Agreed to one Eve as approver, not to another role or name.
    assert approve(people, "Bruno", request).code == 0
    assert people.run_as("Amina", "operators", "add", "Eve", "--role", "administrator").code == 75
    assert people.run_as("Amina", "operators", "add", "Eva", "--role", "approver").code == 75
    assert people.run_as("Amina", *command).code == 0
    assert [line[2] for line in people.audit_log()[-2:]] == [pseudonym(people, "Amina")] * 2


def pseudonym(people: NodePeople, name: str) -> str:
    with Node(people.home) as node:
        return node.operators.named(name).pseudonym


def test_author_swaps_what_is_done_after_the_approval(people: NodePeople) -> None:
    request = ask(people)
    assert approve(people, "Bruno", request).code == 0
    assert ask(people, subject=b"expel everybody") not in ("", request)
    assert ask(people) == ""


def test_author_uses_an_approval_twice(people: NodePeople) -> None:
    assert approve(people, "Bruno", ask(people)).code == 0
    assert ask(people) == ""
    assert ask(people) != ""


def test_author_uses_an_approval_twice_at_the_same_moment(people: NodePeople) -> None:
    assert approve(people, "Bruno", ask(people)).code == 0
    gate, done = threading.Barrier(4), []

    def race() -> None:
        gate.wait()
        done.append(ask(people))

    racers = [threading.Thread(target=race) for _ in range(4)]
    for each in racers:
        each.start()
    for each in racers:
        each.join()
    assert len(done) == 4
    assert done.count("") == 1


def test_somebody_else_uses_the_approval_of_a_request_that_was_not_theirs(people: NodePeople) -> None:
    with Node(people.home) as node:
        store = people.store(node)
        store.set_role(store.named("Amina").pseudonym, store.named("Carla").pseudonym, Role.ADMINISTRATOR)
    assert approve(people, "Bruno", ask(people)).code == 0
    assert ask(people, "Carla") != ""


def test_contributor_approves_and_viewer_denies(people: NodePeople) -> None:
    request = ask(people)
    for arguments in (("approve", request, "--yes"), ("deny", request)):
        for name in ("Carla", "Dora"):
            said = people.run_as(name, "approvals", *arguments)
            assert (said.code, "role" in said.talk) == (77, True), (name, arguments)
    assert ask(people) == request


def test_author_approves_through_a_session_that_a_colleague_left_open(people: NodePeople) -> None:
    request = ask(people)
    people.signed_in("Bruno", ago_s=signed_in.FRESH_S + 5)
    assert people.run("approvals", "list").code == 0
    said = people.run("approvals", "approve", request, "--yes")
    assert (said.code, "symbolon sign-in" in said.talk) == (77, True)


def test_author_expels_on_a_node_with_operators_only_with_a_second_person(
    people: NodePeople, tmp_path: Path
) -> None:
    created = ("coalition", "create", "grove", "--member", "mill", "--person", "A", "--jurisdiction", "DE")
    created += ("--endpoint", "mill.example:7443")
    assert people.run_as("Amina", *created).code == 0
    admit_weaver(people.home, tmp_path / "weaver")
    expel = ("coalition", "expel", "weaver", "--reason", "sold what it learned")
    said = people.run_as("Amina", *expel)
    assert said.code == 75
    words = "expel weaver from grove: sold what it learned"
    assert words in said.talk
    assert [each["member"] for each in members_shown(people)] == ["mill", "weaver"]
    waiting = people.run_as("Bruno", "approvals", "list", "--json").json
    assert [(each["action"], each["words"]) for each in waiting] == [("expel", words)]
    assert approve(people, "Bruno", waiting[0]["id"]).code == 0
    # Approved was this reason, and no other.
    assert people.run_as("Amina", *expel[:-1], "no reason").code == 75
    assert people.run_as("Amina", *expel).code == 0
    assert [each["member"] for each in members_shown(people)] == ["mill"]
    amina, bruno = pseudonym(people, "Amina"), pseudonym(people, "Bruno")
    assert people.audit_log()[-4:] == [
        ("requested", "expel", amina),
        ("approved", "expel", bruno),
        ("requested", "expel", amina),
        ("carried_out", "expel", amina),
    ]


def admit_weaver(founder: Path, home: Path) -> None:
    create_node(home, member="weaver", coalition="grove", listen="127.0.0.1:0")
    with Node(founder) as node:
        LocalFounder(node).admit(home, kind="company")


def members_shown(people: NodePeople) -> list[dict[str, str]]:
    shown: list[dict[str, str]] = people.run_as("Amina", "coalition", "members", "--json").json["members"]
    return shown


# one who takes somebody's place


def token(people: NodePeople) -> Path:
    (path,) = people.home.glob("signed-in-*.token")
    return path


def test_token_of_another_user_of_the_computer_is_none(
    people: NodePeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copied from a colleague's name to one's own: it is sealed to whom it was made for."""
    people.signed_in("Amina")
    stolen = token(people)
    monkeypatch.setattr(operator_session, "os_user", lambda: "4242")
    assert people.run("status").code == 77
    shutil.copy(stolen, people.home / "signed-in-4242.token")
    assert people.run("status").code == 77
    monkeypatch.undo()


def test_token_of_another_node_is_none(
    people: NodePeople, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = NodePeople(tmp_path_factory.mktemp("other"), monkeypatch)
    other.add("Amina", Role.ADMINISTRATOR)
    other.signed_in("Amina")
    people.signed_in("Amina")
    shutil.copy(token(other), token(people))
    assert people.run("status").code == 77


def test_token_that_was_altered_cut_or_grown_is_none(people: NodePeople) -> None:
    people.signed_in("Amina")
    whole = token(people).read_bytes()
    for bent in (
        b"",
        whole[:-1],
        whole[:20],
        whole + b"x",
        whole[:-1] + bytes([whole[-1] ^ 1]),
        b"\0" * 10**6,
    ):
        token(people).write_bytes(bent)
        assert people.run("status").code == 77
    token(people).write_bytes(whole)
    assert people.run("status").code == 0


@pytest.mark.parametrize("ago_s", [SESSION_LIFE_S, 10 * SESSION_LIFE_S, -3600])
def test_token_out_of_time_or_from_the_future_is_none(people: NodePeople, ago_s: float) -> None:
    people.signed_in("Amina", ago_s=ago_s)
    assert people.run("status").code == 77


def test_token_ends_with_a_new_password_with_the_operator_and_with_sign_out(people: NodePeople) -> None:
    people.signed_in("Bruno")
    assert people.run("status").code == 0
    with Node(people.home) as node:
        store = people.store(node)
        amina, bruno = store.named("Amina").pseudonym, store.named("Bruno").pseudonym
        store.set_password(amina, bruno, GIVEN)
    assert people.run("status").code == 77
    people.signed_in("Bruno")
    with Node(people.home) as node:
        people.store(node).remove(amina, bruno)
    assert people.run("status").code == 77
    assert people.run("sign-out").code == 0
    assert not list(people.home.glob("signed-in-*"))


def test_token_is_readable_by_its_user_alone_and_names_nobody(people: NodePeople) -> None:
    people.signed_in("Amina")
    assert token(people).stat().st_mode & 0o777 == 0o600
    assert b"op-" not in token(people).read_bytes()
    assert operator_session.os_user().startswith(str(os.geteuid()))


# one who guesses


def test_guesser_is_stopped_and_learns_of_nobody(people: NodePeople) -> None:
    """The same words for a name that exists, one that does not, and one that signs in elsewhere."""
    people.password_file("a wrong password")
    heard = {}
    for name in ("Amina", "Nobody"):
        heard[name] = [people.run("sign-in", name) for _ in range(FREE_ATTEMPTS + 1)]
    for known, unknown in zip(heard["Amina"], heard["Nobody"], strict=True):
        assert (known.code, unknown.code) == (77, 77)
        first, second = (each.talk.splitlines()[0].rstrip("s0123456789 ") for each in (known, unknown))
        assert first == second
    assert "too many" in heard["Amina"][-1].talk
    people.password_file(password_of("Amina"))
    assert "too many" in people.run("sign-in", "Amina").talk
    assert people.run("sign-in", "AMINA ").code == 77, "another spelling is the same name"


def test_guesser_through_the_environment_is_counted_too(
    people: NodePeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYMBOLON_OPERATOR", "Amina")
    people.password_file("a wrong password")
    for _ in range(FREE_ATTEMPTS):
        assert people.run("status").code == 77
    people.password_file(password_of("Amina"))
    assert "too many" in people.run("status").talk


def test_guesser_fills_no_database(people: NodePeople) -> None:
    with Node(people.home) as node:
        for number in range(40):
            with pytest.raises(SymbolonError):
                people.store(node).authenticate(f"nobody {number}", "a wrong password")
        later = people.store(node)
        later._limit._clock = lambda: time.time() + 100_000
        with pytest.raises(SymbolonError):
            later.authenticate("one more", "a wrong password")
        with node.database.read("count") as connection:
            assert connection.execute(text("SELECT count(*) FROM sign_in_failure")).scalar_one() == 1


def test_password_is_never_an_option_of_a_command() -> None:
    """Command lines are seen by all users of a machine and kept by shells."""
    options = [
        option
        for _, command in every_command()
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    ]
    assert len(options) > 20
    spoken = [each for each in options if not each.endswith("-file")]
    assert not [each for each in spoken if "pass" in each or "secret" in each]


def test_password_file_that_others_can_read_is_refused(people: NodePeople) -> None:
    path = people.password_file(password_of("Amina"))
    path.chmod(0o644)
    said = people.run("sign-in", "Amina")
    assert (said.code, "chmod 600" in said.talk) == (65, True)


def test_name_with_control_characters_never_reaches_a_colleagues_terminal(people: NodePeople) -> None:
    people.configure(OPERATORS_ALONE)
    people.password_file(GIVEN, "SYMBOLON_NEW_PASSWORD_FILE")
    said = people.run_as("Amina", "operators", "add", "\x1b[2JEve", "--role", "viewer")
    assert said.code == 2
    assert people.run_as("Amina", "operators", "add", "[bold]Eve", "--role", "viewer").code == 0
    assert "[bold]Eve" in people.run("operators", "list").out
