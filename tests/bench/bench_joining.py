"""Seconds from an invitation to the first match, as JSON. Usage: bench_joining.py [--rounds N].

A founder is served on this machine; each round a new member runs the commands of docs/joining.md, as a
person would type them: `coalition join` (with a check in both directions), `suppliers import` of a list,
`match` with the founder. What people do between them (reading the terms, writing [[allow]]) is not counted.
The target is 10 s in all, start of Python included. `processor_s` is what the three commands computed, which
says more on a machine that others use too. Nothing is asserted.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from typed_member import PURPOSE, Member

TARGET_S = 10.0
_LIST = """supplier_id,name,address,city,postal_code,country,lei
S-1,Orlandia Yard,4 Mill Lane,Zorvanpur,10002,BD,5299000J2N45DDNE4Y28
"""


def seconds(member: Member, *arguments: str) -> float:
    """How long one command takes."""
    begin_s = time.perf_counter()
    member.run(*arguments)
    return time.perf_counter() - begin_s


def computed_s() -> float:
    """Processor time of the commands that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def joined(founder: Member, name: str, suppliers: Path) -> dict[str, float]:
    """Seconds of each command of a new member."""
    code = founder.invite(name)
    before_s = computed_s()
    member = Member(name, founder.home.parent)
    took = {
        "join": seconds(member, *member.joining(code)),
        "import": seconds(member, "suppliers", "import", str(suppliers)),
    }
    member.allow(founder.name)
    asked = ("match", founder.name, "--purpose", PURPOSE, "--mode", "intersection")
    took["match"] = seconds(member, *asked)
    return {**took, "total": sum(took.values()), "processor": computed_s() - before_s}


def main() -> None:
    """Runs the rounds and prints them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="members that join, one after the other")
    options = parser.parse_args()
    names = [f"member-{number}" for number in range(options.rounds)]
    with tempfile.TemporaryDirectory() as folder:
        founder = Member("founder-co", Path(folder))
        founder.found("spring")
        for name in names:
            founder.allow(name)
        suppliers = Path(folder) / "suppliers.csv"
        suppliers.write_text(_LIST, encoding="utf-8")
        founder.run("suppliers", "import", str(suppliers))
        founder.serve()
        try:
            rounds = [joined(founder, name, suppliers) for name in names]
        finally:
            founder.stop()
    steps = {step: sorted(each[step] for each in rounds) for step in rounds[0]}
    document: dict[str, Any] = {
        f"{step}_s": {"median": round(median(took), 2), "worst": round(took[-1], 2)}
        for step, took in steps.items()
    }
    document |= {"rounds": options.rounds, "target_s": TARGET_S, "commands": 3}
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
