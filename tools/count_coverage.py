#!/usr/bin/env python3
"""Says which lines of this project's libraries the tests have run.

    tools/count_coverage.py LCOV_INFO...

Prints, for each folder and each file that is not complete, how many lines of
code were run by any of them, and the numbers of those that were not.
"""

import collections
import fileinput
import re
import sys

FOLDERS = ("functions/", "executors/", "pool/")


def read(lines):
    """Returns {file: {line: count}}; a file may be told of several times."""
    files = collections.defaultdict(lambda: collections.defaultdict(int))
    counts = None
    for line in lines:
        if line.startswith("SF:"):
            # Bazel's compilers call the folder where they are so.
            name = line[3:].strip().replace("/proc/self/cwd/", "")
            # Headers are found by a link in a folder named after the project.
            name = re.sub(r"^.*/_virtual_includes/[^/]+/multiproc/", "", name)
            counts = files[name]
        elif line.startswith("DA:"):
            number, count = line[3:].split(",")[:2]
            counts[int(number)] += int(count)
    return files


def ranges(numbers):
    """Returns [3, 4, 5, 9] as "3-5 9"."""
    parts = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def main():
    files = read(fileinput.input(sys.argv[1:], encoding="utf-8"))
    total = run = 0
    for folder in FOLDERS:
        folder_total = folder_run = 0
        for name in sorted(files):
            if not name.startswith(folder):
                continue
            counts = files[name]
            missed = [n for n, count in sorted(counts.items()) if count == 0]
            folder_total += len(counts)
            folder_run += len(counts) - len(missed)
            if missed:
                print(f"{name}: {len(counts) - len(missed)} of {len(counts)}; "
                      f"not {ranges(missed)}")
        if folder_total:
            print(f"{folder} {folder_run} of {folder_total} lines, "
                  f"{100 * folder_run / folder_total:.1f} %")
        total += folder_total
        run += folder_run
    if not total:
        sys.exit("no line of these folders is in that file")
    print(f"all {run} of {total} lines, {100 * run / total:.1f} %")


if __name__ == "__main__":
    main()
