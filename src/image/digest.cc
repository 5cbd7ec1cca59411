// The low-level SHA functions of libcrypto are used on purpose: the EVP interface fetches its algorithms from providers
// at run time, which links most of the library and costs milliseconds at the first call. These use the same assembly.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "image/digest.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "image/harmless.h"

namespace tank::image {

std::string_view Digest::algorithm_name() const { return algorithm_ == Algorithm::sha256 ? "sha256" : "sha512"; }

std::string to_string(const Digest& digest) { return concat(digest.algorithm_name(), ":", digest.hex()); }

Result<Digest> parse_digest(std::string_view text) {
  static constexpr std::string_view kSha256 = "sha256:";
  static constexpr std::string_view kSha512 = "sha512:";
  const bool is_256 = text.substr(0, kSha256.size()) == kSha256;
  const bool is_512 = text.substr(0, kSha512.size()) == kSha512;
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  const std::string_view hex = is_256 || is_512 ? text.substr(kSha256.size()) : std::string_view();
  if (hex.size() != (is_256 ? 64U : 128U) || !std::all_of(hex.begin(), hex.end(), is_hex)) {
    return error(Kind::invalid, "'", harmless(text),
                 "' is not a digest (sha256: and 64, or sha512: and 128 lower-case hexadecimal digits)");
  }
  return Digest(is_256 ? Digest::Algorithm::sha256 : Digest::Algorithm::sha512, std::string(hex));
}

struct Hasher::State {
  Digest::Algorithm algorithm;
  union {
    SHA256_CTX sha256;
    SHA512_CTX sha512;
  };

  void start() {
    if (algorithm == Digest::Algorithm::sha256) {
      SHA256_Init(&sha256);
    } else {
      SHA512_Init(&sha512);
    }
  }
};

Hasher::Hasher(Digest::Algorithm algorithm) : state_(std::make_unique<State>()) {
  state_->algorithm = algorithm;
  state_->start();
}

Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::update(std::string_view bytes) {
  if (state_->algorithm == Digest::Algorithm::sha256) {
    SHA256_Update(&state_->sha256, bytes.data(), bytes.size());
  } else {
    SHA512_Update(&state_->sha512, bytes.data(), bytes.size());
  }
}

Digest Hasher::finish() {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<unsigned char, SHA512_DIGEST_LENGTH> raw{};
  std::size_t size = SHA512_DIGEST_LENGTH;
  if (state_->algorithm == Digest::Algorithm::sha256) {
    size = SHA256_DIGEST_LENGTH;
    SHA256_Final(raw.data(), &state_->sha256);
  } else {
    SHA512_Final(raw.data(), &state_->sha512);
  }
  std::string hex;
  hex.reserve(size * 2);
  for (std::size_t i = 0; i < size; ++i) {
    hex += kDigits[raw[i] >> 4U];
    hex += kDigits[raw[i] & 15U];
  }
  state_->start();
  return Digest(state_->algorithm, std::move(hex));
}

Digest digest_of(std::string_view bytes, Digest::Algorithm algorithm) {
  Hasher hasher(algorithm);
  hasher.update(bytes);
  return hasher.finish();
}

}  // namespace tank::image
