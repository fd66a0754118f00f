#pragma once
/// What `analyze` found, as figures: those of ZipLoRA's section 4.1 and what goes with them.
///
///     for (const auto& [name, svg] : figures_of(result)) write_text_file(folder / name, svg);

#include <map>
#include <string>

#include "ziplora/app/analyze.h"

namespace ziplora {

/// By file name: "sparsity.svg"; of each pair "column-cosine.svg" and "conflict.svg", with the files' numbers if there are
/// several pairs ("column-cosine-1-3.svg"); and those of a merge (merge_figures.h,
/// effect_figures.h) and of a course (learning_course.h).
std::map<std::string, std::string> figures_of(const AnalyzeResult& result);

}  // namespace ziplora
