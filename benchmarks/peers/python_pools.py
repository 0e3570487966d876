"""Pools of processes for Python, at the work of //benchmarks:pool_benchmark.

  python3 python_pools.py roundtrip|throughput|busy|mix|map|sleep|echo|memory
                          [--quick] [--pool=cpython_pool]

In a process each, since a pool's memory and threads would change the next's.
"""

import os
import statistics
import sys
import time

from figures import *
import pools


def roundtrip(name):
    pool = pools.open_pool(name, 1)
    time_calls(lambda: pool.call(same, 1), 50, REPETITION_SECONDS / 2)
    repetitions = [time_calls(lambda: pool.call(same, 1), 50)
                   for _ in range(REPETITIONS)]
    print_call_times("pool_roundtrip", name, {"task": "empty", "workers": 1},
                     "rt_per_s", repetitions)
    pool.close()


def submit_all(name, task, function, workers, count):
    pool = pools.open_pool(name, workers)

    def run():
        for result in [pool.submit(function, i) for i in range(count)]:
            pool.get(result)

    for i in range(20 * workers):
        pool.call(same, i)
    samples = [per_second(run, count) for _ in range(REPETITIONS)]
    print_figure("pool_throughput", name,
                 {"task": task, "workers": workers, "op": "submit_all"},
                 "tasks_per_s", "1/s", samples)
    pool.close()


def map_all(name, task, function, count):
    pool = pools.open_pool(name, 2)
    pool.map(same, range(1000))
    samples = [per_second(lambda: pool.map(function, range(count)), count)
               for _ in range(REPETITIONS)]
    print_figure("pool_throughput", name,
                 {"task": task, "workers": 2, "op": "map"},
                 "tasks_per_s", "1/s", samples)
    pool.close()


def throughput(name):
    submit_all(name, "empty", same, 2, 5000 if QUICK else 20000)


def busy(name):
    map_all(name, "busy10", burn_ten_microseconds, 20000 if QUICK else 100000)


def mix(name):
    submit_all(name, "mix", burn_seldom, 2, 5000 if QUICK else 20000)


def map_items(name):
    map_all(name, "empty", same, 2000000)


def sleep(name):
    submit_all(name, "sleep1ms", sleep_one_millisecond, 4,
               800 if QUICK else 4000)


def echo(name):
    pool = pools.open_pool(name, 1)
    sizes = (1 << 10, 1 << 20, 64 << 20)
    for size in sizes[:2] if QUICK else sizes:
        payload = bytes(size)
        pool.call(same, payload)
        repetitions = REPETITIONS if size <= 1 << 20 else 3
        times = [time_calls(lambda: pool.call(same, payload), 2)
                 for _ in range(repetitions)]
        samples = [size / statistics.mean(repetition) for repetition in times]
        print_figure("payload_echo", name, {"size": size, "mode": "seq"},
                     "bandwidth", "MB/s", samples)
    pool.close()


def memory(name):
    """Memory of tasks that are queued behind a busy worker. Leaves at once."""
    count = 50000 if QUICK else 300000
    pool = pools.open_pool(name, 1)
    pool.call(same, 1)
    pool.submit(sleep_for, 30)
    time.sleep(0.2)
    before = resident_bytes()
    results = [pool.submit(same, i) for i in range(count)]
    print_figure("queued_memory", name, {"op": "submit", "n": count},
                 "bytes_per_task", "B",
                 [(resident_bytes() - before) / len(results)])
    os._exit(0)  # compare ends the workers


SECTIONS = {
    "roundtrip": ("pool_roundtrip", roundtrip),
    "throughput": ("pool_throughput", throughput),
    "busy": ("pool_throughput", busy),
    "mix": ("pool_throughput", mix),
    "map": ("pool_throughput", map_items),
    "sleep": ("pool_throughput", sleep),
    "echo": ("payload_echo", echo),
    "memory": ("queued_memory", memory),
}


def main():
    item, section = SECTIONS[ARGUMENTS[0]]
    name = next((a.split("=")[1] for a in sys.argv if a.startswith("--pool=")),
                "cpython_pool")
    try:
        section(name)
    except LookupError as error:
        print_error(item, name, error)


if __name__ == "__main__":
    main()
