#pragma once
/// What lowering ranks cost, layer by layer, for people: the layers that lost most.

#include <nlohmann/json.hpp>
#include <string>

namespace ziplora::cli {

/// @param report  with "relative_error" and "per_layer": [{"layer", "rank", "norm", "relative_error"}], and
///                "rank_before" in each where there was one
std::string layer_error_table(const nlohmann::json& report);

}  // namespace ziplora::cli
