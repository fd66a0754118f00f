#pragma once
/// kohya's layout of training images: a folder of folders whose names begin with a number of repeats.
///
///     for (const auto& [folder, repeats] : repeat_folders("train_data/")) …   // train_data/10_dog, 2

#include <cstdint>
#include <filesystem>
#include <vector>

namespace ziplora {

struct RepeatFolder {
  std::filesystem::path folder;
  int64_t repeats;  ///< at least 1
};

/// @return the folders NUMBER_NAME inside `folder` in the order of names, their numbers without the divisor that
///         all share; none if `folder` holds an image itself, or no such folder
/// @throws Error(kInput) if it cannot be read, or a number is not from 1 to 10,000
std::vector<RepeatFolder> repeat_folders(const std::filesystem::path& folder);

}  // namespace ziplora
