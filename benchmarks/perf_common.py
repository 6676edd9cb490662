"""What the benchmarks share: options, threads, the machine, clocks, figures.

Contestants are compared inside one run, in rounds that visit all of them in turn; ratios of the same round are what
counts, times are indicative. With one thread the clock is the CPU time of the process, which other jobs on the machine
do not disturb; with more it is the wall.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np


class Skip(Exception):
    """Raised by a contestant that does not take part in a case."""


def start(doc: str, packages: tuple[str, ...], **more: str) -> argparse.Namespace:
    """The options of a program, ``more`` with their defaults; numerical libraries have as many threads as is asked for.

    They read that number when they are loaded: the program is run once more, in an environment that says so.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", default="", metavar="FILE", help="keep all times")
    for name, default in more.items():
        parser.add_argument(f"--{name}", default=default, help=f"default: {default}")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.child:
        command = [sys.executable, sys.argv[0], "--child", *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=thread_env(options.threads), check=False).returncode)
    print(f"{machine(packages)}; {options.threads} thread(s), load {load()}")
    return options


def finish(options: argparse.Namespace, results: object) -> None:
    """The last line, and the results in a file, for plots and comparisons."""
    print(f"\nload at the end {load()}")
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8", newline="\n")


def thread_env(threads: int) -> dict[str, str]:
    """Environment of a process whose numerical libraries use so many threads, all on the CPU and in float64."""
    names = ["OPENBLAS", "OMP", "MKL", "NUMEXPR", "VECLIB_MAXIMUM", "BLIS"]
    flags = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}"
    if threads == 1:
        flags += " intra_op_parallelism_threads=1"
    return (
        dict(os.environ)
        | {f"{name}_NUM_THREADS": str(threads) for name in names}
        | {"PERF_THREADS": str(threads), "XLA_FLAGS": flags, "JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu"}
    )


def machine(packages: tuple[str, ...] = ()) -> str:
    """One line: processor, cores, Python and the versions of the packages that are installed."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [line for line in info.read_text(encoding="utf-8").splitlines() if line.startswith("model name")]
        cpu = models[0].partition(":")[2].strip() if models else cpu
    return ", ".join([cpu, f"{os.cpu_count()} cores", f"Python {platform.python_version()}", *versions(packages)])


def versions(packages: tuple[str, ...]) -> list[str]:
    """'name version' of every package that is installed."""
    found = []
    for name in packages:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return found


def load() -> str:
    """The load average, where the system has one: how busy the machine was with other things."""
    return " ".join(f"{x:.1f}" for x in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"


def clock_of(threads: int) -> Callable[[], float]:
    """The CPU time of the process, or with more threads than one the wall."""
    return time.process_time if threads == 1 else time.perf_counter


def best_of_blocks(f: Callable[[], object], calls: int, blocks: int, threads: int) -> float:
    """Seconds per call: the best of a few short blocks of calls, after one call to warm up."""
    gc.collect()  # nobody pays for the garbage of another
    clock = clock_of(threads)
    best = np.inf
    for _ in range(blocks):
        f()
        start = clock()
        for _ in range(calls):
            f()
        best = min(best, (clock() - start) / calls)
    return best


def rounds(
    contestants: dict[str, Callable[[], object]], count: int, threads: int, block: float = 4e-3
) -> dict[str, np.ndarray]:
    """Seconds per call of every contestant in every round; a block lasts so many seconds or a single slow call."""
    calls, clock = {}, clock_of(threads)
    for name, f in contestants.items():
        f()
        start = clock()
        f()
        calls[name] = max(1, int(block / (clock() - start)))
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(count):
        for name, f in contestants.items():
            times[name].append(best_of_blocks(f, calls[name], 3 if calls[name] > 1 else 1, threads))
    return {name: np.array(seconds) for name, seconds in times.items()}


def seconds(s: float) -> str:
    """A time as it is read."""
    for unit, factor in (("us", 1e6), ("ms", 1e3)):
        if s * factor < 1000:
            return f"{s * factor:.3g} {unit}"
    return f"{s:.3g} s"
