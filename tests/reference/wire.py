"""The messages of docs/PROTOCOL.md as protobuf bytes, with a reader and a writer of their own.

Messages are dictionaries; a field that holds its default is absent on the wire and present after reading.
"""

from typing import Any

from reference.arithmetic import RefusedError

# name: {number: (field, type, repeated)}; a type that is a key of this table is a message.
FIELDS: dict[str, dict[int, tuple[str, str, bool]]] = {
    "Hello": {
        1: ("session_id", "bytes", False),
        2: ("suite", "string", False),
        3: ("coalition", "string", False),
        4: ("area", "string", False),
        5: ("mode", "string", False),
        6: ("purpose", "string", False),
        7: ("epoch", "uint", False),
        8: ("tiers", "TierAsk", True),
        9: ("group_size", "uint", False),
        10: ("key_rules", "bytes", False),
        11: ("request", "SignedRequest", False),
    },
    "SignedRequest": {
        1: ("hour", "uint", False),
        2: ("checkpoint", "string", False),
        3: ("signature", "bytes", False),
    },
    "TierAsk": {
        1: ("tier", "string", False),
        2: ("elements", "uint", False),
        3: ("have_delta", "uint", False),
    },
    "Elements": {1: ("tier", "string", False), 2: ("offset", "uint", False), 3: ("data", "bytes", False)},
    "Evaluated": {1: ("tier", "string", False), 2: ("offset", "uint", False), 3: ("data", "bytes", False)},
    "Withdrawn": {1: ("tier", "string", False), 2: ("offset", "uint", False), 3: ("data", "bytes", False)},
    "Entries": {
        1: ("tier", "string", False),
        2: ("delta", "uint", False),
        3: ("offset", "uint", False),
        4: ("data", "bytes", False),
    },
    "Accept": {
        1: ("epoch", "uint", False),
        2: ("tiers", "TierOffer", True),
        3: ("key_rules", "bytes", False),
    },
    "TierOffer": {
        1: ("tier", "string", False),
        2: ("tag_bytes", "uint", False),
        3: ("deltas", "DeltaHeader", True),
        4: ("withdrawn", "uint", False),
    },
    "DeltaHeader": {1: ("number", "uint", False), 2: ("entries", "uint", False)},
    "Working": {1: ("tier", "string", False), 2: ("done", "uint", False), 3: ("total", "uint", False)},
    "Finish": {1: ("result", "bytes", False), 2: ("signature", "bytes", False)},
    "Receipt": {1: ("signature", "bytes", False)},
    "Failure": {1: ("code", "string", False), 2: ("message", "string", False)},
}
RECEIVER_SAYS = {1: "Hello", 2: "Elements", 3: "Failure", 4: "Receipt"}
SENDER_SAYS = {
    1: "Accept",
    2: "Evaluated",
    3: "Entries",
    4: "Withdrawn",
    5: "Finish",
    6: "Failure",
    7: "Working",
}

Message = dict[str, Any]


def say(union: dict[int, str], name: str, fields: Message) -> bytes:
    """Writes a ReceiverMessage or a SenderMessage."""
    (number,) = (each for each, known in union.items() if known == name)
    return _field(number, _write(name, fields))


def hear(union: dict[int, str], data: bytes) -> tuple[str, Message]:
    """Reads a ReceiverMessage or a SenderMessage: its kind and its fields."""
    body = [(number, value) for number, value in _read(data) if number in union]
    if len(body) != 1 or not isinstance(body[0][1], bytes):
        raise RefusedError("a message without content")
    name = union[body[0][0]]
    return name, _parse(name, body[0][1])


def _write(name: str, fields: Message) -> bytes:
    known = FIELDS[name]
    if unknown := fields.keys() - {field for field, _, _ in known.values()}:
        raise ValueError(unknown)
    data = b""
    for number, (field, kind, repeated) in sorted(known.items()):
        values = fields.get(field, [])
        for value in values if repeated else [values] if values else []:
            if kind == "uint":
                data += _varint(number << 3) + _varint(value)
            elif kind == "string":
                data += _field(number, value.encode())
            else:
                data += _field(number, value if kind == "bytes" else _write(kind, value))
    return data


def _field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    digits = bytearray()
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    return bytes(digits) + bytes([value])


def _parse(name: str, data: bytes) -> Message:
    defaults = {"uint": 0, "string": "", "bytes": b""}
    fields = {
        field: [] if repeated else defaults.get(kind) for field, kind, repeated in FIELDS[name].values()
    }
    for number, raw in _read(data):
        if number not in FIELDS[name]:
            continue
        field, kind, repeated = FIELDS[name][number]
        if isinstance(raw, int) != (kind == "uint"):
            raise RefusedError("a field of another type")
        value: Any = raw
        if isinstance(raw, bytes) and kind != "bytes":
            value = raw.decode() if kind == "string" else _parse(kind, raw)
        if repeated:
            fields[field].append(value)
        else:
            fields[field] = value
    return fields


def _read(data: bytes) -> list[tuple[int, int | bytes]]:
    found: list[tuple[int, int | bytes]] = []
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        number, kind = key >> 3, key & 7
        value, at = _read_varint(data, at)
        if kind == 0:
            found.append((number, value))
        elif kind == 2:
            found.append((number, data[at : at + value]))
            at += value
        else:
            raise RefusedError("a wire type that no message uses")
    if at != len(data):
        raise RefusedError("a message ends early")
    return found


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data):
            raise RefusedError("a message ends early")
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at
