"""Founding a coalition that is cut off half-way, or where there is one already."""

from pathlib import Path
from typing import Any

import pytest

from symbolon.cli.init import create_node
from symbolon.cli.local_coalition import COALITION
from symbolon.cli.local_founder import FOUNDER, LocalFounder
from symbolon.errors import MembershipError
from symbolon.membership.member import MemberKind
from symbolon.membership.member_statement import Place
from symbolon.rpc import founder_setup
from symbolon.rpc.founder_setup import Charter
from symbolon.rpc.node import FOUNDER_FOLDER, Node


class KilledError(BaseException):
    """The process is gone."""


def found(node: Node) -> None:
    founder_setup.found(
        node,
        Charter(("audit",), "1", b"Nothing here is for the police.\n"),
        kind=MemberKind.COORDINATOR,
        jurisdiction="BE",
        place=Place("", (), ""),
        due_diligence=LocalFounder(node)._due_diligence(),
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    create_node(tmp_path / "founder", member=FOUNDER, coalition=COALITION, listen="127.0.0.1:0")
    return tmp_path / "founder"


def test_found_that_is_killed_before_there_is_a_state_is_done_by_a_second_attempt(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched, Node(home) as node:
        patched.setattr(founder_setup, "found_coalition", killed)
        with pytest.raises(KilledError):
            found(node)
    with Node(home) as node:
        found(node)
        assert node.credentials.certificate


def test_found_that_is_killed_once_there_is_a_state_was_done(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = founder_setup.found_coalition

    def killed(*arguments: Any, **named: Any) -> None:
        done(*arguments, **named)
        raise KilledError

    with monkeypatch.context() as patched, Node(home) as node:
        patched.setattr(founder_setup, "found_coalition", killed)
        with pytest.raises(KilledError):
            found(node)
    with Node(home) as node:
        # The certificate that the state names, and its key.
        fingerprint = founder_setup.certificate_fingerprint(node.credentials.certificate)
        node.directory.require(FOUNDER, fingerprint, node.now)
        with pytest.raises(MembershipError) as caught:
            found(node)
        assert caught.value.full_code == "membership.exists"
        assert founder_setup.certificate_fingerprint(node.credentials.certificate) == fingerprint


def test_found_on_the_node_of_a_member_is_refused_and_leaves_its_keys(home: Path, tmp_path: Path) -> None:
    with Node(home) as node:
        found(node)
        member = tmp_path / "member-co"
        create_node(member, member=member.name, coalition=COALITION, listen="127.0.0.1:0")
        LocalFounder(node).admit(member, kind="ngo")
    with Node(member) as node:
        before = node.credentials
        with pytest.raises(MembershipError) as caught:
            found(node)
        assert caught.value.full_code == "membership.exists"
        assert node.credentials == before
        assert not (member / FOUNDER_FOLDER).exists()
