"""A founder's root key on the command line: where it is, and the passphrase that opens it.

It is best kept away from the node: a medium that is put in where founders change, and taken out again.
"""

from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric import ed25519

from symbolon.errors import UsageError
from symbolon.membership.atomic_file import read_bounded
from symbolon.membership.founder_keys import ROOT_KEY_FILE, load_root_key
from symbolon.rpc.node import FOUNDER_FOLDER, Node

RootKeyElsewhere = Annotated[
    Path | None, typer.Option("--root-key", help="The root key, where it is not kept on this node.")
]
OpensRootKey = Annotated[
    Path | None, typer.Option("--passphrase-file", help="File whose first line opens the root key.")
]
EncryptsRootKey = Annotated[
    Path | None, typer.Option("--passphrase-file", help="File whose first line encrypts the root key.")
]


def root_key_of(
    node: Node, elsewhere: Path | None, passphrase_file: Path | None
) -> ed25519.Ed25519PrivateKey:
    """The root key of the founder on this node.

    Args:
        node: a founder's.
        elsewhere: the file, where it is not kept on this node.
        passphrase_file: of a key that is encrypted.

    Raises:
        MembershipError: there is none, it is another founder's, or the passphrase does not open it.
        UsageError: as `read_passphrase`.
    """
    path = elsewhere or node.home / FOUNDER_FOLDER / ROOT_KEY_FILE
    return load_root_key(path, node.founding.keys.founder, read_passphrase(passphrase_file))


def read_passphrase(path: Path | None) -> bytes | None:
    """The first line of a file, or None where none is named.

    Raises:
        UsageError: the line is empty.
    """
    if path is None:
        return None
    line = read_bounded(path, 4096).split(b"\n", 1)[0].rstrip(b"\r")
    if not line:
        raise UsageError(f"{path} begins with an empty line", hint="Write the passphrase on its first line.")
    return line
