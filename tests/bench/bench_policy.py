"""Figures of policy decisions on this machine, as JSON. Usage: bench_policy.py [--seconds N].

Thirty policies (the shipped ones, permits of [[allow]] tables, some own ones with obligations) and a
coalition whose 500 members and what they own are 2,001 entities. `single`: one decision after the other, and
what one takes; `batched`: a thousand at a time; `cpu`: by the processor's time, on a machine that does other
work beside; `parse`: making the decider, once for each change. Nothing is asserted.
"""

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from policy_material import context, facts, member
from symbolon.policy.allow_tables import AllowTable, table_policies
from symbolon.policy.bundle import PolicySource, build_bundle
from symbolon.policy.decision import Decider
from symbolon.policy.request import PolicyRequest, match_request
from symbolon.policy.shipped_policies import shipped_policies, shipped_schema

POLICIES, MEMBERS, BATCH = 30, 500, 1_000
OWN = """
@id("hours") permit(principal, action in Symbolon::Action::"match", resource)
when { principal.kind == "ngo" && context.now.toTime() > duration("6h") };
@id("vetted") @obligation("no_onward; retain(365)")
permit(principal, action == Symbolon::Action::"match_size", resource)
when { principal.vetting_days > 30 && principal.attested_days < 200 };
@id("suite") @refusal("suite") forbid(principal, action in Symbolon::Action::"match", resource)
when { principal.jurisdiction == "CH" && context.suite != "ristretto255-SHA512" };
@id("release") @obligation("delay(14); redact(city); human_review")
permit(principal, action == Symbolon::Action::"release", resource) when { principal.kind == "ngo" };
@id("no-tier-c") forbid(principal, action in Symbolon::Action::"match", resource)
when { context.tiers.contains("C") && principal.roles.isEmpty() };
"""


def made() -> tuple[Decider, list[PolicyRequest], dict[str, Any]]:
    """The decider, requests of all kinds of members, and what it took to make it."""
    own = [PolicySource("own.cedar", OWN)]
    tables = POLICIES - len(build_bundle(shipped_schema(), shipped_policies(), own).policies)
    generated = table_policies(
        AllowTable(
            f"member-{number}",
            ("due-diligence", "remediation"),
            ("size", "intersection"),
            ("A", "B"),
            answer=True,
            ask=True,
            invited=number % 2 == 0,
        )
        for number in range(tables)
    )
    started = time.perf_counter()
    bundle = build_bundle(shipped_schema(), shipped_policies(), own, generated)
    checked_s = time.perf_counter() - started
    known = facts(
        *(
            member(
                f"member-{number}",
                kind=("company", "ngo", "company", "auditor")[number % 4],
                jurisdiction=("DE", "CH", "IN")[number % 3],
            )
            for number in range(MEMBERS)
        )
    )
    started = time.perf_counter()
    decider = Decider(bundle, known)
    parsed_s = time.perf_counter() - started
    now = datetime.now(UTC)
    requests = [
        match_request(
            ("answer", "ask", "invited")[number % 3],
            f"member-{number % MEMBERS}",
            "member-0",
            context(
                mode=("size", "intersection")[number % 2],
                tiers=frozenset("ABC"[: 1 + number % 3]),
                agreed=number % 5 == 0,
                keys=1_000 + number,
                now=now,
            ),
        )
        for number in range(BATCH)
    ]
    counts = {"policies": len(bundle.policies), "entities": len(known.entities())}
    return decider, requests, counts | {"check_ms": checked_s * 1e3, "parse_ms": parsed_s * 1e3}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="for each of the two figures")
    seconds = parser.parse_args().seconds
    decider, requests, figures = made()
    allowed = sum(each.allowed for each in decider.decide_many(requests))

    times_s: list[float] = []
    cpu_s = -time.process_time()
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        for request in requests:
            started = time.perf_counter()
            decider.decide(request)
            times_s.append(time.perf_counter() - started)
    cpu_s += time.process_time()
    batches_s: list[float] = []
    batched_cpu_s = -time.process_time()
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        started = time.perf_counter()
        decider.decide_many(requests)
        batches_s.append(time.perf_counter() - started)

    batched_cpu_s += time.process_time()

    cuts = quantiles(times_s, n=100)
    figures |= {
        "allowed_of_1000": allowed,
        "single_per_s": round(len(times_s) / sum(times_s)),
        "single_per_cpu_s": round(len(times_s) / cpu_s),
        "single_p50_ms": round(cuts[49] * 1e3, 3),
        "single_p99_ms": round(cuts[98] * 1e3, 3),
        "batched_per_s": round(BATCH * len(batches_s) / sum(batches_s)),
        "batched_median_per_s": round(BATCH / median(batches_s)),
        "batched_per_cpu_s": round(BATCH * len(batches_s) / batched_cpu_s),
    }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
