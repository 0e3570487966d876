#!/usr/bin/env python3
"""Counts test cases in the results of a Bazel invocation.

    tools/count_tests.py EVENTS

EVENTS is the file that Bazel wrote for --build_event_json_file. Prints three
numbers: the test cases that passed, failed and were skipped; then a line for
each that was skipped, with its reason, and for each that failed, with what it
expected. A test that ended without saying which case failed (a crash, a timeout)
counts as one failed.
"""

import json
import sys
import urllib.parse
import xml.etree.ElementTree


def results(events):
    """Yields (label, status, path of test.xml or None) of each last attempt."""
    last = {}
    for line in events:
        event = json.loads(line)
        key = event["id"].get("testResult")
        if key is None or "testResult" not in event:
            continue
        place = (key["label"], key.get("configuration", {}).get("id"),
                 key.get("run", 1), key.get("shard", 1))
        last[place] = event["testResult"]
    for place, result in last.items():
        yield place[0], result.get("status", "NO_STATUS"), xml_path(result)


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


def failure_line(case, failure):
    """Returns what to print of a case that failed."""
    text = " | ".join((failure.get("message") or "").split("\n"))
    return f"failed: {case.get('classname')}.{case.get('name')}: {text[:400]}"


def count_cases(path):
    """Returns how many cases of a test.xml passed, a line for each that failed,
    and one for each that was skipped."""
    passed = 0
    failed = []
    skipped = []
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        failure = case.find("failure")
        if failure is None:
            failure = case.find("error")
        if failure is not None:
            failed.append(failure_line(case, failure))
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            skipped.append(skip_line(case))
        else:
            passed += 1
    return passed, failed, skipped


def count_result(label, status, path):
    """Returns the same for one test, whether or not it left a test.xml."""
    try:
        passed, failed, skipped = count_cases(path)
    except (TypeError, OSError, xml.etree.ElementTree.ParseError):
        passed = 0
        failed = []
        skipped = []
    good = status in ("PASSED", "FLAKY")
    if good and passed + len(failed) + len(skipped) == 0:
        passed = 1
    if not good and not failed:
        failed = [f"failed: {label}: {status}"]
    return passed, failed, skipped


def main():
    with open(sys.argv[1], encoding="utf-8") as events:
        counts = [count_result(*result) for result in results(events)]
    failed = [line for _, lines, _ in counts for line in lines]
    skipped = [line for _, _, lines in counts for line in lines]
    print(sum(p for p, _, _ in counts), len(failed), len(skipped))
    for line in sorted(skipped) + failed:
        print(line)


if __name__ == "__main__":
    main()
