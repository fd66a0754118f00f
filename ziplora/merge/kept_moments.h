#pragma once
/// What contexts recorded, kept in a sealed safetensors file for the next merge: recording takes nearly all of a closed
/// form's time, and does not depend on the joint prompt's weight or the ridge.
///
///     KeptMoments kept("dog-in-ink.contexts.safetensors");   // reads it, if it is there
///     if (auto moments = kept.find(settings)) …              // recorded under the same settings
///     kept.put(settings, record_moments(…));
///     kept.write(progress);                                  // what this merge used, and nothing else

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "ziplora/base/progress.h"
#include "ziplora/merge/context_moments.h"

namespace ziplora {

class KeptMoments {
 public:
  /// @throws Error(kInput) if the file is something else, or is not as it was written
  explicit KeptMoments(std::filesystem::path path);

  /// @param settings  everything that the moments depend on
  std::optional<ContextMoments> find(const nlohmann::json& settings);
  void put(const nlohmann::json& settings, const ContextMoments& moments);

  /// A file that cannot be written is a warning: the merge itself needs none.
  void write(ProgressSink& progress) const;

 private:
  std::filesystem::path path_;
  std::map<std::string, ContextMoments> by_settings_;
  std::set<std::string> used_;
  bool changed_ = false;
};

}  // namespace ziplora
