#pragma once
/// Everything that a ranking rests on, in one ZIP: votes, ranking, the images that were compared, and of the LoRA files their
/// hashes and recipes.

#include <filesystem>

namespace ziplora::studio {

struct Studio;

/// @return the file, which the next call replaces
std::filesystem::path write_evidence(Studio& studio);

}  // namespace ziplora::studio
