"""Items that arrive in chunks: in order, none missing, none beyond what was declared; and those to come."""

from collections.abc import Iterator

from symbolon.errors import RemoteProtocolError
from symbolon.exchange.limits import CHUNK_ELEMENTS, MAX_WORKING
from symbolon.exchange.messages import Chunk, Working


class Inbound:
    """Counts the chunks of one declared run of items.

    Args:
        declared: how many items were announced.
        width: bytes of one item.
    """

    def __init__(self, declared: int, width: int) -> None:
        self.declared = declared
        self.width = width
        self.taken = 0

    @property
    def complete(self) -> bool:
        """Whether every declared item has arrived."""
        return self.taken == self.declared

    def take(self, chunk: Chunk) -> int:
        """Accepts the next chunk.

        Returns:
            How many items it holds.

        Raises:
            RemoteProtocolError: a torn item (`protocol.width`), a gap or repetition (`protocol.order`), or
                more items than declared (`protocol.excess`).
        """
        count, rest = divmod(len(chunk.data), self.width)
        if rest:
            raise RemoteProtocolError(f"chunk is not a multiple of {self.width} bytes", code="protocol.width")
        if chunk.offset != self.taken:
            raise RemoteProtocolError(
                f"chunk starts at {chunk.offset}, expected {self.taken}", code="protocol.order"
            )
        if self.taken + count > self.declared:
            raise RemoteProtocolError(f"more than the {self.declared} items declared", code="protocol.excess")
        self.taken += count
        return count


class Preparation:
    """What a sender tells of entries that it is making. Changes nothing of what must come.

    Args:
        declared: how many entries of the tier were announced.
    """

    def __init__(self, declared: int) -> None:
        self.declared = declared
        self.done = 0
        self.told = 0

    def take(self, message: Working) -> None:
        """Accepts the next word of it.

        Raises:
            RemoteProtocolError: it goes back (`protocol.order`), counts other entries than announced, or
                comes more than `MAX_WORKING` times (`protocol.excess`).
        """
        if message.total != self.declared:
            raise RemoteProtocolError(f"{message.total} entries, not {self.declared}", code="protocol.excess")
        if message.done < self.done:
            raise RemoteProtocolError("the sender has undone work", code="protocol.order")
        if self.told == MAX_WORKING:
            raise RemoteProtocolError("the sender says too often that it works", code="protocol.excess")
        self.done = message.done
        self.told += 1


def outbound(data: bytes, width: int) -> Iterator[tuple[int, bytes]]:
    """Cuts a run of items into chunks: pairs of the first item's index and the bytes."""
    step = CHUNK_ELEMENTS * width
    for at in range(0, len(data), step):
        yield at // width, data[at : at + step]
