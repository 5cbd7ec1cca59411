#include <cstdio>
#include <cstring>

#include "probe.h"

namespace probe {
namespace {

struct Row {
  const char* name;
  int arguments;
  Verb verb;
  const char* help;
};

constexpr Row kVerbs[] = {
    {"report", 0, report, "[SECTION…]: what this process sees, as one JSON object"},
    {"exit", 1, exit_now, "CODE"},
    {"signal", 1, kill_self, "NUMBER: send it to myself"},
    {"sleep", 0, pause_forever, "wait for ever"},
    {"ignore", 1, ignore_signals, "NUMBER…: ignore these signals, go on"},
    {"await", 1, until_signal, "NUMBER: block it, say 'awaiting', wait for it, say 'got NUMBER', go on"},
    {"eat-memory", 1, eat_memory, "BYTES: touch that much, say 'ate BYTES', go on"},
    {"fork", 1, fork_many, "COUNT: that many sleeping children; say 'forked N of COUNT: WHY', end them, go on"},
    {"burn-cpu", 1, burn_cpu, "MILLISECONDS of processor time; say how long it took, go on"},
    {"orphan", 0, make_orphan, "leave a grandchild behind that ends at once; say its pid, go on"},
    {"write", 2, write_file, "FILE TEXT, go on; 1 when it fails"},
    {"read", 1, read_file, "FILE to standard output, go on; 1 when it fails"},
    {"print", 1, print_out, "TEXT and a newline to standard output, go on"},
    {"print-err", 1, print_err, "TEXT and a newline to standard error, go on"},
    {"cat", 0, copy_stdin, "standard input to standard output until its end, go on"},
    {"tty", 0, report_tty, "which of 0, 1, 2 is a terminal, its size and whether it controls me, as JSON"},
    {"open", 2, try_open, "PATH r|w|rw: say 'ok' or the errno's name, go on"},
    {"mknod", 4, try_mknod, "PATH b|c MAJOR MINOR: make and open it; say 'ok' or 'mknod|open ERRNO', go on"},
    {"listen", 2, listen_once, "ADDRESS PORT: say 'listening PORT', take one connection, echo its line, go on"},
    {"connect", 3, connect_once, "ADDRESS PORT TEXT: send a line, print the answer, go on; 1 when it fails"},
};

int usage() {
  std::fprintf(stderr, "usage: probe [VERB [ARGUMENT…] [then VERB …]]\n");
  for (const Row& row : kVerbs) std::fprintf(stderr, "  %-12s %s\n", row.name, row.help);
  return 64;
}

int run_one(char** words, int count) {
  for (const Row& row : kVerbs) {
    if (std::strcmp(row.name, words[0]) != 0) continue;
    const Arguments arguments{count - 1, words + 1};
    return arguments.count < row.arguments ? usage() : row.verb(arguments);
  }
  return usage();
}

int run_all(char** words, int count) {
  int from = 0;
  for (int at = 0; at <= count; ++at) {
    if (at < count && std::strcmp(words[at], "then") != 0) continue;
    if (at == from) return usage();
    const int status = run_one(words + from, at - from);
    if (status != 0) return status;
    from = at + 1;
  }
  return 0;
}

}  // namespace
}  // namespace probe

int main(int argc, char** argv) {
  if (argc < 2) return probe::report(probe::Arguments{});
  return probe::run_all(argv + 1, argc - 1);
}
