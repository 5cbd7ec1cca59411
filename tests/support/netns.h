// Network namespaces for tests: make one, run a command in one, talk between two. A namespace lives as long as its
// descriptor (and what runs in it), so nothing has to be removed.
#pragma once

#include <string>
#include <vector>

#include "sys/fd.h"
#include "tank/result.h"
#include "tank/units.h"

namespace tank::test {

/// A fresh network namespace, empty but for a loopback interface that is down.
Result<sys::NetnsFd> make_netns();

/// Runs a program (looked up in PATH) with `netns` as its network namespace and gives its standard output. A program
/// that does not exit with 0 is an error that quotes it.
Result<std::string> run_in(const sys::NetnsFd& netns, const std::vector<std::string>& command);
/// The same in the calling thread's namespace.
Result<std::string> run(const std::vector<std::string>& command);

/// Opens a TCP connection from one namespace to an address of another and sends a few bytes there and back. Fails when
/// that takes longer than ten seconds.
Result<> talk(const sys::NetnsFd& client, const sys::NetnsFd& server, const IpAddress& server_address);

}  // namespace tank::test
