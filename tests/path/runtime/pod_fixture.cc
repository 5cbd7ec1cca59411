#include "pod_fixture.h"

#include <filesystem>
#include <fstream>

namespace tank::test {

namespace fs = std::filesystem;

PodTest::PodTest() {
  const fs::path root = disk_ / "root";
  for (const char* name : {"bin", "etc", "tmp", "proc", "sys", "dev"}) fs::create_directories(root / name);
  fs::copy_file("/bin/busybox", root / "bin/busybox");
  fs::copy_file(probe_program(), root / "bin/probe");
  for (const char* name :
       {"sh",   "true", "false", "cat",   "echo",  "sleep", "id", "env", "ls",  "stty", "tty", "hostname",
        "kill", "head", "wc",    "touch", "mkdir", "dd",    "ip", "nc",  "pwd", "test", "seq", "yes"}) {
    fs::create_symlink("busybox", root / "bin" / name);
  }
  write("root/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nweb:x:101:102:web:/srv:/bin/sh\n");
  write("root/etc/group", "root:x:0:\nweb:x:102:\nlogs:x:103:web\n");
  // The places of all pods stay; what one pod puts there must go.
  fs::create_directories(fs::path(data_dir()) / "pods");
  fs::create_directories(fs::path(run_dir()) / "pods");
}

std::string PodTest::write(const std::string& name, const std::string& text) const {
  const fs::path path = disk_ / name;
  std::ofstream(path) << text;
  return path;
}

std::string PodTest::manifest(const std::string& command, const std::string& container_lines,
                              const std::string& spec_lines) const {
  return "apiVersion: v1\nkind: Pod\nmetadata: {name: test}\nspec:\n  restartPolicy: Never\n" + spec_lines +
         "  containers:\n  - name: main\n    image: " + image() + "\n    command: " + command + "\n" + container_lines;
}

Command PodTest::tank(const std::string& verb, const std::vector<std::string>& arguments) const {
  Command command;
  command.argv = {tank_program(), verb, "--data-dir", data_dir(), "--run-dir", run_dir()};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  return command;
}

Outcome PodTest::run_manifest(const std::string& text, const std::vector<std::string>& more) const {
  std::vector<std::string> arguments{"-f", write("pod.yaml", text)};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run(tank("run", arguments));
}

std::vector<std::filesystem::path> PodTest::trees() const {
  return {fs::path(run_dir()) / "pods", fs::path(data_dir()) / "pods"};
}

void PodTest::expect_unchanged(const HostSnapshot& before) const {
  for (const std::string& line : lasting_differences(before, trees())) ADD_FAILURE() << line;
}

}  // namespace tank::test
