"""What two founders do together, with real nodes and commands: new terms, an invitation withdrawn."""

import asyncio
import hashlib
import json
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

import forked
from processes import DEADLINE_S, wait_until
from served_coalition import FOUNDER, ServedCoalition, served_coalition
from symbolon.cli.local_coalition import own_environment
from symbolon.membership.acts import NewTerms
from symbolon.rpc.membership_client import spread
from symbolon.rpc.node import Node

BIRCH = "birch-ngo"
VETTED = ("--vetted-by", "Ben", "--criteria", "charter 3")


@pytest.fixture(scope="module")
def coalition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCoalition]:
    """Two founders, who sign each change together."""
    with served_coalition(tmp_path_factory.mktemp("coalition"), BIRCH) as made:
        made.name_founders(BIRCH)
        yield made


def test_invitation_withdrawn_while_its_answer_waits_is_signed_by_nobody(coalition: ServedCoalition) -> None:
    code, joiner = coalition[FOUNDER].invite("regretted-co"), coalition["regretted-co"]
    _, told = joiner.quick(*joiner.joining(code), code=75)
    assert "other founders have yet to sign it" in told
    (answer, invitation) = coalition[BIRCH].waiting()
    coalition[FOUNDER].quick("coalition", "withdraw", invitation)
    # Birch was told, and does not sign; nor would the sponsor, if birch did.
    assert "was withdrawn" in coalition[BIRCH].run("coalition", "approve", answer, code=77).stderr
    coalition[BIRCH].run("coalition", "approve", invitation, code=2)
    assert "was withdrawn" in coalition[FOUNDER].quick("coalition", "proposals")[0]
    told = joiner.join(code, code=75)
    assert "withdrawn" in told
    for member in (FOUNDER, BIRCH):
        assert coalition[member].members().find("regretted-co") is None


def test_invitations_say_who_approved_them_and_who_has_yet_to(coalition: ServedCoalition) -> None:
    code = coalition[FOUNDER].invite("elder-co")
    (kept,) = json.loads(coalition[FOUNDER].run("coalition", "invitations", "--json").stdout)
    assert (kept["member"], kept["approved_by"], kept["waits_for"]) == ("elder-co", [], [BIRCH])
    assert kept["invitation"][:12] in coalition[BIRCH].run("coalition", "invitations").stdout
    coalition[BIRCH].quick("coalition", "approve", kept["invitation"][:12])
    assert f"approved by {BIRCH}" in coalition[FOUNDER].run("coalition", "invitations").stdout
    # A founder takes back its own approval; the invitation stays its sponsor's.
    told = coalition[BIRCH].run("coalition", "withdraw", kept["invitation"][:12]).stderr
    assert f"{FOUNDER} still lets it in" in told
    told = coalition["elder-co"].join(code, code=75)
    assert "other founders have yet to sign it" in told
    coalition[BIRCH].stop()
    told = coalition[FOUNDER].run("coalition", "withdraw", "elder-co").stderr
    assert f"{BIRCH} could not be told" in told
    assert "lets nobody in any more" in told
    coalition[BIRCH].serve()


def test_founders_who_all_lapse_by_new_terms_sign_each_others_attestation(
    coalition: ServedCoalition,
) -> None:
    text = b"Nothing here is for the police, nor for anybody's landlord.\n"
    with Node(coalition[FOUNDER].home) as node:
        act = NewTerms("2", hashlib.sha256(text).digest())
        sha256 = node.founding.propose([act], terms=text)
        asyncio.run(spread(node, node.founding, sha256))
    (wanted,) = (each for each in coalition[BIRCH].waiting() if sha256.hex().startswith(each))
    coalition[BIRCH].quick("coalition", "approve", wanted)
    wait_until(lambda: coalition[FOUNDER].members().terms_version == "2", "the new terms")
    # All have lapsed: nobody is in good standing who could help the first one.
    told = coalition[FOUNDER].run("coalition", "suspend", BIRCH, "--reason", "late", code=77).stderr
    assert "symbolon coalition attest" in told
    for member in (FOUNDER, BIRCH):
        coalition[member].run("coalition", "attest", "--person", "Ada", "--accept-terms", "2")
        wait_until(
            lambda: coalition[FOUNDER].members().version == coalition[BIRCH].members().version,
            "what is in force to reach both",
        )
    for record in coalition[BIRCH].members().founders:
        assert record.due_diligence.acceptance.terms_version == "2"


@pytest.mark.parametrize(
    ("command", "before", "stays"),
    [
        (
            ("vet", BIRCH, "--person", "Ben", "--criteria", "typed too fast"),
            "Proposed: ",
            "It stays proposed as ",
        ),
        (("invite", "fig-co", "--jurisdiction", "KE", *VETTED), "The code is good once", "symbolon1-"),
    ],
    ids=["proposal", "invitation"],
)
def test_command_interrupted_while_another_founder_is_asked_says_what_stays(
    coalition: ServedCoalition, command: tuple[str, ...], before: str, stays: str
) -> None:
    """Ctrl-C does not take back what is written already: a code is shown, and a proposal named."""
    with coalition[BIRCH].stands_still():
        process = forked.Popen(
            coalition[FOUNDER].command("coalition", *command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=own_environment(),
        )
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(before):
                break
        # By then it waits for birch, which it would for ten times as long.
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        code, told = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 130, f"{told}{code}"
    assert stays in told + code
    assert told.endswith("symbolon: interrupted; nothing is half-written.\n")
    listed = coalition[FOUNDER].quick("coalition", "proposals" if "vet" in command else "invitations")[0]
    assert ("typed too fast" if "vet" in command else "fig-co") in listed
