"""Figures of the OPRF on this machine, as JSON: microseconds for one item of a batch.

Run: python tests/bench/bench_oprf.py [--count N] [--rounds N]. Each figure is the least of several rounds of
processor time of one thread, so that other work on the machine disturbs little. With `openssl`, whose batches
are multiplied in other processes, and in the ratio of two threads to one it is wall-clock time, which needs
idle cores. Nothing is asserted: see DESIGN and docs/ for the targets.
"""

import argparse
import json
import os
import platform
import threading
import time
from collections.abc import Callable

from symbolon.errors import BackendError
from symbolon.oprf.backend import Backend, choose_backend
from symbolon.oprf.suite import RISTRETTO255_SHA512, X25519_ELL2_SHA512, get_suite

Clock = Callable[[], float]


def clock_for(backend: str) -> Clock:
    """Processor time of this thread, where that is what does the work."""
    return time.perf_counter if backend == "openssl" else time.thread_time


def least_us(rounds: int, count: int, work: Callable[[], object], clock: Clock) -> float:
    """The least time of one item, in microseconds, over several rounds of `count` items."""
    best = float("inf")
    for _ in range(rounds):
        begin = clock()
        work()
        best = min(best, clock() - begin)
    return round(best / count * 1e6, 3)


def in_two_threads(work: Callable[[], object]) -> Callable[[], None]:
    """The same work in two threads at once."""

    def run() -> None:
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return run


def backend_figures(backend: Backend, count: int, rounds: int) -> dict[str, float]:
    """Multiplications of one backend."""
    scalars = os.urandom(32 * count)
    elements = backend.multiply_base(scalars)
    key = scalars[:32]

    def multiply() -> bytes:
        return backend.multiply(key, elements)

    clock = clock_for(backend.name)
    one = least_us(rounds, count, multiply, time.perf_counter)
    two = least_us(rounds, 2 * count, in_two_threads(multiply), time.perf_counter)
    return {
        "multiply_us": least_us(rounds, count, multiply, clock),
        "multiply_each_us": least_us(rounds, count, lambda: backend.multiply_each(scalars, elements), clock),
        "multiply_base_us": least_us(rounds, count, lambda: backend.multiply_base(scalars), clock),
        "two_threads_ratio": round(one / two, 3),
    }


def suite_figures(name: str, backend: str, count: int, rounds: int) -> dict[str, float]:
    """Every step of one suite."""
    suite = get_suite(name, backend)
    inputs = [b"lei.1\x1f%020d" % number for number in range(count)]
    points = suite.hash_to_curve(inputs)
    key = suite.derive_key(os.urandom(64), b"bench")
    blinds = suite.prepare_blinds(count, os.urandom)
    blinded = suite.blind(points, blinds)
    evaluated = suite.blind_evaluate(key, blinded)
    unblinded = suite.unblind(evaluated, blinds)
    steps: dict[str, Callable[[], object]] = {
        "hash_to_curve_us": lambda: suite.hash_to_curve(inputs),
        "prepare_blinds_us": lambda: suite.prepare_blinds(count, os.urandom),
        "padding_us": lambda: suite.padding(count, os.urandom),
        "blind_us": lambda: suite.blind(points, blinds),
        "check_elements_us": lambda: suite.check_elements(blinded),
        "blind_evaluate_us": lambda: suite.blind_evaluate(key, blinded),
        "unblind_us": lambda: suite.unblind(evaluated, blinds),
        "outputs_us": lambda: suite.outputs(inputs, unblinded),
        "evaluate_us": lambda: suite.evaluate(key, inputs, points),
    }
    clock = clock_for(suite.backend_name)
    return {step: least_us(rounds, count, work, clock) for step, work in steps.items()}


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="items of a batch; slow steps take a tenth")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    count, rounds = arguments.count, arguments.rounds
    begin = time.perf_counter()
    chosen = choose_backend("auto")
    choice_s = time.perf_counter() - begin
    figures: dict[str, object] = {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "chosen_backend": chosen.name,
        "reason": chosen.reason,
        "choice_with_selftest_s": round(choice_s, 3),
    }
    for name, share in (("multibuffer", 1), ("openssl", 10)):
        try:
            backend = choose_backend(name).backend
        except BackendError as error:
            figures[name] = {"skipped": error.detail}
            continue
        figures[name] = backend_figures(backend, count // share, rounds)
        figures[f"{X25519_ELL2_SHA512} {name}"] = suite_figures(
            X25519_ELL2_SHA512, name, count // share, rounds
        )
    figures[RISTRETTO255_SHA512] = suite_figures(RISTRETTO255_SHA512, "auto", count // 10, rounds)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
