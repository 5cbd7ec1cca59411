#!/usr/bin/env python3
"""Includes only go down the table of rooms (docs/architecture.md), and kernel headers stay in sys/.

Reads every #include below src/ and include/. Prints one line per wrong one and ends with 1 when there is any.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Who may include whom. A room may always include itself.
MAY_USE = {
    "base": [],
    "sys": ["base"],
    "spec": ["base"],
    "oci": ["base", "spec"],
    "image": ["base", "sys", "spec", "oci"],
    "rootfs": ["base", "sys", "spec", "oci"],
    "cgroup": ["base", "sys", "spec", "oci"],
    "network": ["base", "sys", "spec", "oci"],
    "shim": ["base", "sys"],
    "runtime": ["base", "sys", "spec", "oci", "image", "rootfs", "cgroup", "network", "shim"],
    "cli": ["base", "sys", "spec", "image", "runtime"],
}

# Single headers a room may use although it may not use the room they stand in.
ALSO = {
    # The shim runs an OCI configuration: it knows the types, not the lowering.
    "shim": ["oci/config.h"],
    # What an image's config says to a run is plain data; oci and rootfs read it, nobody there pulls.
    "oci": ["tank/image.h"],
    "rootfs": ["tank/image.h"],
}

# The public headers belong to rooms too.
PUBLIC = {
    "tank/result.h": "base",
    "tank/units.h": "base",
    "tank/pod.h": "spec",
    "tank/manifest.h": "spec",
    "tank/image.h": "image",
    "tank/image_store.h": "image",
    "tank/runtime.h": "runtime",
}

# Types and no calls: harmless anywhere.
HARMLESS = {"sys/types.h"}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def room_of(path):
    parts = path.relative_to(ROOT).parts
    if parts[0] == "include":
        return PUBLIC.get("/".join(parts[1:]))
    return parts[1]


def target_room(name):
    if name.startswith("tank/"):
        return PUBLIC.get(name)
    first = name.split("/")[0]
    return first if first in MAY_USE else None


def findings_in(path):
    relative = path.relative_to(ROOT).as_posix()
    room = room_of(path)
    if room not in MAY_USE:
        yield f"{relative}: belongs to no room of tools/check_layers.py"
        return
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        bracket, name = match.groups()
        where = f"{relative}:{number}: <{name}>" if bracket == "<" else f'{relative}:{number}: "{name}"'
        if bracket == "<":
            kernel = name.startswith(("sys/", "linux/")) and name not in HARMLESS
            if kernel and room != "sys":
                yield f"{where}: kernel headers stay in sys/; call a sys:: wrapper"
            continue
        if name.endswith(".inc") and "/" not in name:
            continue  # generated into the room that includes it
        if name in ALSO.get(room, []):
            continue
        target = target_room(name)
        if target is None:
            yield f"{where}: no room of ours; write the path from src/ (room/file.h), a system header in <>"
        elif target != room and target not in MAY_USE[room]:
            yield f"{where}: {room} may not use {target}"


def main():
    sources = [path for top in ("src", "include") for path in sorted((ROOT / top).rglob("*")) if path.suffix in (".h", ".cc")]
    findings = [finding for path in sources for finding in findings_in(path)]
    print("\n".join(findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
