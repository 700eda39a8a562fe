"""A member's node that holds signals of others, as if lookups had brought them; no peer serves."""

import contextlib
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from contributing_ngo import COALITION, PURPOSE, Contributor, Said, contributor
from received_labels import found, judged
from symbolon.cli import main
from symbolon.rpc.node import Node
from symbolon.signals.bundle import encode_bundle, signed_message
from symbolon.signals.released import ReleasedSignal
from symbolon.storage.received_signal_view import Publisher
from symbolon.storage.received_signal_writer import FeedPosition

_LIST: Final = (
    "supplier_id,name,address,city,region,postal_code,country,sector,lei\n"
    "S1,Blue River Garments Ltd,12 Canal Road,Gazipur,,1700,BD,,213800KUD8LAJWSQ9D15\n"
    "S2,Green Hill Mills,1 Hill Road,Dhaka,,1000,BD,,\n"
    "S3,Red Sand Quarry,2 Sand Road,Dhaka,,1000,BD,,\n"
)


class _Peer:
    """A member that publishes, with the key that the coalition lists."""

    def __init__(self, home: Path, name: str) -> None:
        self.name = name
        with Node(home) as node:
            self._key = node.signing_key
        self.key_id = self._key.public_key().public_bytes_raw()
        self.publisher = Publisher(self.key_id, self.verify)

    def sign(self, header: bytes) -> bytes:
        return self._key.sign(signed_message(COALITION, self.name, header))

    def verify(self, header: bytes, signature: bytes) -> None:
        self._key.public_key().verify(signature, signed_message(COALITION, self.name, header))


class ToldMember:
    """The node of `contributing_ngo`, with a list of three suppliers: S1, S2, S3.

    Args:
        made: the coalition.
    """

    def __init__(self, made: Contributor) -> None:
        self.made, self.run = made, made.run
        path = made.file("suppliers.csv", _LIST)
        assert self.do("suppliers", "import", str(path)).code == 0

    def do(self, *arguments: str) -> Said:
        """Runs `symbolon …` in this process."""
        out, talk = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(talk):
            code = main.run(["--home", str(self.made.home), *arguments])
        out.flush()
        return Said(code, out.buffer.getvalue().decode(), talk.getvalue())  # type: ignore[attr-defined]

    def tell(
        self,
        peer: str,
        told: Iterable[tuple[ReleasedSignal, Iterable[str]]],
        purpose: str = PURPOSE,
        tier: str = "A",
    ) -> None:
        """All that one member releases for a purpose, each about own suppliers by their ids."""
        who = _Peer(self.made.folder / peer, peer)
        with self.made.node() as node:
            labels = [
                found(encode_bundle(each, who.sign), *(self._number(node, one) for one in about), tier=tier)
                for each, about in told
            ]
            intake = judged(node.received, labels, node.now.date(), who=who, purpose=purpose)  # type: ignore[arg-type]
            positions = [FeedPosition(each, 1, 2) for each in "ABC"]
            with node.database.transaction("a lookup") as connection:
                node.received.save(connection, peer, purpose, intake, key_id=who.key_id, positions=positions)

    @staticmethod
    def _number(node: Node, supplier_id: str) -> int:
        held = node.suppliers.by_supplier_id(supplier_id)
        assert held is not None
        return held.supplier_no

    def narrative(self, peer: str, signal: ReleasedSignal, text: str) -> None:
        """The narrative of a signal arrives."""
        with self.made.node() as node, node.database.transaction("a narrative") as connection:
            node.received.save_narrative(connection, peer, PURPOSE, signal.signal_id, signal.revision, text)


@contextlib.contextmanager
def told_member(folder: Path) -> Iterator[ToldMember]:
    """The node, a member among four companies."""
    with contributor(folder) as made:
        yield ToldMember(made)
