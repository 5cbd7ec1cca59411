"""The programs that are measured: how each is prepared, asked to run one container, and cleaned up after.

A peer says why it cannot be measured by raising Missing. Each keeps everything it makes below the directory it is given.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time


class Missing(Exception):
    """Why a peer is not measured."""


def call(argv, **options):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise Missing(f"{' '.join(map(str, argv[:4]))} … ended with {done.returncode}: {done.stderr.strip()[-400:]}")
    return done.stdout


def need(program):
    found = shutil.which(program)
    if not found:
        raise Missing(f"{program} is not installed")
    return found


class Image:
    """One busybox image in every form the peers take: an OCI layout, a docker archive, and in a registry."""

    def __init__(self, work, state, registry):
        self.work = work
        self.state = state  # what stands in /run on a real machine: on a tmpfs
        self.layout = work / "layout"
        root = work / "source"
        (root / "bin").mkdir(parents=True)
        shutil.copy(need("busybox"), root / "bin/busybox")
        for name in ("sh", "true", "sleep", "echo"):
            (root / "bin" / name).symlink_to("busybox")
        for name in ("proc", "sys", "dev", "etc", "tmp"):
            (root / name).mkdir()
        call(["umoci", "init", "--layout", self.layout])
        call(["umoci", "new", "--image", f"{self.layout}:1"])
        call(["tar", "-C", root, "--owner=0", "--group=0", "-cf", work / "layer.tar", "."])
        call(["umoci", "raw", "add-layer", "--image", f"{self.layout}:1", work / "layer.tar"])
        call(["umoci", "config", "--image", f"{self.layout}:1", "--config.cmd", "/bin/true", "--config.env", "PATH=/bin"])
        self.reference = registry.push(f"oci:{self.layout}:1", "bench/busybox:1")
        self.archive = work / "image.tar"
        call(["skopeo", "--insecure-policy", "copy", f"oci:{self.layout}:1", f"docker-archive:{self.archive}:localhost/busybox:1"])

    def unpack(self, bundle):
        """A runtime bundle: the same root, and a config.json for /bin/true with nothing but the peer's defaults."""
        call(["umoci", "unpack", "--image", f"{self.layout}:1", bundle])
        return bundle


class Registry:
    """docker-registry on a loopback port of the kernel's choice."""

    def __init__(self, work):
        self.process = None
        data = work / "registry"
        config = work / "registry.yml"
        config.write_text("version: 0.1\nlog: {level: info}\nhttp: {addr: '127.0.0.1:0', secret: bench}\n"
                          f"storage: {{filesystem: {{rootdirectory: {data}}}}}\n")
        log = open(work / "registry.log", "w")
        self.process = subprocess.Popen([need("docker-registry"), "serve", config], stdin=subprocess.DEVNULL, stdout=log,
                                        stderr=log, env={**os.environ, "OTEL_TRACES_EXPORTER": "none"})
        text = wait_for(lambda: self.said(work / "registry.log"), "docker-registry to listen")
        self.host = "127.0.0.1:" + text

    @staticmethod
    def said(log):
        _, found, rest = log.read_text().partition("listening on 127.0.0.1:")
        return rest.split('"')[0] if found and '"' in rest else None

    def push(self, source, name):
        call(["skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", source, f"docker://{self.host}/{name}"])
        return f"{self.host}/{name}"

    def stop(self):
        end(self.process)


def wait_for(condition, what, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.02)
    raise Missing(f"waited {seconds} s for {what}")


def end(process):
    if process is None or process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Worker:
    """Starts programs and takes the time, in this process or in a private mount namespace of its own."""

    def __init__(self, private_cgroup2=False):
        self.process = None
        if private_cgroup2:
            # Only this worker sees the change; the hierarchies themselves stay as they are.
            script = ('umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$0" "$1" --worker')
            self.process = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, sys.executable,
                                             str(pathlib.Path(__file__).with_name("run.py"))],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def time(self, argv, env=None):
        """Milliseconds from before the spawn until it was reaped."""
        argv = [str(word) for word in argv]
        if self.process is None:
            return timed(argv, env)
        self.process.stdin.write(json.dumps([argv, env]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise Missing("the worker in the private mount namespace is gone")
        answer = json.loads(line)
        if isinstance(answer, str):
            raise Missing(answer)
        return answer

    def stop(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait(10)


def timed(argv, env=None):
    program = shutil.which(argv[0]) or argv[0]
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    complaints = os.memfd_create("stderr")
    actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, complaints, 2)]
    environment = {**os.environ, **(env or {})}
    begin = time.perf_counter_ns()
    pid = os.posix_spawn(program, argv, environment, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    took = (time.perf_counter_ns() - begin) / 1e6
    os.close(null)
    os.lseek(complaints, 0, os.SEEK_SET)
    said = os.read(complaints, 4000).decode(errors="replace").strip()
    os.close(complaints)
    if status != 0:
        raise Missing(f"{' '.join(argv[:3])} … ended with {os.waitstatus_to_exitcode(status)}: {said[-400:]}")
    return took


def work_loop():
    """The other end of Worker's pipe."""
    for line in sys.stdin:
        argv, env = json.loads(line)
        try:
            answer = timed(argv, env)
        except (Missing, OSError) as problem:
            answer = str(problem)
        print(json.dumps(answer), flush=True)


class Tank:
    name = "tank run"

    def __init__(self, work, image, build):
        self.work, self.image = work, image
        self.tank = build / "bin/tank"
        if not self.tank.exists():
            raise Missing(f"{self.tank} is not built")
        self.worker = Worker()
        self.where = ["--data-dir", work / "data", "--run-dir", image.state / work.name]
        self.manifest = work / "pod.yaml"
        self.write_manifest(["/bin/true"])
        self.worker.time([self.tank, "run", "-f", self.manifest, *self.where])  # pulls

    def write_manifest(self, command):
        self.manifest.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bench"},
            "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1,
                     "containers": [{"name": "c", "image": self.image.reference, "command": command}]}}))

    def run(self):
        return self.worker.time([self.tank, "run", "-f", self.manifest, *self.where])

    def stop(self):
        pass


class LowLevel:
    """crun and runc: an unpacked bundle, run as it is."""

    def __init__(self, program, work, image):
        self.program = need(program)
        self.worker = None
        work.mkdir()
        self.bundle = image.unpack(work / "bundle")
        self.state = image.state / work.name
        config_file = self.bundle / "config.json"
        config_file.unlink()
        call([self.program, "spec"], cwd=self.bundle)
        config = json.loads(config_file.read_text())
        config["process"].update(args=["/bin/true"], terminal=False, rlimits=[])
        config["root"] = {"path": "rootfs", "readonly": False}
        config_file.write_text(json.dumps(config))
        self.env = {}
        hybrid = not os.path.exists("/sys/fs/cgroup/cgroup.controllers")
        self.worker = Worker(private_cgroup2=hybrid and program == "crun")

    def run(self):
        return self.worker.time([self.program, "--root", self.state, "run", "--bundle", self.bundle, "bench"], self.env)

    def stop(self):
        if self.worker:
            self.worker.stop()


class Crun(LowLevel):
    name = "crun run"

    def __init__(self, work, image, build):
        super().__init__("crun", work, image)
        self.env = {"LD_PRELOAD": str(build / "bench/libbench_setrlimit.so")}
        # What the preload costs is measured, not guessed: without need for it there is none.
        try:
            self.worker.time([self.program, "--root", self.state, "run", "--bundle", self.bundle, "probe"], {})
            self.env = {}
        except Missing:
            pass


class Runc(LowLevel):
    name = "runc run"

    def __init__(self, work, image, build):
        super().__init__("runc", work, image)


class Podman:
    name = "podman run"

    def __init__(self, work, image, build):
        self.program = need("podman")
        need("conmon")
        work.mkdir()
        self.places = (str(work) + "/", str(image.state / work.name) + "/")
        settings = work / "containers.conf"
        settings.write_text('[containers]\ndefault_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]\npids_limit = 0\n'
                            '[engine]\nevents_logger = "none"\n[network]\n')
        policy = work / "policy.json"
        policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        self.policy = policy
        self.env = {"CONTAINERS_CONF": str(settings), "XDG_RUNTIME_DIR": str(work)}
        self.base = [self.program, "--root", work / "root", "--runroot", image.state / work.name / "run",
                     "--tmpdir", image.state / work.name / "tmp", "--runtime", "runc",
                     "--cgroup-manager", "cgroupfs", "--storage-driver", "overlay"]
        self.worker = Worker()
        self.worker.time([*self.base, "load", "--input", image.archive], self.env)

    def run(self):
        return self.worker.time([*self.base, "run", "--rm", "--network", "none", "localhost/busybox:1", "/bin/true"], self.env)

    def pull(self, reference):
        try:
            self.worker.time([*self.base, "rmi", "--force", reference], self.env)
        except Missing:
            pass  # not there yet
        return self.worker.time([*self.base, "pull", "--tls-verify=false", "--quiet", reference], self.env)

    def stop(self):
        subprocess.run([*map(str, self.base), "system", "reset", "--force"], env={**os.environ, **self.env},
                       stdin=subprocess.DEVNULL, capture_output=True)
        for line in reversed(pathlib.Path("/proc/self/mounts").read_text().splitlines()):
            point = line.split()[1]
            if point.startswith(self.places):
                subprocess.run(["umount", point])


class Containerd:
    name = "ctr run"

    def __init__(self, work, image, build):
        self.process = None
        work.mkdir()
        self.ctr = need("ctr")
        state = image.state / work.name
        state.mkdir()
        self.socket = state / "containerd.sock"
        config = work / "config.toml"
        config.write_text(f'version = 2\nroot = "{work}/root"\nstate = "{state}"\n'
                          'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
                          f'[grpc]\n  address = "{self.socket}"\n[ttrpc]\n  address = "{state}/ttrpc.sock"\n')
        log = open(work / "containerd.log", "w")
        self.process = subprocess.Popen([need("containerd"), "--config", config], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.worker = Worker()
        self.count = 0
        wait_for(self.answers, "containerd to answer")
        self.worker.time([self.ctr, "--address", self.socket, "images", "import", image.archive])

    def answers(self):
        return self.socket.exists() and subprocess.run([self.ctr, "--address", self.socket, "version"], stdin=subprocess.DEVNULL,
                                                       capture_output=True).returncode == 0

    def run(self):
        self.count += 1
        return self.worker.time([self.ctr, "--address", self.socket, "run", "--rm", "localhost/busybox:1", f"bench{self.count}",
                                 "/bin/true"])

    def pull(self, reference):
        try:
            self.worker.time([self.ctr, "--address", self.socket, "images", "rm", "--sync", reference])
        except Missing:
            pass  # not there yet
        return self.worker.time([self.ctr, "--address", self.socket, "images", "pull", "--plain-http", reference])

    def stop(self):
        end(self.process)
