#!/usr/bin/env python3
"""Doxygen's input filter: prints a header with its comments as Doxygen's.

The headers are written to be read as they are, and this is how: a comment stands
before what it is about; declarations without a blank line between them share it;
what is indented in it is an example or a table. Comments in the bodies of functions,
and those that a blank line follows, are no documentation.
"""

import re
import sys

COMMENT = re.compile(r"^(\s*)//(?: (.*))?$")
TRAILING = re.compile(r"^(.*[;,}]\s+)// (.*)$")
TYPE = re.compile(r"\b(class|struct|enum|union|namespace)\b")
SPECIAL = re.compile(r"= (delete|default);$")


def escaped(text):
    return re.sub(r'([\\@<>#%&$"]|(?<= )::|(?<=\w)::)', r"\\\1", text)


def documentation(indent, lines, first=""):
    """The comment `lines`, with what is indented in it kept as it is."""
    out, verbatim = [], False
    for line in lines:
        indented = line.startswith("  ") or (verbatim and not line)
        if indented != verbatim:
            out.append("@verbatim" if indented else "@endverbatim")
            verbatim = indented
        out.append(line if verbatim else escaped(line))
    if verbatim:
        out.append("@endverbatim")
    # Of lines with "///" Doxygen 1.9 would show these slashes in the examples.
    body = ([first] if first else []) + out
    return [indent + "/**", *(line.replace("*/", "* /") for line in body), indent + "*/"]


class Scopes:
    """Which braces are open: those of types and namespaces, or others."""

    def __init__(self):
        self.open = []
        self.statement = ""
        self.in_directive = False

    def read(self, line):
        code = re.sub(r'"(\\.|[^"\\])*"', '""', line.split("//")[0])
        was_directive = self.in_directive
        self.in_directive = line.endswith("\\") and (was_directive or line.startswith("#"))
        if was_directive or line.startswith("#"):
            return
        for char in code + "\n":
            if char == "{":
                # Of `template <class T> int F() {` the parenthesis tells.
                head = re.sub(r"template <.*?>\s", "", self.statement)
                self.open.append(bool(TYPE.search(head)) and "(" not in head)
            elif char == "}" and self.open:
                self.open.pop()
            self.statement = "" if char in "{};" else self.statement + char

    def in_body(self):
        return not all(self.open)


def is_type(lines, i):
    """Whether what begins at lines[i] is a type or namespace, and no alias."""
    while lines[i].lstrip().startswith("template"):
        i += 1
        while i < len(lines) and lines[i - 1].count("<") > lines[i - 1].count(">"):
            i += 1
    return bool(re.match(r"\s*(class|struct|enum|union|namespace)\b", lines[i]))


def filtered(lines):
    scopes, group, i, seen_code = Scopes(), None, 0, False
    while i < len(lines):
        line = lines[i]
        comment = COMMENT.match(line)
        # The end of a group: a blank line, a comment, or the end of its class.
        indent = len(line) - len(line.lstrip())
        if group is not None and (not line or indent < group or (comment and indent == group)):
            yield " " * group + "///@}"
            group = None
        if comment and not scopes.in_body():
            block = []
            while i < len(lines) and (match := COMMENT.match(lines[i])):
                block.append(match[2] or "")
                i += 1
            if not seen_code:
                yield from documentation("", block, "@file")
                seen_code = True
            elif i < len(lines) and lines[i].strip():
                if not is_type(lines, i) and not lines[i].startswith("#"):
                    group = indent
                    yield comment[1] + "///@{"
                yield from documentation(comment[1], block)
                # What it stands before is kept, even a special member.
                yield lines[i]
                scopes.read(lines[i])
                i += 1
            continue
        was_body = scopes.in_body()
        scopes.read(line)
        i += 1
        if group is None and SPECIAL.search(line) and not was_body:
            continue
        trailing = TRAILING.match(line)
        if not trailing or was_body or scopes.in_body():
            yield line
            continue
        # A comment behind what it is about, and its further lines.
        yield f"{trailing[1]}///< {escaped(trailing[2])}"
        column = len(trailing[1])
        while i < len(lines) and (match := COMMENT.match(lines[i])) and len(match[1]) == column:
            yield f"{match[1]}///< {escaped(match[2] or '')}"
            i += 1


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        lines = file.read().splitlines()
    print("\n".join(filtered(lines)))


main()
