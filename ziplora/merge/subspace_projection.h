#pragma once
/// The frame of `np` and `orthogonal`: one role is protected, and what the other inputs do in its subspace is
/// removed before all are added exactly, layer by layer.

#include <vector>

#include "ziplora/merge/merge_method.h"
#include "ziplora/merge/subspace.h"

namespace ziplora {

/// `protect` and `directions`
std::vector<MergeOption> projection_options();

/// Several protected inputs protect the subspace of their weighted sum. A layer that the protected ones lack
/// has nothing to protect and is added as it is. `report.removed` is the share of each other input's ‖ΔW‖²
/// that is gone.
/// @param share  of what lies in the protected subspace, removed from the others; 1: all of it
/// @throws Error(kUsage) if there is an input of the protected role and no other, or none of it
MergeResult merge_with_projection(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                                  MergeContext& context, Side side, double share);

}  // namespace ziplora
