"""A coalition as people make one: every node with its own commands, founders served, members that joined.

Everything goes over gRPC. Whoever is served is a process of its own, which is stopped at the end.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from processes import wait_until
from typed_member import Member

COALITION = "fair-work"
FOUNDER = "alder-hub"


class ServedCoalition(dict[str, Member]):
    """Members by id, each with a folder of its own; one that is named for the first time is made.

    Args:
        folder: where they are made.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def __missing__(self, member: str) -> Member:
        self[member] = Member(member, self.folder)
        return self[member]

    def name_founders(self, *members: str) -> None:
        """Makes members founders beside `FOUNDER`, a majority of whom signs; all of them are then served."""
        founder, others = self[FOUNDER], [self[member] for member in members]
        adding: list[str] = []
        for each in others:
            each.quick("coalition", "sync")
            adding += "--add", each.quick("coalition", "offer")[0].strip()
            each.serve()
        count = len(members) + 1
        founder.quick("coalition", "founders", "--threshold", f"{count // 2 + 1}", *adding, code=75)
        for each in others[: count // 2]:
            (waiting,) = each.waiting()
            each.quick("coalition", "approve", waiting, code=(0, 75))
        for each in (founder, *others):
            wait_until(lambda each=each: len(each.members().founders) == count, each.name)


@contextlib.contextmanager
def served_coalition(folder: Path, *members: str) -> Iterator[ServedCoalition]:
    """`FOUNDER`, served, and members that joined by invitation; all processes end with it."""
    coalition = ServedCoalition(folder)
    founder = coalition[FOUNDER]
    try:
        founder.found(COALITION)
        founder.serve()
        for member in members:
            founder.admit(coalition[member])
        yield coalition
    finally:
        for each in coalition.values():
            if each.process is not None:
                each.stop()
