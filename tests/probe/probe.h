// The probe: a static program that runs as a container's command, does one small thing after the other and says what
// it sees. `probe` alone reports; `probe VERB ARGS… then VERB ARGS…` does several in turn and stops at the first that
// ends it. main.cc has the table of verbs.
#pragma once

#include <string>

namespace probe {

// The arguments of one verb. `count` holds as many as the table promises at least.
struct Arguments {
  int count = 0;
  char** values = nullptr;
  const char* at(int index) const { return index < count ? values[index] : ""; }
};

// A verb returns 0 to go on, otherwise the exit status.
using Verb = int (*)(const Arguments&);

int report(const Arguments&);

int exit_now(const Arguments&);
int kill_self(const Arguments&);
int pause_forever(const Arguments&);
int ignore_signals(const Arguments&);
int until_signal(const Arguments&);
int eat_memory(const Arguments&);
int fork_many(const Arguments&);
int burn_cpu(const Arguments&);
int make_orphan(const Arguments&);
int write_file(const Arguments&);
int read_file(const Arguments&);
int print_out(const Arguments&);
int print_err(const Arguments&);
int copy_stdin(const Arguments&);
int report_tty(const Arguments&);
int try_open(const Arguments&);
int try_mknod(const Arguments&);
int listen_once(const Arguments&);
int connect_once(const Arguments&);

// What a whole small file holds; empty when it cannot be read.
std::string content_of(const std::string& path);
void say(int fd, const std::string& text);

}  // namespace probe
