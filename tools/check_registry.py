#!/usr/bin/env python3
"""Whether the versions in MODULE.bazel are those that Bazel takes from a registry.

    tools/check_registry.py FOLDER

FOLDER is a copy of the Bazel Central Registry, or of its folder modules/: nothing is
downloaded. For each bazel_dep, modules/NAME/VERSION/MODULE.bazel must be there, and
VERSION must not be among the yanked_versions of modules/NAME/metadata.json. Then the
versions of all modules are chosen as Bazel does (the greatest that any module asks for,
https://bazel.build/external/module#version-selection), but for what bazel_tools itself
asks for, which differs from version to version of Bazel; and must be, for each bazel_dep,
the one that it names. Prints a line for each; exits with 1 if one is wrong.
"""

import ast
import json
import pathlib
import sys



def version_key(version):
    """Orders versions: numbers before words, a prerelease before its release."""
    release, _, pre = version.partition("+")[0].partition("-")

    def parts(text):
        return [(not p.isdigit(), int(p) if p.isdigit() else 0, p) for p in text.split(".")]

    return (parts(release), not pre, parts(pre)) if version else ()


def calls(text, name):
    """The keyword arguments of each call of `name` at the top of a MODULE.bazel."""
    for node in ast.parse(text).body:
        call = getattr(node, "value", None)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == name:
            arguments = dict(zip(("name", "version"), call.args))
            arguments.update({k.arg: k.value for k in call.keywords})
            yield {k: v.value for k, v in arguments.items() if isinstance(v, ast.Constant)}


def bazel_deps(text, root=False):
    for dep in calls(text, "bazel_dep"):
        if dep.get("version") and (root or not dep.get("dev_dependency")):
            yield dep["name"], dep["version"]


def selected(modules, root_deps):
    """Name to version, of all modules that are reached from the root."""
    wanted, todo, seen = {}, list(root_deps), set()
    while todo:
        name, version = todo.pop()
        if (name, version) in seen:
            continue
        seen.add((name, version))
        wanted[name] = max(wanted.get(name, ""), version, key=version_key)
        file = modules / name / version / "MODULE.bazel"
        if not file.exists():
            sys.exit(f"{name} {version} is wanted, and not in the registry")
        todo.extend(bazel_deps(file.read_text(encoding="utf-8")))
    return wanted


def fault(modules, chosen, name, version):
    metadata = json.loads((modules / name / "metadata.json").read_text(encoding="utf-8"))
    if version in metadata.get("yanked_versions", {}):
        return f"is yanked: {metadata['yanked_versions'][version]}"
    if chosen[name] != version:
        return f"becomes {chosen[name]}, which another module asks for"
    return None


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    modules = folder / "modules" if (folder / "modules").is_dir() else folder
    root = pathlib.Path(__file__).resolve().parent.parent / "MODULE.bazel"
    deps = list(bazel_deps(root.read_text(encoding="utf-8"), root=True))
    chosen = selected(modules, deps)
    faults = 0
    for name, version in deps:
        problem = fault(modules, chosen, name, version)
        faults += problem is not None
        print(f"{name} {version}: {problem or 'OK'}")
    print(f"{len(chosen)} modules in all")
    sys.exit(1 if faults else 0)


main()
