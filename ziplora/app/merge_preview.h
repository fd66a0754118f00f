#pragma once
/// What a merge would do, without doing it: everything is checked and read that a merge checks and reads before it loads the
/// base.
///
///     const MergePreview preview = preview_merge(request, progress);
///     preview.learned();

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ziplora/app/merge.h"

namespace ziplora {

struct MergePreview {
  struct Input {
    std::filesystem::path file;
    Role role;
    double strength;
    std::vector<std::string> prompts;
    size_t layers;
    int64_t rank;  ///< the largest
    size_t alone;  ///< layers that no other input has
  };
  struct Layer {
    std::string name;
    std::vector<size_t> inputs;  ///< that have it, by their places
    bool is_learned;             ///< the method decides it on the base; else it is added by its factors alone
  };
  std::string method;  ///< "recipe" for one
  nlohmann::json options;
  bool needs_base;
  std::string architecture;
  std::vector<Input> inputs;
  std::vector<std::string> joint_prompts;  ///< also where the method makes no use of them
  std::vector<Layer> layers;

  size_t learned() const;
  /// Layers of more than one input.
  size_t shared() const;
};
nlohmann::ordered_json to_json(const MergePreview& preview);

/// @throws as run_merge
MergePreview preview_merge(const MergeRequest& request, ProgressSink& progress);

}  // namespace ziplora
