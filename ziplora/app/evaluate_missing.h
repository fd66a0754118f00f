#pragma once
/// Says what a gathering did not find.
///
///     require_complete(result);   // after its tables are written and shown

#include <nlohmann/json.hpp>

#include "ziplora/app/evaluate.h"

namespace ziplora {

/// Subject, style, contender, whether the merge is missing, and how many images.
nlohmann::json to_json(const MissingWork& missing, const EvaluateResult& result);

/// @throws Error(kFailed) naming pairs and contenders, if something is missing: what waits for the tables must see that
///         they are not of all
void require_complete(const EvaluateResult& result);

}  // namespace ziplora
