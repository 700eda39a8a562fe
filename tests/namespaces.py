"""Machines of a network, simulated in Linux network namespaces: own loopback, own links, own routes.

Needs iproute2 and the right to make namespaces, which root has on most machines. Namespaces and the links
between them disappear at the end, also after a failure, with every process that still runs in them.
"""

import contextlib
import ipaddress
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence

import pytest

from symbolon.cli.local_coalition import own_environment

_DIAL = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3):
    pass
"""

_LISTEN_STATE = "0A"
"""In /proc/net/tcp."""


class Machine:
    """One network namespace.

    Args:
        name: of the namespace, as `ip netns list` shows it.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def command(self, *arguments: str) -> list[str]:
        """The command line that runs another on this machine, in the process that is started."""
        return ["ip", "netns", "exec", self.name, *arguments]

    def run(self, *arguments: str, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Runs a command here to its end."""
        return subprocess.run(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
            env=own_environment(),
        )

    def dials(self, host: str, port: int) -> str:
        """Opens a TCP connection from here; '' where it opens, the error otherwise."""
        done = self.run(sys.executable, "-c", _DIAL, host, str(port))
        return "" if done.returncode == 0 else done.stderr.strip().splitlines()[-1]

    def listening(self) -> set[str]:
        """Addresses on which anything listens for TCP here."""
        found = set()
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            for line in self.run("cat", table).stdout.splitlines()[1:]:
                _, local, _, state, *_ = line.split()
                if state == _LISTEN_STATE:
                    found.add(_address(local.partition(":")[0]))
        return found

    def remove(self) -> None:
        """Ends what still runs here, and removes the machine with its links."""
        running = subprocess.run(
            ["ip", "netns", "pids", self.name], capture_output=True, text=True, check=False
        )
        for each in running.stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(each), signal.SIGKILL)
        subprocess.run(["ip", "netns", "delete", self.name], capture_output=True, check=False)


@contextlib.contextmanager
def star(hub: str, leaves: Sequence[str]) -> Iterator[tuple[Machine, list[Machine]]]:
    """Machines of which one is linked to every other, and these to nothing else.

    The machine in the middle forwards nothing, and the others have a route to its address alone.

    Args:
        hub: name of the one in the middle; its address is `HUB`.
        leaves: names of the others; their addresses are `leaf_address(0)`, `leaf_address(1)`, ….

    Returns:
        The middle, and the others in the order of their names. The test is skipped, and says why, where
        namespaces cannot be made.
    """
    made: list[Machine] = []
    try:
        for name in (hub, *leaves):
            made.append(_new_machine(f"symbolon-{os.getpid()}-{name}", first=not made))
        middle, *others = made
        for number, other in enumerate(others):
            _link(middle, other, number)
        yield middle, others
    finally:
        for machine in made:
            machine.remove()


HUB = "10.77.0.1"
"""Stands on the link to the first leaf; the others have a route to it over their own."""


def leaf_address(number: int) -> str:
    """Address of a leaf on its link."""
    return f"10.77.{number}.2"


def _address(hexadecimal: str) -> str:
    """An address as /proc/net/tcp and /proc/net/tcp6 write it: words in the byte order of the machine."""
    raw = bytes.fromhex(hexadecimal)
    words = [raw[at : at + 4] for at in range(0, len(raw), 4)]
    if sys.byteorder == "little":
        words = [word[::-1] for word in words]
    address = ipaddress.ip_address(b"".join(words))
    return str(getattr(address, "ipv4_mapped", None) or address)


def _new_machine(name: str, *, first: bool) -> Machine:
    if shutil.which("ip") is None:
        pytest.skip("needs the program ip (on Debian and Ubuntu: apt install iproute2)")
    done = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    machine = Machine(name)
    if done.returncode != 0:
        machine.remove()
        if first:
            pytest.skip(f"needs the right to make network namespaces: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return machine


def _link(hub: Machine, leaf: Machine, number: int) -> None:
    inner, outer = f"10.77.{number}.1", leaf_address(number)
    if number == 0:
        _ip(hub, "link", "set", "lo", "up")
    _ip(leaf, "link", "set", "lo", "up")
    _ip(hub, "link", "add", f"leaf{number}", "type", "veth", "peer", "name", "uplink", "netns", leaf.name)
    _ip(hub, "address", "add", f"{inner}/30", "dev", f"leaf{number}")
    _ip(leaf, "address", "add", f"{outer}/30", "dev", "uplink")
    _ip(hub, "link", "set", f"leaf{number}", "up")
    _ip(leaf, "link", "set", "uplink", "up")
    if inner != HUB:
        _ip(leaf, "route", "add", f"{HUB}/32", "via", inner)
    forwards = hub.run("cat", "/proc/sys/net/ipv4/ip_forward").stdout.strip()
    assert forwards == "0", "the machine in the middle forwards packets"


def _ip(machine: Machine, *arguments: str) -> None:
    done = subprocess.run(["ip", "-n", machine.name, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"
