#pragma once
/// The adapter files of a generate request. Each is read once, however many sets contain it, and has a
/// strength in every set.
///
///     RequestAdapters adapters(request, names, progress);
///     AttachedAdapters attached(base->components(), adapters.pointers());
///     row.adapter_weights = adapters.weights(set_index);

#include <memory>
#include <vector>

#include "ziplora/app/generate.h"
#include "ziplora/lora/adapter.h"
#include "ziplora/lora/adapter_file.h"
#include "ziplora/strategy/strategy.h"

namespace ziplora {

/// The distinct ones, in the order in which the request names them.
std::vector<std::filesystem::path> adapter_files(const GenerateRequest& request);

class RequestAdapters {
 public:
  /// The factors already contain the request's style strength.
  /// @throws Error as read_adapter; Error(kUsage, kIncompatible) if there is a style strength but no side that
  ///         it could weigh
  RequestAdapters(const GenerateRequest& request, const TargetNames& names, ProgressSink& progress);

  const std::vector<std::filesystem::path>& files() const { return files_; }
  bool empty() const { return adapters_.empty(); }
  std::vector<const Adapter*> pointers() const;
  /// As pointers(), each with the role that the request gives its file.
  std::vector<StrategyInput> strategy_inputs() const;
  /// One strength per file.
  const std::vector<double>& weights(size_t set) const { return weights_[set]; }

 private:
  std::vector<std::filesystem::path> files_;
  std::vector<Role> roles_;
  std::vector<std::unique_ptr<Adapter>> adapters_;
  std::vector<std::vector<double>> weights_;
};

}  // namespace ziplora
