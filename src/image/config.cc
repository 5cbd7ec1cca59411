#include "image/config.h"

#include <algorithm>

#include "image/digest.h"
#include "image/harmless.h"
#include "image/json.h"
#include "image/manifest.h"

namespace tank::image {

namespace {

Result<std::string> clean_string(const boost::json::object& object, std::string_view key) {
  std::string text = TRY(json::string(object, key));
  if (text.find('\0') != std::string::npos) return error(Kind::corrupt, "'", key, "' has a NUL byte");
  return text;
}

Result<std::vector<std::string>> clean_strings(const boost::json::object& object, std::string_view key) {
  std::vector<std::string> list = TRY(json::strings(object, key));
  for (const std::string& text : list) {
    if (text.find('\0') != std::string::npos) return error(Kind::corrupt, "'", key, "' has a NUL byte");
  }
  return list;
}

Result<> parse_run_settings(const boost::json::object& object, ImageConfig& config) {
  config.user = TRY(clean_string(object, "User"));
  config.env = TRY(clean_strings(object, "Env"));
  config.entrypoint = TRY(clean_strings(object, "Entrypoint"));
  config.cmd = TRY(clean_strings(object, "Cmd"));
  config.working_dir = TRY(clean_string(object, "WorkingDir"));
  config.stop_signal = TRY(clean_string(object, "StopSignal"));
  const boost::json::object* labels = TRY(json::object(object, "Labels"));
  if (labels != nullptr) {
    for (const auto& [key, value] : *labels) {
      std::string text = TRY(clean_string(*labels, key));
      config.labels.emplace(std::string(key), std::move(text));
    }
  }
  const boost::json::object* volumes = TRY(json::object(object, "Volumes"));
  if (volumes != nullptr) {
    for (const auto& [path, nothing] : *volumes) config.volumes.emplace_back(path);
    std::sort(config.volumes.begin(), config.volumes.end());
  }
  return {};
}

Result<> parse_rootfs(const boost::json::object& object, ImageConfig& config) {
  const boost::json::object* rootfs = TRY(json::object(object, "rootfs"));
  if (rootfs == nullptr) return error(Kind::corrupt, "it has no rootfs");
  const std::string type = TRY(json::string(*rootfs, "type"));
  if (type != "layers") return error(Kind::corrupt, "rootfs.type is not 'layers'");
  config.diff_ids = TRY(json::strings(*rootfs, "diff_ids"));
  for (const std::string& text : config.diff_ids) {
    const Result<Digest> digest = parse_digest(text);
    if (!digest) return error(Kind::corrupt, "rootfs.diff_ids: ", digest.error().sentence());
    if (digest->algorithm() != Digest::Algorithm::sha256) {
      return error(Kind::unsupported, "rootfs.diff_ids has a digest other than sha256");
    }
  }
  return {};
}

}  // namespace

Result<ImageConfig> parse_image_config(std::string_view bytes) {
  if (bytes.size() > kMaxConfig) return error(Kind::corrupt, "it is larger than ", kMaxConfig, " bytes");
  const boost::json::object object = TRY(json::parse_object(bytes));
  ImageConfig config;
  config.os = TRY(clean_string(object, "os"));
  config.architecture = TRY(clean_string(object, "architecture"));
  config.variant = TRY(clean_string(object, "variant"));
  const boost::json::object* settings = TRY(json::object(object, "config"));
  if (settings != nullptr) TRY(parse_run_settings(*settings, config).while_doing("config"));
  TRY(parse_rootfs(object, config));
  return config;
}

Result<> check_platform(const ImageConfig& config, const Platform& host) {
  const Platform own{config.os, config.architecture, config.variant};
  if (match_platform(own, host)) return {};
  return error(Kind::unsupported, "the image is for ", harmless(to_string(own), 100), ", this machine is ",
               to_string(host));
}

}  // namespace tank::image
