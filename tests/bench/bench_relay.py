"""Figures of a relay on this machine, as JSON. Usage: bench_relay.py [--size N] [--sessions N] [--rounds N].

`match`: the same match of two made-up lists between two processes, direct and through a relay process, in
turns; seconds as `symbolon match` counts them, and `ratio` is the direct median through the relayed one.
`load`: one relay process with members attached, sessions carried in all and at a time, each with a fresh
connection, 64 KiB there and back, and what the relay process holds in memory before and after. It takes less
than three minutes. Nothing is asserted.
"""

import argparse
import asyncio
import contextlib
import functools
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from processes import first_line
from relays import RELAY, relay_address, relay_process, until
from symbolon.cli.local_coalition import (
    PURPOSE,
    LocalCoalition,
    local_coalition,
    own_environment,
    symbolon,
)
from symbolon.cli.made_up_suppliers import MadeUpList
from symbolon.membership.acts import Appoint
from symbolon.membership.member import MemberId
from symbolon.membership.member_record import Role
from symbolon.membership.member_statement import Place
from symbolon.rpc.dial import UNIX
from symbolon.rpc.node import Node
from symbolon.rpc.relay_dialler import dialled_through
from symbolon.rpc.relay_listener import RelayListener
from symbolon.storage.supplier_import import import_list
from symbolon.storage.supplier_keys import make_keys
from symbolon.suppliers.tier import Tier

ASKER, ANSWERER = "alpha-co", "beta-co"
MEMBERS, AT_A_TIME = 50, 20
SESSION_BYTES = 64 * 1024
_PLENTY = 10**11


def fresh_match(coalition: LocalCoalition, way: Place) -> float:
    """Seconds of a first session of a key epoch, with an answerer that is reached in this way."""
    coalition.founder.move(coalition.home(ANSWERER), way)
    coalition.publish()
    with Node(coalition.home(ANSWERER)) as node:
        node.sending.rotate(ASKER)
    with Node(coalition.home(ASKER)) as node:
        node.receiving.forget(ANSWERER, "match")
    arguments = ["match", ANSWERER, "--purpose", PURPOSE, "--mode", "intersection", "--tiers", "A", "--json"]
    run = subprocess.run(
        symbolon("--home", str(coalition.home(ASKER)), *arguments),
        capture_output=True,
        text=True,
        env=own_environment(),
        check=False,
    )
    if run.returncode:
        raise SystemExit(f"the session failed: {run.stderr[-2000:]}")
    document: dict[str, Any] = json.loads(run.stdout)
    return float(document["total_s"])


def match_figures(coalition: LocalCoalition, size: int, rounds: int) -> dict[str, Any]:
    """The same match, direct and relayed in turns."""
    for member, peer, offset in ((ASKER, ANSWERER, 0), (ANSWERER, ASKER, size // 2)):
        coalition.add(member, peers=(peer,))
        print(f"importing {size} suppliers at {member} …", file=sys.stderr)
        with Node(coalition.home(member)) as node:
            import_list(
                node.database,
                node.sealer,
                MadeUpList(size, offset, 0, member),
                clock=node.clock,
                key_maker=functools.partial(make_keys, tiers=(Tier.A,)),
            )
    relays = (MemberId(RELAY),)
    relayed_only = Place("", relays, "")
    with contextlib.ExitStack() as stack:
        relay = stack.enter_context(relay_process(coalition, RELAY))
        coalition.founder.node.founding.propose([Appoint(relays[0], (Role.RELAY,))])
        coalition.founder.move(coalition.home(RELAY), Place("", (), relay.endpoint))
        # Attached from its start on; whether it is dialled is only what its record says beside that.
        coalition.founder.move(coalition.home(ANSWERER), relayed_only)
        coalition.publish()
        server = stack.enter_context(
            subprocess.Popen(
                symbolon("--home", str(coalition.home(ANSWERER)), "serve", "--grace", "1"),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=own_environment(),
            )
        )
        stack.callback(server.terminate)
        both = Place(first_line(server), relays, "")
        seconds: dict[Place, list[float]] = {both: [], relayed_only: []}
        for _ in range(rounds):
            for way, measured in seconds.items():
                measured.append(fresh_match(coalition, way))
    direct, relayed = median(seconds[both]), median(seconds[relayed_only])
    return {
        "size": size,
        "direct_s": [round(each, 3) for each in seconds[both]],
        "relayed_s": [round(each, 3) for each in seconds[relayed_only]],
        "ratio": round(direct / relayed, 3),
    }


def resident_kib(process_id: int) -> int:
    """Resident memory of a process."""
    for line in Path(f"/proc/{process_id}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise SystemExit("this system does not tell the memory of a process")


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says what it hears; stands for a node's server."""
    while data := await reader.read(SESSION_BYTES):
        writer.write(data)
        await writer.drain()
    writer.close()


async def session(node: Node, relay: str, target: MemberId) -> None:
    """One session: a new channel and connection, bytes there and back, an orderly end."""
    async with dialled_through(node, [relay_address(node, relay)], target) as way:
        reader, writer = await asyncio.open_unix_connection(way.removeprefix(UNIX))
        said = os.urandom(SESSION_BYTES)
        writer.write(said)
        writer.write_eof()
        heard = await reader.read(-1)
        writer.close()
        if heard != said:
            raise SystemExit("a session came back changed")


@contextlib.asynccontextmanager
async def attached(nodes: dict[MemberId, Node], relay: str, server: str) -> AsyncIterator[None]:
    """All members attached to one relay."""
    listeners = [RelayListener(node, [relay_address(node, relay)], server) for node in nodes.values()]
    running = [asyncio.create_task(listener.run()) for listener in listeners]
    try:
        await until(lambda: all(listener.attached for listener in listeners), "all members to be attached")
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def carry(nodes: dict[MemberId, Node], relay: str, process_id: int, sessions: int) -> dict[str, Any]:
    """Sessions, `AT_A_TIME` of them at any time, between changing pairs of attached members."""
    members = list(nodes)
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    left = iter(range(sessions))

    async def worker() -> None:
        for number in left:
            dialler, target = members[number % MEMBERS], members[(7 * number + 1) % MEMBERS]
            await session(nodes[dialler], relay, target)

    async def run_all() -> float:
        begin_s = time.perf_counter()
        async with asyncio.TaskGroup() as workers:
            for _ in range(AT_A_TIME):
                workers.create_task(worker())
        return time.perf_counter() - begin_s

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(server)
        await stack.enter_async_context(attached(nodes, relay, f"{host}:{port}"))
        attached_kib = resident_kib(process_id)
        # Allocators and caches fill first: what grows after that would grow for ever.
        left = iter(range(sessions // 2))
        await run_all()
        before_kib = resident_kib(process_id)
        left = iter(range(sessions))
        took_s = await run_all()
        after_kib = resident_kib(process_id)
    return {
        "members": MEMBERS,
        "sessions": sessions,
        "sessions_at_a_time": AT_A_TIME,
        "sessions_a_second": round(sessions / took_s, 1),
        "rss_attached_mib": round(attached_kib / 1024, 1),
        "rss_before_mib": round(before_kib / 1024, 1),
        "rss_after_mib": round(after_kib / 1024, 1),
        "growth_kib_a_session": round((after_kib - before_kib) / sessions, 2),
    }


def load_figures(coalition: LocalCoalition, sessions: int) -> dict[str, Any]:
    """A relay under load."""
    members = [MemberId(f"member-{number:02d}") for number in range(MEMBERS)]
    for member in members:
        coalition.add(member)
    with contextlib.ExitStack() as stack:
        nodes = {member: stack.enter_context(Node(coalition.home(member))) for member in members}
        relay = stack.enter_context(relay_process(coalition, RELAY))
        return asyncio.run(carry(nodes, relay.endpoint, relay.process.pid, sessions))


def main() -> None:
    """Runs both and prints them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=100_000, help="suppliers in each list of the match")
    parser.add_argument("--rounds", type=int, default=3, help="matches of each kind")
    parser.add_argument("--sessions", type=int, default=1000, help="sessions the relay carries")
    options = parser.parse_args()
    settings: dict[str, dict[str, object]] = {
        "exchange": {"additions_interval_s": 0},
        "budget": {"per_window": _PLENTY, "per_member_year": _PLENTY, "all_members_year": _PLENTY},
    }
    with local_coalition(settings) as coalition:
        coalition.add(RELAY)
        load = load_figures(coalition, options.sessions)
        match = match_figures(coalition, options.size, options.rounds)
    print(json.dumps({"match": match, "load": load}, indent=2))


if __name__ == "__main__":
    main()
