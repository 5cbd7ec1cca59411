#!/usr/bin/env python3
"""Habits a compiler does not keep: calls we do not make, where TRY may stand, notes to self, one machine's paths.

Prints one line per finding and ends with 1 when there is any. A line that must break a rule says why in a comment that
holds "habit:" and the rule's name, on the same line.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# A free function of this name, also as ::name or std::name, but no member and nothing of another namespace.
FREE = r"(?<![\w.>:])(?:(?:std)?::)?"

# name, pattern on code without comments and strings, where it holds, what to do instead
RULES = [
    ("kill", FREE + r"kill\s*\((?!\s*\))", ("src/",), "signal through a pidfd (pids are reused)"),
    ("system", FREE + r"(system|popen)\s*\(", ("src/", "tests/", "bench/"), "no shell: spawn an argv"),
    ("sleep", FREE + r"(sleep|usleep|nanosleep)\s*\(|sleep_(for|until)\s*\(", ("src/", "tests/", "bench/"),
     "wait for an event with a deadline"),
    ("strings", FREE + r"(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca)\s*\(", ("src/", "tests/", "bench/"),
     "unbounded: use std::string or snprintf"),
    ("atoi", FREE + r"(atoi|atol|atoll|strtol|strtoul|stoi|stol|stoul|stoull)\s*\(", ("src/",),
     "parse whole texts: base/parse.h"),
    ("exit", r"(?<![\w>])(std)?::(exit|abort|terminate)\s*\(|(?<![\w.>:])exit\s*\((?!\s*\))", ("src/",), "rooms return a Result; only main ends the program"),
    ("stdout", r"\bstd::(cout|cerr)\b|" + FREE + r"f?printf\s*\(", ("src/",), "only cli/ speaks; rooms return errors"),
    ("using", r"^\s*using namespace std\b(?!::)", ("src/", "include/", "tests/"), "name what is used"),
]
# Where a rule does not hold, and why.
EXCEPT = {
    # The room that talks to people, programs that only have exit codes to speak with, and generators run by the build.
    "stdout": re.compile(r"src/cli/|src/\w+/main\.cc|_generator\.cc$"),
    "exit": re.compile(r"src/\w+/main\.cc"),
}

MACHINE_PATHS = re.compile(r"(?<!\w)/work/|\.\./shared|/tmp/w/")
NOTES = re.compile(r"TODO\s*\(now\)|FIXME|(?<!X)XXX(?!X)|HACK\b")


def tracked():
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                         capture_output=True, text=True)
    return [ROOT / line for line in out.stdout.splitlines() if (ROOT / line).is_file()]


def code_only(text):
    """Comments and the insides of literals become blanks; lines and columns stay."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)

    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))

    # Digit separators are no quotes.
    return pattern.sub(blank, re.sub(r"(?<=\d)'(?=\d)", "_", text))


def after_brackets(code, at):
    """The position behind the bracket that closes the one at `at`."""
    depth = 0
    while at < len(code):
        depth += (code[at] in "([{") - (code[at] in ")]}")
        at += 1
        if depth == 0:
            return at
    return at


def misplaced_tries(code):
    """Lines of each TRY(…) that is followed by anything but the end of its statement. Members may be taken of it, a
    range-for may run over it, and the condition of a while may be declared from it."""
    for match in re.finditer(r"\bTRY\s*(?=\()", code):
        line_begin = code.rfind("\n", 0, match.start()) + 1
        if code[line_begin:match.start()].lstrip().startswith("#"):
            continue
        at = after_brackets(code, match.end())
        while member := re.compile(r"\s*(\.|->)\s*\w+").match(code, at):
            at = member.end()
            if code[at:at + 1] == "(":
                at = after_brackets(code, at)
        before = code[line_begin:match.start()]
        in_loop = re.search(r"\bfor \(.*[^:]:\s*$|\bwhile \([^()]*[^=!<>()]=\s*$", before)
        if not code[at:].lstrip().startswith(")" if in_loop else ";"):
            yield code.count("\n", 0, match.start()) + 1


def cpp_findings(relative, text):
    code = code_only(text).splitlines()
    lines = text.splitlines()
    for number, (line, original) in enumerate(zip(code, lines), 1):
        for name, pattern, places, advice in RULES:
            if not relative.startswith(places) or (name in EXCEPT and EXCEPT[name].search(relative)):
                continue
            if relative.startswith("tests/probe/") and name != "strings":
                continue  # the payload does on purpose what workloads do
            if re.search(pattern, line) and f"habit: {name}" not in original:
                yield f"{relative}:{number}: {name}: {advice}"
    for number in misplaced_tries("\n".join(code)):
        yield f"{relative}:{number}: TRY: only as a whole statement or right-hand side"


def text_findings(relative, text):
    for number, line in enumerate(text.splitlines(), 1):
        if MACHINE_PATHS.search(line):
            yield f"{relative}:{number}: a path of one machine"
        if NOTES.search(line):
            yield f"{relative}:{number}: a note to self"


def findings_in(path):
    relative = path.relative_to(ROOT).as_posix()
    try:
        text = path.read_text()
    except UnicodeDecodeError:
        return
    if relative.startswith("tests/fuzz/seeds/"):
        return
    if path.suffix in (".h", ".cc"):
        yield from cpp_findings(relative, text)
        if path.suffix == ".h" and "#pragma once" not in text:
            yield f"{relative}:1: no #pragma once"
        if relative.startswith("src/") and not text.startswith("//") and path.suffix == ".h":
            yield f"{relative}:1: opens without saying what it is for"
    if relative != "tools/check_habits.py":
        yield from text_findings(relative, text)


def main():
    findings = [finding for path in tracked() for finding in findings_in(path)]
    print("\n".join(findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
