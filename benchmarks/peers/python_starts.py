"""What it costs in CPython to start a pool, and to start a program.

  python3 python_starts.py pools|programs [--quick] [--rss_mib=10,1024]
"""

import multiprocessing
import os
import subprocess
import sys
import time

from figures import *


def time_pool(context, workers):
    """Milliseconds to the first answer, and until each worker has given one."""
    start = time.perf_counter()
    pool = multiprocessing.get_context(context).Pool(workers)
    pool.apply(same, (1,))
    first = (time.perf_counter() - start) * 1e3
    seen = set()
    while len(seen) < workers:
        seen |= set(pool.map(pid_after, [0.001] * (2 * workers), chunksize=1))
    all_workers = (time.perf_counter() - start) * 1e3
    pool.terminate()
    pool.join()
    return first, all_workers


def measure_pools():
    for context in ("fork", "spawn"):
        for workers in (2, 16):
            slow = context == "spawn"
            if slow and QUICK and workers == 16:
                continue
            repetitions = 1 if slow and QUICK else REPETITIONS
            times = [time_pool(context, workers) for _ in range(repetitions)]
            parameters = {"ctx": context, "workers": workers}
            print_figure("pool_start", "cpython_pool", parameters,
                         "first_result", "ms", [first for first, _ in times])
            print_figure("pool_start", "cpython_pool", parameters,
                         "all_workers", "ms", [whole for _, whole in times])


def measure_programs():
    sizes = next((a.split("=")[1] for a in sys.argv
                  if a.startswith("--rss_mib=")), "10,1024")
    for mib in sorted(int(size) for size in sizes.split(",")):
        grow_to(mib)
        repetitions = [time_calls(lambda: subprocess.run(["/bin/true"]))
                       for _ in range(REPETITIONS)]
        print_call_times("spawn", "cpython_subprocess",
                         {"how": "run", "rss_mib": mib}, "starts_per_s",
                         repetitions)


if __name__ == "__main__":
    {"pools": measure_pools, "programs": measure_programs}[ARGUMENTS[0]]()
