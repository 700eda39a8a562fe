from collections.abc import Iterator
from datetime import timedelta

import pytest

from agreement_makers import NOW_S, Log, agreement, by
from coalition_members import ACME, BIRCH, CEDAR, TODAY, coalition, member, signing_key
from symbolon.errors import MembershipError
from symbolon.membership.agreement import agreement_sha256, encode_agreement, verify_agreement
from symbolon.membership.member_record import Members
from symbolon.storage.agreement_store import MAX_OPEN_OFFERS, AgreementStore
from symbolon.storage.database import Database

DAY = timedelta(days=1)


class World:
    """Acme's store, its log, and the coalition as acme knows it."""

    def __init__(self, database: Database) -> None:
        self.members: Members = coalition()
        self.log = Log()
        self.store = AgreementStore(database, ACME, lambda: NOW_S, lambda: self.members, self.log.note)

    @property
    def events(self) -> list[str]:
        return [event for event, _, _ in self.log]


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    return World(database)


def name(number: int = 0) -> bytes:
    return agreement_sha256(encode_agreement(agreement(number)))


def test_agreement_is_in_force_once_both_have_signed_whoever_was_first(world: World) -> None:
    for number, (first, second) in enumerate(((ACME, BIRCH), (BIRCH, ACME))):
        what = agreement(number)
        steps = {ACME: world.store.sign, BIRCH: world.store.take}
        half = steps[first](*by(first, what))
        assert half.state == ("offered" if first == ACME else "waiting")
        assert world.store.in_force(BIRCH, "due-diligence", TODAY) is None
        assert steps[second](*by(second, what)).state == "in_force"
        found = world.store.in_force(BIRCH, "due-diligence", TODAY)
        assert found is not None
        assert verify_agreement(coalition(), found) == what
        world.store.withdraw(name(number))
    assert world.events == ["offered", "agreed", "disagreed"] * 2
    assert {peer for _, peer, _ in world.log} == {BIRCH}


def test_log_says_who_did_what_to_which_agreement(world: World) -> None:
    world.store.sign(*by(ACME, agreement()))
    world.store.take(*by(BIRCH, agreement()))
    world.store.withdraw_by_peer(BIRCH, name())
    words = [each for _, _, each in world.log]
    assert [each.split(":")[0] for each in words] == [
        "offered by acme",
        "agreed by birch",
        "withdrawn by birch",
    ]
    assert world.log.signers == [[ACME], [ACME, BIRCH], [ACME, BIRCH]]
    assert all(name().hex() in each and "due-diligence" in each for each in words)


def test_in_force_is_nothing_for_another_member_purpose_or_day(world: World) -> None:
    world.store.sign(*by(ACME, agreement()))
    world.store.take(*by(BIRCH, agreement()))
    assert world.store.in_force(CEDAR, "due-diligence", TODAY) is None
    assert world.store.in_force(BIRCH, "remediation", TODAY) is None
    assert world.store.in_force(BIRCH, "due-diligence", TODAY - DAY) is None
    assert world.store.in_force(BIRCH, "due-diligence", TODAY + 366 * DAY) is None
    assert world.store.in_force(BIRCH, "due-diligence", TODAY + 365 * DAY) is not None


def test_in_force_is_nothing_once_a_member_has_other_keys_until_both_agree_anew(world: World) -> None:
    world.store.sign(*by(ACME, agreement()))
    world.store.take(*by(BIRCH, agreement()))
    new_key = signing_key("birch 1").public_key().public_bytes_raw()
    world.members = coalition(member(ACME), member(BIRCH, signing_key=new_key))
    assert world.store.in_force(BIRCH, "due-diligence", TODAY) is None
    (held,) = world.store.all()
    assert world.store.standing(held, TODAY) == "void"
    again = agreement(1)
    world.store.sign(*by(ACME, again))
    world.store.take(*by(BIRCH, again, key_of="birch 1"))
    found = world.store.in_force(BIRCH, "due-diligence", TODAY)
    assert found is not None
    assert verify_agreement(world.members, found) == again


def test_in_force_is_nothing_once_the_member_is_gone(world: World) -> None:
    world.store.sign(*by(ACME, agreement()))
    world.store.take(*by(BIRCH, agreement()))
    world.members = coalition(member(ACME))
    assert world.store.in_force(BIRCH, "due-diligence", TODAY) is None


def test_standing_of_what_is_over_is_ended_though_it_was_never_answered(world: World) -> None:
    world.store.sign(*by(ACME, agreement()))
    (held,) = world.store.all()
    assert world.store.standing(held, TODAY + 365 * DAY) == "offered"
    assert world.store.standing(held, TODAY + 366 * DAY) == "ended"


@pytest.mark.parametrize("side", ["own", "peer"])
def test_what_was_withdrawn_stays_so_whoever_signs_it_again(world: World, side: str) -> None:
    world.store.sign(*by(ACME, agreement()))
    world.store.take(*by(BIRCH, agreement()))
    if side == "own":
        world.store.withdraw(name())
    else:
        assert world.store.withdraw_by_peer(BIRCH, name())
    before = world.store.all()
    for step in (
        lambda: world.store.sign(*by(ACME, agreement())),
        lambda: world.store.take(*by(BIRCH, agreement())),
    ):
        with pytest.raises(MembershipError) as caught:
            step()
        assert caught.value.full_code == "membership.agreement.withdrawn"
    assert world.store.all() == before
    assert world.store.in_force(BIRCH, "due-diligence", TODAY) is None


def test_untold_is_what_the_peer_does_not_know_in_its_present_state(world: World) -> None:
    world.store.sign(*by(ACME, agreement()))
    (offered,) = world.store.untold()
    world.store.told(offered)
    assert world.store.untold() == []
    world.store.withdraw(name())
    # What was read before is not what the peer has to hear now.
    world.store.told(offered)
    (withdrawn,) = world.store.untold()
    assert withdrawn.state == "withdrawn"
    world.store.told(withdrawn)
    assert world.store.untold() == []


def test_answer_to_an_offer_of_the_peer_has_to_be_told_and_its_answer_to_ours_has_not(world: World) -> None:
    world.store.take(*by(BIRCH, agreement(1)))
    assert world.store.untold() == []
    world.store.sign(*by(ACME, agreement(1)))
    assert [each.state for each in world.store.untold()] == ["in_force"]
    world.store.sign(*by(ACME, agreement(2)))
    world.store.take(*by(BIRCH, agreement(2)))
    assert [each.sha256 for each in world.store.untold()] == [name(1)]


def test_open_offers_of_a_peer_beyond_the_limit_drop_its_oldest_and_nobody_elses(world: World) -> None:
    other = agreement(99, members=(ACME, CEDAR))
    world.store.take(*by(CEDAR, other))
    world.store.sign(*by(ACME, agreement(98)))
    for number in range(MAX_OPEN_OFFERS + 3):
        world.store.take(*by(BIRCH, agreement(number)))
    waiting = [each.sha256 for each in world.store.with_peer(BIRCH) if each.state == "waiting"]
    assert waiting == [name(number) for number in reversed(range(3, MAX_OPEN_OFFERS + 3))]
    assert len(world.store.with_peer(CEDAR)) == 1
    assert world.store.find(name(98)) is not None


def test_offer_that_the_peer_took_back_before_an_answer_is_gone(world: World) -> None:
    world.store.take(*by(BIRCH, agreement()))
    assert not world.store.withdraw_by_peer(BIRCH, name())
    assert world.store.all() == []
    assert world.events == ["offered", "disagreed"]
    world.store.withdraw_by_peer(BIRCH, name())
    assert world.events == ["offered", "disagreed"]


def test_line_that_cannot_be_written_leaves_everything_as_it_was(world: World) -> None:
    def fail(*_: object) -> None:
        raise MembershipError("no log")

    world.store._note = fail
    with pytest.raises(MembershipError):
        world.store.sign(*by(ACME, agreement()))
    assert world.store.all() == []
