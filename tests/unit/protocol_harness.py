"""What the tests of docs/PROTOCOL.md share: its text, the names in its example, messages as bytes."""

import re
from pathlib import Path

from reference import arithmetic, ends
from symbolon.api.exchange.v1 import exchange_pb2 as pb
from symbolon.oprf.suite import DEFAULT_SUITE, get_suite
from symbolon.rpc import codec

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = (ROOT / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")
SUITE = get_suite(DEFAULT_SUITE, "openssl")
NAMES = ends.Names("example-coalition", "alder-textiles", "birch-ngo", "due-diligence")
SCHEMES = set(re.findall(r"`([a-z-]+\.\d+)`", (ROOT / "docs" / "matching.md").read_text(encoding="utf-8")))
RULES = arithmetic.key_rules(SCHEMES)


def block(kind):
    """The fenced block of the document that is marked so."""
    (found,) = re.findall(rf"```{kind}\n(.*?)```", DOCUMENT, re.DOTALL)
    return found


def to_receiver(message):
    return codec.decode_sender(pb.SenderMessage.FromString(message))


def to_sender(message):
    return codec.decode_receiver(pb.ReceiverMessage.FromString(message))


def from_receiver(message):
    return codec.encode_receiver(message).SerializeToString()


def from_sender(message):
    return codec.encode_sender(message).SerializeToString()
