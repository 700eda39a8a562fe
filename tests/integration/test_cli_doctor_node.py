"""`symbolon doctor` on one node: what is wrong in its folder is found, named, and does not hide the rest."""

import functools
import hashlib
import json
import os
import shutil
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command

from node_people import CHEAP
from quick_schema import every_version
from symbolon.audit.entry import Entry
from symbolon.cli import doctor_checks, main
from symbolon.cli.doctor_membership import look_at_own_entry
from symbolon.cli.init import create_node
from symbolon.cli.local_founder import FOUNDER, LocalFounder
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.membership.acts import Act, NewTerms, Reinstate, Suspend, Vet
from symbolon.membership.certificates import issue_leaf, load_certificate
from symbolon.membership.due_diligence import Vetting
from symbolon.membership.founder_keys import (
    AUTHORITY_KEY_FILE,
    METADATA_KEY_FILE,
    ROOT_KEY_FILE,
    create_founder_keys,
)
from symbolon.membership.member import MemberId
from symbolon.membership.member_statement import Place
from symbolon.policy.operator_roles import LOCAL, Role
from symbolon.rpc import diagnosis
from symbolon.rpc.diagnosis_finding import Finding
from symbolon.rpc.node import (
    COALITION_FOLDER,
    FOUNDER_FOLDER,
    LEAF_FILE,
    LEAF_KEY_FILE,
    NEXT_LEAF_KEY_FILE,
    SEAL_KEY_FILE,
    SIGNING_KEY_FILE,
    Node,
)
from symbolon.storage import schema_version
from symbolon.storage.database import Database
from symbolon.storage.operator_store import OperatorStore
from symbolon.storage.supplier_import import import_list

COALITION, MEMBER, RELAY = "harbour", MemberId("alder"), MemberId("rowan")
NAMES = [
    "configuration",
    "keys on disk",
    "database",
    "free disk",
    "metadata",
    "certificate",
    "own entry",
    "listing",
    "clock",
    "audit log",
    "permission",
    "supplier list",
    "signals",
    "followed",
    "operators",
    "multiplication",
    "tls version",
    "key exchange",
    "listening",
]

Examine = Callable[..., dict[str, dict[str, Any]]]


def found_coalition(folder: Path) -> LocalFounder:
    return LocalFounder.create(folder / "founder", COALITION, ("due-diligence",))


def join(founder: LocalFounder, home: Path, member: str = MEMBER, *, relay: str = "") -> Path:
    """The node of a member that was admitted just now, which runs a relay there."""
    create_node(home, member=member, coalition=COALITION, listen="127.0.0.1:0")
    founder.admit(home, kind="company", place=Place("127.0.0.1:1", (), relay))
    return home


def propose(founder: LocalFounder, home: Path, *acts: Act, terms: bytes = b"") -> None:
    """Puts acts in force and tells the node of them."""
    founder.node.founding.propose(acts, terms=terms)
    founder.tell(home)


def configure(home: Path, text: str) -> None:
    (home / "symbolon.toml").write_text(f'[node]\nmember = "{MEMBER}"\ncoalition = "{COALITION}"\n{text}')


@pytest.fixture
def founder(tmp_path: Path) -> Iterator[LocalFounder]:
    made = found_coalition(tmp_path)
    yield made
    made.close()


@pytest.fixture
def home(tmp_path: Path, founder: LocalFounder) -> Path:
    return join(founder, tmp_path / MEMBER)


@pytest.fixture
def examine(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Examine:
    """Runs the doctor of a node, by a clock that is ahead of this machine's; the checks by their names."""
    plain = doctor_checks.Examination

    def run(home: Path, code: int, *, ahead: timedelta = timedelta()) -> dict[str, dict[str, Any]]:
        moved = functools.partial(plain, clock=lambda: time.time() + ahead.total_seconds())
        monkeypatch.setattr(doctor_checks, "Examination", moved)
        assert main.run(["--home", str(home), "doctor", "--json"]) == code
        checks = json.loads(capsys.readouterr().out)["checks"]
        assert all(each["hint"] and each["code"] for each in checks if each["state"] in ("fail", "warn"))
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


@pytest.mark.parametrize("kind", ["auditor", "coordinator"])
def test_doctor_member_that_needs_no_list_is_not_urged_to_import_one(
    founder: LocalFounder, tmp_path: Path, examine: Examine, kind: str
) -> None:
    home = tmp_path / "looks-on"
    create_node(home, member="looks-on", coalition=COALITION, listen="127.0.0.1:0")
    founder.admit(home, kind=kind, place=Place("127.0.0.1:1", (), ""))
    found = examine(home, 0)["supplier list"]
    assert (found["state"], kind in found["said"]) == ("ok", True)


def test_doctor_text_is_numbered_with_hints_and_a_summary(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["--home", str(home), "doctor"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith(" 1  ok       configuration")
    assert "hint: Run `symbolon suppliers import FILE`." in told.out
    assert told.err == "19 checks: 17 ok, 2 warn.\n"


def test_doctor_no_node_fails_once_and_leaves_the_rest_unknown(tmp_path: Path, examine: Examine) -> None:
    checks = examine(tmp_path / "nowhere", 1)
    assert checks["configuration"]["code"] == "config.missing"
    assert "symbolon coalition join CODE" in checks["configuration"]["hint"]


def test_doctor_unknown_key_in_the_configuration_is_named(home: Path, examine: Examine) -> None:
    configure(home, "lsiten = 1\n")
    assert "lsiten" in examine(home, 1)["configuration"]["said"]


def test_doctor_node_not_enrolled_yet_is_told_the_next_step(home: Path, examine: Examine) -> None:
    for name in (LEAF_FILE, LEAF_KEY_FILE):
        (home / name).unlink()
    shutil.rmtree(home / COALITION_FOLDER)
    checks = examine(home, 1)
    assert checks["metadata"]["code"] == "membership.metadata.missing"
    assert (checks["certificate"]["state"], checks["certificate"]["code"]) == (
        "fail",
        "membership.not_enrolled",
    )
    assert "symbolon coalition join CODE" in checks["certificate"]["hint"]
    assert checks["own entry"]["state"] == "unknown"
    assert checks["database"]["state"] == "ok"
    assert checks["multiplication"]["state"] == "ok"


def test_doctor_certificate_absent_is_told_apart_from_the_metadata(home: Path, examine: Examine) -> None:
    (home / LEAF_FILE).unlink()
    checks = examine(home, 1)
    assert checks["certificate"]["code"] == "membership.not_enrolled"
    assert LEAF_FILE in checks["certificate"]["said"]
    assert f"symbolon coalition invite {MEMBER} --again" in checks["certificate"]["hint"]
    assert checks["metadata"]["state"] == checks["own entry"]["state"] == "ok"
    assert checks["listing"]["state"] == "unknown"


@pytest.mark.parametrize("name", [SEAL_KEY_FILE, LEAF_KEY_FILE, NEXT_LEAF_KEY_FILE, SIGNING_KEY_FILE])
def test_doctor_key_that_others_can_read_is_named(home: Path, examine: Examine, name: str) -> None:
    (home / name).touch()
    (home / name).chmod(0o644)
    found = examine(home, 1)["keys on disk"]
    assert found["state"] == "fail"
    assert name in found["said"]
    assert "chmod 600" in found["hint"]


@pytest.mark.parametrize("name", [ROOT_KEY_FILE, METADATA_KEY_FILE, AUTHORITY_KEY_FILE])
def test_doctor_founders_key_that_others_can_read_is_named(
    founder: LocalFounder, examine: Examine, name: str
) -> None:
    path = founder.node.home / FOUNDER_FOLDER / name
    path.chmod(0o640)
    found = examine(founder.node.home, 1)["keys on disk"]
    assert found["code"] == "keys.mode"
    assert f"{FOUNDER_FOLDER}/{name} (mode 0640)" in found["said"]
    assert found["hint"].startswith(f"Run `chmod 600 {path}`")


def test_doctor_signing_key_that_is_lost_is_named(home: Path, examine: Examine) -> None:
    (home / SIGNING_KEY_FILE).unlink()
    assert examine(home, 1)["keys on disk"]["code"] == "membership.signing_key"


def test_doctor_folder_that_others_can_enter_is_a_warning(home: Path, examine: Examine) -> None:
    home.chmod(0o755)
    assert examine(home, 0)["keys on disk"]["code"] == "keys.folder"


def test_doctor_key_file_that_is_no_key_is_named(home: Path, examine: Examine) -> None:
    (home / LEAF_KEY_FILE).write_bytes(b"scrambled")
    checks = examine(home, 1)
    assert checks["certificate"]["code"] == "certificate.key"
    assert checks["transport"]["state"] == "unknown"


def test_doctor_certificate_of_another_key_is_named(
    home: Path, founder: LocalFounder, examine: Examine, tmp_path: Path
) -> None:
    other = join(founder, tmp_path / "other", "other-co")
    (home / LEAF_KEY_FILE).write_bytes((other / LEAF_KEY_FILE).read_bytes())
    assert examine(home, 1)["certificate"]["code"] == "certificate.key"


def test_doctor_database_of_an_unknown_version_is_left_alone(home: Path, examine: Examine) -> None:
    with sqlite3.connect(home / "node.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    checks = examine(home, 1)
    assert checks["database"]["code"] == "storage.version"
    assert checks["supplier list"]["state"] == "unknown"
    assert checks["certificate"]["state"] == "ok"


def test_doctor_database_of_an_older_release_is_a_warning_and_status_mends_it(
    home: Path, examine: Examine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "node.db").unlink()
    upgrade = command.upgrade
    with every_version(), monkeypatch.context() as older:
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


def test_doctor_certificate_whose_key_is_the_next_one_is_as_it_should_be(
    home: Path, examine: Examine
) -> None:
    """As a crash in the middle of a renewal leaves it."""
    (home / LEAF_KEY_FILE).rename(home / NEXT_LEAF_KEY_FILE)
    (home / LEAF_KEY_FILE).write_bytes(b"the key before")
    (home / LEAF_KEY_FILE).chmod(0o600)
    checks = examine(home, 0)
    assert checks["certificate"]["state"] == checks["tls version"]["state"] == "ok"


def test_doctor_certificate_of_another_authority_is_told(
    home: Path, examine: Examine, tmp_path: Path
) -> None:
    """Of the same name and with the same key: only the signature tells."""
    folder, now = tmp_path / "others", datetime.now(UTC)
    keys = create_founder_keys(folder, COALITION, FOUNDER, now)
    own = load_certificate((home / LEAF_FILE).read_bytes())
    forged = issue_leaf(
        MEMBER,
        COALITION,
        own.public_key(),
        root_key=keys.authority_key,
        root_pem=keys.authority_pem,
        now=now,
    )
    (home / LEAF_FILE).write_bytes(forged)
    checks = examine(home, 1)
    assert checks["certificate"]["code"] == "membership.certificate.issuer"
    assert f"symbolon coalition invite {MEMBER} --again" in checks["certificate"]["hint"]
    assert checks["listing"]["code"] == "members.certificate"
    assert checks["metadata"]["state"] == checks["clock"]["state"] == "ok"


def test_doctor_certificate_of_another_member_is_told(
    home: Path, founder: LocalFounder, examine: Examine, tmp_path: Path
) -> None:
    other = join(founder, tmp_path / "other", "other-co")
    for name in (LEAF_FILE, LEAF_KEY_FILE):
        shutil.copy(other / name, home / name)
    found = examine(home, 1)["certificate"]
    assert found["code"] == "membership.certificate.member"
    assert "other-co" in found["said"]


def test_doctor_database_of_another_key_is_told(
    home: Path, founder: LocalFounder, examine: Examine, tmp_path: Path
) -> None:
    other = join(founder, tmp_path / "other", "other-co")
    (home / SEAL_KEY_FILE).write_bytes((other / SEAL_KEY_FILE).read_bytes())
    assert examine(home, 1)["database"]["code"] == "storage.seal.key"


def test_doctor_little_disk_is_a_warning_and_none_a_failure(
    home: Path, examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_checks, "LOW_DISK_BYTES", 1 << 62)
    assert examine(home, 0)["free disk"]["code"] == "disk.low"
    monkeypatch.setattr(doctor_checks, "NO_DISK_BYTES", 1 << 62)
    assert examine(home, 1)["free disk"]["code"] == "disk.full"
    # A full disk may be why the database does not open: it is looked at all the same.
    (home / "node.db").write_bytes(b"cut off")
    checks = examine(home, 1)
    assert checks["database"]["state"] == "fail"
    assert checks["free disk"]["code"] == "disk.full"


def test_doctor_and_serve_refuse_a_node_that_this_user_may_not_write(
    home: Path, examine: Examine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A user that may write everywhere runs these tests, perhaps: the system is asked in its place."""
    for forbidden, check in ((home, "configuration"), (home / COALITION_FOLDER, "metadata")):
        with monkeypatch.context() as patch:
            patch.setattr(
                os,
                "access",
                lambda path, mode, forbidden=forbidden: mode == os.R_OK or Path(path) != forbidden,
            )
            found = examine(home, 1)[check]
            assert (found["state"], found["said"]) == ("fail", f"this user may not write in {forbidden}")
            assert main.run(["--home", str(home), "serve"]) == 74
            assert f"may not write in {forbidden}" in capsys.readouterr().err


def test_doctor_certificate_about_to_expire_is_a_warning(home: Path, examine: Examine) -> None:
    found = examine(home, 1, ahead=timedelta(days=115))["certificate"]
    assert (found["state"], found["code"]) == ("warn", "certificate.soon")
    assert "4 days left" in found["said"]
    assert "symbolon coalition rotate certificate" in found["hint"]


def test_doctor_expired_certificate_is_told_apart_from_stale_metadata(
    home: Path, founder: LocalFounder, examine: Examine
) -> None:
    """A founder goes on signing timestamps; the member has let its certificate run out."""
    days = timedelta(days=121)
    founder.node.clock = lambda: time.time() + days.total_seconds()
    founder.node.founding.redate()
    founder.tell(home)
    checks = examine(home, 1, ahead=days)
    assert checks["certificate"]["code"] == "membership.certificate.expired"
    assert "symbolon coalition join CODE" in checks["certificate"]["hint"]
    assert {name for name, each in checks.items() if each["state"] == "fail"} == {"certificate"}


def test_doctor_metadata_about_to_expire_is_a_warning(home: Path, examine: Examine) -> None:
    found = examine(home, 0, ahead=timedelta(days=5))["metadata"]
    assert (found["state"], found["code"]) == ("warn", "metadata.soon")
    assert "timestamp has 1 days left" in found["said"]
    assert "symbolon coalition sync" in found["hint"]


def test_doctor_root_and_targets_about_to_expire_name_the_founders(
    founder: LocalFounder, home: Path, examine: Examine
) -> None:
    days = timedelta(days=350)
    founder.node.clock = lambda: time.time() + days.total_seconds()
    founder.node.founding.redate()
    founder.tell(home)
    found = examine(home, 1, ahead=days)["metadata"]
    assert found["code"] == "metadata.soon"
    assert "targets has 14 days left" in found["said"]
    assert "timestamp" not in found["said"]
    assert found["hint"].startswith("The founders")
    assert found["hint"].endswith("`symbolon coalition sync`.")


def test_doctor_stale_metadata_is_told_apart_from_the_certificate(home: Path, examine: Examine) -> None:
    checks = examine(home, 1, ahead=timedelta(days=8))
    assert checks["metadata"]["code"] == "membership.expired"
    assert "timestamp on " in checks["metadata"]["said"]
    assert "targets on" not in checks["metadata"]["said"]
    assert "symbolon coalition sync" in checks["metadata"]["hint"]
    assert {name for name, each in checks.items() if each["state"] == "fail"} == {"metadata"}
    # Or the clock is ahead, which nothing here can show.
    assert (checks["clock"]["state"], checks["clock"]["code"]) == ("warn", "clock.ahead")


def test_doctor_clock_behind_the_metadata_is_told(home: Path, examine: Examine) -> None:
    checks = examine(home, 1, ahead=-timedelta(hours=3))
    assert checks["clock"]["code"] == "clock.behind"
    assert "before the coalition's metadata was signed" in checks["clock"]["said"]
    assert checks["certificate"]["code"] == "membership.certificate.not_yet_valid"
    assert "clock" in checks["certificate"]["hint"]
    assert checks["metadata"]["state"] == "ok"


def test_doctor_metadata_that_lasts_too_long_by_this_clock_is_told(home: Path, examine: Examine) -> None:
    checks = examine(home, 1, ahead=-timedelta(days=3))
    assert checks["metadata"]["code"] == "membership.metadata.validity"
    assert checks["clock"]["code"] == "clock.behind"


def test_doctor_clock_behind_the_audit_log_is_told(home: Path, examine: Examine) -> None:
    with Node(home, clock=lambda: time.time() + 86400) as node:
        node.audit.append(Entry("released", "birch", "", "size", "due-diligence"))
    found = examine(home, 1)["clock"]
    assert found["code"] == "clock.behind"
    assert "before the audit log was last written" in found["said"]


def test_doctor_metadata_without_this_node_is_told(
    home: Path, founder: LocalFounder, examine: Examine
) -> None:
    founder.expel(MEMBER)
    founder.tell(home)
    checks = examine(home, 1)
    assert checks["own entry"]["code"] == "members.absent"
    assert "was expelled" in checks["own entry"]["said"]
    assert checks["certificate"]["state"] == "ok"
    assert "listing" not in checks


def test_doctor_metadata_that_never_named_this_node_is_told(
    home: Path, founder: LocalFounder, examine: Examine, tmp_path: Path
) -> None:
    create_node(tmp_path / "late", member="late-co", coalition=COALITION, listen="127.0.0.1:0")
    founder.tell(tmp_path / "late")
    found = examine(tmp_path / "late", 1)["own entry"]
    assert found["code"] == "members.absent"
    assert "is not in it" in found["said"]


def test_doctor_suspended_node_is_told_the_reason_and_who_lifts_it(
    home: Path, founder: LocalFounder, examine: Examine
) -> None:
    propose(founder, home, Suspend(MEMBER, "answers nobody"))
    found = examine(home, 1)["own entry"]
    assert found["code"] == "membership.suspended"
    assert "answers nobody" in found["said"]
    assert "symbolon coalition reinstate" in found["hint"]
    propose(founder, home, Reinstate(MEMBER))
    assert examine(home, 0)["own entry"]["state"] == "ok"


def test_doctor_lapsed_terms_are_told_with_the_command_that_mends_them(
    home: Path, founder: LocalFounder, examine: Examine
) -> None:
    text = b"Other terms.\n"
    propose(founder, home, NewTerms("2", hashlib.sha256(text).digest()), terms=text)
    found = examine(home, 1)["own entry"]
    assert found["code"] == "membership.lapsed.terms"
    assert "symbolon coalition attest" in found["hint"]


def test_doctor_lapsed_vetting_is_told_with_who_mends_it(home: Path, examine: Examine) -> None:
    found = examine(home, 1, ahead=timedelta(days=365))["own entry"]
    assert found["code"] == "membership.lapsed.vetting"
    assert found["hint"] == "A founder vets it anew with `symbolon coalition vet`."


def test_doctor_lapsed_attestation_is_told_with_the_command_that_mends_it(
    home: Path, founder: LocalFounder, examine: Examine
) -> None:
    today = founder.node.now.date()
    vetting = Vetting(FOUNDER, "a person", today, "asked around", today + timedelta(days=700))
    propose(founder, home, Vet(MEMBER, vetting))
    found = examine(home, 1, ahead=timedelta(days=367))["own entry"]
    assert found["code"] == "membership.lapsed.attestation"
    assert "symbolon coalition attest" in found["hint"]


def test_doctor_records_about_to_lapse_are_each_a_warning(home: Path, founder: LocalFounder) -> None:
    with Node(home) as node:
        state, now = node.coalition.state(), node.now + timedelta(days=340)
    found = list(look_at_own_entry(state, MEMBER, now))
    assert [(each.state, each.code) for each in found] == [
        ("warn", "members.vetting"),
        ("warn", "members.attestation"),
    ]
    assert "symbolon coalition vet" in found[0].hint
    assert "symbolon coalition attest" in found[1].hint


def test_doctor_metadata_with_another_certificate_is_told(
    home: Path, founder: LocalFounder, examine: Examine
) -> None:
    held = {name: (home / name).read_bytes() for name in (LEAF_FILE, LEAF_KEY_FILE)}
    renewed = founder.renew(home)
    founder.tell(home)
    found = examine(home, 0)["listing"]
    assert "beside another one" in found["said"]
    with Node(home) as node:
        node.leaf_files.install(renewed)
    founder.renew(home)
    founder.tell(home)
    assert examine(home, 0)["listing"]["state"] == "ok"
    (home / NEXT_LEAF_KEY_FILE).unlink()
    for name, content in held.items():
        (home / name).write_bytes(content)
    checks = examine(home, 1)
    assert checks["listing"]["code"] == "members.certificate"
    assert "symbolon coalition sync" in checks["listing"]["hint"]


def test_doctor_old_members_put_back_are_told(home: Path, founder: LocalFounder, examine: Examine) -> None:
    """The file before an expulsion, in the state that expels."""
    current = home / COALITION_FOLDER / "current"
    old = (current / "members.json").read_bytes()
    founder.expel(MEMBER)
    founder.tell(home)
    (current / "members.json").write_bytes(old)
    checks = examine(home, 1)
    assert checks["metadata"]["code"] == "membership.metadata.malformed"
    assert checks["own entry"]["state"] == "unknown"


def test_doctor_relay_of_the_own_entry_is_looked_at(
    home: Path, founder: LocalFounder, examine: Examine, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"127.0.0.1:{listener.getsockname()[1]}"
    relay = join(founder, tmp_path / RELAY, RELAY, relay=endpoint)
    founder.move(home, Place("", (RELAY,), ""))
    founder.tell(home)
    found = examine(home, 1)
    assert found["relay"]["code"] == "relay.unreachable"
    assert f"symbolon doctor {RELAY}" in found["relay"]["hint"]
    assert f"through {RELAY}" in found["own entry"]["said"]
    propose(founder, home, Suspend(RELAY, "drops what it carries"))
    found = examine(home, 1)
    assert found["relay"]["code"] == "relay.standing"
    assert "drops what it carries" in found["relay"]["said"]
    assert "symbolon coalition move" in found["relay"]["hint"]
    propose(founder, home, Reinstate(RELAY))
    founder.move(relay, Place("127.0.0.1:1", (), ""))
    founder.tell(home)
    found = examine(home, 0)
    assert "relay" not in found, "the founders took it out of the entry"
    assert found["own entry"]["code"] == "members.unreachable"
    assert "symbolon coalition move" in found["own entry"]["hint"]


def test_doctor_relay_that_is_something_else_is_told(
    home: Path, founder: LocalFounder, examine: Examine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis, "CONNECT_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        join(founder, tmp_path / RELAY, RELAY, relay=f"127.0.0.1:{listener.getsockname()[1]}")
        founder.move(home, Place("", (RELAY,), ""))
        founder.tell(home)
        assert examine(home, 1)["relay"]["code"] == "relay.certificate"


def test_doctor_founder_is_told_of_its_keys_and_the_root(founder: LocalFounder, examine: Examine) -> None:
    found = examine(founder.node.home, 0)["founder"]
    assert found["state"] == "ok"
    assert "root 1" in found["said"]
    assert f"{founder.node.now + timedelta(days=730):%Y-%m-%d}" in found["said"]
    assert "not encrypted" in found["said"]
    (founder.node.home / FOUNDER_FOLDER / ROOT_KEY_FILE).unlink()
    assert "kept elsewhere" in examine(founder.node.home, 0)["founder"]["said"]


def test_doctor_founder_is_told_of_proposals_that_wait_for_a_person(
    home: Path, founder: LocalFounder, examine: Examine, tmp_path: Path
) -> None:
    """A copy of the founder proposes what takes a person; the founder has yet to see to it."""
    shutil.copytree(founder.node.home, tmp_path / "twin", symlinks=True)
    with Node(tmp_path / "twin") as twin:
        document = twin.founding.document(twin.founding.propose([Suspend(MEMBER, "answers nobody")]))
    founder.node.founding.take(document, FOUNDER, sign=False)
    found = examine(founder.node.home, 0)["founder"]
    assert (found["state"], found["code"]) == ("warn", "founder.proposals")
    assert found["said"].startswith("1 ")
    assert "symbolon coalition approve" in found["hint"]


def test_doctor_founder_whose_keys_are_lost_or_anothers_is_told(
    founder: LocalFounder, examine: Examine, tmp_path: Path
) -> None:
    folder = founder.node.home / FOUNDER_FOLDER
    folder.rename(tmp_path / "kept")
    assert examine(founder.node.home, 1)["founder"]["code"] == "membership.founder"
    create_founder_keys(folder, COALITION, FOUNDER, datetime.now(UTC))
    assert examine(founder.node.home, 1)["founder"]["code"] == "founder.keys"
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "kept", folder)
    shutil.copy(folder / METADATA_KEY_FILE, folder / ROOT_KEY_FILE)
    assert examine(founder.node.home, 1)["founder"]["code"] == "membership.root_key"


def test_doctor_founder_with_an_encrypted_root_key_is_fine(
    founder: LocalFounder, examine: Examine, tmp_path: Path
) -> None:
    create_founder_keys(tmp_path / "new", COALITION, FOUNDER, datetime.now(UTC), passphrase=b"long enough")
    shutil.copy(tmp_path / "new" / ROOT_KEY_FILE, founder.node.home / FOUNDER_FOLDER / ROOT_KEY_FILE)
    assert "here, encrypted" in examine(founder.node.home, 0)["founder"]["said"]


def test_doctor_node_with_keys_that_the_root_does_not_name_is_a_warning(home: Path, examine: Examine) -> None:
    create_founder_keys(home / FOUNDER_FOLDER, COALITION, MEMBER, datetime.now(UTC))
    found = examine(home, 0)["founder"]
    assert (found["state"], found["code"]) == ("warn", "founder.unnamed")
    shutil.move(home / FOUNDER_FOLDER, home / "founder-no-more")
    assert "founder" not in examine(home, 0)


def test_doctor_node_that_is_no_founder_has_no_such_check(home: Path, examine: Examine) -> None:
    assert "founder" not in examine(home, 0)


def test_doctor_operators_who_cannot_be_two_are_a_warning(home: Path, examine: Examine) -> None:
    def found() -> Finding:
        """Without the command line, which would ask who is there."""
        (only,) = [each for each in doctor_checks.Examination(home).findings() if each.check == "operators"]
        return only

    assert "whoever can read this folder" in examine(home, 0)["operators"]["said"]
    with Node(home) as node:
        people = OperatorStore(node.database, node.sealer, node.clock, os.urandom, CHEAP)
        first = people.add(LOCAL, "Ada", Role.ADMINISTRATOR, password="for Ada alone")
        assert (found().state, found().code) == ("warn", "operators.alone")
        assert "symbolon operators add" in found().hint
        people.add(first.pseudonym, "Ben", Role.VIEWER, password="for Ben alone")
        assert found().code == "operators.alone"
        people.add(first.pseudonym, "Cy", Role.APPROVER, password="for Cy alone")
        assert found().state == "ok"
        assert "3 of them sign in; four eyes on release" in found().said


def test_doctor_allowed_stranger_is_named(home: Path, examine: Examine) -> None:
    configure(home, '[[allow]]\npeer = "burch"\npurposes = ["x"]\n')
    found = examine(home, 0)["permission"]
    assert found["code"] == "allow.unknown"
    assert "burch" in found["said"]


def test_doctor_and_status_name_a_policy_that_keeps_the_node_from_starting(
    home: Path, examine: Examine, capsys: pytest.CaptureFixture[str]
) -> None:
    own = home / "policies" / "mine.cedar"
    own.parent.mkdir()
    own.write_text('@id("mine")\nforbid (principal, action, resource) when { context.purpose == "none" };\n')
    assert "1 in policies/ decide" in examine(home, 0)["permission"]["said"]
    main.run(["--home", str(home), "status"])
    assert "1 in policies/" in capsys.readouterr().out
    own.write_text("permit (principal, action")
    found = examine(home, 1)["permission"]
    assert (found["state"], found["code"]) == ("fail", "policy.problems")
    assert "mine.cedar, line 1" in found["said"]
    main.run(["--home", str(home), "status"])
    (line,) = [each for each in capsys.readouterr().out.splitlines() if each.startswith("policies")]
    assert "BROKEN: mine.cedar, line 1" in line
    assert "symbolon policy check" in line


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
