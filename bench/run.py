#!/usr/bin/env python3
"""Paired measurements: our command, then each peer's, in turn and within one run, so that they meet the same machine.

usage: run.py --build BUILD --out OUT [-n ROUNDS] [start|floor|pull|shim …]

Prints one table per benchmark and whether the project's goals hold; writes the raw numbers to OUT/<name>.json. A peer
that cannot be measured here is named with the reason and left out.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import peers
from peers import Missing

ROUNDS = {"start": 40, "floor": 100, "pull": 3, "shim": 1}


class Bench:
    def __init__(self, build, out, rounds):
        self.build, self.out, self.rounds = build, out, rounds
        # On a disk, where overlayfs and the peers' stores are at home.
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="tank-bench-", dir="/var/tmp"))
        self.registry = peers.Registry(self.work)
        # /dev/shm is a tmpfs everywhere; /run, where all of them keep their state, is one on real machines.
        self.state = pathlib.Path(tempfile.mkdtemp(prefix="tank-bench-", dir="/dev/shm"))
        self.image = peers.Image(self.work, self.state, self.registry)
        self.living = []
        self.goals = []

    def count(self, name):
        return self.rounds or ROUNDS[name]

    def start_peers(self, kinds):
        started = []
        for number, kind in enumerate(kinds):
            place = self.work / f"{kind.__name__.lower()}-{len(self.living)}-{number}"
            try:
                peer = kind(place, self.image, self.build)
            except Missing as why:
                print(f"  left out: {kind.name}: {why}")
                continue
            self.living.append(peer)
            started.append(peer)
        return started

    def goal(self, text, value, limit):
        holds = value <= limit
        self.goals.append(holds)
        print(f"  {'holds ' if holds else 'MISSED'}  {text}: {value:.2f}, goal {limit:.2f}")

    def save(self, name, data):
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n")

    def close(self):
        for peer in reversed(self.living):
            peer.stop()
        self.registry.stop()
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.rmtree(self.state, ignore_errors=True)


def table(rows, unit):
    """Rows of (name, numbers); ratios are to the first row's median."""
    if not rows:
        return
    print(f"  {'':<28}{'min':>10}{'median':>10}{'max':>10}  {'ratio':>7}   ({unit}, {max(len(n) for _, n in rows)} rounds)")
    first = statistics.median(rows[0][1])
    for name, numbers in rows:
        middle = statistics.median(numbers)
        print(f"  {name:<28}{min(numbers):>10.2f}{middle:>10.2f}{max(numbers):>10.2f}  {middle / first:>6.2f}x")


def paired(competitors, rounds, once):
    """Every round measures each competitor once, in an order drawn anew, after one round that does not count. One that
    fails is named and left out from then on. Gives the numbers by name, in the order of the competitors."""
    numbers = {peer.name: [] for peer in competitors}
    for number in range(rounds + 1):
        for peer in random.sample(competitors, len(competitors)):
            if peer.name not in numbers:
                continue
            try:
                took = once(peer)
            except Missing as why:
                print(f"  left out: {peer.name}: {why}")
                del numbers[peer.name]
                continue
            if number > 0:
                numbers[peer.name].append(took)
    return numbers


def bench_start(bench):
    print("start: a cached busybox, no network, /bin/true, from the command's start to its exit")
    competitors = bench.start_peers([TankIn, peers.Crun, peers.Runc, peers.Containerd, peers.Podman])
    if not competitors:
        return
    numbers = paired(competitors, bench.count("start"), lambda peer: peer.run())
    table(list(numbers.items()), "ms")
    median = {name: statistics.median(values) for name, values in numbers.items()}
    if "tank run" in median:
        for other, fraction in (("crun run", 1), ("podman run", 10), ("ctr run", 8)):
            if other in median:
                bench.goal(f"tank run / ({other} / {fraction})", median["tank run"] * fraction / median[other], 1)
    bench.save("start", numbers)


class TankIn(peers.Tank):
    """Tank with a directory of its own."""

    def __init__(self, work, image, build):
        work.mkdir()
        super().__init__(work, image, build)


def bench_floor(bench):
    print("floor: Runtime::start until Running in a living process, against the bare kernel work")
    place = bench.work / "floor"
    place.mkdir()
    root = bench.image.unpack(bench.work / "floor-root") / "rootfs"
    program = bench.build / "bench/bench_runtime_start"
    floor, ours, steps = {"exec_us": [], "end_us": []}, {"running_us": [], "end_us": []}, {}
    tank = None
    if program.exists():
        tank = (bench.start_peers([TankIn]) or [None])[0]
    else:
        print("  left out: runtime: bench_runtime_start is not built")
    # In batches, alternating, so that a change of the machine's mood meets both.
    batches = 5
    each = max(1, bench.count("floor") // batches)
    for _ in range(batches):
        for key, values in json.loads(peers.call([bench.build / "bench/bench_floor", root, place, str(each), "/bin/true"])).items():
            floor[key] += values
        if tank is None:
            continue
        answer = json.loads(peers.call([program, bench.image.reference, tank.work / "data", bench.state / tank.work.name,
                                        bench.build / "bin/tank-shim", str(each)]))
        for name, values in answer.pop("steps_us").items():
            steps.setdefault(name, []).extend(values)
        for key, values in answer.items():
            ours[key] += values
    rows = [("floor: until exec", floor["exec_us"]), ("floor: until reaped", floor["end_us"])]
    if tank is not None:
        rows += [("Runtime: until Running", ours["running_us"]), ("Runtime: until taken down", ours["end_us"])]
        rows += [(f"  step {name}", values) for name, values in steps.items()]
    table(rows, "µs")
    if tank is not None:
        bench.goal("Runtime::start until Running / (2.5 × floor)",
                   statistics.median(ours["running_us"]) / (2.5 * statistics.median(floor["end_us"])), 1)
    bench.save("floor", {"floor": floor, "runtime": ours, "steps": steps})


def add_big_image(bench):
    """Two gzip layers of about 70 MB each, made of this machine's own libraries and documents."""
    layout = bench.work / "big"
    peers.call(["umoci", "init", "--layout", layout])
    peers.call(["umoci", "new", "--image", f"{layout}:1"])
    wanted, files = 190 << 20, []
    for folder, _, names in os.walk("/usr/lib/x86_64-linux-gnu"):
        files += [os.path.join(folder, name) for name in sorted(names)]
    files = [name for name in sorted(files) if os.path.isfile(name) and not os.path.islink(name)]
    for number in range(2):
        part = bench.work / f"part{number}"
        part.mkdir()
        size = 0
        while files and size < wanted:
            name = files.pop(0)
            target = part / str(len(files) % 100) / f"{len(files)}-{os.path.basename(name)}"
            target.parent.mkdir(exist_ok=True)
            shutil.copy(name, target)
            size += os.path.getsize(name)
        peers.call(["tar", "-C", part, "--owner=0", "--group=0", "-cf", bench.work / "part.tar", "."])
        peers.call(["umoci", "raw", "add-layer", "--image", f"{layout}:1", bench.work / "part.tar"])
        shutil.rmtree(part)
    return bench.registry.push(f"oci:{layout}:1", "bench/big:1")


def bench_pull(bench):
    print("pull: two gzip layers from a registry on loopback, unpacked")
    reference = add_big_image(bench)
    competitors = bench.start_peers([TankPull, peers.Containerd, peers.Podman])
    if not competitors:
        return
    numbers = paired(competitors, bench.count("pull"), lambda peer: peer.pull(reference))
    named = {name.replace(" run", " pull"): values for name, values in numbers.items()}
    table(list(named.items()), "ms")
    bench.save("pull", named)


class TankPull(TankIn):
    def pull(self, reference):
        shutil.rmtree(self.work / "data")
        return self.worker.time([self.tank, "pull", reference, "--data-dir", self.work / "data"])


def shim_of(parent):
    """The pid of the tank-shim that this tank started."""
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = pathlib.Path(f"/proc/{entry}/stat").read_text()
            name, rest = stat[stat.index("(") + 1:stat.rindex(")")], stat[stat.rindex(")") + 2:].split()
        except (OSError, ValueError):
            continue
        if name.startswith("tank-shim") and int(rest[1]) == parent:
            return int(entry)
    return None


def field(pid, file, name):
    for line in pathlib.Path(f"/proc/{pid}/{file}").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise Missing(f"/proc/{pid}/{file} has no {name}")


def switches(pid):
    return field(pid, "status", "voluntary_ctxt_switches") + field(pid, "status", "nonvoluntary_ctxt_switches")


def settle(pid):
    """Waits until a process slept through a whole second: only then nothing happens any more."""
    for _ in range(30):
        before = switches(pid)
        time.sleep(1)
        if switches(pid) == before:
            return
    raise Missing(f"process {pid} does not come to rest")


def calm_machine():
    """Ahead of whatever else runs here, where that is allowed; everybody measured inherits it."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -20)
    except PermissionError:
        print("this may not raise its priority: other work on the machine shows in the numbers")


def bench_shim(bench):
    print("shim: what a running pod costs beside its workload")
    started = bench.start_peers([TankIn])
    if not started:
        return
    tank = started[0]
    tank.write_manifest(["/bin/sh", "-c", "echo up; exec sleep 100000"])
    pod = subprocess.Popen([str(word) for word in (tank.tank, "run", "-f", tank.manifest, *tank.where)],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        pod.stdout.readline()  # "up"
        shim = shim_of(pod.pid)
        if shim is None:
            raise Missing("tank run has no child named tank-shim")
        settle(shim)
        pss = {name: field(pid, "smaps_rollup", "Pss") for name, pid in (("tank-shim", shim), ("tank run", pod.pid))}
        before = {"tank-shim": switches(shim), "tank run": switches(pod.pid)}
        time.sleep(5)  # nothing happens meanwhile: that is what is measured
        woken = {"tank-shim": switches(shim) - before["tank-shim"], "tank run": switches(pod.pid) - before["tank run"]}
        for name in pss:
            print(f"  {name:<12} {pss[name]:>6} kB PSS, woken {woken[name]} times in 5 s")
        bench.goal("tank-shim kB PSS", pss["tank-shim"], 400)
        bench.goal("tank-shim wake-ups in 5 s", woken["tank-shim"], 0)
        bench.save("shim", {"pss_kb": pss, "woken": woken})
    finally:
        pod.send_signal(signal.SIGTERM)
        pod.wait(30)


BENCHES = {"start": bench_start, "floor": bench_floor, "pull": bench_pull, "shim": bench_shim}


def main():
    if sys.argv[1:] == ["--worker"]:
        peers.work_loop()
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("-n", "--rounds", type=int)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], default=[])
    options = parser.parse_args()
    calm_machine()
    bench = Bench(options.build, options.out, options.rounds)
    try:
        for name in options.names or BENCHES:
            BENCHES[name](bench)
            print(flush=True)
    finally:
        bench.close()
    print(f"goals: {sum(bench.goals)} of {len(bench.goals)} hold; raw numbers in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
