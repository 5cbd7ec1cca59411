// Digests: the names of content (OCI image-spec, descriptor.md, "Digests"). A Digest exists only in its strict form, so
// its hex part is safe as the one path component that outsiders may choose.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tank/result.h"

namespace tank::image {

class Digest {
 public:
  enum class Algorithm : std::uint8_t { sha256, sha512 };

  Algorithm algorithm() const { return algorithm_; }
  /// "sha256" or "sha512".
  std::string_view algorithm_name() const;
  /// Lower-case hexadecimal digits, 64 or 128 of them.
  const std::string& hex() const { return hex_; }
  auto operator<=>(const Digest&) const = default;

 private:
  friend Result<Digest> parse_digest(std::string_view text);
  friend class Hasher;
  Digest(Algorithm algorithm, std::string hex) : algorithm_(algorithm), hex_(std::move(hex)) {}
  Algorithm algorithm_;
  std::string hex_;
};

/// "sha256:" and 64, or "sha512:" and 128 lower-case hexadecimal digits; nothing else. Error kind: invalid.
Result<Digest> parse_digest(std::string_view text);
std::string to_string(const Digest& digest);

/// Digests bytes as they pass.
class Hasher {
 public:
  explicit Hasher(Digest::Algorithm algorithm);
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;

  void update(std::string_view bytes);
  /// The digest of all bytes so far. The hasher starts anew.
  Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Digest digest_of(std::string_view bytes, Digest::Algorithm algorithm = Digest::Algorithm::sha256);

}  // namespace tank::image
