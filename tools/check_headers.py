#!/usr/bin/env python3
"""check_headers.py HEADER…: each header compiles alone: it includes what it uses. clang only parses them."""

import concurrent.futures
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FLAGS = ["clang++-14", "-std=c++20", "-fsyntax-only", "-D_GNU_SOURCE", "-Wno-pragma-once-outside-header", "-x", "c++-header",
         f"-I{ROOT}/include", "-iquote", f"{ROOT}/src", "-iquote", f"{ROOT}/tests", "-iquote", f"{ROOT}/tests/probe"]


def parse(header):
    done = subprocess.run([*FLAGS, str(header)], capture_output=True, text=True)
    return (header, done.stderr) if done.returncode != 0 else None


def main():
    headers = [ROOT / name for name in sys.argv[1:]]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        broken = [result for result in pool.map(parse, headers) if result]
    for header, message in broken:
        print(f"{header.relative_to(ROOT)} does not compile alone:\n{message}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
