"""The switchboard against a plain model of it: places never leak, and an id is good once, for one member."""

import itertools

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from symbolon.errors import RemoteProtocolError, UnavailableError
from symbolon.membership.member import MemberId
from symbolon.rpc.relay_limits import RelayLimits
from symbolon.rpc.relay_switchboard import Connection, Switchboard

_MEMBERS = [MemberId(f"member-{letter}") for letter in "abcde"]
_ONE = st.sampled_from(_MEMBERS)
_LIMITS = RelayLimits(attached=3, connections=6, connections_of_one=3, pending_for_one=2, opening_of_one=2)


class SwitchboardMachine(RuleBasedStateMachine):
    """Members attach, ask, claim, hang up."""

    def __init__(self) -> None:
        super().__init__()
        ids = itertools.count(1)
        self.board: Switchboard[object] = Switchboard(_LIMITS, lambda size: next(ids).to_bytes(size))
        self.lines: dict[MemberId, object] = {}
        self.old_lines: list[tuple[MemberId, object]] = []
        self.waiting: list[Connection] = []
        self.joined: list[Connection] = []
        self.over: list[Connection] = []
        self.opening = dict.fromkeys(_MEMBERS, 0)

    @rule(member=_ONE)
    def attach(self, member: MemberId) -> None:
        line = object()
        if member not in self.lines and len(self.lines) == _LIMITS.attached:
            with pytest.raises(UnavailableError, match="attached"):
                self.board.attach(member, line)
            return
        before = self.lines.get(member)
        assert self.board.attach(member, line) is before
        if before is not None:
            self.old_lines.append((member, before))
        self.lines[member] = line

    @rule(member=_ONE)
    def detach(self, member: MemberId) -> None:
        if member in self.lines:
            self.board.detach(member, self.lines.pop(member))

    @precondition(lambda self: self.old_lines)
    @rule(data=st.data())
    def detach_of_a_replaced_line_changes_nothing(self, data: st.DataObject) -> None:
        self.board.detach(*data.draw(st.sampled_from(self.old_lines)))

    @rule(dialler=_ONE, wanted=_ONE)
    def ask(self, dialler: MemberId, wanted: MemberId) -> None:
        every = self.waiting + self.joined
        allowed = (
            wanted in self.lines
            and len(every) < _LIMITS.connections
            and sum(each.dialler == dialler for each in every) < _LIMITS.connections_of_one
            and sum(each.target == wanted for each in self.waiting) < _LIMITS.pending_for_one
        )
        if not allowed:
            with pytest.raises(UnavailableError) as caught:
                self.board.ask(dialler, wanted)
            absent = wanted not in self.lines
            assert caught.value.full_code == ("unavailable.absent" if absent else "unavailable.busy")
            return
        connection, line = self.board.ask(dialler, wanted)
        assert line is self.lines[wanted]
        assert (connection.dialler, connection.target) == (dialler, wanted)
        self.waiting.append(connection)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), member=_ONE)
    def claim(self, data: st.DataObject, member: MemberId) -> None:
        connection = data.draw(st.sampled_from(self.waiting))
        if member != connection.target:
            self.refused(member, connection.connection_id)
            return
        assert self.board.claim(member, connection.connection_id) is connection
        self.waiting.remove(connection)
        self.joined.append(connection)

    @precondition(lambda self: self.joined or self.over)
    @rule(data=st.data())
    def claim_again(self, data: st.DataObject) -> None:
        connection = data.draw(st.sampled_from(self.joined + self.over))
        self.refused(connection.target, connection.connection_id)

    @rule(member=_ONE, connection_id=st.binary(min_size=16, max_size=16))
    def claim_by_guessing(self, member: MemberId, connection_id: bytes) -> None:
        if connection_id not in {each.connection_id for each in self.waiting}:
            self.refused(member, connection_id)

    def refused(self, member: MemberId, connection_id: bytes) -> None:
        with pytest.raises(RemoteProtocolError) as caught:
            self.board.claim(member, connection_id)
        assert caught.value.full_code == "protocol.connection"

    @precondition(lambda self: self.waiting or self.joined)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        connection = data.draw(st.sampled_from(self.waiting + self.joined))
        for each in (self.waiting, self.joined):
            if connection in each:
                each.remove(connection)
        self.board.close(connection)
        self.over.append(connection)

    @rule(member=_ONE)
    def enter(self, member: MemberId) -> None:
        if self.opening[member] == _LIMITS.opening_of_one:
            with pytest.raises(UnavailableError):
                self.board.enter(member)
            return
        self.board.enter(member)
        self.opening[member] += 1

    @rule(member=_ONE)
    def granted(self, member: MemberId) -> None:
        if self.opening[member]:
            self.board.granted(member)
            self.opening[member] -= 1

    @invariant()
    def counts_are_those_of_the_model(self) -> None:
        assert self.board.attached == len(self.lines)
        assert set(self.board.lines) == set(self.lines.values())
        assert self.board.connections == len(self.waiting) + len(self.joined)


TestSwitchboard = SwitchboardMachine.TestCase
