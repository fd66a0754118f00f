#pragma once
/// Whether the strategy of a generate request fits its adapters, before any file is read.
///
///     check_strategy(request);
///     std::unique_ptr<Strategy> strategy = make_strategy(request.strategy, …);
///     heading += steers(request, set) ? ", " + request.strategy : "";

#include "ziplora/app/generate.h"

namespace ziplora {

/// Whether the set is drawn by the strategy: it wears several adapters, and the strategy is not plain merging.
bool steers(const GenerateRequest& request, const AdapterSet& set);

/// @throws Error(kUsage) for an unknown strategy or option, if no set wears several adapters, and if one does
///         but a role or guidance is missing that the strategy needs
void check_strategy(const GenerateRequest& request);

}  // namespace ziplora
