#!/usr/bin/env python3
"""Writes compile_commands.json, by which clangd and clang-tidy know the flags.

    ./bazelw build //... && tools/compile_commands.py [FLAG...]

The build makes what the commands refer to: generated headers, and the folders of
headers as they are included. The flags are those of the build, if it had any. Other
projects' sources are left out.
"""

import json
import os
import pathlib
import subprocess
import sys

PROJECT = pathlib.Path(__file__).resolve().parent.parent

# GCC's alone.
UNKNOWN_TO_CLANG = {"-fno-canonical-system-headers"}


def bazel(*arguments):
    return subprocess.run(
        [PROJECT / "bazelw", *arguments], cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def source_of(arguments):
    """What `arguments` compile; None for an assembler's or a module map's."""
    if "-c" not in arguments:
        return None
    source = arguments[arguments.index("-c") + 1]
    return source if (PROJECT / source).exists() else None


def commands(flags):
    directory = bazel("info", "execution_root", *flags).strip()
    answer = bazel(
        "aquery", 'mnemonic("CppCompile", //...)', "--output=jsonproto", "--include_artifacts=false", *flags
    )
    found = {}
    for action in json.loads(answer).get("actions", []):
        arguments = [a for a in action["arguments"] if a not in UNKNOWN_TO_CLANG]
        source = source_of(arguments)
        if source:
            arguments.append("-Wno-unknown-warning-option")
            # Of several, such as those with and without -fPIC, any will do.
            found[source] = {"directory": directory, "file": str(PROJECT / source), "arguments": arguments}
    return [found[source] for source in sorted(found)]


def main():
    entries = commands(sys.argv[1:])
    if not entries:
        sys.exit("Bazel names no command; does ./bazelw build //... work?")
    file = PROJECT / "compile_commands.json"
    file.with_suffix(".tmp").write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
    os.replace(file.with_suffix(".tmp"), file)
    print(f"{file}: {len(entries)} files")


main()
