"""`symbolon doctor` on one node: what is wrong in its folder is found, named, and does not hide the rest."""

import json
import socket
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command

from symbolon.cli import doctor_checks, main
from symbolon.cli.enrolment_file import Request
from symbolon.cli.init import REQUEST_FILE, create_node
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.membership.authority import Authority
from symbolon.rpc.node import ANCHOR_FILE, LEAF_FILE, LEAF_KEY_FILE, MEMBERS_FILE, SEAL_KEY_FILE, Node
from symbolon.storage import schema_version
from symbolon.storage.database import Database
from symbolon.storage.supplier_import import import_list

COALITION, MEMBER = "harbour", "alder"
NAMES = [
    "configuration",
    "keys on disk",
    "database",
    "free disk",
    "certificate",
    "member list",
    "clock",
    "permission",
    "supplier list",
    "multiplication",
    "tls version",
    "key exchange",
    "listening",
]

Examine = Callable[..., dict[str, dict[str, Any]]]


def make_node(folder: Path, *, age: timedelta = timedelta()) -> tuple[Path, Authority]:
    """An enrolled node whose certificate and list were signed `age` ago, and its authority."""
    authority = Authority.create(folder / "authority", COALITION, lambda: datetime.now(UTC) - age)
    home = folder / MEMBER
    create_node(
        home, member=MEMBER, coalition=COALITION, kind="company", listen="127.0.0.1:0", endpoint="127.0.0.1:1"
    )
    request = Request.read(home / REQUEST_FILE)
    (home / LEAF_FILE).write_bytes(authority.enrol(MEMBER, request.kind, "127.0.0.1:1", request.csr_pem))
    (home / ANCHOR_FILE).write_bytes(authority.anchor.to_bytes())
    (home / MEMBERS_FILE).write_bytes(authority.current_list())
    return home, authority


def configure(home: Path, text: str) -> None:
    (home / "symbolon.toml").write_text(f'[node]\nmember = "{MEMBER}"\ncoalition = "{COALITION}"\n{text}')


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_node(tmp_path)[0]


@pytest.fixture
def examine(capsys: pytest.CaptureFixture[str]) -> Examine:
    def run(home: Path, code: int) -> dict[str, dict[str, Any]]:
        assert main.run(["--home", str(home), "doctor", "--json"]) == code
        checks = json.loads(capsys.readouterr().out)["checks"]
        return {each["check"]: each for each in checks}

    return run


def test_doctor_whole_node_has_every_check_and_no_failure(home: Path, examine: Examine) -> None:
    configure(home, 'listen = "127.0.0.1:0"\n[[allow]]\npeer = "alder"\npurposes = ["due-diligence"]\n')
    with Node(home) as node:
        import_list(node.database, node.sealer, MadeUpList(5, 0, 0, MEMBER), clock=node.clock, workers=0)
    checks = examine(home, 0)
    assert list(checks) == NAMES
    assert {each["state"] for each in checks.values()} == {"ok"}, checks
    assert "5 suppliers, revision 1" in checks["supplier list"]["said"]
    assert checks["multiplication"]["said"].startswith(("multibuffer (", "openssl ("))
    assert "TLS 1.3 only" in checks["tls version"]["said"]
    assert "as server and as client" in checks["key exchange"]["said"]


def test_doctor_and_match_list_keyed_by_other_rules_is_told(
    home: Path, examine: Examine, capsys: pytest.CaptureFixture[str]
) -> None:
    with Node(home) as node:
        import_list(node.database, node.sealer, MadeUpList(5, 0, 0, MEMBER), clock=node.clock, workers=0)
    with sqlite3.connect(home / "node.db") as database:
        database.execute("UPDATE supplier_import SET key_rules = NULL")
    found = examine(home, 0)["supplier list"]
    assert (found["state"], found["code"]) == ("warn", "suppliers.outdated")
    assert "symbolon suppliers import" in found["hint"]
    main.run(["--home", str(home), "match", "birch", "--purpose", "due-diligence"])
    assert "keyed by other rules" in capsys.readouterr().err


def test_doctor_fresh_node_is_warned_of_what_is_still_to_do(home: Path, examine: Examine) -> None:
    checks = examine(home, 0)
    assert checks["permission"]["code"] == "allow.none"
    assert checks["supplier list"]["code"] == "suppliers.none"


def test_doctor_text_is_numbered_with_hints_and_a_summary(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["--home", str(home), "doctor"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith(" 1  ok       configuration")
    assert "hint: Run `symbolon suppliers import FILE`." in told.out
    assert told.err == "13 checks: 11 ok, 2 warn.\n"


def test_doctor_no_node_fails_once_and_leaves_the_rest_unknown(tmp_path: Path, examine: Examine) -> None:
    checks = examine(tmp_path / "nowhere", 1)
    assert checks["configuration"]["code"] == "config.missing"
    assert "symbolon init" in checks["configuration"]["hint"]


def test_doctor_unknown_key_in_the_configuration_is_named(home: Path, examine: Examine) -> None:
    configure(home, "lsiten = 1\n")
    assert "lsiten" in examine(home, 1)["configuration"]["said"]


def test_doctor_node_not_enrolled_yet_is_told_the_next_step(home: Path, examine: Examine) -> None:
    for name in (ANCHOR_FILE, LEAF_FILE, MEMBERS_FILE):
        (home / name).unlink()
    checks = examine(home, 1)
    assert checks["certificate"]["state"] == "fail"
    assert "coalition accept" in checks["certificate"]["hint"]
    assert checks["database"]["state"] == "ok"
    assert checks["multiplication"]["state"] == "ok"


@pytest.mark.parametrize("name", [SEAL_KEY_FILE, LEAF_KEY_FILE])
def test_doctor_key_that_others_can_read_is_named(home: Path, examine: Examine, name: str) -> None:
    (home / name).chmod(0o644)
    found = examine(home, 1)["keys on disk"]
    assert found["state"] == "fail"
    assert name in found["said"]
    assert "chmod 600" in found["hint"]


def test_doctor_folder_that_others_can_enter_is_a_warning(home: Path, examine: Examine) -> None:
    home.chmod(0o755)
    assert examine(home, 0)["keys on disk"]["code"] == "keys.folder"


def test_doctor_key_file_that_is_no_key_is_named(home: Path, examine: Examine) -> None:
    (home / LEAF_KEY_FILE).write_bytes(b"scrambled")
    checks = examine(home, 1)
    assert checks["certificate"]["code"] == "certificate.key"
    assert checks["transport"]["state"] == "unknown"


def test_doctor_certificate_of_another_key_is_named(home: Path, examine: Examine, tmp_path: Path) -> None:
    other, _ = make_node(tmp_path / "other")
    (home / LEAF_KEY_FILE).write_bytes((other / LEAF_KEY_FILE).read_bytes())
    assert examine(home, 1)["certificate"]["code"] == "certificate.key"


def test_doctor_database_of_an_unknown_version_is_left_alone(home: Path, examine: Examine) -> None:
    with sqlite3.connect(home / "node.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    checks = examine(home, 1)
    assert checks["database"]["code"] == "storage.version"
    assert checks["free disk"]["state"] == "unknown"
    assert checks["certificate"]["state"] == "ok"


def test_doctor_database_of_an_older_release_is_a_warning_and_status_mends_it(
    home: Path, examine: Examine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "node.db").unlink()
    upgrade = command.upgrade
    with monkeypatch.context() as older:
        older.setattr(schema_version, "check_version", lambda version: version == "0001")
        older.setattr(command, "upgrade", lambda config, _: upgrade(config, "0001"))
        Database.open(f"sqlite:///{home / 'node.db'}", create=True).close()
    checks = examine(home, 0)
    assert (checks["database"]["state"], checks["database"]["code"]) == ("warn", "storage.older")
    assert "symbolon status" in checks["database"]["hint"]
    assert checks["supplier list"]["state"] == "unknown"
    assert main.run(["--home", str(home), "status"]) == 0
    capsys.readouterr()
    assert examine(home, 0)["database"]["state"] == "ok"


def test_doctor_database_of_another_key_is_told(home: Path, examine: Examine, tmp_path: Path) -> None:
    other, _ = make_node(tmp_path / "other")
    (home / SEAL_KEY_FILE).write_bytes((other / SEAL_KEY_FILE).read_bytes())
    assert examine(home, 1)["database"]["code"] == "storage.seal.key"


def test_doctor_little_disk_is_a_warning_and_none_a_failure(
    home: Path, examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_checks, "LOW_DISK_BYTES", 1 << 62)
    assert examine(home, 0)["free disk"]["code"] == "disk.low"
    monkeypatch.setattr(doctor_checks, "NO_DISK_BYTES", 1 << 62)
    assert examine(home, 1)["free disk"]["code"] == "disk.full"


def test_doctor_certificate_and_list_about_to_expire_are_warnings(tmp_path: Path, examine: Examine) -> None:
    home, _ = make_node(tmp_path, age=timedelta(days=25))
    checks = examine(home, 0)
    assert checks["certificate"]["code"] == "certificate.soon"
    assert checks["member list"]["code"] == "members.soon"
    assert "4 days left" in checks["certificate"]["said"]


def test_doctor_expired_certificate_and_list_are_failures(tmp_path: Path, examine: Examine) -> None:
    home, _ = make_node(tmp_path, age=timedelta(days=31))
    checks = examine(home, 1)
    assert checks["certificate"]["code"] == "membership.certificate.expired"
    assert checks["member list"]["code"] == "membership.expired"


def test_doctor_clock_behind_the_member_list_is_told(tmp_path: Path, examine: Examine) -> None:
    home, _ = make_node(tmp_path, age=-timedelta(hours=3))
    checks = examine(home, 1)
    assert checks["clock"]["code"] == "clock.behind"
    assert "before the member list was signed" in checks["clock"]["said"]
    assert checks["member list"]["code"] == "membership.not_yet_valid"


def test_doctor_member_list_without_this_node_is_told(tmp_path: Path, examine: Examine) -> None:
    home, authority = make_node(tmp_path)
    (home / MEMBERS_FILE).write_bytes(authority.expel(MEMBER))
    found = examine(home, 1)["member list"]
    assert found["code"] == "members.absent"
    assert "was expelled" in found["said"]


def test_doctor_member_list_with_another_certificate_is_told(tmp_path: Path, examine: Examine) -> None:
    home, authority = make_node(tmp_path)
    authority.renew(MEMBER, Request.read(home / REQUEST_FILE).csr_pem)
    (home / MEMBERS_FILE).write_bytes(authority.current_list())
    assert examine(home, 1)["member list"]["code"] == "members.certificate"


def test_doctor_old_member_list_put_back_is_told(tmp_path: Path, examine: Examine) -> None:
    home, authority = make_node(tmp_path)
    old = (home / MEMBERS_FILE).read_bytes()
    (home / MEMBERS_FILE).write_bytes(authority.refresh())
    examine(home, 0)
    (home / MEMBERS_FILE).write_bytes(old)
    assert examine(home, 1)["member list"]["code"] == "membership.rollback"


def test_doctor_allowed_stranger_is_named(home: Path, examine: Examine) -> None:
    configure(home, '[[allow]]\npeer = "burch"\npurposes = ["x"]\n')
    found = examine(home, 0)["permission"]
    assert found["code"] == "allow.unknown"
    assert "burch" in found["said"]


def test_doctor_other_suite_shows_what_multiplies_for_it(home: Path, examine: Examine) -> None:
    configure(home, '[exchange]\nsuite = "ristretto255-SHA512"\nbackend = "openssl"\n')
    said = examine(home, 0)["multiplication"]["said"]
    assert said.startswith("libsodium for ristretto255-SHA512; openssl (asked for by name)")


def test_doctor_port_taken_by_something_else_is_told(home: Path, examine: Examine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        listener.close()
        configure(home, f'listen = "{address}"\n')
        assert "does not run" in examine(home, 0)["listening"]["said"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        configure(home, f'listen = "127.0.0.1:{listener.getsockname()[1]}"\n')
        assert examine(home, 1)["listening"]["code"] == "listen.taken"
