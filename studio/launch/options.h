#pragma once
/// What `ziplora studio` hands to the server, and where the server keeps its data.

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace ziplora::studio {

struct StudioOptions {
  /// The program whose verbs are the jobs: `ziplora`.
  std::filesystem::path program;
  std::filesystem::path data;
  /// An address of this machine. Other than loopback, it needs a token.
  std::string listen = "127.0.0.1";
  /// 0: 7425, or any free one if that is taken.
  int port = 0;
  /// Empty: a random one for this run, which the page carries. Given: who opens the page must bring it.
  std::string token;
  /// What every verb gets as its base unless a job names one; empty: the miniature.
  std::string base;
  uint64_t largest_upload_bytes = uint64_t{16} << 30;
  bool open_browser = true;
  bool json = false;

  bool is_open_to_others() const { return !token.empty(); }
};

nlohmann::json to_json(const StudioOptions& options);
/// @throws nlohmann::json::exception if `json` is not what to_json() wrote
StudioOptions options_from_json(const nlohmann::json& json);

/// $XDG_DATA_HOME/ziplora/studio, or the same below ~/.local/share.
/// @throws Error(kUsage) if neither is set
std::filesystem::path default_data_folder();

}  // namespace ziplora::studio
