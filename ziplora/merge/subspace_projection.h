#pragma once
/// The frame of `np` and `orthogonal`: one role is protected. What the other inputs do in its subspace is
/// removed before all are added exactly, layer by layer.

#include <vector>

#include "ziplora/merge/merge_method.h"
#include "ziplora/merge/subspace.h"

namespace ziplora {

struct ProjectionOptions {
  /// The others leave its subspace.
  Role protect = Role::kStyle;
  /// How many principal directions of a layer are protected; absent: all.
  std::optional<int64_t> directions = {};
};

/// The rows `protect` and `directions` of a method's table.
std::vector<MergeOption> projection_table();
ProjectionOptions projection_of(const nlohmann::json& options);

/// Several protected inputs protect the subspace of their sum. A layer that no protected input touches has
/// nothing to protect and is added as it is. `report.removed` tells the share of each other input's ‖ΔW‖²
/// that was removed.
/// @param share  how much of what lies in the protected subspace is removed from the others; 1: all of it
/// @throws Error(kUsage) unless some inputs have the protected role and others do not; one input alone is
///         fine
MergeResult merge_with_projection(const std::vector<MergeInput>& inputs, const ProjectionOptions& options,
                                  MergeContext& context, Side side, double share);

}  // namespace ziplora
