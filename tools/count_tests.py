#!/usr/bin/env python3
"""Counts test cases in the results of a Bazel invocation.

    tools/count_tests.py EVENTS

EVENTS is the file that Bazel wrote for --build_event_json_file. Prints three
numbers: the test cases that passed, failed and were skipped; then a line for
each that was skipped, with its reason. A test that ended without saying which
case failed (a crash, a timeout) counts as one failed.
"""

import json
import sys
import urllib.parse
import xml.etree.ElementTree


def results(events):
    """Yields (status, path of test.xml or None) of each last test attempt."""
    last = {}
    for line in events:
        event = json.loads(line)
        key = event["id"].get("testResult")
        if key is None or "testResult" not in event:
            continue
        place = (key["label"], key.get("configuration", {}).get("id"),
                 key.get("run", 1), key.get("shard", 1))
        last[place] = event["testResult"]
    for result in last.values():
        yield result.get("status", "NO_STATUS"), xml_path(result)


def xml_path(result):
    """Returns the path of the result's test.xml, or None."""
    for output in result.get("testActionOutput", []):
        if output["name"] == "test.xml":
            return urllib.parse.unquote(output["uri"].split("://", 1)[-1])
    return None


def skip_line(case):
    """Returns what to print of a case that was skipped."""
    skip = case.find("skipped")
    message = "" if skip is None else skip.get("message", "").strip()
    # The first line says where the test says so.
    reason = " ".join(message.split("\n")[1:]) or message or "disabled"
    return f"skipped: {case.get('classname')}.{case.get('name')}: {reason}"


def count_cases(path):
    """Returns how many cases of a test.xml passed and failed, and a line for
    each that was skipped."""
    passed = failed = 0
    skipped = []
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            skipped.append(skip_line(case))
        else:
            passed += 1
    return passed, failed, skipped


def count_result(status, path):
    """Returns the same for one test, whether or not it left a test.xml."""
    try:
        passed, failed, skipped = count_cases(path)
    except (TypeError, OSError, xml.etree.ElementTree.ParseError):
        passed = failed = 0
        skipped = []
    good = status in ("PASSED", "FLAKY")
    if good and passed + failed + len(skipped) == 0:
        passed = 1
    if not good and failed == 0:
        failed = 1
    return passed, failed, skipped


def main():
    with open(sys.argv[1], encoding="utf-8") as events:
        counts = [count_result(*result) for result in results(events)]
    skipped = [line for _, _, lines in counts for line in lines]
    print(sum(p for p, _, _ in counts), sum(f for _, f, _ in counts),
          len(skipped))
    for line in sorted(skipped):
        print(line)


if __name__ == "__main__":
    main()
