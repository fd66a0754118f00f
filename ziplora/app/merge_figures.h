#pragma once
/// What `analyze` found of a merge, as figures: its coefficients, and its inputs' columns before and after.
///
///     for (const auto& [name, svg] : figures_of(merge, names, order)) write_text_file(folder / name, svg);

#include <map>
#include <string>
#include <vector>

#include "ziplora/app/analyze_merge.h"

namespace ziplora {

/// By file name: "coefficients.svg", a histogram, and "coefficients-by-layer.svg", a map, where the merge has any; of each
/// two inputs "column-cosine-merged.svg" and "interference.svg", with numbers as figures_of(AnalyzeResult).
/// @param files  the names of the analyzed files
/// @param order  canonical targets in the network's order
std::map<std::string, std::string> figures_of(const AnalyzedMerge& merge,
                                              const std::vector<std::string>& files,
                                              const std::vector<std::string>& order);

}  // namespace ziplora
