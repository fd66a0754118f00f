#pragma once
/// What `analyze` found of effects, as figures by layer.
///
///     for (const auto& [name, svg] : figures_of(effects, names, order)) write_text_file(folder / name, svg);

#include <map>
#include <string>
#include <vector>

#include "ziplora/app/analyze_effects.h"

namespace ziplora {

/// By file name: "effect-kept.svg", under the joint prompt, and "effect-size.svg", of each adapter under its own prompt and the
/// joint one. Empty without a joint prompt.
/// @param files  the names of the analyzed files
/// @param order  canonical targets in the network's order
std::map<std::string, std::string> figures_of(const std::vector<ContextEffects>& effects,
                                              const std::vector<std::string>& files,
                                              const std::vector<std::string>& order);

}  // namespace ziplora
