// Collects everything that is wrong with a file, and the places it is wrong at. Reading goes on after each finding.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "spec/document.h"
#include "tank/manifest.h"
#include "tank/result.h"

namespace tank::spec {

class Findings {
 public:
  /// A hostile file must not turn eight megabytes into gigabytes of complaints.
  static constexpr std::size_t kMaxShown = 1000;

  explicit Findings(std::string_view file) : file_(file) {}

  void error(Position position, std::string path, std::string rule) {
    add(errors_, position, std::move(path), std::move(rule));
  }
  void warning(Position position, std::string path, std::string rule) {
    add(warnings_, position, std::move(path), std::move(rule));
  }
  bool has_errors() const { return !errors_.empty(); }
  std::size_t error_count() const { return errors_.size(); }

  /// In file order; what exceeds kMaxShown is summed up in a last finding.
  std::vector<Finding> take_errors() { return take(errors_); }
  std::vector<Finding> take_warnings() { return take(warnings_); }

 private:
  void add(std::vector<Finding>& list, Position position, std::string path, std::string rule) const;
  static std::vector<Finding> take(std::vector<Finding>& list);

  std::string file_;
  std::vector<Finding> errors_;
  std::vector<Finding> warnings_;
};

/// A spot in a manifest that something can be said about, also after its value was read. Findings must outlive it.
class Place {
 public:
  Place() = default;
  Place(Findings& findings, Position position, std::string path)
      : findings_(&findings), position_(position), path_(std::move(path)) {}

  template <typename... Parts>
  void refuse(const Parts&... rule) const {
    findings_->error(position_, path_, concat(rule...));
  }
  template <typename... Parts>
  void warn(const Parts&... rule) const {
    findings_->warning(position_, path_, concat(rule...));
  }

  Findings& findings() const { return *findings_; }
  Position position() const { return position_; }
  const std::string& path() const { return path_; }

 private:
  Findings* findings_ = nullptr;
  Position position_;
  std::string path_;
};

}  // namespace tank::spec
