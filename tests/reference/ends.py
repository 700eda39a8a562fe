"""Receiver and sender of docs/PROTOCOL.md in both modes, over the bytes of `wire`.

One tier at a time is enough for a test; the messages carry several all the same. Each end keeps what an
epoch needs, so that a second session sends only the difference.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from reference import arithmetic as math
from reference.arithmetic import RefusedError
from reference.wire import RECEIVER_SAYS, SENDER_SAYS, Message, hear, say

SUITE = "X25519-ELL2-SHA512"
SLOTS = 4
CHUNK = 4096
Rng = Callable[[int], bytes]


@dataclass(frozen=True)
class Names:
    """What both ends know before they begin."""

    coalition: str
    sender: str
    receiver: str
    purpose: str

    def context(self, mode: str, tier: str, epoch: int) -> bytes:
        return math.context(
            SUITE, self.coalition, self.sender, self.receiver, "match", mode, tier, self.purpose, epoch=epoch
        )


class Run:
    """A declared run of equally long items that comes in chunks."""

    def __init__(self, declared: int, width: int) -> None:
        self.declared, self.width, self.data = declared, width, b""

    def take(self, chunk: Message) -> list[bytes]:
        data = chunk["data"]
        if not data or len(data) > 1 << 20 or len(data) % self.width:
            raise RefusedError("a chunk of a wrong length")
        if chunk["offset"] * self.width != len(self.data):
            raise RefusedError("a gap or a repetition")
        self.data += data
        if len(self.data) > self.declared * self.width:
            raise RefusedError("more than declared")
        return cut(data, self.width)

    @property
    def complete(self) -> bool:
        return len(self.data) == self.declared * self.width

    @property
    def items(self) -> list[bytes]:
        return cut(self.data, self.width)


class Work:
    """What a sender says of the entries of a tier that it is making."""

    MOST = 1_048_576

    def __init__(self, total: int) -> None:
        self.total, self.done, self.heard = total, 0, 0

    def take(self, message: Message) -> None:
        if message["total"] != self.total or not self.done <= message["done"] <= self.total:
            raise RefusedError("work on other entries than offered, or undone")
        if self.heard == self.MOST:
            raise RefusedError("too much talk of work")
        self.done, self.heard = message["done"], self.heard + 1


def working(tier: str, new: int, total: int) -> Iterator[bytes]:
    """All that a slow sender may say of a set of `new` entries, the others of `total` being made already."""
    for parts in range(-(-new // CHUNK) + 1):
        done = total - new + min(parts * CHUNK, new)
        yield say(SENDER_SAYS, "Working", {"tier": tier, "done": done, "total": total})


def same_rules(own: bytes, theirs: bytes) -> bool | None:
    """Whether both lists were keyed by the same rules; None when one end does not know."""
    if len(theirs) not in (0, 8):
        raise RefusedError("key rules of a wrong length")
    return own == theirs if own and theirs else None


def cut(data: bytes, width: int) -> list[bytes]:
    return [data[at : at + width] for at in range(0, len(data), width)]


def chunks(items: list[bytes]) -> Iterator[tuple[int, bytes]]:
    for at in range(0, len(items), CHUNK):
        yield at, b"".join(items[at : at + CHUNK])


def shuffle(items: list, rng: Rng) -> list:
    return [item for _, item in sorted(((rng(16), item) for item in items), key=lambda pair: pair[0])]


def fresh_scalar(rng: Rng) -> bytes:
    return math.clamp(rng(32))


def element_of_dummy(rng: Rng) -> bytes:
    return math.multiply(fresh_scalar(rng), math.BASE)


@dataclass
class Receiver:
    """Mode `intersection`, one tier. `keys` may change in time."""

    names: Names
    tier: str
    keys: set[bytes]
    rng: Rng
    key_rules: bytes = b""
    epoch: int = 0
    tag_bytes: int = 0
    last_delta: int = 0
    outputs: dict[bytes, bytes] = field(default_factory=dict)
    entries: dict[bytes, bytes] = field(default_factory=dict)
    withdrawn: set[bytes] = field(default_factory=set)

    def start(self) -> bytes:
        """The hello of a session."""
        asked = sorted(self.keys - self.outputs.keys())
        dummies = math.padded(len(asked)) - len(asked)
        self._asked: list[bytes | None] = shuffle([*asked, *[None] * dummies], self.rng)
        self._unblind: list[bytes] = []
        self._runs: dict[int, Run] = {}
        self._accepted = self._finished = False
        ask = {"tier": self.tier, "elements": len(self._asked), "have_delta": self.last_delta}
        return say(
            RECEIVER_SAYS,
            "Hello",
            {
                "session_id": self.rng(16),
                "suite": SUITE,
                "coalition": self.names.coalition,
                "area": "match",
                "mode": "intersection",
                "purpose": self.names.purpose,
                "epoch": self.epoch,
                "tiers": [ask],
                "key_rules": self.key_rules,
            },
        )

    def elements(self) -> Iterator[bytes]:
        blinded = []
        for key in self._asked:
            r = fresh_scalar(self.rng)
            self._unblind.append(math.unblinding_scalar(r))
            blinded.append(math.multiply(r, math.hash_to_curve(key) if key is not None else math.BASE))
        for offset, data in chunks(blinded):
            yield say(RECEIVER_SAYS, "Elements", {"tier": self.tier, "offset": offset, "data": data})

    def receive(self, data: bytes) -> None:
        kind, message = hear(SENDER_SAYS, data)
        if self._finished or (kind == "Accept") == self._accepted:
            raise RefusedError(f"{kind} out of state")
        match kind:
            case "Accept":
                self._accept(message)
            case "Evaluated":
                at = len(self._evaluated.data) // 32
                for position, element in enumerate(self._evaluated.take(message), at):
                    key = self._asked[position]
                    n = math.multiply(self._unblind[position], element)
                    if key is not None:
                        self._new[key] = math.output(key, n)
            case "Entries":
                self._runs[message["delta"]].take(message)
            case "Withdrawn":
                self._gone.take(message)
            case "Working" if message["tier"] == self.tier and not self._complete:
                self.work.take(message)
            case "Finish":
                if not self._complete:
                    raise RefusedError("finished early")
                self._finished = True
                self._keep()
            case _:
                raise RefusedError(kind)

    @property
    def _complete(self) -> bool:
        return all(run.complete for run in (self._evaluated, self._gone, *self._runs.values()))

    def _accept(self, message: Message) -> None:
        (offer,) = message["tiers"]
        total = sum(header["entries"] for header in offer["deltas"])
        if offer["tier"] != self.tier or message["epoch"] < 1:
            raise RefusedError("another tier, or no epoch")
        if self.epoch and (message["epoch"], offer["tag_bytes"]) != (self.epoch, self.tag_bytes):
            raise RefusedError("another epoch or tag length than the one held")
        if offer["tag_bytes"] < math.tag_length(len(self._asked), max(1, total)) or offer["tag_bytes"] > 32:
            raise RefusedError("tag length")
        numbers = [header["number"] for header in offer["deltas"]]
        if numbers != sorted(set(numbers)) or any(number <= self.last_delta for number in numbers):
            raise RefusedError("delta numbers")
        self.same_rules = same_rules(self.key_rules, message["key_rules"])
        self.epoch, self.tag_bytes = message["epoch"], offer["tag_bytes"]
        self._runs = {
            header["number"]: Run(header["entries"], self.tag_bytes + 6) for header in offer["deltas"]
        }
        self._gone = Run(offer["withdrawn"], self.tag_bytes)
        self.work = Work(total)
        self._evaluated = Run(len(self._asked), 32)
        self._new: dict[bytes, bytes] = {}
        self._accepted = True

    def _keep(self) -> None:
        """All of a session is kept at its end, or nothing."""
        self.outputs.update(self._new)
        self.last_delta = max(self._runs, default=self.last_delta)
        for run in self._runs.values():
            self.entries.update((entry[: self.tag_bytes], entry[self.tag_bytes :]) for entry in run.items)
        self.withdrawn = set(self._gone.items)

    def matches(self) -> dict[bytes, set[bytes]]:
        """Own key to the record handles that stand under it."""
        found: dict[bytes, set[bytes]] = {}
        for key in self.keys:
            for slot in range(SLOTS):
                stream = math.entry_stream(self.outputs[key], slot)
                tag, pad = stream[: self.tag_bytes], stream[32:]
                if tag not in self.entries:
                    break
                if tag not in self.withdrawn:
                    found.setdefault(key, set()).add(math.xor(self.entries[tag], pad))
        return found


@dataclass
class Sender:
    """Mode `intersection`, one tier and epoch. `records`, key to record names, may change in time."""

    names: Names
    tier: str
    records: dict[bytes, set[str]]
    rng: Rng
    seed: bytes
    key_rules: bytes = b""
    epoch: int = 1
    tag_bytes: int = 0
    handles: dict[str, bytes] = field(default_factory=dict)
    released: dict[tuple[bytes, str], bytes] = field(default_factory=dict)
    deltas: dict[int, list[bytes]] = field(default_factory=dict)

    def receive_hello(self, data: bytes) -> None:
        kind, self._hello = hear(RECEIVER_SAYS, data)
        (ask,) = self._hello["tiers"]
        asks = (self._hello["suite"], self._hello["mode"], self._hello["area"], ask["tier"])
        if kind != "Hello" or asks != (SUITE, "intersection", "match", self.tier):
            raise RefusedError("a hello for something else")
        if len(self._hello["session_id"]) != 16 or self._hello["epoch"] not in (0, self.epoch):
            raise RefusedError("session id, or stale epoch")
        self.same_rules = same_rules(self.key_rules, self._hello["key_rules"])
        self._elements = Run(ask["elements"], 32)
        self._have = ask["have_delta"]
        self._key = math.derive_key(self.seed, self.names.context("intersection", self.tier, self.epoch))

    def accept(self) -> bytes:
        live = {(key, name) for key, names in self.records.items() if len(names) <= SLOTS for name in names}
        self._add(sorted(live - self.released.keys()), len(live))
        self._withdrawn = [tag for pair, tag in self.released.items() if pair not in live]
        headers = [
            {"number": number, "entries": len(entries)}
            for number, entries in sorted(self.deltas.items())
            if number > self._have
        ]
        offer = {
            "tier": self.tier,
            "tag_bytes": self.tag_bytes,
            "deltas": headers,
            "withdrawn": len(self._withdrawn),
        }
        accept = {"epoch": self.epoch, "tiers": [offer], "key_rules": self.key_rules}
        return say(SENDER_SAYS, "Accept", accept)

    def _add(self, pairs: list[tuple[bytes, str]], whole: int) -> None:
        self.tag_bytes = self.tag_bytes or math.tag_length(
            2 * self._elements.declared, 2 * math.padded(whole)
        )
        entries = []
        for key, name in pairs:
            slot = sum(each == key for each, _ in self.released)
            if slot >= SLOTS:
                continue
            n = math.multiply(self._key, math.hash_to_curve(key))
            stream = math.entry_stream(math.output(key, n), slot)
            handle = self.handles.setdefault(name, self.rng(6))
            self.released[key, name] = stream[: self.tag_bytes]
            entries.append(stream[: self.tag_bytes] + math.xor(handle, stream[32:]))
        dummies = math.padded(len(entries)) - len(entries)
        entries += [self.rng(self.tag_bytes + 6) for _ in range(dummies)]
        self.deltas[len(self.deltas) + 1] = sorted(entries)

    def receive(self, data: bytes) -> Iterator[bytes]:
        kind, message = hear(RECEIVER_SAYS, data)
        if kind != "Elements" or message["tier"] != self.tier:
            raise RefusedError(kind)
        evaluated = [math.multiply(self._key, element) for element in self._elements.take(message)]
        fields = {"tier": self.tier, "offset": message["offset"], "data": b"".join(evaluated)}
        yield say(SENDER_SAYS, "Evaluated", fields)

    def sets(self) -> Iterator[bytes]:
        offered = {number: len(entries) for number, entries in self.deltas.items() if number > self._have}
        yield from working(self.tier, offered[max(offered)], sum(offered.values()))
        for number, entries in sorted(self.deltas.items()):
            if number > self._have:
                for offset, data in chunks(entries):
                    fields = {"tier": self.tier, "delta": number, "offset": offset, "data": data}
                    yield say(SENDER_SAYS, "Entries", fields)
        for offset, data in chunks(shuffle(self._withdrawn, self.rng)):
            yield say(SENDER_SAYS, "Withdrawn", {"tier": self.tier, "offset": offset, "data": data})

    def finish(self, result: bytes = b"{}", signature: bytes = bytes(64)) -> bytes:
        if not self._elements.complete:
            raise RefusedError("not everything that was declared has come")
        return say(SENDER_SAYS, "Finish", {"result": result, "signature": signature})


@dataclass
class SizeReceiver:
    """Mode `size`: `records` is a list of records, each a list of keys, strongest first."""

    names: Names
    tiers: str
    records: list[list[bytes]]
    rng: Rng
    key_rules: bytes = b""

    def start(self) -> bytes:
        self._group = 8 if len(self.tiers) == 2 else 4
        seen: set[bytes] = set()
        groups = []
        for keys in self.records:
            own = [key for key in keys if key not in seen]
            seen.update(own)
            own = own[: self._group]
            groups.append([*own, *[None] * (self._group - len(own))])
        groups += [[None] * self._group] * (math.padded(len(groups)) - len(groups))
        self._order = [key for group in shuffle(groups, self.rng) for key in shuffle(group, self.rng)]
        self._r = fresh_scalar(self.rng)
        self._tokens: set[bytes] = set()
        ask = {"tier": self.tiers, "elements": len(self._order)}
        return say(
            RECEIVER_SAYS,
            "Hello",
            {
                "session_id": self.rng(16),
                "suite": SUITE,
                "coalition": self.names.coalition,
                "area": "match",
                "mode": "size",
                "purpose": self.names.purpose,
                "tiers": [ask],
                "group_size": self._group,
                "key_rules": self.key_rules,
            },
        )

    def elements(self) -> Iterator[bytes]:
        blinded = [
            element_of_dummy(self.rng) if key is None else math.multiply(self._r, math.hash_to_curve(key))
            for key in self._order
        ]
        for offset, data in chunks(blinded):
            yield say(RECEIVER_SAYS, "Elements", {"tier": self.tiers, "offset": offset, "data": data})

    def receive(self, data: bytes) -> None:
        kind, message = hear(SENDER_SAYS, data)
        match kind:
            case "Accept":
                (offer,) = message["tiers"]
                (header,) = offer["deltas"]
                fits = (message["epoch"], offer["tag_bytes"], offer["withdrawn"], header["number"])
                if fits != (0, 16, 0, 1):
                    raise RefusedError("an offer that is not of size mode")
                self.same_rules = same_rules(self.key_rules, message["key_rules"])
                self._evaluated, self._entries = Run(len(self._order), 32), Run(header["entries"], 16)
                self.work = Work(header["entries"])
            case "Evaluated":
                self._evaluated.take(message)
            case "Entries" if message["delta"] == 1:
                self._entries.take(message)
            case "Working" if message["tier"] == self.tiers and not self._complete:
                self.work.take(message)
            case "Finish":
                if not self._complete:
                    raise RefusedError("finished early")
            case _:
                raise RefusedError(kind)

    @property
    def _complete(self) -> bool:
        return self._evaluated.complete and self._entries.complete

    def count(self) -> int:
        theirs, unblind = set(self._entries.items), math.unblinding_scalar(self._r)
        hits = [
            math.size_token(math.multiply(unblind, element)) in theirs for element in self._evaluated.items
        ]
        return sum(any(hits[at : at + self._group]) for at in range(0, len(hits), self._group))


@dataclass
class SizeSender:
    """Mode `size`: `records` maps a key to the names of the records that yield it."""

    names: Names
    tiers: str
    records: dict[bytes, set[str]]
    rng: Rng
    key_rules: bytes = b""

    def receive_hello(self, data: bytes) -> None:
        _, self._hello = hear(RECEIVER_SAYS, data)
        (ask,) = self._hello["tiers"]
        if self._hello["mode"] != "size" or ask["tier"] != self.tiers or self._hello["epoch"]:
            raise RefusedError("a hello for something else")
        self._group = self._hello["group_size"]
        self.same_rules = same_rules(self.key_rules, self._hello["key_rules"])
        self._elements = Run(ask["elements"], 32)
        self._key = math.derive_key(self.rng(64), self.names.context("size", self.tiers, 1))
        self._evaluated: list[bytes] = []

    def accept(self) -> bytes:
        points = [math.hash_to_curve(key) for key, names in self.records.items() if len(names) <= SLOTS]
        tokens = [math.size_token(math.multiply(self._key, point)) for point in points]
        tokens += [self.rng(16) for _ in range(math.padded(len(tokens)) - len(tokens))]
        self._tokens = sorted(tokens)
        header = {"number": 1, "entries": len(tokens)}
        offer = {"tier": self.tiers, "tag_bytes": 16, "deltas": [header]}
        return say(SENDER_SAYS, "Accept", {"tiers": [offer], "key_rules": self.key_rules})

    def receive(self, data: bytes) -> Iterator[bytes]:
        _, message = hear(RECEIVER_SAYS, data)
        self._evaluated += [math.multiply(self._key, each) for each in self._elements.take(message)]
        if not self._elements.complete:
            return
        groups = [
            self._evaluated[at : at + self._group] for at in range(0, len(self._evaluated), self._group)
        ]
        mixed = [each for group in shuffle(groups, self.rng) for each in shuffle(group, self.rng)]
        for offset, chunk in chunks(mixed):
            yield say(SENDER_SAYS, "Evaluated", {"tier": self.tiers, "offset": offset, "data": chunk})

    def sets(self) -> Iterator[bytes]:
        yield from working(self.tiers, len(self._tokens), len(self._tokens))
        for offset, chunk in chunks(self._tokens):
            fields = {"tier": self.tiers, "delta": 1, "offset": offset, "data": chunk}
            yield say(SENDER_SAYS, "Entries", fields)

    def finish(self, result: bytes = b"{}", signature: bytes = bytes(64)) -> bytes:
        if not self._elements.complete:
            raise RefusedError("not everything that was declared has come")
        return say(SENDER_SAYS, "Finish", {"result": result, "signature": signature})
