"""What the peers in Python share: the figures' lines, the tasks, the effort.

The lines are those of //benchmarks:figure. --quick measures less; the only
other argument, if any, chooses what to measure.
"""

import json
import os
import statistics
import sys
import time

QUICK = "--quick" in sys.argv
ARGUMENTS = [a for a in sys.argv[1:] if not a.startswith("--")]
REPETITIONS = 3 if QUICK else 7
REPETITION_SECONDS = 0.12 if QUICK else 0.4


def quantile(samples, q):
    samples = sorted(samples)
    place = q * (len(samples) - 1)
    below = int(place)
    if below + 1 >= len(samples):
        return samples[-1]
    return samples[below] + (place - below) * (samples[below + 1] - samples[below])


def print_figure(item, who, parameters, metric, unit, samples):
    def rounded(x):
        return float(f"{x:.6g}")

    print(json.dumps({
        "item": item, "who": who, "p": parameters, "metric": metric,
        "unit": unit,
        "median": rounded(quantile(samples, 0.5)),
        "min": rounded(min(samples)),
        "max": rounded(max(samples)),
        "iqr": rounded(quantile(samples, 0.75) - quantile(samples, 0.25)),
        "n": len(samples),
    }), flush=True)


def print_error(item, who, error):
    print(json.dumps({"item": item, "who": who, "p": {},
                      "error": str(error)[:200]}), flush=True)


def time_calls(call, min_calls=5, seconds=REPETITION_SECONDS):
    """Microseconds of each call, of as many as fit in `seconds`."""
    took = []
    start = before = time.perf_counter()
    while before - start < seconds or len(took) < min_calls:
        call()
        now = time.perf_counter()
        took.append((now - before) * 1e6)
        before = now
    return took


def print_call_times(item, who, parameters, rate_metric, repetitions):
    """`repetitions` has what time_calls returned for each."""
    print_figure(item, who, parameters, "p50", "us",
                 [quantile(r, 0.5) for r in repetitions])
    print_figure(item, who, parameters, "p99", "us",
                 [quantile(r, 0.99) for r in repetitions])
    print_figure(item, who, parameters, rate_metric, "1/s",
                 [1e6 / statistics.mean(r) for r in repetitions])


def per_second(call, count):
    start = time.perf_counter()
    call()
    return count / (time.perf_counter() - start)


def same(n):
    return n


def burn_ten_microseconds(n):
    end = time.perf_counter() + 10e-6
    while time.perf_counter() < end:
        pass
    return n


def sleep_one_millisecond(n):
    time.sleep(0.001)
    return n


def burn_seldom(n):
    if n % 100 == 0:
        end = time.perf_counter() + 2e-3
        while time.perf_counter() < end:
            pass
    return n


def sleep_for(seconds):
    time.sleep(seconds)


def pid_after(seconds):
    time.sleep(seconds)
    return os.getpid()


def resident_bytes():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status
                    if line.startswith("VmRSS"))


def grow_to(mib, ballast=[]):
    """Touches memory until this process has `mib` MiB; it is never freed."""
    missing = mib * 1048576 - resident_bytes()
    if missing > 0:
        ballast.append(bytearray(b"x") * missing)
