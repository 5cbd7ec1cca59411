#!/usr/bin/env python3
"""Every relative link in a Markdown file, and every path in backquotes that begins like one of ours, is there."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"\]\(([^)#:\s]+)(#[^)]*)?\)")
PATH = re.compile(r"`((?:src|include|tests|tools|docs|examples|bench|cmake)/[\w./-]+)`")


def main():
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "*.md"], cwd=ROOT, check=True,
                         capture_output=True, text=True)
    findings = []
    for name in out.stdout.splitlines():
        page = ROOT / name
        if not page.is_file():
            continue
        for number, line in enumerate(page.read_text().splitlines(), 1):
            for match in LINK.finditer(line):
                if not (page.parent / match.group(1)).exists():
                    findings.append(f"{name}:{number}: '{match.group(1)}' is not there")
            for match in PATH.finditer(line):
                if not (ROOT / match.group(1)).exists():
                    findings.append(f"{name}:{number}: '{match.group(1)}' is not there")
    print("\n".join(findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
