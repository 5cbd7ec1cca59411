// Runs a seccomp filter on a made-up system call, as the kernel would, so that tests can ask any program any question.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace tank::oci {

struct MadeUpCall {
  std::uint32_t architecture = 0;
  std::uint32_t number = 0;
  std::array<std::uint64_t, 6> args{};
};

/// The filter's answer. Throws when the program does what the kernel would refuse: an unknown instruction, a jump or a
/// load out of bounds, no return.
inline std::uint32_t run_filter(const std::vector<std::uint8_t>& program, const MadeUpCall& call) {
  seccomp_data data{};
  data.nr = static_cast<int>(call.number);
  data.arch = call.architecture;
  std::memcpy(data.args, call.args.data(), sizeof data.args);
  std::vector<sock_filter> code(program.size() / sizeof(sock_filter));
  std::memcpy(code.data(), program.data(), program.size());
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < code.size(); ++at) {
    const sock_filter& step = code[at];
    const auto jump = [&](bool taken) { at += taken ? step.jt : step.jf; };
    switch (step.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        if (step.k % 4 != 0 || step.k + 4 > sizeof data) throw std::runtime_error("load out of bounds");
        std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + step.k, 4);
        break;
      case BPF_ALU | BPF_AND | BPF_K: accumulator &= step.k; break;
      case BPF_JMP | BPF_JA: at += step.k; break;
      case BPF_JMP | BPF_JEQ | BPF_K: jump(accumulator == step.k); break;
      case BPF_JMP | BPF_JGT | BPF_K: jump(accumulator > step.k); break;
      case BPF_JMP | BPF_JGE | BPF_K: jump(accumulator >= step.k); break;
      case BPF_RET | BPF_K: return step.k;
      default: throw std::runtime_error("unknown instruction");
    }
  }
  throw std::runtime_error("fell off the end");
}

}  // namespace tank::oci
