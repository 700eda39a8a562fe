"""docs/operators.md says what is true: roles and their commands, variables, figures, configuration."""

import re
import tomllib
from pathlib import Path

from symbolon import config
from symbolon.cli import operator_session, signed_in, typed_password
from symbolon.policy import approval
from symbolon.policy.operator_roles import ACTION_ROLES, COMMAND_ROLES, Role
from symbolon.storage import operator_password, sign_in_limit

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "operators.md").read_text(encoding="utf-8")


def test_operators_document_names_the_commands_of_each_role() -> None:
    for role in (Role.VIEWER, Role.CONTRIBUTOR, Role.APPROVER):
        (row,) = re.findall(rf"^\| {role} \| (.*) \|$", TEXT, re.MULTILINE)
        named = set(re.findall(r"`([a-z -]+?)(?: PEER)?`", row))
        named = {"match with" if each == "match" else each for each in named}
        listed = {words for words, needed in COMMAND_ROLES.items() if needed is role}
        own_business = {"operators password", "approvals deny"}
        coalition = {words for words in listed if words.startswith("coalition ")}
        assert named - own_business == listed - own_business - coalition, role


def test_operators_document_gives_the_figures_of_the_code() -> None:
    assert operator_session.SESSION_LIFE_S == 8 * 3600
    assert "eight hours" in TEXT
    assert approval.APPROVAL_LIFE_S == 7 * 86400
    assert "seven days" in TEXT
    assert signed_in.FRESH_S == 5 * 60
    assert "within the last five minutes" in TEXT
    assert f"at least {operator_password.MIN_PASSWORD_CHARS} characters" in TEXT
    assert (sign_in_limit.FREE_ATTEMPTS, sign_in_limit.FIRST_PAUSE_S) == (5, 30)
    assert "After five failures the next attempt waits 30 seconds" in TEXT
    assert sign_in_limit.LONGEST_PAUSE_S == 3600


def test_operators_document_names_the_variables_of_the_code() -> None:
    named = set(re.findall(r"SYMBOLON_[A-Z_]+", TEXT))
    assert named == {typed_password.OPERATOR, typed_password.PASSWORD_FILE, typed_password.NEW_PASSWORD_FILE}


def test_operators_document_configuration_is_read_and_four_eyes_are_the_default() -> None:
    for block in re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL):
        read = config.parse(block, Path("home"))
        if "four_eyes" in tomllib.loads(block)["operators"]:
            assert read == config.Config(Path("home"))


def test_config_four_eyes_knows_exactly_the_actions_that_exist() -> None:
    known = config._CHOICES["four_eyes"]
    assert set(known) == set(ACTION_ROLES)
    assert set(config.OperatorsConfig().four_eyes) == set(known)
